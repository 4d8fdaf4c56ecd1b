/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_ESR_H
#define ASM_ESR_H

#include <corbel/bits.h>
#include <corbel/guest_exit.h>

/* ESR_ELx fields and exception classes (Arm ARM D17.2.37). */
#define ESR_EC  GENMASK(31, 26)
#define ESR_IL  BIT(25)
#define ESR_ISS GENMASK(24, 0)

#define EC_UNKNOWN     0x00
#define EC_WFX         0x01
#define EC_CP15_32     0x03
#define EC_CP15_64     0x04
#define EC_CP14_32     0x05
#define EC_CP14_LS     0x06
#define EC_FP          0x07
#define EC_FPID        0x08
#define EC_PAUTH       0x09
#define EC_LS64        0x0a
#define EC_CP14_64     0x0c
#define EC_BTI         0x0d
#define EC_ILLEGAL     0x0e
#define EC_HVC32       0x12
#define EC_HVC64       0x16
#define EC_SMC64       0x17
#define EC_SYSREG      0x18
#define EC_SVE         0x19
#define EC_SME         0x1d
#define EC_IABT_LOWER  0x20
#define EC_IABT_CUR    0x21
#define EC_PC_ALIGN    0x22
#define EC_DABT_LOWER  0x24
#define EC_DABT_CUR    0x25
#define EC_SP_ALIGN    0x26
#define EC_SERROR      0x2f
#define EC_BREAK_LOWER 0x30
#define EC_STEP_LOWER  0x32
#define EC_WATCH_LOWER 0x34
#define EC_BRK64       0x3c

/* ISS of aborts */
#define ISS_ABT_ISV   BIT(24)
#define ISS_ABT_SAS   GENMASK(23, 22)
#define ISS_ABT_SSE   BIT(21)
#define ISS_ABT_SRT   GENMASK(20, 16)
#define ISS_ABT_SF    BIT(15)
#define ISS_ABT_FNV   BIT(10)
#define ISS_ABT_EA    BIT(9)
#define ISS_ABT_CM    BIT(8)
#define ISS_ABT_S1PTW BIT(7)
#define ISS_ABT_WNR   BIT(6)
#define ISS_ABT_FSC   GENMASK(5, 0)

#define FSC_TRANS        0x04 /* + level */
#define FSC_ACCESS       0x08
#define FSC_PERM         0x0c
#define FSC_EXT          0x10
#define FSC_EXT_WALK_L3  0x17
#define FSC_TLB_CONFLICT 0x30

/* ISS of a trapped wait: 0 WFI, 1 WFE, 2 WFIT, 3 WFET */
#define ISS_WFX_TI GENMASK(1, 0)

/* ISS of MSR/MRS: the encoding as one number, op0 op1 CRn CRm op2 in the Arm ARM's bit order. */
#define ISS_SYS_DIR BIT(0)
#define ISS_SYS_RT  GENMASK(9, 5)
#define ISS_SYS_ENC (GENMASK(21, 10) | GENMASK(4, 1))
#define SYS_ENC(op0, op1, crn, crm, op2) \
    ((u32)(op0) << 20 | (u32)(op2) << 17 | (u32)(op1) << 14 | (u32)(crn) << 10 | (u32)(crm) << 1)

/*
 * Decode a syndrome into e. Pure; the caller fills gva and ipa of aborts. Sysreg
 * exits come out as EXIT_UNDEF: vsysreg.c knows the registers.
 */
void esr_decode(u32 esr, struct guest_exit *e);

#endif
