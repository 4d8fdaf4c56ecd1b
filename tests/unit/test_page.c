/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model test of the frame allocator: random alloc, free, claim and add against a byte
 * per frame. What is handed out was free, inside its limit and aligned; in the end all
 * is free again and joined to the blocks it started from. Heap and arena on fake RAM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/page.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"

#define LOW_BASE  0x40000000ull
#define HIGH_BASE 0x100000000ull
#define FRAMES    (HIGH_BASE / PAGE_SIZE + 65536)
#define HELD_MAX  600u

enum { NO_RAM, FREE, TAKEN };

/* Unsorted, with a hole, an odd end, two that touch, one that crosses nothing but is tiny. */
static const struct mem_range banks[] = {
    { HIGH_BASE, 100 * SZ_1M },
    { LOW_BASE, 96 * SZ_1M },
    { LOW_BASE + 160 * SZ_1M, 37 * SZ_4K },
    { LOW_BASE + 96 * SZ_1M, 32 * SZ_1M + 5 * SZ_4K },
    { LOW_BASE + 200 * SZ_1M + 0x800, 3 * SZ_4K },
};

static u8 *model; /* by frame number */
static void *books;
static u64 model_free, model_total;
static struct held {
    u64 base, size;
    bool claimed;
} held[HELD_MAX];
static u32 held_count;
static u64 seed = 362436069362436069ull;

static u64 rnd(u64 below)
{
    return (fake_random(&seed) >> 8) % below;
}

static void model_set(u64 base, u64 size, u8 from, u8 to)
{
    for (u64 f = base / PAGE_SIZE; f < (base + size) / PAGE_SIZE; f++) {
        assert_int_equal(model[f], from);
        model[f] = to;
    }
}

static int setup(void **state)
{
    (void)state;
    fake_reset(1);
    model = calloc(FRAMES, 1);
    model_free = 0;
    held_count = 0;
    books = calloc(1, page_books_size(banks, ARRAY_SIZE(banks)));
    assert_int_equal(page_init(banks, ARRAY_SIZE(banks), books), CORBEL_OK);
    assert_int_equal(page_free_count(), 0);
    for (u32 i = 0; i < ARRAY_SIZE(banks); i++) {
        u64 first = ALIGN_UP(banks[i].base, PAGE_SIZE);
        u64 end = ALIGN_DOWN(banks[i].base + banks[i].size, PAGE_SIZE);

        assert_int_equal(page_add(banks[i].base, banks[i].size), CORBEL_OK);
        model_set(first, end - first, NO_RAM, FREE);
        model_free += (end - first) / PAGE_SIZE;
    }
    model_total = model_free;
    assert_int_equal(page_free_count(), model_free);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(model);
    free(books);
    return 0;
}

static void hold(u64 base, u64 size, bool claimed)
{
    model_set(base, size, FREE, TAKEN);
    model_free -= size / PAGE_SIZE;
    if (claimed)
        model_total -= size / PAGE_SIZE;
    held[held_count++] = (struct held){ base, size, claimed };
}

static bool model_has_block(u64 count, u64 align, u64 limit)
{
    for (u64 f = 0; f + count <= FRAMES; f += align) {
        u64 n = 0;

        if (limit && (f + count) * PAGE_SIZE > limit)
            break;
        while (n < count && model[f + n] == FREE)
            n++;
        if (n == count)
            return true;
    }
    return false;
}

static void try_alloc(void)
{
    static const u64 limits[] = { 0, 0, 0, HIGH_BASE, LOW_BASE + 77 * SZ_1M + SZ_4K };
    u32 order = (u32)rnd(rnd(4) ? 4 : 14);
    u64 limit = limits[rnd(5)];
    pa_t pa;

    if (page_alloc(order, limit, &pa)) {
        assert_false(model_has_block(BIT(order), BIT(order), limit));
        return;
    }
    assert_true(IS_ALIGNED(pa.v, PAGE_SIZE << order));
    assert_true(!limit || pa.v + (PAGE_SIZE << order) <= limit);
    hold(pa.v, PAGE_SIZE << order, false);
}

