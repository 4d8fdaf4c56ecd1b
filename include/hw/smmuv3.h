/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_SMMUV3_H
#define HW_SMMUV3_H

#include <corbel/bits.h>

/*
 * Arm SMMUv3 as the hardware sees it (IHI 0070): registers of the Non-secure interface, stream
 * table, commands, event records. Only what stage-2 translation needs; names as there.
 */
#define SMMU_REGS_SIZE 0x20000u /* page 0 and, 64 KiB above it, page 1 */

#define SMMU_IDR0            0x00u
#define SMMU_IDR1            0x04u
#define SMMU_IDR3            0x0cu
#define SMMU_IDR5            0x14u
#define SMMU_CR0             0x20u
#define SMMU_CR0ACK          0x24u
#define SMMU_CR1             0x28u
#define SMMU_CR2             0x2cu
#define SMMU_GBPA            0x44u
#define SMMU_IRQ_CTRL        0x50u
#define SMMU_IRQ_CTRLACK     0x54u
#define SMMU_GERROR          0x60u
#define SMMU_GERRORN         0x64u
#define SMMU_GERROR_IRQ_CFG0 0x68u /* 64 bits, as all of *_BASE, *_IRQ_CFG0 */
#define SMMU_STRTAB_BASE     0x80u
#define SMMU_STRTAB_BASE_CFG 0x88u
#define SMMU_CMDQ_BASE       0x90u
#define SMMU_CMDQ_PROD       0x98u
#define SMMU_CMDQ_CONS       0x9cu
#define SMMU_EVENTQ_BASE     0xa0u
#define SMMU_EVENTQ_IRQ_CFG0 0xb0u
#define SMMU_EVENTQ_PROD     0x100a8u
#define SMMU_EVENTQ_CONS     0x100acu

#define SMMU_IDR0_S2P         BIT(0)
#define SMMU_IDR0_S1P         BIT(1)
#define SMMU_IDR0_TTF         GENMASK(3, 2)
#define SMMU_IDR0_TTF_AARCH64 BIT(3) /* the upper bit of TTF: AArch64, or both */
#define SMMU_IDR0_COHACC      BIT(4)
#define SMMU_IDR0_HYP         BIT(9)
#define SMMU_IDR0_ATS         BIT(10)
#define SMMU_IDR0_MSI         BIT(13)
#define SMMU_IDR0_VMID16      BIT(18)
#define SMMU_IDR0_TTENDIAN    GENMASK(22, 21) /* 0 either, 2 little, 3 big */
#define SMMU_IDR0_STALL_MODEL GENMASK(25, 24) /* 2: every fault stalls */
#define SMMU_IDR0_ST_LEVEL    GENMASK(28, 27) /* 1: two-level tables, too */

#define SMMU_IDR1_SIDSIZE       GENMASK(5, 0)
#define SMMU_IDR1_EVENTQS       GENMASK(20, 16)
#define SMMU_IDR1_CMDQS         GENMASK(25, 21)
#define SMMU_IDR1_QUEUES_PRESET BIT(29)
#define SMMU_IDR1_TABLES_PRESET BIT(30)

#define SMMU_IDR3_RIL  BIT(10)
#define SMMU_IDR3_BBML GENMASK(12, 11)

#define SMMU_IDR5_OAS    GENMASK(2, 0)
#define SMMU_IDR5_GRAN4K BIT(4)

#define SMMU_CR0_SMMUEN   BIT(0)
#define SMMU_CR0_EVENTQEN BIT(2)
#define SMMU_CR0_CMDQEN   BIT(3)
#define SMMU_CR0_ATSCHK   BIT(4) /* "translated" requests of devices are checked against the STE */

/* Cacheability 1: write-back; shareability 3: inner. All zero: not cached. */
#define SMMU_CR1_COHERENT (0x5u | 0x3u << 4 | 0x5u << 6 | 0x3u << 10)

#define SMMU_CR2_RECINVSID BIT(1) /* record C_BAD_STREAMID */
#define SMMU_CR2_PTM       BIT(2) /* deaf to the CPUs' broadcast TLB maintenance */

#define SMMU_GBPA_ABORT  BIT(20)
#define SMMU_GBPA_UPDATE BIT(31)

