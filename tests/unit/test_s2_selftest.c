/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage-2 self-test against a CPU that reads the tables right, one that gets a memory
 * type wrong, and a host without memory. The map is made by the real p2m and walker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch/stage2.h>
#include <asm/features.h>
#include <corbel/bits.h>
#include <corbel/page.h>
#include <corbel/s2_selftest.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_stage2.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE (16 * SZ_1M)

static void *books;
static u64 frames;
static u32 probes;
static s32 wrong_memattr, faulting; /* a MemAttr that the CPU mistakes; a class it cannot read */

bool stage2_probe(const struct stage2 *s2, ipa_t ipa, u8 *attr, u8 *sh)
{
    struct stage2_map map;

    probes++;
    if (stage2_lookup(s2, ipa, &map) != CORBEL_OK || map.attr.cls == faulting)
        return false;
    *sh = map.attr.sh;
    switch (map.attr.memattr) {
    case S2_ATTR_nGnRnE:
        *attr = 0x00;
        *sh = S2_SH_OUTER;
        break;
    case S2_ATTR_GRE:
        *attr = 0x0c;
        *sh = S2_SH_OUTER;
        break;
    case S2_ATTR_NC:
        *attr = 0x44;
        *sh = S2_SH_OUTER;
        break;
    default:
        *attr = 0xff;
        break;
    }
    if (map.attr.memattr == wrong_memattr)
        *attr = 0x04;
    return true;
}

static int setup(void **state)
{
    fake_reset(1);
    fake_features.pa_range = 5;
    fake_features.vmid16 = true;
    books = fake_frames_init(RAM_BASE, RAM_SIZE);
    if (!books)
        return -1;
    frames = page_free_count();
    probes = 0;
    wrong_memattr = faulting = -1;
    return 0;
}

static int teardown(void **state)
{
    free(books);
    fake_ram_exit();
    return 0;
}

static u32 count(const char *text)
{
    u32 n = 0;

    for (const char *at = strstr(fake_log, text); at; at = strstr(at + 1, text))
        n++;
    return n;
}

static void good(void **state)
{
    s2_selftest();
    assert_int_equal(probes, S2_CLASS_COUNT);
    assert_int_equal(count("stage 2: "), 1);
    assert_int_equal(count("attributes as the policy says (AT S12E1R)"), 1);
    assert_int_equal(page_free_count(), frames);
    assert_int_equal(fake_heap_mapped, 0);
}

static void mistaken(void **state)
{
    wrong_memattr = S2_ATTR_GRE;
    faulting = S2_RAM_RO;
    s2_selftest();
    assert_int_equal(count("stage 2: class"), 3); /* MMIO and MMIO-RO are GRE */
    assert_int_equal(count("says mapped, attributes 0x04 SH 2, expected 0x0c SH 2"), 2);
    assert_int_equal(count("says fault"), 1);
    assert_int_equal(count("as the policy says"), 0);
    assert_int_equal(page_free_count(), frames);
}

static void no_memory(void **state)
{
    for (s32 n = 0; n < 2; n++) {
        fake_heap_fail_at = n;
        fake_log[0] = 0;
        s2_selftest();
        assert_int_equal(count("stage 2: not tested: "), 1);
        assert_int_equal(page_free_count(), frames);
    }
    assert_int_equal(probes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good, setup, teardown),
        cmocka_unit_test_setup_teardown(mistaken, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
