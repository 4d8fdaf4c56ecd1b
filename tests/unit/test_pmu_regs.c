/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of the performance monitors as numbers: every encoding, and what of a guest's value
 * may reach the CPU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <asm/esr.h>
#include <asm/pmu.h>
#include <corbel/compiler.h>

#define P   BIT(31)
#define U   BIT(30)
#define NSK BIT(29)
#define NSU BIT(28)
#define NSH BIT(27)
#define M   BIT(26)
#define MT  BIT(25)

static const struct pmu_caps v3 = { .version = 1, .counters = 6, .el3 = true };
static const struct pmu_caps v3p5 = { .version = PMU_V3P5, .counters = 6, .el3 = true };
static const struct pmu_caps v3p8 = { .version = PMU_V3P8, .counters = 31 };

static void check_decode(u32 enc, u32 reg, u32 n)
{
    struct pmu_access a = pmu_decode(enc);

    assert_int_equal(a.reg, reg);
    assert_int_equal(a.n, n);
}

static void decode(void **state)
{
    static const struct {
        u8 op1, crm, op2, reg, n;
    } c9[] = {
        { 3, 12, 0, PMU_PMCR, 0 },     { 3, 12, 1, PMU_CNTENSET, 0 }, { 3, 12, 2, PMU_CNTENCLR, 0 },
        { 3, 12, 3, PMU_OVSCLR, 0 },   { 3, 12, 4, PMU_SWINC, 0 },    { 3, 12, 5, PMU_SELR, 0 },
        { 3, 12, 6, PMU_CEID, 0 },     { 3, 12, 7, PMU_CEID, 1 },     { 3, 13, 0, PMU_EVCNTR, 31 },
        { 3, 13, 1, PMU_XEVTYPER, 0 }, { 3, 13, 2, PMU_XEVCNTR, 0 },  { 3, 14, 0, PMU_USERENR, 0 },
        { 3, 14, 3, PMU_OVSSET, 0 },   { 0, 14, 1, PMU_INTENSET, 0 }, { 0, 14, 2, PMU_INTENCLR, 0 },
        { 0, 14, 6, PMU_MMIR, 0 },
    };
    u32 known = 0;

    for (u32 i = 0; i < ARRAY_SIZE(c9); i++)
        check_decode(SYS_ENC(3, c9[i].op1, 9, c9[i].crm, c9[i].op2), c9[i].reg, c9[i].n);
    for (u32 i = 0; i < 1u << 10; i++) /* all of op0 = 3, CRn = 9 */
        known += pmu_decode(SYS_ENC(3, i >> 7, 9, i >> 3 & 15, i & 7)).reg != PMU_NONE;
    assert_int_equal(known, ARRAY_SIZE(c9));
}

static void decode_numbered(void **state)
{
    for (u32 n = 0; n < 32; n++) {
        check_decode(SYS_ENC(3, 3, 14, 8 + n / 8, n % 8), n < 31 ? PMU_EVCNTR : PMU_NONE,
                     n < 31 ? n : 0);
        check_decode(SYS_ENC(3, 3, 14, 12 + n / 8, n % 8), PMU_EVTYPER, n);
    }
    check_decode(SYS_ENC(3, 3, 14, 2, 1), PMU_NONE, 0);  /* CNTP_CTL_EL0 */
    check_decode(SYS_ENC(3, 4, 14, 8, 0), PMU_NONE, 0);  /* of EL2's timers */
    check_decode(SYS_ENC(2, 3, 14, 8, 0), PMU_NONE, 0);  /* of debug */
    check_decode(SYS_ENC(3, 0, 12, 11, 5), PMU_NONE, 0); /* ICC_SGI1R_EL1 */
}

static void masks(void **state)
{
    assert_int_equal(pmu_mask(&v3), 0x8000003f);
    assert_int_equal(pmu_mask(&v3p8), 0xffffffff);
    assert_int_equal(pmu_control_bits(&v3), 0x69);
    assert_int_equal(pmu_control_bits(&v3p5), 0xe9);
    assert_int_equal(pmu_control_bits(&v3p8), 0x2e9);
}

