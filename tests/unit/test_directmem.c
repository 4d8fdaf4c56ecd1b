/* SPDX-License-Identifier: Apache-2.0 */
/* RAM for direct-map domains, from the real frame allocator over fragmented memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <corbel/bits.h>
#include <corbel/directmem.h>

#include "fake_core.h"

#define LOW   0x40000000ull
#define HIGH  0x200000000ull
#define RAM0  (2 * SZ_1G)
#define HOLES 64u

static const struct mem_range ram[] = { { LOW, RAM0 }, { HIGH, SZ_4G } };
static struct mem_range holes[HOLES]; /* not free from the start */
static u32 hole_count;
static struct mem_range banks[DIRECTMEM_BANKS_MAX];
static u32 count;
static void *books;

static void add_hole(u64 base, u64 size)
{
    assert_int_equal(page_claim(base, size), CORBEL_OK);
    holes[hole_count++] = (struct mem_range){ base, size };
}

static void start_with(u32 ranges)
{
    free(books);
    fake_reset(1);
    hole_count = 0;
    books = calloc(1, page_books_size(ram, ranges));
    assert_int_equal(page_init(ram, ranges, books), CORBEL_OK);
    for (u32 i = 0; i < ranges; i++)
        assert_int_equal(page_add(ram[i].base, ram[i].size), CORBEL_OK);
}

static int start(void **state)
{
    start_with(1);
    return 0;
}

static int start_two(void **state)
{
    start_with(2);
    return 0;
}

static int stop(void **state)
{
    free(books);
    books = NULL;
    return 0;
}

static bool apart(const struct mem_range *a, const struct mem_range *b)
{
    return a->base + a->size <= b->base || b->base + b->size <= a->base;
}

/* Inside RAM, outside holes, in order, merged, as much as asked, and really taken. */
static void check_banks(u64 size, u64 limit)
{
    u64 sum = 0;

    assert_in_range(count, 1, DIRECTMEM_BANKS_MAX);
    for (u32 i = 0; i < count; i++) {
        const struct mem_range *bank = &banks[i];

        assert_true((bank->base >= LOW && bank->base + bank->size <= LOW + RAM0) ||
                    (bank->base >= HIGH && bank->base + bank->size <= HIGH + SZ_4G));
        for (u32 h = 0; h < hole_count; h++)
            assert_true(apart(bank, &holes[h]));
        if (i)
            assert_true(banks[i - 1].base + banks[i - 1].size < bank->base);
        if (limit)
            assert_true(bank->base + bank->size <= limit);
        assert_int_equal(page_claim(bank->base, PAGE_SIZE), ERR_EXIST);
        assert_int_equal(page_claim(bank->base + bank->size - PAGE_SIZE, PAGE_SIZE), ERR_EXIST);
        sum += bank->size;
    }
    assert_int_equal(sum, size);
}

static void check_alloc(u64 size, u64 limit)
{
    u64 before = page_free_count();

    assert_int_equal(directmem_alloc(size, limit, banks, &count), CORBEL_OK);
    check_banks(size, limit);
    assert_int_equal(page_free_count(), before - size / PAGE_SIZE);
}

static void check_refused(u64 size, u64 limit)
{
    u64 before = page_free_count();
    s32 largest = page_largest_order(0);

    count = 77;
    assert_int_equal(directmem_alloc(size, limit, banks, &count), ERR_NOMEM);
    assert_int_equal(count, 0);
    assert_int_equal(page_free_count(), before);
    assert_int_equal(page_largest_order(0), largest);
}

static void check_bank(u32 index, u64 base, u64 size)
{
    assert_true(index < count);
    assert_int_equal(banks[index].base, base);
    assert_int_equal(banks[index].size, size);
}

/* A size that is no power of two needs several chunks, yet is one bank where it can be. */
static void test_one_bank(void **state)
{
    check_alloc(375 * SZ_1M, 0);
    assert_int_equal(count, 1);
    directmem_free(banks, count);
    check_alloc(100 * SZ_1M + 3 * PAGE_SIZE, 0);
    assert_int_equal(count, 1);
    directmem_free(banks, count);
    check_alloc(RAM0, 0);
    check_bank(0, LOW, RAM0);
    directmem_free(banks, count);
    check_alloc(PAGE_SIZE, 0);
    check_bank(0, LOW + RAM0 - PAGE_SIZE, PAGE_SIZE);
    directmem_free(banks, count);
    assert_int_equal(page_free_count(), RAM0 / PAGE_SIZE);
}

/* Largest first: 512 MiB does not fit between the holes, so it comes as halves, and theirs. */
static void test_fragments(void **state)
{
    u64 total;

    add_hole(LOW + 100 * SZ_1M, SZ_2M);
    add_hole(LOW + 400 * SZ_1M, 64 * SZ_1M);
    add_hole(LOW + 700 * SZ_1M, PAGE_SIZE);
    add_hole(LOW + SZ_1G + 31 * SZ_1M, 7 * SZ_1M);
    add_hole(LOW + SZ_1G + 600 * SZ_1M, 424 * SZ_1M);
    total = page_free_count() * PAGE_SIZE;
    check_alloc(SZ_1G, 0);
    assert_true(count > 1);
    directmem_free(banks, count);
    assert_int_equal(page_free_count() * PAGE_SIZE, total);
    /* what is not on a 2 MiB chunk is for remainders only */
    check_refused(total, 0);
    check_alloc(total - 6 * SZ_1M, 0);
    directmem_free(banks, count);
}

