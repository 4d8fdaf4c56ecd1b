/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory by id, with the real frame allocator over fake RAM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/shmem.h>

#include "fake_core.h"
#include "fake_mmu.h"

#define BASE   0x40000000ull
#define SIZE   (32 * SZ_1M)
#define STATIC (BASE + SIZE) /* 4 MiB that the allocator does not have */

static const struct mem_range ram = { BASE, SIZE };
static void *books;
static const struct domcfg_shm *during; /* asked for by another CPU in the middle of a scrub */
static u32 scrubs;

static u8 *at(pa_t pa)
{
    return phys_to_virt(pa);
}

/* In place of the one in heap.c: no lock is held here, so that others get their answer. */
void page_scrub(pa_t pa, u64 size)
{
    pa_t other;

    scrubs++;
    memset(at(pa), 0, size);
    if (during) {
        fake_set_cpu(1);
        assert_int_equal(shmem_get(during, &other), ERR_AGAIN);
        fake_set_cpu(0);
    }
}

static int start(void **state)
{
    free(books);
    fake_reset(2);
    during = NULL;
    scrubs = 0;
    fake_ram_init(BASE, SIZE + 4 * SZ_1M);
    books = calloc(1, page_books_size(&ram, 1));
    assert_int_equal(page_init(&ram, 1, books), CORBEL_OK);
    assert_int_equal(page_add(BASE, SIZE), CORBEL_OK);
    return 0;
}

static int stop(void **state)
{
    fake_ram_exit();
    free(books);
    books = NULL;
    return 0;
}

static struct domcfg_shm make(const char *id, u64 size)
{
    struct domcfg_shm shm = { .size = size, .gpa = 0x10000000 };

    strcpy(shm.id, id);
    return shm;
}

/* The second user sees what the first wrote; after the last one it is gone. */
static void test_users(void **state)
{
    struct domcfg_shm shm = make("buffers", SZ_1M);
    struct domcfg_shm more = make("buffers2", PAGE_SIZE);
    u64 before = page_free_count();
    pa_t first, second, third;

    assert_int_equal(shmem_get(&shm, &first), CORBEL_OK);
    assert_int_equal(page_free_count(), before - SZ_1M / PAGE_SIZE);
    at(first)[SZ_1M - 1] = 0x5a;
    assert_int_equal(shmem_get(&shm, &second), CORBEL_OK);
    assert_int_equal(first.v, second.v);
    assert_int_equal(at(second)[SZ_1M - 1], 0x5a);
    assert_int_equal(page_free_count(), before - SZ_1M / PAGE_SIZE);
    assert_int_equal(shmem_get(&more, &third), CORBEL_OK);
    assert_true(third.v + PAGE_SIZE <= first.v || third.v >= first.v + SZ_1M);
    shmem_put(&shm);
    assert_int_equal(at(second)[SZ_1M - 1], 0x5a);
    shmem_put(&more);
    shmem_put(&shm);
    assert_int_equal(at(first)[SZ_1M - 1], 0);
    assert_int_equal(page_free_count(), before);
    assert_int_equal(scrubs, 3 + SZ_1M / SZ_64K);
}

/* A domain's end may not keep its CPU for as long as all of the memory takes. */
static void test_steps(void **state)
{
    struct domcfg_shm shm = make("long", 3 * SZ_64K + PAGE_SIZE);
    u64 before = page_free_count();
    pa_t pa;

    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    assert_true(shmem_put_step(&shm));
    memset(at(pa), 0x5a, shm.size);
    for (u32 i = 0; i < 3; i++) {
        assert_false(shmem_put_step(&shm));
        assert_int_equal(shmem_get(&shm, &pa), ERR_AGAIN);
        assert_true(page_free_count() < before);
    }
    assert_true(shmem_put_step(&shm));
    for (u64 i = 0; i < shm.size; i++)
        assert_int_equal(at(pa)[i], 0);
    assert_int_equal(page_free_count(), before);
    assert_int_equal(scrubs, 5);
}