#define SMMU_IRQ_CTRL_GERROR BIT(0)
#define SMMU_IRQ_CTRL_EVENTQ BIT(2)

/* A bit is active while GERROR and GERRORN differ in it. */
#define SMMU_GERROR_CMDQ_ERR       BIT(0)
#define SMMU_GERROR_EVENTQ_ABT_ERR BIT(2)
#define SMMU_GERROR_SFM_ERR        BIT(8)
#define SMMU_GERROR_ALL            GENMASK(10, 0)

#define SMMU_CMDQ_CONS_ERR     GENMASK(30, 24)
#define SMMU_CERROR_ILL        1u
#define SMMU_CERROR_ABT        2u
#define SMMU_QUEUE_OVFLG       BIT(31) /* EVENTQ_PROD; acknowledged in the same bit of CONS */
#define SMMU_BASE_ADDR         GENMASK(51, 5)
#define SMMU_BASE_HINT         BIT(62) /* queues: allocate; STRTAB_BASE: read-allocate */
#define SMMU_STRTAB_LOG2SIZE   GENMASK(5, 0)
#define SMMU_STRTAB_SPLIT      GENMASK(10, 6)
#define SMMU_STRTAB_TWO_LEVELS BIT(16)

/* Level-1 descriptor: Span n is 1 << (n - 1) entries; 0: invalid. */
#define L1STD_SPAN  GENMASK(4, 0)
#define L1STD_L2PTR GENMASK(51, 6)

/* Stream table entry, eight dwords; IHI 0070 5.2 counts bits through all of them. */
#define STE_BYTES          64u
#define STE_0_V            BIT(0)
#define STE_0_CONFIG       GENMASK(3, 1)
#define STE_CONFIG_ABORT   0u
#define STE_CONFIG_BYPASS  4u
#define STE_CONFIG_S2      6u
#define STE_1_SHCFG        GENMASK(45, 44)
#define STE_SHCFG_INCOMING 1u
#define STE_2_S2VMID       GENMASK(15, 0)
#define STE_2_VTCR         GENMASK(50, 32) /* S2T0SZ to S2PS: laid out as VTCR_EL2[18:0] */
#define STE_2_S2AA64       BIT(51)
#define STE_2_S2R          BIT(58) /* record faults */
#define STE_3_S2TTB        GENMASK(51, 4)

/* Commands, two dwords. */
#define CMD_BYTES          16u
#define CMD_0_OP           GENMASK(7, 0)
#define CMD_OP_CFGI_STE    0x03u
#define CMD_OP_CFGI_RANGE  0x04u /* with Range = 31: CMD_CFGI_ALL */
#define CMD_OP_EL2_ALL     0x20u
#define CMD_OP_S12_VMALL   0x28u
#define CMD_OP_S2_IPA      0x2au
#define CMD_OP_NSNH_ALL    0x30u
#define CMD_OP_SYNC        0x46u
#define CMD_CFGI_0_SID     GENMASK(63, 32)
#define CMD_CFGI_1_RANGE   GENMASK(4, 0) /* 1 << (Range + 1) streams */
#define CMD_TLBI_0_NUM     GENMASK(16, 12)
#define CMD_TLBI_0_SCALE   GENMASK(24, 20)
#define CMD_TLBI_0_VMID    GENMASK(47, 32)
#define CMD_TLBI_1_TG      GENMASK(11, 10) /* 0: one address; 1: a range of 4 KiB pages */
#define CMD_TLBI_1_ADDRESS GENMASK(51, 12)

/* Event records, four dwords. */
#define EVT_BYTES              32u
#define EVT_0_TYPE             GENMASK(7, 0)
#define EVT_0_SID              GENMASK(63, 32)
#define EVT_1_RNW              BIT(35)
#define EVT_F_UUT              0x01u
#define EVT_C_BAD_STREAMID     0x02u
#define EVT_F_STE_FETCH        0x03u
#define EVT_C_BAD_STE          0x04u
#define EVT_F_TRANSL_FORBIDDEN 0x07u
#define EVT_F_WALK_EABT        0x0bu
#define EVT_F_TRANSLATION      0x10u
#define EVT_F_ADDR_SIZE        0x11u
#define EVT_F_ACCESS           0x12u
#define EVT_F_PERMISSION       0x13u
#define EVT_F_TLB_CONFLICT     0x20u

#endif
