/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2m over the real stage2.c, walker and allocator, on 64 MiB of fake RAM: what it
 * refuses, what it cleans, copies through windows, and that teardown in steps gives
 * every frame back, scrubbed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/mmu.h>
#include <asm/features.h>
#include <corbel/bits.h>
#include <corbel/p2m.h>
#include <corbel/page.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_stage2.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE (64 * SZ_1M)
#define GUEST    0x40000000ull

static void *books;
static struct p2m p2m;
static u64 frames;

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    fake_features.pa_range = 5;
    fake_features.vmid16 = true;
    books = fake_frames_init(RAM_BASE, RAM_SIZE);
    if (!books)
        return -1;
    frames = page_free_count();
    return p2m_init(&p2m, 3, 40, 12);
}

static u32 destroy(void)
{
    u32 steps = 1;

    while (p2m_destroy_step(&p2m) == ERR_AGAIN)
        steps++;
    return steps;
}

static int teardown(void **state)
{
    (void)state;
    destroy();
    assert_int_equal(page_free_count(), frames); /* no frame lost */
    assert_int_equal(heap_pages_used(), 0);
    assert_int_equal(fake_windows, 0);
    assert_false(spin_is_locked(&p2m.lock));
    free(books);
    fake_ram_exit();
    return 0;
}

static pa_t add_bank(u64 ipa, u64 size)
{
    struct p2m_bank bank = { .ipa = IPA(ipa), .size = size };

    assert_int_equal(page_alloc_range(size, SZ_2M, &bank.pa), CORBEL_OK);
    assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
    return bank.pa;
}

static void test_init(void **state)
{
    struct p2m other;
    u64 before = page_free_count();

    assert_true(IS_ALIGNED(virt_to_phys(p2m.s2.root).v, 2 * SZ_4K));
    assert_int_equal(heap_pages_used(), 2 + 12); /* root, pool */
    assert_int_equal(p2m_init(&other, 1, 49, 4), ERR_RANGE);
    assert_int_equal(p2m_init(&other, 1, 31, 4), ERR_RANGE);
    fake_features.vmid16 = false;
    assert_int_equal(p2m_init(&other, 256, 40, 4), ERR_RANGE);
    assert_int_equal(p2m_init(&other, 1, 40, RAM_SIZE / PAGE_SIZE), ERR_NOMEM);
    fake_heap_fail_at = 0;
    assert_int_equal(p2m_init(&other, 1, 40, 4), ERR_NOMEM);
    assert_int_equal(page_free_count(), before);
    assert_int_equal(p2m_destroy_step(&other), CORBEL_OK); /* nothing there, nothing to do */
    /* From 65 pages on the pool's map has a page of its own. */
    for (u32 pages = 64; pages <= 65; pages++) {
        assert_int_equal(p2m_init(&other, 1, 39, pages), CORBEL_OK);
        assert_int_equal(heap_pages_used(), 2 + 12 + 1 + pages + (pages > 64));
        assert_int_equal(p2m_destroy_step(&other), CORBEL_OK);
        assert_int_equal(page_free_count(), before);
    }
}

