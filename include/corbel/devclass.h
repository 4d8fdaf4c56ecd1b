/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DEVCLASS_H
#define CORBEL_DEVCLASS_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/s2policy.h>
#include <corbel/types.h>

/*
 * Device classes: how the regions of a node with a certain compatible are mapped into a
 * domain. One file per class (common/devclass_*.c), one explicit list (common/devclass.c);
 * what no class knows is a plain device. Pure: no state, no memory.
 */
struct devclass_region {
    const struct platform *platform;
    const void *fdt; /* the partial tree, later the host's */
    int node;        /* the device's node in it */
    struct mem_range host;
    struct cfg_error *e;
};

struct devclass {
    const char *name;              /* "mmio-sram", for reports and the checker */
    const char *const *compatible; /* NULL-ended; "arm,gic*" matches by its beginning */
    bool is_master;                /* may do DMA: wants an IOMMU or the explicit force */
    bool in_ram;                   /* may lie over RAM that is reserved no-map */
    bool opaque;                   /* what is below the node concerns the guest alone */
    bool is_bridge; /* PCI host bridge: windows and interrupts of what is behind it */
    /* Which stage-2 class host gets; refuses by name in e->text. Required. */
    enum corbel_err (*map)(const struct devclass_region *r, enum s2_class *cls);
};

/* The class of a node by its compatible list, first string first; never NULL. */
const struct devclass *devclass_of(const void *fdt, int node);

/* What no other class knows: Device-GRE, or Normal-NC by corbel,memory-attribute = "normal-nc". */
extern const struct devclass devclass_plain;

/* What the list is made of; only devclass.c and tests name these. */
extern const struct devclass devclass_sram, devclass_gic, devclass_pcie;

/*
 * May host range r be handed to a domain at all? Refused, naming what is there: RAM (but for
 * SRAM over a reserved no-map range, in_ram), modules, the hypervisor, its device tree, its
 * UART, the GIC with ITS and v2m frames, SMMUs. ERR_EXIST: *what and *clash say what it hit.
 */
enum corbel_err hostmap_check(const struct platform *p, const struct mem_range *r, bool in_ram,
                              const char **what, struct mem_range *clash) __must_check;

/*
 * Highest CPU address (exclusive) that a host device reaches by DMA: the dma-ranges of the
 * buses above host_node; 0: no limit. A bus that translates (child != CPU address) gives
 * ERR_NOTSUP: its addresses are not the CPU's.
 */
enum corbel_err hostmap_dma_limit(const struct platform *p, int host_node, u64 *limit) __must_check;

#endif
