/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the boot: memory of its code goes exactly once, when the last one who needs it
 * has dropped it, and is not to be had afterwards. One program, one boot: the cases share it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/boot_end.h>

#include <arch/mmu.h>
#include <corbel/build_job.h>
#include <corbel/page.h>

#include "fake_core.h"

#define INIT_BASE 0x40010000ull
#define INIT_SIZE 0x18000ull

static u32 dropped, scrubbed, added, released;

void build_modules_boot_over(u64 image_bytes)
{
    assert_int_equal(image_bytes, INIT_SIZE);
    released++;
}

void build_report_memory(void)
{
    assert_int_equal(released, 1);
}

struct mem_range arch_mmu_drop_init(void)
{
    dropped++;
    return (struct mem_range){ INIT_BASE, INIT_SIZE };
}

void page_scrub(pa_t pa, u64 size)
{
    assert_int_equal(dropped, 1); /* nobody reaches it through the image's map any more */
    assert_int_equal(pa.v, INIT_BASE);
    assert_int_equal(size, INIT_SIZE);
    scrubbed++;
}

enum corbel_err page_add(u64 base, u64 size)
{
    assert_int_equal(scrubbed, 1);
    assert_int_equal(base, INIT_BASE);
    assert_int_equal(size, INIT_SIZE);
    added++;
    return CORBEL_OK;
}

u64 page_free_count(void)
{
    return added ? 1000 : 0; /* counted after the memory came back */
}

static void test_last_holder_gives_back(void **state)
{
    assert_true(boot_hold()); /* two domains, and the boot CPU from the start */
    assert_true(boot_hold());
    boot_note(false);
    boot_note(false); /* this one never had a hold */
    boot_drop();
    boot_drop(); /* the boot CPU */
    assert_int_equal(dropped, 0);
    assert_true(boot_hold()); /* a CPU that comes late, but not too late */
    boot_note(true);
    boot_drop();
    assert_int_equal(dropped, 0);
    boot_drop();
    assert_int_equal(dropped, 1);
    assert_int_equal(added, 1);
    assert_int_equal(released, 1);
    assert_non_null(strstr(fake_log, "96 KiB of the boot's own code are free again"));
    assert_non_null(strstr(fake_log, "memory: 4000 KiB free"));
    assert_non_null(strstr(fake_log, "boot: 1 domain started, 2 refused"));
}

static void test_too_late(void **state)
{
    assert_false(boot_hold());
    assert_false(boot_hold());
    assert_int_equal(dropped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_holder_gives_back),
        cmocka_unit_test(test_too_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
