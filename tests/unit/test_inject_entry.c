/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in which EL1 takes an injected exception: vector by origin, each PSTATE bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/inject.h>
#include <asm/sysreg.h>
#include <corbel/compiler.h>

#define MASKED (PSR_EL1H | PSR_D | PSR_A | PSR_I | PSR_F)

static void vectors(void **state)
{
    static const struct {
        u64 pstate, offset;
    } from[] = {
        { PSR_EL1T, 0x000 },       { PSR_EL1H, 0x200 },
        { PSR_EL0T, 0x400 },       { PSR_NRW | 0x0, 0x600 }, /* AArch32 user mode */
        { PSR_NRW | 0x20, 0x600 },                           /* likewise, T32 */
    };

    for (u32 i = 0; i < ARRAY_SIZE(from); i++) {
        struct inject_entry e = inject_entry(from[i].pstate, SCTLR_SPAN, true, true);

        assert_int_equal(e.offset, from[i].offset);
        assert_int_equal(e.pstate, MASKED);
    }
}

static void kept_and_cleared(void **state)
{
    u64 all = ~0ull & ~PSR_MODE & ~PSR_NRW;
    struct inject_entry e = inject_entry(all | PSR_EL1H, SCTLR_SPAN, true, true);

    assert_int_equal(e.pstate, MASKED | PSR_NZCV | PSR_DIT | PSR_PAN);
    e = inject_entry(PSR_EL1H, SCTLR_SPAN, true, true);
    assert_int_equal(e.pstate, MASKED);
}

static void pan(void **state)
{
    assert_true(inject_entry(PSR_EL0T, 0, true, false).pstate & PSR_PAN);
    assert_false(inject_entry(PSR_EL0T, SCTLR_SPAN, true, false).pstate & PSR_PAN);
    assert_true(inject_entry(PSR_EL1H | PSR_PAN, SCTLR_SPAN, true, false).pstate & PSR_PAN);
    assert_false(inject_entry(PSR_EL1H | PSR_PAN, 0, false, false).pstate & PSR_PAN);
}

static void ssbs(void **state)
{
    assert_true(inject_entry(PSR_EL1H, SCTLR_DSSBS, true, true).pstate & PSR_SSBS);
    assert_false(inject_entry(PSR_EL1H, SCTLR_DSSBS, true, false).pstate & PSR_SSBS);
    assert_false(inject_entry(PSR_EL1H | PSR_SSBS, 0, true, true).pstate & PSR_SSBS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(kept_and_cleared),
        cmocka_unit_test(pan),
        cmocka_unit_test(ssbs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