/* Nothing that counts EL2, EL3 or other threads, whatever a guest writes. */
static void types(void **state)
{
    struct pmu_caps v3p1 = { .version = PMU_V3P1, .counters = 6, .el3 = true };
    struct pmu_caps bare = { .version = PMU_V3P1, .counters = 6 };

    assert_true(pmu_type_of_guest(&v3, 0, ~0ull) == (P | U | NSK | NSU | 0x3ff));
    assert_true(pmu_type_of_guest(&v3p1, 30, ~0ull) == (P | U | NSK | NSU | 0xffff));
    assert_true(pmu_type_of_guest(&bare, 0, ~0ull) == (P | U | 0xffff));
    assert_true(pmu_type_of_guest(&v3p1, PMU_CYCLES, ~0ull) == (P | U | NSK | NSU));
    assert_true(pmu_type_of_guest(&v3p8, 0, ~0ull) == (P | U | 0xffff | 0xf0000fffull << 32));
    assert_true(pmu_type_of_guest(&v3p8, PMU_CYCLES, ~0ull) == (P | U));
    assert_true(pmu_type_of_cpu(&v3, 0x11) == (M | 0x11)); /* M = P would count EL3 */
    assert_true(pmu_type_of_cpu(&v3, P | 0x11) == (P | 0x11));
    assert_true(pmu_type_of_cpu(&bare, 0x11) == 0x11);
}

static void levels(void **state)
{
    assert_true(pmu_counts_at(0, false) && pmu_counts_at(0, true));
    assert_true(!pmu_counts_at(P, false) && pmu_counts_at(P, true));
    assert_true(pmu_counts_at(U, false) && !pmu_counts_at(U, true));
    assert_true(pmu_counts_at(P | NSK, false) && !pmu_counts_at(NSK, false));
    assert_true(pmu_counts_at(U | NSU, true) && !pmu_counts_at(NSU, true));
}

static void additions(void **state)
{
    u64 count = 0xfffffffe;

    assert_false(pmu_add_one(&v3, 0, &count));
    assert_true(pmu_add_one(&v3, PMCR_LP, &count)); /* without v3p5 no LP */
    assert_true(count == 0);
    count = 0xffffffff;
    assert_true(pmu_add_one(&v3p5, 0, &count));
    assert_true(count == 0x100000000);
    count = 0xffffffff;
    assert_false(pmu_add_one(&v3p5, PMCR_LP, &count));
    count = ~0ull;
    assert_true(pmu_add_one(&v3p5, PMCR_LP, &count));
    assert_true(count == 0);
}

static void output(void **state)
{
    assert_true(pmu_output(PMCR_E, 0x80000001, 1));
    assert_false(pmu_output(PMCR_E, 0x80000000, 1));
    assert_false(pmu_output(~PMCR_E, 1, 1));
}

static void narrowing(void **state)
{
    struct pmu_caps all = { 6, 8, true, { 0xff, 0xf }, 4 }, other = { 4, 6, true, { 0x3f, 7 }, 4 };
    struct pmu_caps none = { 0 };

    assert_false(pmu_caps_narrow(&all, &all));
    assert_int_equal(all.mmir, 4);
    assert_true(pmu_caps_narrow(&all, &other));
    assert_int_equal(all.version, 4);
    assert_int_equal(all.counters, 6);
    assert_true(all.ceid[0] == 0x3f && all.ceid[1] == 7 && all.mmir == 4 && all.el3);
    assert_true(pmu_caps_narrow(&all, &none));
    assert_true(!all.version && !all.counters && !all.ceid[0] && !all.mmir && !all.el3);
    assert_false(pmu_caps_narrow(&all, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode),    cmocka_unit_test(decode_numbered), cmocka_unit_test(masks),
        cmocka_unit_test(types),     cmocka_unit_test(levels),          cmocka_unit_test(additions),
        cmocka_unit_test(narrowing), cmocka_unit_test(output),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
