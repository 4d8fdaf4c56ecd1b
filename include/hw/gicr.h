/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_GICR_H
#define HW_GICR_H

#include <corbel/bits.h>

/*
 * GICv3 redistributor (IHI 0069 12.10, 12.11), shared by the host driver and the
 * emulator. Each has an RD frame and, 64 KiB above, an SGI frame whose registers
 * stand at the offsets of GICD's first bank (hw/gicd.h): add GICR_SGI.
 */
#define GICR_CTLR      0x0000u
#define GICR_IIDR      0x0004u
#define GICR_TYPER     0x0008u /* 64 bits */
#define GICR_STATUSR   0x0010u
#define GICR_WAKER     0x0014u
#define GICR_MPAMIDR   0x0018u
#define GICR_SETLPIR   0x0040u
#define GICR_CLRLPIR   0x0048u
#define GICR_PROPBASER 0x0070u
#define GICR_PENDBASER 0x0078u
#define GICR_INVLPIR   0x00a0u
#define GICR_INVALLR   0x00b0u
#define GICR_SYNCR     0x00c0u
#define GICR_PIDR4     0xffd0u
#define GICR_PIDR2     0xffe8u
#define GICR_CIDR0     0xfff0u

#define GICR_SGI        0x10000u /* SGI frame */
#define GICR_IGROUPR0   (GICR_SGI + 0x0080u)
#define GICR_ISENABLER0 (GICR_SGI + 0x0100u)
#define GICR_ICENABLER0 (GICR_SGI + 0x0180u)
#define GICR_ISPENDR0   (GICR_SGI + 0x0200u)
#define GICR_ICPENDR0   (GICR_SGI + 0x0280u)
#define GICR_ISACTIVER0 (GICR_SGI + 0x0300u)
#define GICR_ICACTIVER0 (GICR_SGI + 0x0380u)
#define GICR_IPRIORITYR (GICR_SGI + 0x0400u)
#define GICR_ICFGR0     (GICR_SGI + 0x0c00u)
#define GICR_IGRPMODR0  (GICR_SGI + 0x0d00u)
#define GICR_NSACR      (GICR_SGI + 0x0e00u)

/* Distance between redistributors; with VLPIS (GICv4) there are two more frames. */
#define GICR_SIZE_V3 0x20000u
#define GICR_SIZE_V4 0x40000u

#define GICR_CTLR_ENABLE_LPIS BIT(0)
#define GICR_CTLR_CES         BIT(1)
#define GICR_CTLR_IR          BIT(2)
#define GICR_CTLR_RWP         BIT(3)
#define GICR_CTLR_UWP         BIT(31)

#define GICR_TYPER_PLPIS     BIT(0)
#define GICR_TYPER_VLPIS     BIT(1)
#define GICR_TYPER_LAST      BIT(4)
#define GICR_TYPER_PROCESSOR GENMASK(23, 8)
#define GICR_TYPER_AFF       GENMASK(63, 32) /* Aff3.Aff2.Aff1.Aff0, 8 bits each */

#define GICR_WAKER_PROCESSOR_SLEEP BIT(1)
#define GICR_WAKER_CHILDREN_ASLEEP BIT(2)

#endif