/* Everything there is, in holes of whole chunks: as many banks as gaps, each filled. */
static void test_merging(void **state)
{
    add_hole(LOW, 6 * SZ_1M);
    add_hole(LOW + 50 * SZ_1M, SZ_2M);
    add_hole(LOW + 1500 * SZ_1M, 10 * SZ_1M);
    check_alloc(page_free_count() * PAGE_SIZE, 0);
    assert_int_equal(count, 3);
    check_bank(0, LOW + 6 * SZ_1M, 44 * SZ_1M);
    check_bank(1, LOW + 52 * SZ_1M, 1448 * SZ_1M);
    check_bank(2, LOW + 1510 * SZ_1M, 538 * SZ_1M);
    assert_int_equal(page_free_count(), 0);
    directmem_free(banks, count);
}

/* A remainder finds frames where no 2 MiB chunk is left; 2 MiB does not. */
static void test_smallest_chunks(void **state)
{
    for (u64 at = 0; at < RAM0; at += 64 * SZ_1M) {
        assert_int_equal(page_claim(LOW + at, 63 * SZ_1M), CORBEL_OK);
        assert_int_equal(page_claim(LOW + at + 63 * SZ_1M + SZ_2M / 4, PAGE_SIZE), CORBEL_OK);
    }
    check_refused(SZ_2M, 0);
    check_alloc(SZ_2M - PAGE_SIZE, 0);
    assert_true(count >= 3);
    directmem_free(banks, count);
}

static void test_limit(void **state)
{
    check_alloc(SZ_1G, SZ_4G);
    check_bank(0, LOW + SZ_1G, SZ_1G);
    directmem_free(banks, count);
    /* no chunk ends at the limit, and the domain that takes nearly all of it stays below */
    check_alloc(700 * SZ_1M, LOW + 777 * SZ_1M + 123);
    directmem_free(banks, count);
    check_refused(900 * SZ_1M, LOW + 777 * SZ_1M);
    check_refused(PAGE_SIZE, LOW);
    check_alloc(SZ_4G, 0);
    check_bank(0, HIGH, SZ_4G);
    check_refused(SZ_4G, SZ_4G);
    directmem_free(banks, count);
}

/* Growing beside a chunk must not grow past the limit either. */
static void test_limit_beside(void **state)
{
    check_alloc(96 * SZ_1M, LOW + 96 * SZ_1M);
    check_bank(0, LOW, 96 * SZ_1M);
    directmem_free(banks, count);
    check_alloc(95 * SZ_1M, LOW + 97 * SZ_1M);
    directmem_free(banks, count);
}

static void test_out_of_memory(void **state)
{
    check_refused(RAM0 + PAGE_SIZE, 0);
    check_refused(~0ull & ~(PAGE_SIZE - 1), 0);
    check_refused(BIT(63), 0);
    assert_int_equal(directmem_alloc(0, 0, banks, &count), ERR_INVAL);
    assert_int_equal(directmem_alloc(PAGE_SIZE + 1, 0, banks, &count), ERR_INVAL);
    assert_int_equal(page_free_count(), RAM0 / PAGE_SIZE);
}

/* 33 gaps of 2 MiB each: as many banks as there may be are handed out, one more is not. */
static void test_too_many_banks(void **state)
{
    for (u64 i = 0; i < 34; i++)
        assert_int_equal(page_claim(LOW + i * 2 * SZ_2M, SZ_2M), CORBEL_OK);
    assert_int_equal(page_claim(LOW + 67 * SZ_2M, RAM0 - 67 * SZ_2M), CORBEL_OK);
    assert_int_equal(page_free_count() * PAGE_SIZE, 33 * SZ_2M);
    check_alloc(DIRECTMEM_BANKS_MAX * SZ_2M, 0);
    assert_int_equal(count, DIRECTMEM_BANKS_MAX);
    directmem_free(banks, count);
    check_refused(33 * SZ_2M, 0);
}

/* Random holes and sizes: what is promised holds, what is refused leaves no trace. */
static void test_random(void **state)
{
    u32 seed = 5, good = 0, several = 0;

    for (u32 round = 0; round < 300; round++) {
        start_with(2);
        for (u32 i = 0; i < HOLES / 2; i++) {
            u64 base, size;

            seed = seed * 1664525 + 1013904223;
            base = (i % 3 ? LOW : HIGH) + ((u64)(seed >> 4) % (RAM0 - 128 * SZ_1M));
            base = ALIGN_DOWN(base, seed & 1 ? SZ_2M : PAGE_SIZE);
            seed = seed * 1664525 + 1013904223;
            size = ((u64)seed >> 5) % (120 * SZ_1M);
            size = ALIGN_UP(MAX(size, 1), PAGE_SIZE);
            if (page_claim(base, size) == CORBEL_OK)
                holes[hole_count++] = (struct mem_range){ base, size };
        }
        for (u32 i = 0; i < 8; i++) {
            u64 size, limit = (i & 1) ? LOW + (i << 28) + 0x1234 : 0, before = page_free_count();

            seed = seed * 1664525 + 1013904223;
            size = ALIGN_UP((u64)(seed >> 4) + 1, i & 2 ? PAGE_SIZE : SZ_2M) * (i & 4 ? 3 : 1);
            if (directmem_alloc(size, limit, banks, &count) == CORBEL_OK) {
                good++;
                several += count > 1;
                check_banks(size, limit);
                directmem_free(banks, count);
            }
            assert_int_equal(page_free_count(), before);
        }
    }
    assert_true(good > 1000 && several > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_one_bank, start),
        cmocka_unit_test_setup(test_fragments, start),
        cmocka_unit_test_setup(test_merging, start),
        cmocka_unit_test_setup(test_smallest_chunks, start),
        cmocka_unit_test_setup(test_limit, start_two),
        cmocka_unit_test_setup(test_limit_beside, start),
        cmocka_unit_test_setup(test_out_of_memory, start),
        cmocka_unit_test_setup(test_too_many_banks, start),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, stop);
}