static void try_alloc_range(void)
{
    u64 size = (1 + rnd(rnd(3) ? 9 : 9000)) * PAGE_SIZE;
    u64 align = PAGE_SIZE << rnd(10);
    pa_t pa;

    if (page_alloc_range(size, align, &pa)) {
        assert_false(model_has_block(size / PAGE_SIZE, align / PAGE_SIZE, 0));
        return;
    }
    assert_true(IS_ALIGNED(pa.v, align));
    hold(pa.v, size, false);
}

static void try_alloc_within(void)
{
    struct mem_range in = { LOW_BASE + rnd(120) * SZ_1M, SZ_2M };
    u64 size = (1 + rnd(20)) * PAGE_SIZE;
    pa_t pa;

    if (page_alloc_within(&in, size, PAGE_SIZE, &pa))
        return;
    assert_in_range(pa.v, in.base, in.base + in.size - size);
    hold(pa.v, size, false);
}

static void try_claim(void)
{
    u64 base = (rnd(2) ? LOW_BASE : HIGH_BASE) + rnd(30000) * PAGE_SIZE;
    u64 count = 1 + rnd(600), free_frames = 0, ram = 0;
    enum corbel_err err;

    for (u64 i = 0; i < count; i++) {
        free_frames += model[base / PAGE_SIZE + i] == FREE;
        ram += model[base / PAGE_SIZE + i] != NO_RAM;
    }
    err = page_claim(base, count * PAGE_SIZE);
    if (ram == count)
        assert_int_equal(err, free_frames == count ? CORBEL_OK : ERR_EXIST);
    else
        assert_int_equal(err, ERR_RANGE);
    if (!err)
        hold(base, count * PAGE_SIZE, true);
}

/* Give something back: all of it, or only its first part. */
static void give_back(void)
{
    u32 n = (u32)rnd(held_count);
    struct held *h = &held[n];
    u64 size = rnd(3) ? h->size : ALIGN_UP(1 + rnd(h->size), PAGE_SIZE);

    if (h->claimed) {
        assert_int_equal(page_add(h->base, size), CORBEL_OK);
        assert_int_equal(page_add(h->base, size), ERR_EXIST);
        model_total += size / PAGE_SIZE;
    } else {
        page_free_range(PA(h->base), size);
    }
    model_set(h->base, size, TAKEN, FREE);
    model_free += size / PAGE_SIZE;
    h->base += size;
    h->size -= size;
    if (!h->size)
        *h = held[--held_count];
}

static void test_model(void **state)
{
    s32 largest = page_largest_order(0), largest_low = page_largest_order(HIGH_BASE);

    for (u32 i = 0; i < 12000; i++) {
        u64 what = rnd(10);

        if (held_count == HELD_MAX || (held_count && what >= 5))
            give_back();
        else if (what == 0)
            try_claim();
        else if (what == 1)
            try_alloc_range();
        else if (what == 2)
            try_alloc_within();
        else
            try_alloc();
        assert_int_equal(page_free_count(), model_free);
        assert_int_equal(page_total_count(), model_total);
    }
    while (held_count)
        give_back();
    assert_int_equal(page_free_count(), page_total_count());
    assert_int_equal(page_largest_order(0), largest);
    assert_int_equal(page_largest_order(HIGH_BASE), largest_low);
}

/* Single frames until nothing is left, each one once; then all back, all joined. */
static void test_every_frame_once(void **state)
{
    s32 largest = page_largest_order(0);
    u64 count = 0, last = ~0ull;
    pa_t pa;

    while (!page_alloc(0, 0, &pa)) {
        model_set(pa.v, PAGE_SIZE, FREE, TAKEN);
        count++;
        if (count == 1)
            assert_true(pa.v >= HIGH_BASE); /* low memory is spared */
        last = pa.v;
    }
    assert_true(last < HIGH_BASE);
    assert_int_equal(count, model_total);
    assert_int_equal(page_largest_order(0), -1);
    for (u64 f = 0; f < FRAMES; f++)
        if (model[f] == TAKEN)
            page_free(PA(f * PAGE_SIZE), 0);
    assert_int_equal(page_free_count(), model_total);
    assert_int_equal(page_largest_order(0), largest);
}

