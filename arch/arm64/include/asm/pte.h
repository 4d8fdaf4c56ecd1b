/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_PTE_H
#define ASM_PTE_H

#include <corbel/bits.h>
#include <corbel/s2policy.h>
#include <corbel/types.h>

#include <asm/layout.h>

/*
 * VMSAv8-64 descriptors, 4 KiB granule, 48-bit output addresses (Arm ARM D8.3).
 * Plain arithmetic, also compiled on the build host. "Attributes" of a leaf are
 * all its bits but address, PTE_VALID and PTE_TYPE, which the walker sets.
 */
#define PTE_VALID BIT(0)
#define PTE_TYPE  BIT(1) /* table; set in level 3 leaves too */
#define PTE_ADDR  GENMASK(47, 12)
#define PTE_ATTRS (~(PTE_ADDR | PTE_VALID | PTE_TYPE))

#define PTE_SH   GENMASK(9, 8) /* 0 none, 2 outer, 3 inner */
#define PTE_AF   BIT(10)       /* always set in advance */
#define PTE_CONT BIT(52)

/* EL2 stage 1 (single-VA regime: AP[1] is RES1, XN is bit 54) */
#define PTE_S1_ATTRINDX GENMASK(4, 2)
#define PTE_S1_AP1      BIT(6)
#define PTE_S1_RDONLY   BIT(7)
#define PTE_S1_XN       BIT(54)

#define PTE_EL2_TEXT   pte_s1_attr(EL2_MT_NORMAL, false, true)
#define PTE_EL2_RODATA pte_s1_attr(EL2_MT_NORMAL, false, false)
#define PTE_EL2_DATA   pte_s1_attr(EL2_MT_NORMAL, true, false)
#define PTE_EL2_DEVICE pte_s1_attr(EL2_MT_DEVICE, true, false)

/* Leaf attributes of EL2's own map. Writable and executable never come together. */
static inline u64 pte_s1_attr(u32 mt, bool write, bool exec)
{
    return FIELD_PREP(PTE_S1_ATTRINDX, mt) | FIELD_PREP(PTE_SH, S2_SH_INNER) | PTE_AF | PTE_S1_AP1 |
           (write ? 0 : PTE_S1_RDONLY) | (exec && !write ? 0 : PTE_S1_XN);
}

/* Stage 2 (FWB = 0). XN is 0b10, "neither EL1 nor EL0", with and without FEAT_XNX. */
#define PTE_S2_MEMATTR GENMASK(5, 2)
#define PTE_S2_READ    BIT(6)
#define PTE_S2_WRITE   BIT(7)
#define PTE_S2_XN      GENMASK(54, 53)
#define PTE_S2_CLASS   GENMASK(58, 55) /* software bits: enum s2_class */

static inline u64 pte_s2_attr(const struct s2_attr *a)
{
    return FIELD_PREP(PTE_S2_MEMATTR, a->memattr) | FIELD_PREP(PTE_SH, a->sh) | PTE_AF |
           (a->read ? PTE_S2_READ : 0) | (a->write ? PTE_S2_WRITE : 0) |
           (a->exec ? 0 : FIELD_PREP(PTE_S2_XN, 2)) | FIELD_PREP(PTE_S2_CLASS, a->cls);
}

static inline struct s2_attr pte_s2_decode(u64 pte)
{
    struct s2_attr a = {
        .memattr = (u8)FIELD_GET(PTE_S2_MEMATTR, pte),
        .sh = (u8)FIELD_GET(PTE_SH, pte),
        .read = (pte & PTE_S2_READ) != 0,
        .write = (pte & PTE_S2_WRITE) != 0,
        .exec = (pte & PTE_S2_XN) == 0,
        .cls = (u8)FIELD_GET(PTE_S2_CLASS, pte),
    };

    return a;
}

#endif
