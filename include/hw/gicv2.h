/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_GICV2_H
#define HW_GICV2_H

#include <corbel/bits.h>

/*
 * GICv2 CPU interface (GICC, and GICV with the same layout) and virtual interface
 * control (GICH), IHI 0048B chapters 4.4 and 5. The distributor is in hw/gicd.h.
 */
#define GICC_CTLR 0x0000u
#define GICC_PMR  0x0004u
#define GICC_BPR  0x0008u
#define GICC_IAR  0x000cu
#define GICC_EOIR 0x0010u
#define GICC_APR  0x00d0u /* 4 words */
#define GICC_IIDR 0x00fcu
#define GICC_DIR  0x1000u
#define GICC_SIZE 0x2000u

/* As seen from Non-secure state; the same bits where there are no security extensions. */
#define GICC_CTLR_ENABLE  BIT(0)
#define GICC_CTLR_EOIMODE BIT(9)

#define GICC_IAR_INTID  GENMASK(9, 0)
#define GICC_IAR_SOURCE GENMASK(12, 10)

#define GICH_HCR   0x000u
#define GICH_VTR   0x004u
#define GICH_VMCR  0x008u
#define GICH_MISR  0x010u
#define GICH_EISR  0x020u /* 2 words */
#define GICH_ELRSR 0x030u /* 2 words */
#define GICH_APR   0x0f0u
#define GICH_LR    0x100u /* 64 words */

#define GICH_VTR_LISTREGS GENMASK(5, 0)   /* number less one */
#define GICH_VTR_PREBITS  GENMASK(28, 26) /* number less one */
#define GICH_VTR_PRIBITS  GENMASK(31, 29)

#define GICH_LR_VINTID   GENMASK(9, 0)
#define GICH_LR_PINTID   GENMASK(19, 10) /* HW = 1 */
#define GICH_LR_SOURCE   GENMASK(12, 10) /* HW = 0 */
#define GICH_LR_EOI      BIT(19)         /* HW = 0 */
#define GICH_LR_PRIORITY GENMASK(27, 23) /* upper five of eight bits */
#define GICH_LR_STATE    GENMASK(29, 28)
#define GICH_LR_GROUP1   BIT(30)
#define GICH_LR_HW       BIT(31)

/* GICH_VMCR has the fields of ICH_VMCR_EL2, the priority mask with its upper five bits only. */
#define GICH_VMCR_MASK (GENMASK(31, 27) | GENMASK(23, 18) | BIT(9) | GENMASK(4, 0))

#endif