static void test_arguments(void **state)
{
    pa_t pa;

    assert_int_equal(page_alloc(PAGE_ORDER_MAX + 1, 0, &pa), ERR_NOMEM);
    assert_int_equal(page_alloc(0, LOW_BASE, &pa), ERR_NOMEM);
    assert_int_equal(page_alloc_range(0, PAGE_SIZE, &pa), ERR_INVAL);
    assert_int_equal(page_alloc_range(SZ_4K, 3 * SZ_4K, &pa), ERR_INVAL);
    assert_int_equal(page_alloc_range(~0ull, SZ_4K, &pa), ERR_INVAL);
    assert_int_equal(page_alloc_range(SZ_1G, SZ_4K, &pa), ERR_NOMEM);
    assert_int_equal(page_claim(LOW_BASE + 1, SZ_4K), ERR_INVAL);
    assert_int_equal(page_claim(0, SZ_4K), ERR_RANGE);
    assert_int_equal(page_add(0, SZ_4K), ERR_RANGE);
    assert_int_equal(page_add(~0ull, SZ_4K), ERR_RANGE);
    assert_int_equal(page_add(LOW_BASE + 1, SZ_4K), CORBEL_OK); /* not one whole frame */
    assert_int_equal(page_add(LOW_BASE, SZ_4K), ERR_EXIST);
    /* Two banks that touch are one: a range may cross from one into the other. */
    assert_int_equal(page_claim(LOW_BASE + 95 * SZ_1M, 2 * SZ_1M), CORBEL_OK);
}

static void test_double_free_is_a_bug(void **state)
{
    pa_t pa;

    assert_int_equal(page_alloc(3, 0, &pa), CORBEL_OK);
    page_free(pa, 3);
    expect_assert_failure(page_free(pa, 3));
    teardown(state);
    setup(state);
    expect_assert_failure(page_free(PA(LOW_BASE + 8 * SZ_4K), 0));
    teardown(state);
    setup(state);
    expect_assert_failure(page_free(PA(0), 0));
}

static void test_gigabytes(void **state)
{
    static const struct mem_range big[] = { { LOW_BASE, 6 * SZ_1G } };
    u64 size = page_books_size(big, 1);
    void *mem = calloc(1, size);
    pa_t pa, more;

    assert_in_range(size, 0, 6 * 68 * 1024);
    assert_int_equal(page_init(big, 1, mem), CORBEL_OK);
    assert_int_equal(page_add(LOW_BASE + SZ_2M, 6 * SZ_1G - SZ_2M), CORBEL_OK);
    assert_int_equal(page_largest_order(0), PAGE_ORDER_MAX);
    assert_int_equal(page_largest_order(2 * SZ_1G), PAGE_ORDER_MAX - 1);
    /* More than the biggest block: a run across blocks. */
    assert_int_equal(page_alloc_range(5 * SZ_1G / 2, SZ_1G, &pa), CORBEL_OK);
    assert_true(IS_ALIGNED(pa.v, SZ_1G));
    assert_int_equal(page_alloc_range(3 * SZ_1G - SZ_2M, SZ_2M, &more), CORBEL_OK);
    assert_int_equal(more.v, LOW_BASE + SZ_2M);
    assert_int_equal(page_alloc_range(SZ_1G, SZ_4K, &pa), ERR_NOMEM);
    page_free_range(more, 3 * SZ_1G - SZ_2M);
    page_free_range(pa, 5 * SZ_1G / 2);
    assert_int_equal(page_free_count(), page_total_count());
    assert_int_equal(page_largest_order(0), PAGE_ORDER_MAX);
    free(mem);
}

