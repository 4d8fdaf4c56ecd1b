/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

#include <corbel/bits.h>

#include <asm/pstate.h>

/*
 * System registers, in the Arm ARM's spelling (DDI 0487). read_sysreg() takes a
 * name the assembler knows; registers younger than Armv8.0 are given as
 * S<op0>_<op1>_C<n>_C<m>_<op2> names below.
 */
#define read_sysreg(name)                                                   \
    ({                                                                      \
        u64 sysreg_value;                                                   \
        __asm__ volatile("mrs %0, " SYSREG_STR(name) : "=r"(sysreg_value)); \
        sysreg_value;                                                       \
    })
#define write_sysreg(value, name)                                                 \
    do {                                                                          \
        u64 sysreg_written = (u64)(value);                                        \
        __asm__ volatile("msr " SYSREG_STR(name) ", %x0" ::"rZ"(sysreg_written)); \
    } while (0)
#define SYSREG_STR(name)  SYSREG_STR_(name)
#define SYSREG_STR_(name) #name

/* Registers named by encoding, for assemblers that start at Armv8.0. */
#define SYS_HCRX_EL2         s3_4_c1_c2_2
#define SYS_HFGRTR_EL2       s3_4_c1_c1_4
#define SYS_HFGWTR_EL2       s3_4_c1_c1_5
#define SYS_HFGITR_EL2       s3_4_c1_c1_6
#define SYS_HDFGRTR_EL2      s3_4_c3_c1_4
#define SYS_HDFGWTR_EL2      s3_4_c3_c1_5
#define SYS_HAFGRTR_EL2      s3_4_c3_c1_6
#define SYS_APIAKEYLO_EL1    s3_0_c2_c1_0
#define SYS_APIAKEYHI_EL1    s3_0_c2_c1_1
#define SYS_APIBKEYLO_EL1    s3_0_c2_c1_2
#define SYS_APIBKEYHI_EL1    s3_0_c2_c1_3
#define SYS_APDAKEYLO_EL1    s3_0_c2_c2_0
#define SYS_APDAKEYHI_EL1    s3_0_c2_c2_1
#define SYS_APDBKEYLO_EL1    s3_0_c2_c2_2
#define SYS_APDBKEYHI_EL1    s3_0_c2_c2_3
#define SYS_APGAKEYLO_EL1    s3_0_c2_c3_0
#define SYS_APGAKEYHI_EL1    s3_0_c2_c3_1
#define SYS_PMMIR_EL1        s3_0_c9_c14_6
#define SYS_RNDR             s3_3_c2_c4_0
#define SYS_ID_AA64MMFR2_EL1 s3_0_c0_c7_2
#define SYS_ID_AA64MMFR3_EL1 s3_0_c0_c7_3
#define SYS_ID_AA64MMFR4_EL1 s3_0_c0_c7_4
#define SYS_ID_AA64ISAR2_EL1 s3_0_c0_c6_2
#define SYS_ID_AA64ZFR0_EL1  s3_0_c0_c4_4
#define SYS_ID_AA64SMFR0_EL1 s3_0_c0_c4_5
#define SYS_TCR2_EL1         s3_0_c2_c0_3
#define SYS_PIR_EL1          s3_0_c10_c2_3
#define SYS_PIRE0_EL1        s3_0_c10_c2_2
#define SYS_SCXTNUM_EL1      s3_0_c13_c0_7
#define SYS_SCXTNUM_EL0      s3_3_c13_c0_7
#define SYS_VDISR_EL2        s3_4_c12_c1_1
#define SYS_DISR_EL1         s3_0_c12_c1_1
#define SYS_MPAM2_EL2        s3_4_c10_c5_0
#define SYS_SMPRIMAP_EL2     s3_4_c1_c2_5

/* HCR_EL2 */
#define HCR_EL2_VM       BIT(0)
#define HCR_EL2_SWIO     BIT(1)
#define HCR_EL2_PTW      BIT(2)
#define HCR_EL2_FMO      BIT(3)
#define HCR_EL2_IMO      BIT(4)
#define HCR_EL2_AMO      BIT(5)
#define HCR_EL2_VF       BIT(6)
#define HCR_EL2_VI       BIT(7)
#define HCR_EL2_FB       BIT(9)
#define HCR_EL2_BSU_IS   FIELD_PREP(GENMASK(11, 10), 1)
#define HCR_EL2_DC       BIT(12)
#define HCR_EL2_TWI      BIT(13)
#define HCR_EL2_TWE      BIT(14)
#define HCR_EL2_TID0     BIT(15)
#define HCR_EL2_TID1     BIT(16)
#define HCR_EL2_TID2     BIT(17)
#define HCR_EL2_TID3     BIT(18)
#define HCR_EL2_TSC      BIT(19)
#define HCR_EL2_TIDCP    BIT(20)
#define HCR_EL2_TACR     BIT(21)
#define HCR_EL2_TSW      BIT(22)
#define HCR_EL2_TVM      BIT(26)
#define HCR_EL2_TGE      BIT(27)
#define HCR_EL2_RW       BIT(31)
#define HCR_EL2_E2H      BIT(34)
#define HCR_EL2_TLOR     BIT(35)
#define HCR_EL2_TERR     BIT(36)
#define HCR_EL2_TEA      BIT(37)
#define HCR_EL2_APK      BIT(40)
#define HCR_EL2_API      BIT(41)
#define HCR_EL2_FIEN     BIT(47)
#define HCR_EL2_TID4     BIT(49)
#define HCR_EL2_AMVOFFEN BIT(51)
#define HCR_EL2_ENSCXT   BIT(53)
#define HCR_EL2_ATA      BIT(56)
#define HCR_EL2_TID5     BIT(58)

/* SCTLR_EL2 (E2H = 0) and SCTLR_EL1 */
#define SCTLR_M         BIT(0)
#define SCTLR_A         BIT(1)
#define SCTLR_C         BIT(2)
#define SCTLR_SA        BIT(3)
#define SCTLR_I         BIT(12)
#define SCTLR_WXN       BIT(19)
#define SCTLR_IESB      BIT(21)
#define SCTLR_SPAN      BIT(23)
#define SCTLR_EE        BIT(25)
#define SCTLR_DSSBS     BIT(44)
#define SCTLR_EL1_RESET (BIT(11) | BIT(20) | BIT(22) | BIT(23) | BIT(28) | BIT(29))

#endif
