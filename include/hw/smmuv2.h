/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_SMMUV2_H
#define HW_SMMUV2_H

#include <corbel/bits.h>

/*
 * SMMU architecture version 1 and 2 (IHI 0062), what the Non-secure side uses for stage 2.
 * Shared by the driver and the model of the tests. The register space is two halves of
 * NUMPAGE pages of 4 or 64 KiB: global space 0, global space 1, ... and context bank n in page
 * NUMPAGE + n. Offsets here are in bytes from the page of their group.
 */

/* Global register space 0 (page 0) */
#define SMMU_CR0         0x000u
#define SMMU_ACR         0x010u
#define SMMU_IDR0        0x020u
#define SMMU_IDR1        0x024u
#define SMMU_IDR2        0x028u
#define SMMU_IDR7        0x03cu
#define SMMU_GFAR        0x040u /* 64 bits */
#define SMMU_GFSR        0x048u /* write 1 to clear */
#define SMMU_GFSYNR0     0x050u
#define SMMU_GFSYNR1     0x054u
#define SMMU_TLBIVMID    0x064u
#define SMMU_TLBIALLNSNH 0x068u
#define SMMU_TLBIALLH    0x06cu
#define SMMU_TLBGSYNC    0x070u
#define SMMU_TLBGSTATUS  0x074u
#define SMMU_SMR(n)      (0x800u + 4 * (n))
#define SMMU_S2CR(n)     (0xc00u + 4 * (n))
#define SMMU_PIDR0       0xfe0u
#define SMMU_PIDR1       0xfe4u

#define SMMU_MAPS_MAX  128u /* stream mapping register groups, and streams of indexing */
#define SMMU_BANKS_MAX 128u

/* Global register space 1 (page 1) */
#define SMMU_CBAR(n)      (0x000u + 4 * (n))
#define SMMU_CBFRSYNRA(n) (0x400u + 4 * (n))
#define SMMU_CBA2R(n)     (0x800u + 4 * (n)) /* v2 */

/* A context bank */
#define SMMU_CB_SCTLR      0x000u
#define SMMU_CB_ACTLR      0x004u
#define SMMU_CB_RESUME     0x008u
#define SMMU_CB_TTBR0      0x020u /* 64 bits, halves may be written */
#define SMMU_CB_TCR        0x030u
#define SMMU_CB_FSR        0x058u /* write 1 to clear */
#define SMMU_CB_FAR        0x060u /* 64 bits */
#define SMMU_CB_FSYNR0     0x068u
#define SMMU_CB_TLBIIPAS2  0x630u /* v2; 64 bits with VA64, else 32 */
#define SMMU_CB_TLBIIPAS2L 0x638u /* last level only */

#define SMMU_CR0_CLIENTPD   BIT(0) /* all client traffic passes, unseen by the SMMU */
#define SMMU_CR0_GFRE       BIT(1)
#define SMMU_CR0_GFIE       BIT(2)
#define SMMU_CR0_EXIDENABLE BIT(3) /* 16-bit stream IDs: S2CR.EXIDVALID, SMR without a valid bit */
#define SMMU_CR0_GCFGFRE    BIT(4)
#define SMMU_CR0_GCFGFIE    BIT(5)
#define SMMU_CR0_STALLD     BIT(8)  /* no context may stall */
#define SMMU_CR0_USFCFG     BIT(10) /* streams that match nothing: fault, not bypass */
#define SMMU_CR0_SMCFCFG    BIT(21) /* streams that match twice: fault */
#define SMMU_CR0_VMID16EN   BIT(31)

#define SMMU_IDR0_S2TS        BIT(29)
#define SMMU_IDR0_SMS         BIT(27) /* stream matching; else indexing */
#define SMMU_IDR0_PTFS_NO     BIT(25) /* v2: no AArch32 formats */
#define SMMU_IDR0_NUMIRPT     GENMASK(23, 16)
#define SMMU_IDR0_CTTW        BIT(14)
#define SMMU_IDR0_NUMSIDB     GENMASK(12, 9)
#define SMMU_IDR0_EXIDS       BIT(8)
#define SMMU_IDR0_NUMSMRG     GENMASK(7, 0)
#define SMMU_IDR1_PAGESIZE    BIT(31)         /* 64 KiB */
#define SMMU_IDR1_NUMPAGENDXB GENMASK(30, 28) /* NUMPAGE = 2 << this */
#define SMMU_IDR1_NUMCB       GENMASK(7, 0)
#define SMMU_IDR2_VMID16S     BIT(15)
#define SMMU_IDR2_PTFSV8_4K   BIT(12)       /* AArch64 format with 4 KiB granule */
#define SMMU_IDR2_OAS         GENMASK(7, 4) /* 32, 36, 40, 42, 44, 48 bits */
#define SMMU_IDR2_IAS         GENMASK(3, 0)
#define SMMU_IDR7_MAJOR       GENMASK(7, 4)

