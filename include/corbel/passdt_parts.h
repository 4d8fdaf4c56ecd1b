/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PASSDT_PARTS_H
#define CORBEL_PASSDT_PARTS_H

#include <corbel/compiler.h>
#include <corbel/devclass.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/passdt.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * What the files of passdt_parse() share. Nobody else includes this; the contract is passdt.h.
 * All functions refuse by name in ps->e and return an error then.
 */
struct passdt_parser {
    const struct platform *p;
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

/* ---- what points to what: passdt_refs.c ---- */

#define PASSDT_TO_GIC 0 /* the root node: nothing else can point there */

/* Find the GIC of the partial tree; its phandle, or one that no node uses, in out->gic_phandle. */
enum corbel_err passdt_refs_gic(struct passdt_parser *ps) __must_check;

/* A node below /passthrough, PASSDT_TO_GIC, or negative: nothing that the guest will have. */
int passdt_refs_target(const struct passdt_parser *ps, u32 phandle);

/* Interrupt parent and phandle of any node; of a device also clocks and interrupts-extended. */
enum corbel_err passdt_refs_check(struct passdt_parser *ps, int node, bool is_device) __must_check;

/* ---- interrupts: passdt_irq.c ---- */

/* Take the SPIs of devices[device]; after passdt_refs_check() of its node and all above it. */
enum corbel_err passdt_irq_parse(struct passdt_parser *ps, u32 device) __must_check;

#endif