static void test_map_refusals(void **state)
{
    struct stage2_map out;

    assert_int_equal(p2m_map(&p2m, IPA(0x1000), PA(0x9000000), 0, S2_MMIO), ERR_INVAL);
    assert_int_equal(p2m_map(&p2m, IPA(0x1800), PA(0x9000000), SZ_4K, S2_MMIO), ERR_INVAL);
    assert_int_equal(p2m_map(&p2m, IPA(0x1000), PA(0x9000001), SZ_4K, S2_MMIO), ERR_INVAL);
    assert_int_equal(p2m_map(&p2m, IPA(BIT(40)), PA(0), SZ_4K, S2_MMIO), ERR_RANGE);
    assert_int_equal(p2m_map(&p2m, IPA(0), PA(BIT(48)), SZ_4K, S2_MMIO), ERR_RANGE);
    assert_int_equal(p2m_map(&p2m, IPA(~0xfffull), PA(0), SZ_4K, S2_MMIO), ERR_RANGE);
    assert_int_equal(p2m_map(&p2m, IPA(0), PA(0), ~0xfffull, S2_MMIO), ERR_RANGE);
    assert_int_equal(p2m_map(&p2m, IPA(0x9000000), PA(0x9000000), SZ_4K, S2_MMIO), CORBEL_OK);
    assert_int_equal(p2m_map(&p2m, IPA(0x9000000), PA(0x9000000), SZ_4K, S2_MMIO), ERR_EXIST);
    assert_int_equal(p2m_map(&p2m, IPA(0x8fff000), PA(0x9000000), 3 * SZ_4K, S2_GIC), ERR_EXIST);
    assert_int_equal(p2m_lookup(&p2m, IPA(0x8fff000), &out), ERR_NOENT);
    assert_int_equal(p2m_lookup(&p2m, IPA(0x9000123), &out), CORBEL_OK);
    assert_int_equal(out.attr.cls, S2_MMIO);
    assert_int_equal(out.attr.memattr, S2_ATTR_GRE);
}

/* Pool empty: an error, nothing half-mapped. */
static void test_pool_runs_out(void **state)
{
    struct stage2_map out;
    u32 used;

    assert_int_equal(p2m_map(&p2m, IPA(SZ_4K), PA(0), SZ_4K, S2_MMIO), CORBEL_OK);
    used = p2m.pool.used;
    assert_int_equal(used, 2);
    assert_int_equal(p2m_map(&p2m, IPA(SZ_1G), PA(SZ_4K), 24 * SZ_1M, S2_MMIO), ERR_NOMEM);
    assert_int_equal(p2m.pool.used, used);
    assert_int_equal(p2m.pool.peak, p2m.pool.pages);
    assert_int_equal(p2m_lookup(&p2m, IPA(SZ_1G), &out), ERR_NOENT);
    assert_int_equal(p2m_unmap(&p2m, IPA(0), SZ_1G), CORBEL_OK);
    assert_int_equal(p2m.pool.used, 0);
}

static void test_unmap_cleans_what_was_cached(void **state)
{
    struct stage2_map out;

    add_bank(GUEST, 8 * SZ_1M);
    assert_int_equal(p2m_map(&p2m, IPA(GUEST + 8 * SZ_1M), PA(0x9000000), SZ_2M, S2_MMIO),
                     CORBEL_OK);
    fake_cleaned = 0;
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST + SZ_2M + SZ_4K), 8 * SZ_1M), CORBEL_OK);
    assert_int_equal(fake_cleaned, 6 * SZ_1M - SZ_4K); /* the RAM part, not the device */
    assert_int_equal(p2m_lookup(&p2m, IPA(GUEST + SZ_2M), &out), CORBEL_OK);
    assert_int_equal(p2m_lookup(&p2m, IPA(GUEST + SZ_2M + SZ_4K), &out), ERR_NOENT);
    assert_int_equal(p2m_lookup(&p2m, IPA(GUEST + 10 * SZ_1M), &out), ERR_NOENT);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), 16 * SZ_1M), CORBEL_OK);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), 16 * SZ_1M), CORBEL_OK); /* holes are fine */
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), 0), ERR_INVAL);
    assert_int_equal(p2m_unmap(&p2m, IPA(BIT(40)), SZ_4K), ERR_RANGE);
    assert_int_equal(p2m.pool.used, 0);
}

static void test_unmap_without_pages_changes_nothing(void **state)
{
    struct stage2_map out;

    add_bank(GUEST, 4 * SZ_1M);
    /* Eat the pool: each of these takes a table of its own. */
    for (u64 i = 0; p2m.pool.used < p2m.pool.pages; i++)
        assert_int_equal(p2m_map(&p2m, IPA(GUEST + (8 + 2 * i) * SZ_1M), PA(0), SZ_4K, S2_MMIO),
                         CORBEL_OK);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST + SZ_4K), SZ_2M), ERR_NOMEM);
    for (u64 ipa = GUEST; ipa < GUEST + 4 * SZ_1M; ipa += SZ_4K)
        assert_int_equal(p2m_lookup(&p2m, IPA(ipa), &out), CORBEL_OK);
    assert_int_equal(p2m_unmap(&p2m, IPA(GUEST), SZ_2M), CORBEL_OK); /* a whole block needs none */
}

