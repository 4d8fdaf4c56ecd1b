/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phandles of a partial device tree: what a device of it points to must be in the guest's tree,
 * that is below /passthrough, or be the GIC, for which a node beside /passthrough stands. Pure.
 */
#include <corbel/passdt_parts.h>

#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/string.h>

#define CELL_SIZE     4u
#define LIST_SIZE_MAX (256 * CELL_SIZE)
#define GIC_IRQ_CELLS 3u /* of the GIC that guests get */

/*
 * What trees written for Xen call the GIC without having a node for it: GUEST_PHANDLE_GIC of its
 * tools. The next ones are tried where a node of the tree uses that number itself.
 */
#define GIC_PHANDLE_FIRST 65000u
#define GIC_PHANDLE_TRIES 64u

static struct domprop prop_of(const struct passdt_parser *ps, int node)
{
    return (struct domprop){ ps->out->fdt, node, ps->e };
}

/* Called "gic", as Xen has it; else whatever beside /passthrough is an interrupt controller. */
static int find_gic(const struct passdt_parser *ps)
{
    const void *fdt = ps->out->fdt;
    int node = fdtr_child(fdt, 0, "gic");

    if (node >= 0)
        return node;
    for (node = fdtr_first_child(fdt, 0); node >= 0; node = fdtr_next_child(fdt, node)) {
        if (node != ps->root && fdtr_has(fdt, node, "interrupt-controller"))
            return node;
    }
    return -1;
}

static enum corbel_err choose_phandle(struct passdt_parser *ps)
{
    struct domprop at = prop_of(ps, 0);

    for (u32 i = 0; i < GIC_PHANDLE_TRIES; i++) {
        ps->out->gic_phandle = GIC_PHANDLE_FIRST + i;
        if (fdtr_by_phandle(ps->out->fdt, ps->out->gic_phandle) < 0)
            return CORBEL_OK;
    }
    return domprop_refusef(&at, "gic", DOMPROP_PRESENT,
                           "a node with a phandle: the nodes use %u and %u more", GIC_PHANDLE_FIRST,
                           GIC_PHANDLE_TRIES - 1);
}

enum corbel_err passdt_refs_gic(struct passdt_parser *ps)
{
    static const struct domprop_rule rule = { "#interrupt-cells", GIC_IRQ_CELLS, GIC_IRQ_CELLS,
                                              "3: this node stands for the guest's GIC" };
    static const struct domprop_rule address = {
        "#address-cells", 0, 2, "0 to 2: entries of an interrupt-map have as many for the GIC"
    };
    struct domprop at;
    u32 cells;
    enum corbel_err err;

    ps->gic = find_gic(ps);
    if (ps->gic < 0)
        return choose_phandle(ps);
    at = prop_of(ps, ps->gic);
    err = domprop_u32(&at, &rule, &cells);
    if (err == CORBEL_OK || err == ERR_NOENT)
        err = domprop_u32(&at, &address, &ps->out->gic_address_cells);
    if (err != CORBEL_OK && err != ERR_NOENT)
        return err;
    ps->out->gic_phandle = fdtr_phandle(ps->out->fdt, ps->gic);
    return ps->out->gic_phandle ? CORBEL_OK : choose_phandle(ps);
}

int passdt_refs_target(const struct passdt_parser *ps, u32 phandle)
{
    int node;

    if (phandle == ps->out->gic_phandle)
        return PASSDT_TO_GIC;
    node = fdtr_by_phandle(ps->out->fdt, phandle);
    return node >= ps->root && (ps->end < 0 || node < ps->end) ? node : -1;
}

static enum corbel_err check_parent(struct passdt_parser *ps, int node)
{
    static const struct domprop_rule rule = { "interrupt-parent", 0, UINT32_MAX,
                                              "a phandle in one cell" };
    struct domprop at = prop_of(ps, node);
    u32 phandle = 0;
    enum corbel_err err = domprop_u32(&at, &rule, &phandle);

    if (err != CORBEL_OK)
        return err == ERR_NOENT ? CORBEL_OK : err;
    if (passdt_refs_target(ps, phandle) >= 0)
        return CORBEL_OK;
    return domprop_refuse(&at, rule.name, DOMPROP_CELLS,
                          "the phandle of the GIC, or of a node below /passthrough");
}

/* How many cells follow a phandle that leads to target. ERR_NOENT: it is nothing of that kind. */
static enum corbel_err specifier_cells(const struct passdt_parser *ps, int target,
                                       const char *cells_name, u32 *cells)
{
    if (target != PASSDT_TO_GIC)
        return fdtr_u32(ps->out->fdt, target, cells_name, cells);
    *cells = GIC_IRQ_CELLS;
    return strcmp(cells_name, "#interrupt-cells") == 0 ? CORBEL_OK : ERR_NOENT;
}

/* A list of <phandle specifier>, phandle 0 for an entry left empty. Each costs a search. */
static enum corbel_err check_list(struct passdt_parser *ps, int node, const char *name,
                                  const char *cells_name)
{
    struct domprop at = prop_of(ps, node);
    u32 left = 0;
    const u8 *prop = fdtr_prop(at.fdt, node, name, &left);

    if (left > LIST_SIZE_MAX)
        return domprop_refuse(&at, name, DOMPROP_CELLS, "at most 256 cells");
    while (left) {
        u32 phandle = left < CELL_SIZE ? 0 : (u32)fdtr_read_cells(prop, 1);
        int target = passdt_refs_target(ps, phandle);
        u32 cells = 0;

        if (phandle && target < 0)
            return domprop_refusef(&at, name, DOMPROP_CELLS,
                                   "phandles of nodes below /passthrough; 0x%x is none", phandle);
        if (phandle && specifier_cells(ps, target, cells_name, &cells) != CORBEL_OK)
            return domprop_refusef(&at, name, DOMPROP_CELLS, "nodes with %s; 0x%x has none",
                                   cells_name, phandle);
        if (left / CELL_SIZE <= cells)
            return domprop_refusef(&at, name, DOMPROP_CELLS, "whole entries of phandle and %s",
                                   cells_name);
        prop += (size_t)(1 + cells) * CELL_SIZE;
        left -= (1 + cells) * CELL_SIZE;
    }
    return CORBEL_OK;
}

enum corbel_err passdt_refs_check(struct passdt_parser *ps, int node, bool is_device)
{
    struct domprop at = prop_of(ps, node);
    enum corbel_err err;

    if (fdtr_phandle(at.fdt, node) == ps->out->gic_phandle)
        return domprop_refuse(&at, "phandle", DOMPROP_CELLS, "another than the GIC's");
    err = check_parent(ps, node);
    if (err == CORBEL_OK && is_device)
        err = check_list(ps, node, "clocks", "#clock-cells");
    if (err == CORBEL_OK && is_device)
        err = check_list(ps, node, "interrupts-extended", "#interrupt-cells");
    return err;
}
