/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_S2POLICY_H
#define CORBEL_S2POLICY_H

#include <corbel/types.h>

/*
 * The stage-2 policy: the only source of leaf attributes, a pure function of a
 * region's class (design.md section 3, requirements B2-B4). The numbers are the
 * architecture's stage-2 MemAttr[3:0] and SH[1:0] (Arm ARM D8.6, FWB = 0).
 */
enum s2_class {
    S2_RAM,     /* domain memory */
    S2_RAM_RO,  /* read-only share */
    S2_SRAM,    /* mmio-sram region */
    S2_MMIO,    /* every device but the GIC: Device-GRE */
    S2_GIC,     /* GICV/GICC, GICv2m, ITS frames: Device-nGnRnE */
    S2_MMIO_NC, /* write-combining, only on request */
    S2_MSI,     /* GICv2m frame of an assigned root complex: as S2_GIC, and SMMUs see it */
    S2_HWDOM_C, /* hardware-domain MMIO under ACPI: Normal WB outer, XN */
    S2_MMIO_RO, /* emulated registers that are read without an exit (vPL011): Device-GRE */
    S2_CLASS_COUNT
};

enum s2_memattr {
    S2_ATTR_nGnRnE = 0x0,
    S2_ATTR_GRE = 0x3,
    S2_ATTR_NC = 0x5,
    S2_ATTR_WB = 0xf,
};

enum s2_sh { S2_SH_NONE = 0, S2_SH_OUTER = 2, S2_SH_INNER = 3 };

struct s2_attr {
    u8 memattr; /* enum s2_memattr */
    u8 sh;      /* enum s2_sh */
    bool read, write, exec;
    u8 cls; /* enum s2_class, kept in the PTE's software bits 58:55 */
};

struct s2_attr s2_policy(enum s2_class cls);

/* "RAM", "MMIO", "GIC" ... for reports; never NULL. */
const char *s2_class_name(enum s2_class cls);

#endif