static void test_alignment(void **state)
{
    struct domcfg_shm page = make("page", PAGE_SIZE), big = make("big", 3 * SZ_1M);
    pa_t a, b;

    assert_int_equal(shmem_get(&page, &a), CORBEL_OK);
    assert_int_equal(shmem_get(&big, &b), CORBEL_OK);
    assert_int_equal(b.v % SZ_2M, 0);
    shmem_put(&page);
    shmem_put(&big);
}

/* A static range: scrubbed before and after, never the allocator's. */
static void test_static_range(void **state)
{
    struct domcfg_shm shm = make("ring", SZ_2M);
    u64 before = page_free_count();
    pa_t pa;

    shm.has_hpa = true;
    shm.hpa = STATIC + SZ_1M;
    memset(at(PA(STATIC)), 0xee, 4 * SZ_1M);
    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    assert_int_equal(pa.v, STATIC + SZ_1M);
    assert_int_equal(at(PA(STATIC))[SZ_1M - 1], 0xee);
    assert_int_equal(at(pa)[0], 0);
    assert_int_equal(at(pa)[SZ_2M - 1], 0);
    assert_int_equal(at(pa)[SZ_2M], 0xee);
    at(pa)[5] = 1;
    shmem_put(&shm);
    assert_int_equal(at(pa)[5], 0);
    assert_int_equal(page_free_count(), before);
    /* once more: the id is as good as new, with another size too */
    shm.size = PAGE_SIZE;
    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    shmem_put(&shm);
}

/* While one CPU makes an id or takes it away, another one is told to come again. */
static void test_changing(void **state)
{
    struct domcfg_shm shm = make("x", PAGE_SIZE);
    pa_t pa;

    during = &shm;
    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    shmem_put(&shm);
    assert_int_equal(scrubs, 2);
    during = NULL;
    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    shmem_put(&shm);
    assert_int_equal(page_free_count(), SIZE / PAGE_SIZE);
}

static void test_refusals(void **state)
{
    struct domcfg_shm huge = make("huge", SZ_1G), shm = make("x", PAGE_SIZE), none = make("", 1);
    u64 before = page_free_count();
    pa_t pa;

    assert_int_equal(shmem_get(&huge, &pa), ERR_NOMEM);
    assert_int_equal(page_free_count(), before);
    huge.size = PAGE_SIZE; /* nothing of the failed one is left */
    assert_int_equal(shmem_get(&huge, &pa), CORBEL_OK);
    shmem_put(&huge);
    assert_int_equal(shmem_get(&none, &pa), ERR_INVAL);
    assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    shm.size = SZ_2M;
    assert_int_equal(shmem_get(&shm, &pa), ERR_INVAL);
    shm.size = 0;
    assert_int_equal(shmem_get(&shm, &pa), ERR_INVAL);
    shmem_put(&shm);
    expect_assert_failure(shmem_put(&shm));
}

static void test_too_many_ids(void **state)
{
    struct domcfg_shm shm = make("", PAGE_SIZE);
    u64 before = page_free_count();
    pa_t pa;

    for (u32 i = 0; i < SHMEM_MAX; i++) {
        snprintf(shm.id, sizeof(shm.id), "an-id-of-15-c%02u", i);
        assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
    }
    strcpy(shm.id, "one more");
    assert_int_equal(shmem_get(&shm, &pa), ERR_NOMEM);
    for (u32 i = 0; i < SHMEM_MAX; i++) {
        snprintf(shm.id, sizeof(shm.id), "an-id-of-15-c%02u", i);
        assert_int_equal(shmem_get(&shm, &pa), CORBEL_OK);
        shmem_put(&shm);
        shmem_put(&shm);
    }
    assert_int_equal(page_free_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* the last one leaves its lock held */
        cmocka_unit_test_setup(test_users, start),
        cmocka_unit_test_setup(test_steps, start),
        cmocka_unit_test_setup(test_alignment, start),
        cmocka_unit_test_setup(test_static_range, start),
        cmocka_unit_test_setup(test_changing, start),
        cmocka_unit_test_setup(test_too_many_ids, start),
        cmocka_unit_test_setup(test_refusals, start),
    };

    return cmocka_run_group_tests(tests, NULL, stop);
}