static void test_ram(void **state)
{
    struct p2m_bank overlap = { .ipa = IPA(GUEST + SZ_1M), .pa = PA(RAM_BASE), .size = SZ_2M };
    pa_t first, second, pa;
    u64 run;

    second = add_bank(GUEST + 4 * SZ_1M, 2 * SZ_1M);
    first = add_bank(GUEST, 4 * SZ_1M);
    assert_int_equal(p2m.bank_count, 2);
    assert_int_equal(p2m.banks[0].ipa.v, GUEST); /* in order */
    assert_int_equal(p2m.ram_size, 6 * SZ_1M);
    assert_int_equal(p2m_add_ram(&p2m, &overlap), ERR_EXIST);
    assert_int_equal(p2m.bank_count, 2);
    assert_int_equal(p2m_ram_at(&p2m, IPA(GUEST + 0x1234), &pa, &run), CORBEL_OK);
    assert_int_equal(pa.v, first.v + 0x1234);
    assert_int_equal(run, 4 * SZ_1M - 0x1234);
    assert_int_equal(p2m_ram_at(&p2m, IPA(GUEST + 5 * SZ_1M), &pa, &run), CORBEL_OK);
    assert_int_equal(pa.v, second.v + SZ_1M);
    assert_int_equal(p2m_ram_at(&p2m, IPA(GUEST + 6 * SZ_1M), &pa, &run), ERR_NOENT);
    assert_int_equal(p2m_ram_at(&p2m, IPA(GUEST - 1), &pa, &run), ERR_NOENT);
}

static void test_too_many_banks(void **state)
{
    struct p2m_bank bank = { .size = SZ_4K, .is_static = true };

    for (u32 i = 0; i < P2M_BANKS_MAX; i++) {
        bank.ipa = IPA(GUEST + i * 2 * SZ_4K);
        bank.pa = PA(RAM_BASE + i * SZ_4K);
        assert_int_equal(p2m_add_ram(&p2m, &bank), CORBEL_OK);
    }
    bank.ipa = IPA(0);
    assert_int_equal(p2m_add_ram(&p2m, &bank), ERR_RANGE);
    p2m.bank_count = 0; /* these frames were never taken */
}

static void test_copy(void **state)
{
    static u8 out[3 * PAGE_SIZE], in[3 * PAGE_SIZE];
    u64 border = GUEST + 4 * SZ_1M;

    add_bank(border, 2 * SZ_1M);
    add_bank(GUEST, 4 * SZ_1M);
    for (u32 i = 0; i < sizeof(out); i++)
        out[i] = (u8)(i * 7 + 1);
    /* Across the two banks, which are not adjacent in the host. */
    assert_int_equal(p2m_copy_to(&p2m, IPA(border - 5000), out, sizeof(out)), CORBEL_OK);
    assert_int_equal(p2m_copy_from(&p2m, in, IPA(border - 5000), sizeof(in)), CORBEL_OK);
    assert_memory_equal(in, out, sizeof(in));
    memset(in, 0, sizeof(in));
    assert_int_equal(p2m_copy_from(&p2m, in, IPA(border + 2 * SZ_1M - 10), 11), ERR_RANGE);
    assert_int_equal(in[0], 0); /* all or nothing */
    assert_int_equal(p2m_copy_to(&p2m, IPA(GUEST - 1), out, 2), ERR_RANGE);
    assert_int_equal(p2m_copy_to(&p2m, IPA(~0ull), out, 2), ERR_RANGE);
    assert_int_equal(p2m_copy_to(&p2m, IPA(GUEST), out, ~0ull), ERR_RANGE);
    assert_int_equal(p2m_copy_to(&p2m, IPA(0), out, 0), CORBEL_OK);
}

