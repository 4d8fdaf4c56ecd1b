/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PASSDT_PARTS_H
#define CORBEL_PASSDT_PARTS_H

#include <corbel/compiler.h>
#include <corbel/devclass.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/fdt_read.h>
#include <corbel/passdt.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * What the files of passdt_parse() share. Nobody else includes this; the contract is passdt.h.
 * All functions refuse by name in ps->e and return an error then.
 */
struct passdt_parser {
    const struct platform *p;
    const struct domcfg *cfg; /* of the domain */
    struct passdt *out;
    struct cfg_error *e;
    int root;       /* /passthrough in out->fdt */
    int end;        /* the first node behind it and all below it; negative: there is none */
    int gic;        /* the node that stands for the GIC; negative: none, it has a phandle only */
    bool allow_all; /* corbel,allow-unlisted on /passthrough */
};

/* ---- the host's tree: passdt_host.c ---- */

/* The enabled host node with the smallest reg entry that holds r; negative when there is none. */
int passdt_host_find(const void *host, const struct mem_range *r);

/*
 * Does r lie inside one reg entry of host node, rounded to whole pages if nobody else's registers
 * are in what rounding adds? ERR_RANGE: no. ERR_EXIST: neighbor has registers there, *exact is
 * what may be given.
 */
enum corbel_err passdt_host_holds(const void *host, int node, const struct mem_range *r,
                                  int *neighbor, struct mem_range *exact) __must_check;

/* ---- PCI host bridges: passdt_pcie.c ---- */

/* Does one window in ranges of bridge node of the host, in CPU addresses, hold all of r? */
bool passdt_pcie_holds(const void *host, int node, const struct mem_range *r);

/*
 * A bridge given whole, devices[device], once its regions are known: config space and windows of
 * the partial node are where xen,reg puts them and, unless unlisted, lead to what the host has
 * for the same buses and PCI addresses. Sets ecam and bus numbers of the device, and the class of
 * prefetchable windows by corbel,memory-attribute.
 */
enum corbel_err passdt_pcie_check(struct passdt_parser *ps, u32 device, bool unlisted) __must_check;

/* ---- MSIs: passdt_msi.c ---- */

/* A bridge's GICv2m frame into out->msi, where host and partial tree have one; after all else. */
enum corbel_err passdt_msi_parse(struct passdt_parser *ps, u32 device) __must_check;

/* ---- what points to what: passdt_refs.c ---- */

#define PASSDT_TO_GIC 0 /* the root node: nothing else can point there */

/* Find the GIC of the partial tree; its phandle, or one that no node uses, in out->gic_phandle. */
enum corbel_err passdt_refs_gic(struct passdt_parser *ps) __must_check;

/* A node below /passthrough, PASSDT_TO_GIC, or negative: nothing that the guest will have. */
int passdt_refs_target(const struct passdt_parser *ps, u32 phandle);

/* Interrupt parent and phandle of any node; of a device also clocks and interrupts-extended. */
enum corbel_err passdt_refs_check(struct passdt_parser *ps, int node, bool is_device) __must_check;

/* ---- DMA: passdt_dma.c ---- */

/*
 * Find the streams of devices[device], decide what keeps its DMA to the domain's memory, and how
 * far it reaches; after its regions, which say what node of the host it is.
 */
enum corbel_err passdt_dma_parse(struct passdt_parser *ps, u32 device) __must_check;

/* ---- interrupts: passdt_irq.c ---- */

/* Take the SPIs of devices[device]; after passdt_refs_check() of its node and all above it. */
enum corbel_err passdt_irq_parse(struct passdt_parser *ps, u32 device) __must_check;

/* ---- interrupt-map: passdt_imap.c ---- */

/* A walk over one map: entry by entry, and in each first the controller, then its specifier. */
struct passdt_imap {
    const void *fdt;
    const u8 *at;
    u32 left;    /* bytes */
    u32 child;   /* bytes of a child's address and interrupt */
    u32 phandle; /* the entry's controller */
    int controller;
    u32 address, interrupt; /* cells that follow it */
};

/* ERR_NOENT: node has no map. ERR_FORMAT: longer than 4096 cells, or no sound cell counts. */
enum corbel_err passdt_imap_begin(struct passdt_imap *m, const void *fdt, int node) __must_check;

/* Phandle of the next entry's controller. ERR_NOENT: there are no more. ERR_FORMAT: cut off. */
enum corbel_err passdt_imap_next(struct passdt_imap *m) __must_check;

/* Cells at an interrupt controller; none for the address unless it says so. ERR_FORMAT. */
enum corbel_err passdt_imap_cells(struct passdt_imap *m, int controller) __must_check;

/* The interrupt of the entry, in m->interrupt cells; the walk is behind it. ERR_FORMAT. */
enum corbel_err passdt_imap_specifier(struct passdt_imap *m, const u8 **cells) __must_check;

/*
 * All of that for the host's tree: the next interrupt that goes to a GIC. ERR_NOENT: no more.
 * ERR_FORMAT, ERR_RANGE: malformed.
 */
enum corbel_err passdt_imap_gic(struct passdt_imap *m, struct fdtr_irq *irq) __must_check;

#endif
