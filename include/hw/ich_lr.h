/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_ICH_LR_H
#define HW_ICH_LR_H

#include <corbel/bits.h>

/*
 * List-register layout as ICH_LR<n>_EL2 (IHI 0069 12.4): the one form used above
 * the GIC drivers. For a software SGI of a GICv2 guest the source CPU travels in
 * bits 34:32 (unused there when HW = 0); GICH_LR keeps it in bits 12:10.
 */
#define ICH_LR_VINTID   GENMASK(31, 0)
#define ICH_LR_PINTID   GENMASK(44, 32) /* HW = 1 */
#define ICH_LR_EOI      BIT(41)         /* HW = 0: maintenance interrupt at EOI */
#define ICH_LR_SOURCE   GENMASK(34, 32) /* HW = 0, GICv2 SGI: source CPU */
#define ICH_LR_PRIORITY GENMASK(55, 48)
#define ICH_LR_GROUP1   BIT(60)
#define ICH_LR_HW       BIT(61)
#define ICH_LR_PENDING  BIT(62)
#define ICH_LR_ACTIVE   BIT(63)
#define ICH_LR_STATE    GENMASK(63, 62)

/* ICH_HCR_EL2 */
#define ICH_HCR_EN       BIT(0)
#define ICH_HCR_UIE      BIT(1)
#define ICH_HCR_LRENPIE  BIT(2)
#define ICH_HCR_NPIE     BIT(3)
#define ICH_HCR_VGRP0EIE BIT(4)
#define ICH_HCR_VGRP0DIE BIT(5)
#define ICH_HCR_VGRP1EIE BIT(6)
#define ICH_HCR_VGRP1DIE BIT(7)
#define ICH_HCR_TC       BIT(10)
#define ICH_HCR_TALL0    BIT(11)
#define ICH_HCR_TALL1    BIT(12)
#define ICH_HCR_TSEI     BIT(13)
#define ICH_HCR_TDIR     BIT(14)
#define ICH_HCR_EOICOUNT GENMASK(31, 27)

/* ICH_MISR_EL2 */
#define ICH_MISR_EOI BIT(0)
#define ICH_MISR_U   BIT(1)

/* ICH_VMCR_EL2 */
#define ICH_VMCR_VENG0   BIT(0)
#define ICH_VMCR_VENG1   BIT(1)
#define ICH_VMCR_VACKCTL BIT(2)
#define ICH_VMCR_VFIQEN  BIT(3)
#define ICH_VMCR_VCBPR   BIT(4)
#define ICH_VMCR_VEOIM   BIT(9)
#define ICH_VMCR_VBPR1   GENMASK(20, 18)
#define ICH_VMCR_VBPR0   GENMASK(23, 21)
#define ICH_VMCR_VPMR    GENMASK(31, 24)

#endif
