/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AArch32 and media-feature ID registers as a guest reads them under TID3. Guests run
 * AArch64 at EL1, but may have AArch32 at EL0: these are the hardware's own values.
 */
#include <asm/features.h>

#include <asm/sysreg.h>

#define DFR0_PERFMON GENMASK(27, 24)

static u64 debug_features(u32 pmu)
{
    u64 v = read_sysreg(id_dfr0_el1) & ~(GENMASK(31, 28) | GENMASK(23, 12)); /* trace */
    u32 perfmon = pmu == 1 ? 3 : pmu; /* PMUv3 has another number here */

    return FIELD_GET(DFR0_PERFMON, v) ? (v & ~DFR0_PERFMON) | FIELD_PREP(DFR0_PERFMON, perfmon) : v;
}

u64 cpu_id_view_aarch32(u32 crm, u32 op2, u32 pmu)
{
    switch (crm * 8 + op2) {
    case 8:
        return read_sysreg(id_pfr0_el1) & ~GENMASK(23, 20); /* AMU */
    case 9:
        return read_sysreg(id_pfr1_el1);
    case 10:
        return debug_features(pmu);
    case 12:
        return read_sysreg(id_mmfr0_el1);
    case 13:
        return read_sysreg(id_mmfr1_el1);
    case 14:
        return read_sysreg(id_mmfr2_el1);
    case 15:
        return read_sysreg(id_mmfr3_el1);
    case 16:
        return read_sysreg(id_isar0_el1);
    case 17:
        return read_sysreg(id_isar1_el1);
    case 18:
        return read_sysreg(id_isar2_el1);
    case 19:
        return read_sysreg(id_isar3_el1);
    case 20:
        return read_sysreg(id_isar4_el1);
    case 21:
        return read_sysreg(id_isar5_el1);
    case 22:
        return read_sysreg(s3_0_c0_c2_6); /* ID_MMFR4_EL1 */
    case 23:
        return read_sysreg(s3_0_c0_c2_7); /* ID_ISAR6_EL1 */
    case 24:
        return read_sysreg(mvfr0_el1);
    case 25:
        return read_sysreg(mvfr1_el1);
    case 26:
        return read_sysreg(mvfr2_el1);
    case 28:
        return read_sysreg(s3_0_c0_c3_4) & ~GENMASK(11, 4); /* ID_PFR2_EL1 */
    default:
        return 0;
    }
}
