/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSIs of PCI host bridges in partial trees. A GICv2m frame turns a write to it into an SPI out
 * of a range of its own, so that range and frame go to one domain together with the bridge, and
 * the guest needs nothing emulated. It gets the frame where its partial tree has a node to stand
 * for it and the host's bridge leads to one; else the bridge's way to an MSI controller is left
 * out of its tree (passdt_write.c). Pure.
 * Linux bindings pci/pci-msi.txt, interrupt-controller/msi.txt, interrupt-controller/arm,gic.yaml
 * (v2m frames: MSI_TYPER may be overridden by two properties, which have INTIDs in them).
 */
#include <corbel/passdt_parts.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>

#define CELL_SIZE    4u
#define MAP_CELLS    4u /* requester ID, controller, MSI number, how many */
#define MAP_SIZE_MAX (256 * MAP_CELLS * CELL_SIZE)
#define FRAME_CELLS  2u /* #address-cells of the GIC that frames are children of */
#define SPI_FIRST    32u
#define SPI_END      1020u

static const char frame_compatible[] = "arm,gic-v2m-frame";

/* The device whose MSIs are looked at. */
struct msi_reader {
    struct passdt_parser *ps;
    struct passdt_device *dev;
    const char *property; /* of the partial node: msi-map or msi-parent */
    struct domprop at;
};

/*
 * The one controller that all of node's MSIs go to, by msi-map or else msi-parent. ERR_NOENT: no
 * such property; ERR_FORMAT: malformed, or several.
 */
static enum corbel_err find_target(const void *fdt, int node, const char **property, u32 *phandle)
{
    u32 len = 0;
    const u8 *map = fdtr_prop(fdt, node, "msi-map", &len);

    *property = map ? "msi-map" : "msi-parent";
    if (!map)
        return fdtr_u32(fdt, node, "msi-parent", phandle);
    if (!len || len % (MAP_CELLS * CELL_SIZE) || len > MAP_SIZE_MAX)
        return ERR_FORMAT;
    *phandle = (u32)fdtr_read_cells(map + CELL_SIZE, 1);
    for (u32 at = 0; at < len; at += MAP_CELLS * CELL_SIZE)
        if ((u32)fdtr_read_cells(map + at + CELL_SIZE, 1) != *phandle)
            return ERR_FORMAT;
    return CORBEL_OK;
}

/* A child of the node that stands for the GIC. */
static bool is_stand_in(const struct passdt_parser *ps, u32 phandle)
{
    const void *fdt = ps->out->fdt;

    if (ps->gic < 0 || !phandle)
        return false;
    for (int node = fdtr_first_child(fdt, ps->gic); node >= 0; node = fdtr_next_child(fdt, node))
        if (fdtr_phandle(fdt, node) == phandle && fdtr_compatible(fdt, node, frame_compatible))
            return true;
    return false;
}

/* Which the guest would take for the frame. */
static int node_with_phandle(const struct passdt_parser *ps, u32 phandle)
{
    int depth = 0;

    for (int node = ps->root; node >= 0; node = fdtr_next_node(ps->out->fdt, node, &depth))
        if (fdtr_phandle(ps->out->fdt, node) == phandle)
            return node;
    return -1;
}

/* Enabled frame of the host that its bridge leads to; negative: none. */
static int host_frame(const struct msi_reader *rd)
{
    const void *host = rd->ps->p->fdt;
    const char *property;
    u32 phandle = 0;
    int node;

    if (rd->dev->host_node < 0 ||
        find_target(host, rd->dev->host_node, &property, &phandle) != CORBEL_OK)
        return -1;
    node = fdtr_by_phandle(host, phandle);
    return node >= 0 && fdtr_compatible(host, node, frame_compatible) && fdtr_enabled(host, node)
               ? node
               : -1;
}

/* The frame is hidden from domains as such; nothing else that is may be in it. */
static enum corbel_err read_frame(const struct msi_reader *rd, int node, struct mem_range *frame)
{
    const struct platform *p = rd->ps->p;