static void test_heap(void **state)
{
    static const struct mem_range ram = { LOW_BASE, 64 * SZ_1M };
    void *mem = calloc(1, page_books_size(&ram, 1));
    u64 total, low = ~0ull, high = 0, cleaned;
    void *p[100], *big;

    fake_ram_init(ram.base, ram.size);
    assert_int_equal(page_init(&ram, 1, mem), CORBEL_OK);
    assert_int_equal(page_add(ram.base, ram.size), CORBEL_OK);
    total = page_free_count();
    for (u32 i = 0; i < 100; i++) {
        u64 size = (1 + i % 5) * PAGE_SIZE - i;

        p[i] = i % 2 ? heap_alloc(size) : heap_alloc_aligned(size, 4 * SZ_4K);
        assert_non_null(p[i]);
        assert_true(i % 2 || IS_ALIGNED(virt_to_phys(p[i]).v, 4 * SZ_4K));
        for (u64 n = 0; n < size; n++)
            assert_int_equal(((u8 *)p[i])[n], 0);
        memset(p[i], 0x5a, size);
        low = MIN(low, virt_to_phys(p[i]).v);
        high = MAX(high, virt_to_phys(p[i]).v);
    }
    assert_int_equal(heap_pages_used(), 300);
    assert_int_equal(fake_heap_mapped, 300 * PAGE_SIZE);
    assert_int_equal(page_free_count(), total - 300); /* the rest of a region is not lost */
    assert_int_equal(ALIGN_DOWN(low, SZ_2M), ALIGN_DOWN(high, SZ_2M)); /* one table in EL2 */
    big = heap_alloc(5 * SZ_1M);
    assert_non_null(big);
    assert_null(heap_alloc(65 * SZ_1M));
    assert_null(heap_alloc(0));
    memset(big, 0x5a, 5 * SZ_1M);
    cleaned = fake_cleaned;
    heap_free(big, 5 * SZ_1M);
    for (u32 i = 0; i < 100; i++)
        heap_free(p[i], (1 + i % 5) * PAGE_SIZE - i);
    heap_free(NULL, 5);
    assert_int_equal(fake_cleaned - cleaned, 5 * SZ_1M + 300 * PAGE_SIZE);
    for (u64 n = 0; n < ram.size; n++)
        if (fake_ram[n])
            fail_msg("byte %llu is left of the heap", (unsigned long long)n);
    assert_int_equal(heap_pages_used(), 0);
    assert_int_equal(fake_heap_mapped, 0);
    assert_int_equal(page_free_count(), total);

    fake_heap_fail_at = 0; /* no table left in EL2: the frames come back */
    assert_null(heap_alloc(SZ_4K));
    assert_int_equal(page_free_count(), total);
    assert_int_equal(heap_pages_used(), 0);
    fake_ram_exit();
    free(mem);
}

static void test_arena_and_scrub(void **state)
{
    static const struct mem_range ram = { LOW_BASE, 16 * SZ_1M };
    void *mem = calloc(1, page_books_size(&ram, 1));
    struct arena arena;
    u8 *a, *b;

    fake_ram_init(ram.base, ram.size);
    assert_int_equal(page_init(&ram, 1, mem), CORBEL_OK);
    assert_int_equal(page_add(ram.base, ram.size), CORBEL_OK);
    assert_int_equal(arena_init(&arena, 5000), CORBEL_OK);
    a = arena_alloc(&arena, 1);
    b = arena_alloc(&arena, 8000);
    assert_ptr_equal(b, a + 16);
    assert_null(arena_alloc(&arena, 500));
    assert_null(arena_alloc(&arena, ~0ull));
    assert_non_null(arena_alloc(&arena, 8192 - 16 - 8000));
    assert_null(arena_alloc(&arena, 1));
    arena_destroy(&arena);
    assert_null(arena_alloc(&arena, 1));
    assert_int_equal(heap_pages_used(), 0);
    assert_int_equal(arena_init(&arena, 17 * SZ_1M), ERR_NOMEM);

    memset(fake_ram, 0xff, ram.size);
    fake_cleaned = 0;
    page_scrub(PA(LOW_BASE + SZ_4K), 4 * SZ_1M);
    assert_int_equal(fake_ram[SZ_4K - 1], 0xff);
    for (u64 i = SZ_4K; i < SZ_4K + 4 * SZ_1M; i++)
        if (fake_ram[i])
            fail_msg("byte %llu was not scrubbed", (unsigned long long)i);
    assert_int_equal(fake_ram[SZ_4K + 4 * SZ_1M], 0xff);
    assert_int_equal(fake_cleaned, 4 * SZ_1M);
    page_clean(PA(LOW_BASE + SZ_2M - SZ_4K), 2 * SZ_4K);
    page_clean(PA(LOW_BASE + 3 * SZ_4K), 4 * SZ_1M);
    page_clean(PA(LOW_BASE), SZ_2M);
    assert_int_equal(fake_cleaned, 10 * SZ_1M + 2 * SZ_4K);
    assert_int_equal(fake_windows, 0);
    fake_ram_exit();
    free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_frame_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_double_free_is_a_bug, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gigabytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arena_and_scrub, setup, teardown),
    };

    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
