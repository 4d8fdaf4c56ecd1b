/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <corbel/compiler.h>
#include <corbel/s2policy.h>

#include <cmocka.h>

#include "fake_core.h"

/* The table of design section 3, in plain numbers: memory type, shareability, rights. */
static const struct {
    enum s2_class cls;
    const char *name;
    u8 memattr, sh;
    bool write, exec;
} table[] = {
    { S2_RAM, "RAM", 0xf, 3, true, true },           { S2_RAM_RO, "RAM-RO", 0xf, 3, false, true },
    { S2_SRAM, "SRAM", 0xf, 3, true, true },         { S2_MMIO, "MMIO", 0x3, 0, true, false },
    { S2_GIC, "GIC", 0x0, 0, true, false },          { S2_MMIO_NC, "MMIO-NC", 0x5, 0, true, false },
    { S2_MSI, "MSI", 0x0, 0, true, false },          { S2_HWDOM_C, "MMIO-C", 0xf, 2, true, false },
    { S2_MMIO_RO, "MMIO-RO", 0x3, 0, false, false },
};

static void test_table(void **state)
{
    assert_int_equal(ARRAY_SIZE(table), S2_CLASS_COUNT);
    for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
        struct s2_attr attr = s2_policy(table[i].cls);

        assert_int_equal(attr.memattr, table[i].memattr);
        assert_int_equal(attr.sh, table[i].sh);
        assert_true(attr.read);
        assert_int_equal(attr.write, table[i].write);
        assert_int_equal(attr.exec, table[i].exec);
        assert_int_equal(attr.cls, table[i].cls);
        assert_string_equal(s2_class_name(table[i].cls), table[i].name);
    }
}

static void test_outside(void **state)
{
    assert_string_equal(s2_class_name(S2_CLASS_COUNT), "unknown");
    expect_assert_failure(s2_policy(S2_CLASS_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_outside),
    };

    fake_reset(1);
    return cmocka_run_group_tests_name("s2policy", tests, NULL, NULL);
}
