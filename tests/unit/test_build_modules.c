/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot loader filled becomes free memory, each page once, when nobody needs it: with the
 * real books and the real list of holes, so that a page given twice or too early is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <corbel/bits.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/page.h>
#include <corbel/platform.h>

#include <cmocka.h>

#include "fake_core.h"

#define RAM   0x40000000ull
#define SIZE  (64 * SZ_1M)
#define NODES 100 /* node offset of domain n: n * NODES */

static struct platform p;
static struct domain domains[2];
static struct domcfg cfgs[2];
static u32 slots;
static void *books;

struct domain *domain_get(u32 slot)
{
    return slot < slots ? &domains[slot] : NULL;
}

u32 domain_slots(void)
{
    return slots;
}

u64 heap_pages_used(void)
{
    return 5;
}

static void module(int domain, u64 base, u64 size)
{
    p.modules[p.module_count++] =
        (struct platform_module){ .range = { base, size }, .domain_node = domain };
}

static u64 frames_free(void)
{
    return page_free_count();
}

/* Domain 1 never restarts, domain 2 does; the image is 1 MiB, the tree not whole pages. */
static void machine(void)
{
    fake_reset(1);
    memset(&p, 0, sizeof(p));
    p.banks[0] = (struct mem_range){ RAM, SIZE };
    p.bank_count = 1;
    p.self = (struct mem_range){ RAM + SZ_2M, SZ_1M };
    p.tree = (struct mem_range){ RAM + 8 * SZ_1M + 0x100, 0x1200 };
    memset(domains, 0, sizeof(domains));
    memset(cfgs, 0, sizeof(cfgs));
    slots = 2;
    build_modules_set(&p);
    for (u32 i = 0; i < slots; i++) {
        domains[i].cfg = &cfgs[i];
        domains[i].state = DOMAIN_RUNNING;
        cfgs[i].node = (int)(i + 1) * NODES;
    }
    cfgs[1].on_reboot = ACTION_RESTART;
}

/* The allocator as the boot leaves it. */
static void boot(void)
{
    struct mem_range ranges[64];
    u32 count = platform_free_ranges(&p, NULL, ranges, ARRAY_SIZE(ranges));

    free(books);
    books = calloc(1, page_books_size(p.banks, p.bank_count));
    assert_int_equal(page_init(p.banks, p.bank_count, books), CORBEL_OK);
    for (u32 i = 0; i < count; i++)
        assert_int_equal(page_add(ranges[i].base, ranges[i].size), CORBEL_OK);
}

static int end(void **state)
{
    free(books);
    books = NULL;
    return 0;
}

/* This comes first: the boot ends once. */
static void nothing_before_the_boot_is_over(void **state)
{
    u64 before;

    machine();
    module(NODES, RAM + 16 * SZ_1M, SZ_1M);
    boot();
    before = frames_free();
    domains[0].state = DOMAIN_DEAD;
    build_modules_release();
    assert_int_equal(frames_free(), before);
    assert_false(p.modules[0].used);
}

static void modules_and_tree_become_free(void **state)
{
    u64 all = (SIZE - SZ_1M) / PAGE_SIZE;

    machine();
    module(NODES, RAM + 16 * SZ_1M + 0x234, SZ_1M);
    module(-1, RAM + 32 * SZ_1M, 1);
    module(NODES, RAM + 40 * SZ_1M, 0);
    boot();
    assert_int_equal(frames_free(), all - 257 - 1 - 2);
    build_modules_boot_over(SZ_64K);
    assert_int_equal(frames_free(), all);
    build_modules_boot_over(SZ_64K);
    build_modules_release();
    assert_int_equal(frames_free(), all);
    assert_string_equal(fake_log, "");
}

/* One range for both domains, and pages that two modules share. */
static void restart_keeps_what_it_needs(void **state)
{
    u64 all = (SIZE - SZ_1M) / PAGE_SIZE;

    machine();
    module(NODES, RAM + 16 * SZ_1M, SZ_1M);
    module(2 * NODES, RAM + 16 * SZ_1M, SZ_1M);
    module(NODES, RAM + 20 * SZ_1M, 0x1800);
    module(2 * NODES, RAM + 20 * SZ_1M + 0x1800, 0x1000);
    boot();
    build_modules_boot_over(SZ_64K);
    assert_int_equal(frames_free(), all - 256 - 2);
    domains[0].state = DOMAIN_DEAD;
    build_modules_release();
    assert_int_equal(frames_free(), all - 256 - 2);
    domains[1].state = DOMAIN_DEAD;
    build_modules_release();
    assert_int_equal(frames_free(), all);
}

/* What else is in a module's pages is nobody's to give away. */
static void holes_stay(void **state)
{
    u64 all = (SIZE - SZ_1M) / PAGE_SIZE;

    machine();
    module(NODES, RAM + 16 * SZ_1M, SZ_1M);
    for (u32 i = 0; i < 20; i++)
        p.reserved[i] = (struct mem_range){ RAM + 16 * SZ_1M + i * 0x3000ull, 0x10 };
    p.reserved_count = 20;
    p.statics[0].range = (struct mem_range){ RAM + 17 * SZ_1M - 0x2000, 0x4000 };
    p.static_count = 1;
    boot();
    build_modules_boot_over(SZ_64K);
    assert_int_equal(frames_free(), all - 20 - 4);
}

/* RAM that the allocator was never told of stays so. */
static void static_heap_gets_nothing(void **state)
{
    machine();
    module(NODES, RAM + 16 * SZ_1M, SZ_1M);
    p.static_heap[0] = (struct mem_range){ RAM + 48 * SZ_1M, SZ_1M };
    p.static_heap_count = 1;
    boot();
    build_modules_boot_over(SZ_64K);
    assert_int_equal(frames_free(), 256);
}

static void report_adds_up(void **state)
{
    machine();
    module(2 * NODES, RAM + 16 * SZ_1M, SZ_1M);
    boot();
    build_modules_boot_over(SZ_64K);
    domains[0].p2m.ram_size = 4 * SZ_1M;
    build_report_memory();
    /* Of the frames that nobody took here, the domain's and the heap's are in "other", less. */
    assert_non_null(strstr(fake_log, "memory: RAM 65536 KiB: free 63488, domains 4096, Corbel 988 "
                                     "(image 960, books 8, heap 20), other "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_before_the_boot_is_over),
        cmocka_unit_test(modules_and_tree_become_free),
        cmocka_unit_test(restart_keeps_what_it_needs),
        cmocka_unit_test(holes_stay),
        cmocka_unit_test(static_heap_gets_nothing),
        cmocka_unit_test(report_adds_up),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