static void test_teardown(void **state)
{
    struct p2m_bank fixed = { .ipa = IPA(2 * SZ_1G), .size = SZ_2M, .is_static = true };
    struct p2m_near near;
    pa_t pa;

    assert_int_equal(page_alloc_range(SZ_2M, SZ_2M, &fixed.pa), CORBEL_OK);
    assert_int_equal(p2m_add_ram(&p2m, &fixed), CORBEL_OK);
    pa = add_bank(GUEST, 3 * SZ_1M + SZ_4K);
    memset(phys_to_virt(pa), 0xaa, 3 * SZ_1M + SZ_4K);
    memset(phys_to_virt(fixed.pa), 0xaa, SZ_2M);
    fake_tlb_flushes = 0;
    assert_int_equal(p2m_destroy_step(&p2m), ERR_AGAIN);
    assert_int_equal(fake_tlb_flushes, 1); /* tables and TLBs before any frame */
    assert_int_equal(*(u8 *)phys_to_virt(pa), 0xaa);
    fake_cleaned = 0; /* the tables are */
    assert_int_equal(heap_pages_used(), 0);
    p2m_nearest(&p2m, IPA(GUEST), &near); /* late questions find nothing */
    assert_false(near.has_below || near.has_above);
    assert_int_equal(p2m_map(&p2m, IPA(0), PA(0), SZ_4K, S2_MMIO), ERR_NOENT);
    assert_in_range(destroy(), 20, 22); /* 256 KiB a step */
    assert_int_equal(fake_cleaned, 5 * SZ_1M + SZ_4K);
    assert_int_equal(page_free_count(), frames - SZ_2M / PAGE_SIZE);
    for (u64 i = 0; i < 3 * SZ_1M + SZ_4K; i++)
        if (((u8 *)phys_to_virt(pa))[i])
            fail_msg("byte %llu was not scrubbed", (unsigned long long)i);
    assert_int_equal(((u8 *)phys_to_virt(fixed.pa))[SZ_2M - 1], 0);
    page_free_range(fixed.pa, SZ_2M); /* a static region is its owner's to give back */
    assert_int_equal(p2m_destroy_step(&p2m), CORBEL_OK);
    assert_int_equal(p2m_init(&p2m, 3, 40, 12), CORBEL_OK); /* and again: a restart */
}

static void test_nearest(void **state)
{
    struct p2m_near near;

    add_bank(GUEST, 6 * SZ_1M);
    assert_int_equal(p2m_map(&p2m, IPA(0x9000000), PA(0x9000000), 4 * SZ_4K, S2_MMIO), CORBEL_OK);
    assert_int_equal(p2m_map(&p2m, IPA(0x9004000), PA(0x9004000), SZ_4K, S2_GIC), CORBEL_OK);
    p2m_nearest(&p2m, IPA(0xa000000), &near);
    assert_true(near.has_below && near.has_above);
    assert_int_equal(near.below.ipa.v, 0x9004000);
    assert_int_equal(near.below.attr.cls, S2_GIC);
    assert_int_equal(near.above.ipa.v, GUEST);
    assert_int_equal(near.above.size, 6 * SZ_1M);
    p2m_nearest(&p2m, IPA(0x8000000), &near);
    assert_false(near.has_below);
    assert_int_equal(near.above.ipa.v, 0x9000000);
    assert_int_equal(near.above.size, 4 * SZ_4K);
    p2m_nearest(&p2m, IPA(0x9002800), &near); /* inside a region: it is the one below */
    assert_int_equal(near.below.ipa.v, 0x9000000);
    assert_int_equal(near.below.size, 4 * SZ_4K);
    p2m_nearest(&p2m, IPA(~0ull), &near);
    assert_false(near.has_above);
    assert_int_equal(near.below.ipa.v, GUEST);
}