    if (fdtr_reg_cpu(p->fdt, node, 0, &frame->base, &frame->size) != CORBEL_OK || !frame->size ||
        !IS_ALIGNED(frame->base | frame->size, PAGE_SIZE))
        return domprop_refuse(&rd->at, rd->property, DOMPROP_CELLS,
                              "a GICv2m frame of the host that has whole pages");
    for (u32 i = 0; i < p->hidden_count; i++) {
        const struct mem_range *other = &p->hidden[i].range;

        if (mem_range_overlap(frame, other) &&
            (other->base != frame->base || other->size != frame->size))
            return domprop_refusef(&rd->at, rd->property, DOMPROP_CELLS,
                                   "a GICv2m frame of the host without %s at 0x%llx in it",
                                   p->hidden[i].what, (unsigned long long)other->base);
    }
    return CORBEL_OK;
}

/* What the host's tree overrides; else first_intid and count stay 0: the frame says it. */
static enum corbel_err read_spis(const struct msi_reader *rd, int node, struct passdt_msi *msi)
{
    const void *host = rd->ps->p->fdt;
    u32 first = 0, count = 0;

    if (!fdtr_has(host, node, "arm,msi-base-spi") || !fdtr_has(host, node, "arm,msi-num-spis"))
        return CORBEL_OK;
    if (fdtr_u32(host, node, "arm,msi-base-spi", &first) != CORBEL_OK ||
        fdtr_u32(host, node, "arm,msi-num-spis", &count) != CORBEL_OK || first < SPI_FIRST ||
        first >= SPI_END || !count || count > SPI_END - first)
        return domprop_refuse(&rd->at, rd->property, DOMPROP_CELLS,
                              "a GICv2m frame of the host with sound arm,msi-base-spi and "
                              "arm,msi-num-spis");
    msi->first_intid = first;
    msi->count = count;
    return CORBEL_OK;
}

/* The guest's frame is a child of its GIC, which the partial tree's maps have to fit. */
static enum corbel_err check_stand_in(const struct msi_reader *rd, u32 phandle)
{
    const struct passdt *out = rd->ps->out;
    struct domprop gic = { out->fdt, rd->ps->gic, rd->ps->e };
    struct domprop clash = gic;

    if (out->gic_address_cells != FRAME_CELLS)
        return domprop_refuse(&gic, "#address-cells", DOMPROP_CELLS,
                              "2: a GICv2m frame is below it in the guest's tree");
    clash.node = node_with_phandle(rd->ps, phandle);
    if (clash.node >= 0 || phandle == out->gic_phandle)
        return domprop_refuse(clash.node >= 0 ? &clash : &gic, "phandle", DOMPROP_CELLS,
                              "another than the GICv2m frame's");
    return CORBEL_OK;
}

static enum corbel_err take_frame(const struct msi_reader *rd, int node, struct passdt_msi *msi)
{
    const struct passdt_msi *before = &rd->ps->out->msi;
    enum corbel_err err = check_stand_in(rd, msi->phandle);

    if (err == CORBEL_OK)
        err = read_frame(rd, node, &msi->frame);
    if (err == CORBEL_OK)
        err = read_spis(rd, node, msi);
    if (err == CORBEL_OK && before->frame.size &&
        (before->frame.base != msi->frame.base || before->phandle != msi->phandle))
        return domprop_refuse(&rd->at, rd->property, DOMPROP_CELLS,
                              "one GICv2m frame, by one name, in one tree");
    return err;
}

enum corbel_err passdt_msi_parse(struct passdt_parser *ps, u32 device)
{
    struct passdt_device *dev = &ps->out->devices[device];
    struct msi_reader rd = { ps, dev, "msi-map", { ps->out->fdt, dev->node, ps->e } };
    struct passdt_msi msi = { .device = (u8)device };
    enum corbel_err err;
    int node;

    if (!devclass_of(ps->out->fdt, dev->node)->is_bridge)
        return CORBEL_OK;
    err = find_target(rd.at.fdt, dev->node, &rd.property, &msi.phandle);
    node = host_frame(&rd);
    if (err != CORBEL_OK || node < 0 || !is_stand_in(ps, msi.phandle))
        return CORBEL_OK; /* the guest's tree will not have it */
    err = take_frame(&rd, node, &msi);
    if (err != CORBEL_OK)
        return err;
    dev->has_msi = true;
    if (!ps->out->msi.frame.size)
        ps->out->msi = msi;
    return CORBEL_OK;
}