#define SMMU_GFSR_ICF         BIT(0) /* mapped to an S2CR of type fault */
#define SMMU_GFSR_USF         BIT(1) /* matches no SMR */
#define SMMU_GFSR_SMCF        BIT(2)
#define SMMU_GFSR_EF          BIT(6)
#define SMMU_GFSR_MULTI       BIT(31)
#define SMMU_GFSYNR0_WNR      BIT(1)
#define SMMU_GFSYNR1_STREAMID GENMASK(15, 0)

#define SMMU_TLBGSTATUS_GSACTIVE BIT(0)

#define SMMU_SMR_VALID      BIT(31)
#define SMMU_SMR_MASK       GENMASK(30, 16) /* 31:16 with EXIDENABLE */
#define SMMU_SMR_ID         GENMASK(14, 0)  /* 15:0 */
#define SMMU_SMR_EXMASK     GENMASK(31, 16)
#define SMMU_SMR_EXID       GENMASK(15, 0)
#define SMMU_S2CR_TYPE      GENMASK(17, 16)
#define SMMU_S2CR_EXIDVALID BIT(10)
#define SMMU_S2CR_CBNDX     GENMASK(7, 0)
enum smmu_s2cr_type { S2CR_TRANSLATE, S2CR_BYPASS, S2CR_FAULT };

#define SMMU_CBAR_IRPTNDX GENMASK(31, 24) /* v1; in v2 each bank has its own interrupt */
#define SMMU_CBAR_TYPE    GENMASK(17, 16)
#define SMMU_CBAR_VMID    GENMASK(7, 0)
#define SMMU_CBAR_STAGE2  0u /* stage 2 only */
#define SMMU_CBA2R_VMID16 GENMASK(31, 16)
#define SMMU_CBA2R_VA64   BIT(0)

#define SMMU_SCTLR_M     BIT(0) /* 0: traffic of this bank passes untranslated! */
#define SMMU_SCTLR_CFRE  BIT(5)
#define SMMU_SCTLR_CFIE  BIT(6)
#define SMMU_SCTLR_CFCFG BIT(7) /* stall, not terminate */
#define SMMU_SCTLR_HUPCF BIT(8) /* go on while a fault is outstanding */

/* TCR of a stage-2 bank: bits 18:0 are those of VTCR_EL2 with VA64; T0SZ is 5 bits without. */
#define SMMU_TCR_RES1    BIT(31) /* EAE */
#define SMMU_TCR_VTCR    GENMASK(18, 0)
#define SMMU_TCR_PS      GENMASK(18, 16) /* VA64 only */
#define SMMU_TCR_SH0     GENMASK(13, 12)
#define SMMU_TCR_ORGN0   GENMASK(11, 10)
#define SMMU_TCR_IRGN0   GENMASK(9, 8)
#define SMMU_TCR_SL0     GENMASK(7, 6)
#define SMMU_TCR_T0SZ    GENMASK(5, 0)
#define SMMU_TCR_T0SZ_32 GENMASK(4, 0) /* two's complement: 32 - bits */
#define SMMU_TTBR_ADDR   GENMASK(47, 4)

#define SMMU_FSR_TF             BIT(1)
#define SMMU_FSR_AFF            BIT(2)
#define SMMU_FSR_PF             BIT(3)
#define SMMU_FSR_EF             BIT(4)
#define SMMU_FSR_ASF            BIT(7)
#define SMMU_FSR_UUT            BIT(8)
#define SMMU_FSR_SS             BIT(30) /* a transaction is stalled: RESUME ends it */
#define SMMU_FSR_MULTI          BIT(31)
#define SMMU_FSR_FAULTS         (GENMASK(8, 1) | SMMU_FSR_MULTI) /* FORMAT (10:9) is no fault */
#define SMMU_FSYNR0_WNR         BIT(4)
#define SMMU_RESUME_TERMINATE   1u
#define SMMU_CBFRSYNRA_STREAMID GENMASK(15, 0)

/* MMU-500 (DDI 0517): part 0x481. Its ACR and ACTLR. */
#define MMU500_PIDR0            0x81u
#define MMU500_PIDR1            0x4u    /* bits 3:0 */
#define MMU500_ACR_CACHE_LOCK   BIT(26) /* r2: ACTLR is locked */
#define MMU500_ACR_S2CRB_TLBEN  BIT(10) /* keep bypass results in the TLB */
#define MMU500_ACR_SMTNMB_TLBEN BIT(8)  /* the same for streams that match nothing */
#define MMU500_ACTLR_CPRE       BIT(1)  /* next-page prefetch: errata 841119, 826419 */

#endif