static void test_report(void **state)
{
    pa_t pa = add_bank(GUEST, 6 * SZ_1M);
    char line[128];

    assert_int_equal(p2m_map(&p2m, IPA(0x9000000), PA(0x9000000), 4 * SZ_4K, S2_MMIO), CORBEL_OK);
    p2m_report(&p2m, "d1");
    assert_non_null(strstr(fake_log, "d1: p2m VMID 3, 40-bit IPA from level 1, 3 of 12 table"));
    assert_non_null(strstr(fake_log, "d1: p2m 0x0009000000-0x0009003fff -> 0x0009000000 MMIO    "
                                     "rw- device GRE, 4 leaves up to 4 KiB\n"));
    snprintf(
        line, sizeof(line),
        "0x0040000000-0x00405fffff -> 0x%010llx RAM     rwx normal WB, 3 leaves up to 2048 KiB",
        (unsigned long long)pa.v);
    assert_non_null(strstr(fake_log, line));
    snprintf(line, sizeof(line), "d1: p2m root 0x%010llx+0x2000, pool 0x%010llx+0xc000, VTCR 0x",
             (unsigned long long)virt_to_phys(p2m.s2.root).v,
             (unsigned long long)virt_to_phys(p2m.pool.base).v);
    assert_non_null(strstr(fake_log, line));
    snprintf(line, sizeof(line), ", VTCR 0x%llx, VTTBR 0x%llx\n", (unsigned long long)p2m.s2.vtcr,
             (unsigned long long)(virt_to_phys(p2m.s2.root).v | 3ull << 48));
    assert_non_null(strstr(fake_log, line));
    snprintf(line, sizeof(line), "d1: p2m tables 0x%010llx+0x3000\n",
             (unsigned long long)virt_to_phys(p2m.pool.base).v);
    assert_non_null(strstr(fake_log, line));
    destroy();
    fake_log[0] = 0;
    p2m_report(&p2m, "d1");
    assert_null(strstr(fake_log, "->"));
    assert_null(strstr(fake_log, "root"));
}

static u32 log_count(const char *text)
{
    u32 n = 0;

    for (const char *at = fake_log; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* A fragmented map gives a bounded number of lines and says where they end. */
static void test_report_many_regions(void **state)
{
    for (u64 i = 0; i < 257; i++) {
        u64 ipa = 2 * i * SZ_4K, pa = 0x9000000 + i * SZ_4K;

        if (i == 256) {
            p2m_report(&p2m, "d1");
            assert_int_equal(log_count(" -> "), 256);
            assert_int_equal(log_count("not shown"), 0);
            fake_log[0] = 0;
        }
        assert_int_equal(p2m_map(&p2m, IPA(ipa), PA(pa), SZ_4K, S2_MMIO), CORBEL_OK);
    }
    p2m_report(&p2m, "d1");
    assert_int_equal(log_count(" -> "), 256);
    assert_int_equal(log_count("d1: p2m: regions from 0x0000200000 on are not shown\n"), 1);
}

/* So does a pool with holes: a leaf in each of many 2 MiB regions, every second one taken out. */
static void test_report_many_runs(void **state)
{
    char line[80];

    destroy();
    assert_int_equal(p2m_init(&p2m, 3, 40, 24), CORBEL_OK);
    for (u64 i = 0; i < 23; i++)
        assert_int_equal(p2m_map(&p2m, IPA(i * SZ_2M), PA(0x9000000), SZ_4K, S2_MMIO), CORBEL_OK);
    assert_int_equal(p2m.pool.used, 24);
    p2m_report(&p2m, "d1");
    assert_int_equal(log_count("p2m tables"), 1);
    for (u64 i = 1; i < 23; i += 2)
        assert_int_equal(p2m_unmap(&p2m, IPA(i * SZ_2M), SZ_4K), CORBEL_OK);
    fake_log[0] = 0;
    p2m_report(&p2m, "d1");
    assert_int_equal(log_count("p2m tables"), 8);
    snprintf(line, sizeof(line), "d1: p2m: tables from 0x%010llx on are not shown\n",
             (unsigned long long)virt_to_phys(p2m.pool.base).v + 17 * SZ_4K);
    assert_non_null(strstr(fake_log, line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_init, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pool_runs_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmap_cleans_what_was_cached, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmap_without_pages_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_banks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_teardown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nearest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report_many_regions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_report_many_runs, setup, teardown),
    };

    return cmocka_run_group_tests_name("p2m", tests, NULL, NULL);
}
