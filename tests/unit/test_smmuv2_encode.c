/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register values of SMMUv1 and v2, against numbers worked out by hand from the field tables of
 * IHI 0062, not with the driver's own macros.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../drivers/iommu/smmuv2_priv.h"

static void sizes(void **state)
{
    static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

    for (u32 i = 0; i < 8; i++)
        assert_int_equal(smmuv2_size_bits(i), bits[i]);
    assert_int_equal(smmuv2_size_bits(15), 48);
}

static void global_control(void **state)
{
    /* SMCFCFG 21, USFCFG 10, STALLD 8, GCFGFRE 4, GFRE 1; not CLIENTPD, VMIDPNE 11, PTM 12. */
    assert_int_equal(smmuv2_cr0(false, false), 0x00200512);
    assert_int_equal(smmuv2_cr0(true, false), 0x0020051a);
    assert_int_equal(smmuv2_cr0(false, true), 0x80200512);
}

static void stream_mapping(void **state)
{
    assert_int_equal(smmuv2_smr(0x123, 0x00f, false), 0x800f0123);
    assert_int_equal(smmuv2_smr(0x7fff, 0x7fff, false), 0xffff7fff);
    assert_int_equal(smmuv2_smr(0xff00, 0x00ff, true), 0x00ffff00);
    assert_int_equal(smmuv2_smr(0x0000, 0xffff, true), 0xffff0000);
    assert_int_equal(smmuv2_s2cr(S2CR_TRANSLATE, 5, false), 0x00000005);
    assert_int_equal(smmuv2_s2cr(S2CR_TRANSLATE, 127, true), 0x0000047f);
    assert_int_equal(smmuv2_s2cr(S2CR_BYPASS, 0, false), 0x00010000);
    assert_int_equal(smmuv2_s2cr(S2CR_FAULT, 0, true), 0x00020400);
}

static void bank_attributes(void **state)
{
    assert_int_equal(smmuv2_cbar(0x42, false, 3), 0x03000042);
    assert_int_equal(smmuv2_cbar(0x1234, true, 0), 0);
    assert_int_equal(smmuv2_cba2r(0x1234, true, true), 0x12340001);
    assert_int_equal(smmuv2_cba2r(0x42, false, true), 1);
    assert_int_equal(smmuv2_cba2r(0x42, false, false), 0);
    /* M 0, CFRE 5, CFIE 6, HUPCF 8; never CFCFG 7. */
    assert_int_equal(smmuv2_sctlr(true), 0x161);
    assert_int_equal(smmuv2_sctlr(false), 0x121);
}

/* 48 bits from level 0, and 40 from level 1: PS 5, SH0 3, ORGN0 1, IRGN0 1, SL0, T0SZ. */
static void tcr(void **state)
{
    assert_int_equal(smmuv2_tcr(0x80053590ull, true, true), 0x80053590);
    assert_int_equal(smmuv2_tcr(0x80053558ull, true, true), 0x80053558);
    /* VS (bit 19) and all above are VTCR_EL2's own. */
    assert_int_equal(smmuv2_tcr(0xfffffffffff80000ull | 0x53558, true, true), 0x80053558);
    /* A walker that is not coherent: outer shareable, not cacheable. */
    assert_int_equal(smmuv2_tcr(0x80053558ull, true, false), 0x80052058);
}

/* AArch32: T0SZ = 32 - bits in two's complement of four bits, S repeats the sign; no PS. */
static void tcr_aarch32(void **state)
{
    for (u32 bits = 25; bits <= 40; bits++) {
        s32 t0sz = 32 - (s32)bits;
        u32 want = ((u32)t0sz & 0xf) | (t0sz < 0 ? 0x10 : 0);

        assert_int_equal(smmuv2_tcr(0x80023540ull | (64 - bits), false, true), 0x80003540 | want);
    }
}

static void kinds(void **state)
{
    static const struct {
        u32 fsr;
        u8 kind;
    } banks[] = {
        { 1u << 1, IOMMU_FAULT_TRANSLATION },
        { 1u << 2, IOMMU_FAULT_ACCESS },
        { 1u << 3, IOMMU_FAULT_PERMISSION },
        { 1u << 4, IOMMU_FAULT_WALK },
        { 1u << 5, IOMMU_FAULT_OTHER }, /* TLB match conflict */
        { 1u << 6, IOMMU_FAULT_OTHER }, /* TLB lock */
        { 1u << 7, IOMMU_FAULT_SIZE },
        { 1u << 8, IOMMU_FAULT_OTHER }, /* unsupported upstream transaction */
        { 1u << 31, IOMMU_FAULT_LOST },
        { 1u << 31 | 1u << 1 | 2u << 9, IOMMU_FAULT_TRANSLATION },
    };

    for (u32 i = 0; i < ARRAY_SIZE(banks); i++)
        assert_int_equal(smmuv2_fsr_kind(banks[i].fsr), banks[i].kind);
    assert_int_equal(smmuv2_gfsr_kind(1u << 0), IOMMU_FAULT_STREAM);
    assert_int_equal(smmuv2_gfsr_kind(1u << 1 | 1u << 31), IOMMU_FAULT_STREAM);
    for (u32 bit = 2; bit <= 8; bit++)
        assert_int_equal(smmuv2_gfsr_kind(1u << bit), IOMMU_FAULT_GLOBAL);
    assert_int_equal(smmuv2_gfsr_kind(1u << 31), IOMMU_FAULT_LOST);
}

/* Against all stream IDs of six bits, for every pair of matches that begins with one of some. */
static void matches(void **state)
{
    for (u32 n = 0; n < 64 * 64; n++) {
        struct smmuv2_match a = { .id = 0x15 & ~(n & 63), .mask = n & 63 };

        for (u32 k = 0; k < 64; k++) {
            struct smmuv2_match b = { .id = (u16)((n >> 6) & ~k), .mask = (u16)k };
            bool overlap = false, inside = true;

            for (u32 s = 0; s < 64; s++) {
                bool in_a = !((s ^ a.id) & ~a.mask), in_b = !((s ^ b.id) & ~b.mask);

                overlap |= in_a && in_b;
                inside &= in_a || !in_b;
            }
            assert_int_equal(smmuv2_match_overlap(&a, &b), overlap);
            assert_int_equal(smmuv2_match_inside(&a, &b), inside);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(global_control),
        cmocka_unit_test(stream_mapping),
        cmocka_unit_test(bank_attributes),
        cmocka_unit_test(tcr),
        cmocka_unit_test(tcr_aarch32),
        cmocka_unit_test(kinds),
        cmocka_unit_test(matches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
