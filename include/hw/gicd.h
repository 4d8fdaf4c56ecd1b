/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_GICD_H
#define HW_GICD_H

#include <corbel/bits.h>

/*
 * GIC distributor, versions 2 (IHI 0048) and 3 (IHI 0069 12.9), shared by the host
 * drivers and the emulator. Offsets in bytes from the frame's base; banks "n" are
 * arrays with the number of bits per INTID given at the right.
 */
#define GICD_CTLR       0x0000u
#define GICD_TYPER      0x0004u
#define GICD_IIDR       0x0008u
#define GICD_TYPER2     0x000cu /* v3 */
#define GICD_STATUSR    0x0010u /* v3, optional */
#define GICD_SETSPI_NSR 0x0040u /* v3 with MBIS */
#define GICD_CLRSPI_NSR 0x0048u
#define GICD_IGROUPR    0x0080u /* 1 bit */
#define GICD_ISENABLER  0x0100u /* 1 */
#define GICD_ICENABLER  0x0180u /* 1 */
#define GICD_ISPENDR    0x0200u /* 1 */
#define GICD_ICPENDR    0x0280u /* 1 */
#define GICD_ISACTIVER  0x0300u /* 1 */
#define GICD_ICACTIVER  0x0380u /* 1 */
#define GICD_IPRIORITYR 0x0400u /* 8 */
#define GICD_ITARGETSR  0x0800u /* 8, v2 */
#define GICD_ICFGR      0x0c00u /* 2 */
#define GICD_IGRPMODR   0x0d00u /* 1, v3 with two security states */
#define GICD_NSACR      0x0e00u /* 2 */
#define GICD_SGIR       0x0f00u /* v2 */
#define GICD_CPENDSGIR  0x0f10u /* 8, v2, SGIs only */
#define GICD_SPENDSGIR  0x0f20u /* 8, v2, SGIs only */
#define GICD_IROUTER    0x6000u /* 64, v3; IROUTER<n> at 0x6000 + 8n, n >= 32 */

/* CoreSight identification: v2 frame of 4 KiB, v3 frame of 64 KiB. */
#define GICD_V2_ICPIDR4   0x0fd0u
#define GICD_V2_ICPIDR2   0x0fe8u
#define GICD_V2_ICCIDR0   0x0ff0u
#define GICD_V3_PIDR4     0xffd0u
#define GICD_V3_PIDR2     0xffe8u
#define GICD_V3_CIDR0     0xfff0u
#define GIC_PIDR2_ARCHREV GENMASK(7, 4)

#define GICD_V2_SIZE 0x1000u
#define GICD_V3_SIZE 0x10000u

/* GICD_CTLR: group enables; the rest is v3 (one security state: DS = 1). */
#define GICD_CTLR_ENABLE_GRP0     BIT(0)
#define GICD_CTLR_ENABLE_GRP1     BIT(1)
/* Non-secure view while DS = 0: EnableGrp1 at bit 0, EnableGrp1A at bit 1. */
#define GICD_CTLR_NS_ENABLE_GRP1  BIT(0)
#define GICD_CTLR_NS_ENABLE_GRP1A BIT(1)
#define GICD_CTLR_ARE             BIT(4)
#define GICD_CTLR_DS              BIT(6)
#define GICD_CTLR_E1NWF           BIT(7)
#define GICD_CTLR_RWP             BIT(31)

#define GICD_TYPER_LINES    GENMASK(4, 0) /* 32 * (N + 1) INTIDs, at most 1020 */
#define GICD_TYPER_CPUS     GENMASK(7, 5) /* v2: number less one; v3: without ARE */
#define GICD_TYPER_SECURITY BIT(10)
#define GICD_TYPER_MBIS     BIT(16)
#define GICD_TYPER_LPIS     BIT(17)
#define GICD_TYPER_IDBITS   GENMASK(23, 19) /* INTID width less one */
#define GICD_TYPER_A3V      BIT(24)
#define GICD_TYPER_NO1N     BIT(25)

#define GICD_IIDR_IMPLEMENTER GENMASK(11, 0)
#define GICD_IIDR_REVISION    GENMASK(15, 12)
#define GICD_IIDR_VARIANT     GENMASK(19, 16)
#define GICD_IIDR_PRODUCT     GENMASK(31, 24)
#define GIC_JEP106_ARM        0x43bu /* bank 5, code 0x3b */

#define GICD_ICFGR_EDGE 2u /* in the two bits of an INTID */

#define GICD_IROUTER_AFF  (GENMASK(39, 32) | GENMASK(23, 0))
#define GICD_IROUTER_MODE BIT(31) /* 1: any participating CPU */

/* GICD_SGIR */
#define GICD_SGIR_INTID   GENMASK(3, 0)
#define GICD_SGIR_NSATT   BIT(15)
#define GICD_SGIR_TARGETS GENMASK(23, 16)
#define GICD_SGIR_FILTER  GENMASK(25, 24)
#define GICD_SGIR_LIST    0u
#define GICD_SGIR_OTHERS  1u
#define GICD_SGIR_SELF    2u

#endif
