/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts of the devices in a partial tree. What a device has is what the host's node says;
 * the guest's INTIDs are the host's, so what the partial node asks for can only be among them.
 * GIC binding: type (0 SPI, 1 PPI), number, flags. Pure.
 */
#include <corbel/passdt_parts.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/printf.h>

#define CELL_SIZE     4u
#define GIC_IRQ_CELLS 3u
#define GIC_SPI       0u
#define GIC_PPI       1u
#define PPI_FIRST     16u
#define SPI_FIRST     32u
#define SPI_COUNT     988u
#define FLAGS_LEVEL   0xcu

/* The device whose interrupts are looked at, and the property of it that refusals name. */
struct irq_reader {
    struct passdt_parser *ps;
    const char *property;
    u32 device;
    int node, host_node;
    bool is_bridge;
};

static enum corbel_err refuse(const struct irq_reader *rd, const char *kind, u32 number,
                              const char *expected)
{
    char path[96], clean[96], value[32];

    domprop_clean(clean, fdtr_path_of(rd->ps->out->fdt, rd->node, path, sizeof(path)),
                  sizeof(clean));
    fmt_snprintf(value, sizeof(value), "%s %u", kind, number);
    cfg_error_set(rd->ps->e, clean, rd->property, value, expected);
    return ERR_INVAL;
}

static enum corbel_err add(const struct irq_reader *rd, u32 intid, bool level)
{
    struct passdt *out = rd->ps->out;

    if (intid == rd->ps->p->uart.intid)
        return refuse(rd, "SPI", intid - SPI_FIRST, "no interrupt of the hypervisor's console");
    for (u32 i = 0; i < out->irq_count; i++) {
        if (out->irqs[i].intid == intid)
            return CORBEL_OK;
    }
    if (out->irq_count == PASSDT_IRQS_MAX)
        return refuse(rd, "SPI", intid - SPI_FIRST, "at most 64 interrupts in one tree");
    out->irqs[out->irq_count++] = (struct passdt_irq){ intid, level, (u8)rd->device };
    return CORBEL_OK;
}

_Static_assert(PASSDT_IRQS_MAX == 64, "the text of the refusal");

static enum corbel_err add_host(const struct irq_reader *rd, const struct fdtr_irq *irq)
{
    if (irq->intid < SPI_FIRST)
        return refuse(rd, "PPI", irq->intid - PPI_FIRST, "SPIs only: every CPU has its own PPIs");
    return add(rd, irq->intid, irq->level);
}

/* More than the host's node can have; fdtr_irq() need not come to an end by itself. */
static u32 host_irqs_max(const struct irq_reader *rd)
{
    const void *host = rd->ps->p->fdt;
    u32 len = 0;

    if (!fdtr_prop(host, rd->host_node, "interrupts-extended", &len))
        (void)fdtr_prop(host, rd->host_node, "interrupts", &len);
    return len / CELL_SIZE;
}

/* All SPIs of the host's node. Those that go to another controller are nobody's business here. */
static enum corbel_err take_host(const struct irq_reader *rd)
{
    u32 max = host_irqs_max(rd);
    enum corbel_err err = CORBEL_OK;
    struct fdtr_irq irq;

    for (u32 i = 0; i < max && err == CORBEL_OK; i++) {
        err = fdtr_irq(rd->ps->p->fdt, rd->host_node, i, &irq);
        if (err == ERR_NOENT)
            return CORBEL_OK;
        if (err == ERR_NOTSUP)
            err = CORBEL_OK;
        else if (err != CORBEL_OK)
            return refuse(rd, "entry", i, "SPIs; the host's node is malformed there");
        else
            err = add_host(rd, &irq);
    }
    return err;
}

/* INTx of what is behind a bridge. */
static enum corbel_err take_host_map(const struct irq_reader *rd)
{
    struct passdt_imap m;
    struct fdtr_irq irq;
    enum corbel_err err = passdt_imap_begin(&m, rd->ps->p->fdt, rd->host_node);
    u32 taken = 0;

    for (; err == CORBEL_OK; taken++) {
        err = passdt_imap_gic(&m, &irq);
        if (err != CORBEL_OK)
            break;
        err = add_host(rd, &irq);
        if (err != CORBEL_OK)
            return err;
    }
    if (err == ERR_NOENT)
        return CORBEL_OK;
    return refuse(rd, "interrupt", taken, "SPIs; the host's node is malformed there");
}

static bool map_has(const struct irq_reader *rd, u32 intid)
{
    struct passdt_imap m;
    struct fdtr_irq irq;
    enum corbel_err err = passdt_imap_begin(&m, rd->ps->p->fdt, rd->host_node);

    while (err == CORBEL_OK) {
        err = passdt_imap_gic(&m, &irq);
        if (err == CORBEL_OK && irq.intid == intid)
            return true;
    }
    return false;
}

static bool host_has(const struct irq_reader *rd, u32 intid)
{
    u32 max = host_irqs_max(rd);
    struct fdtr_irq irq;

    for (u32 i = 0; i < max; i++) {
        if (fdtr_irq(rd->ps->p->fdt, rd->host_node, i, &irq) == CORBEL_OK && irq.intid == intid)
            return true;
    }
    return rd->is_bridge && map_has(rd, intid);
}

/* The registers of a node that the hypervisor keeps are not given, and so its SPIs neither. */
static enum corbel_err check_kept(const struct irq_reader *rd)
{
    const void *host = rd->ps->p->fdt;
    struct domprop at = { rd->ps->out->fdt, rd->node, rd->ps->e };
    struct mem_range r, clash;
    const char *what;
    u32 len = 0;

    (void)fdtr_prop(host, rd->host_node, "reg", &len);
    for (u32 i = 0; i < len / CELL_SIZE; i++) {
        if (fdtr_reg_cpu(host, rd->host_node, i, &r.base, &r.size) != CORBEL_OK || !r.size)
            continue;
        if (hostmap_check(rd->ps->p, &r, true, &what, &clash) != CORBEL_OK)
            return domprop_refusef(&at, "xen,path", DOMPROP_STRING, "a node beside %s at 0x%llx",
                                   what, (unsigned long long)clash.base);
    }
    return CORBEL_OK;
}

/* Without a node of the host the partial tree is the only source. */
static enum corbel_err take_specifier(const struct irq_reader *rd, const u8 *cells)
{
    u32 type = (u32)fdtr_read_cells(cells, 1);
    u32 number = (u32)fdtr_read_cells(cells + CELL_SIZE, 1);
    u32 flags = (u32)fdtr_read_cells(cells + 2 * CELL_SIZE, 1);

    if (type == GIC_PPI)
        return refuse(rd, "PPI", number, "SPIs only: every CPU has its own PPIs");
    if (type != GIC_SPI)
        return refuse(rd, "type", type, "0, an SPI");
    if (number >= SPI_COUNT)
        return refuse(rd, "SPI", number, "SPIs below 988");
    if (rd->host_node < 0)
        return add(rd, number + SPI_FIRST, (flags & FLAGS_LEVEL) != 0);
    if (!host_has(rd, number + SPI_FIRST))
        return refuse(rd, "SPI", number, "an SPI that the host's node has");
    return CORBEL_OK;
}

static enum corbel_err take_extended(const struct irq_reader *rd, const u8 *prop, u32 left)
{
    enum corbel_err err = CORBEL_OK;

    /* passdt_refs_check() has been here: all entries are whole. */
    while (left >= CELL_SIZE && err == CORBEL_OK) {
        int target = passdt_refs_target(rd->ps, (u32)fdtr_read_cells(prop, 1));
        u32 cells = GIC_IRQ_CELLS;

        if (target == PASSDT_TO_GIC)
            err = take_specifier(rd, prop + CELL_SIZE);
        else if (target < 0 ||
                 fdtr_u32(rd->ps->out->fdt, target, "#interrupt-cells", &cells) != CORBEL_OK)
            cells = 0;
        prop += (size_t)(1 + cells) * CELL_SIZE;
        left -= (1 + cells) * CELL_SIZE;
    }
    return err;
}

/* As the guest will see it: what the partial tree has above /passthrough is not in its tree. */
static int irq_parent(const struct irq_reader *rd)
{
    const void *fdt = rd->ps->out->fdt;
    u32 phandle;

    for (int at = rd->node; at >= rd->ps->root; at = fdtr_parent(fdt, at)) {
        if (at != rd->node && fdtr_has(fdt, at, "#interrupt-cells"))
            return at;
        if (fdtr_u32(fdt, at, "interrupt-parent", &phandle) == CORBEL_OK)
            return passdt_refs_target(rd->ps, phandle);
    }
    return PASSDT_TO_GIC;
}

static enum corbel_err take_partial(const struct irq_reader *rd)
{
    struct domprop at = { rd->ps->out->fdt, rd->node, rd->ps->e };
    enum corbel_err err = CORBEL_OK;
    u32 len = 0;
    const u8 *prop = fdtr_prop(at.fdt, at.node, "interrupts-extended", &len);

    if (prop)
        return take_extended(rd, prop, len);
    prop = fdtr_prop(at.fdt, at.node, "interrupts", &len);
    if (!prop || irq_parent(rd) != PASSDT_TO_GIC)
        return CORBEL_OK;
    if (len % (GIC_IRQ_CELLS * CELL_SIZE) || len > PASSDT_IRQS_MAX * GIC_IRQ_CELLS * CELL_SIZE)
        return domprop_refuse(&at, "interrupts", DOMPROP_CELLS,
                              "three cells for each of at most 64 interrupts");
    for (; len && err == CORBEL_OK; len -= GIC_IRQ_CELLS * CELL_SIZE) {
        err = take_specifier(rd, prop);
        prop += GIC_IRQ_CELLS * CELL_SIZE;
    }
    return err;
}

/* One entry of a bridge's map, whose controller was read. */
static enum corbel_err take_entry(const struct irq_reader *rd, struct passdt_imap *m)
{
    struct domprop at = { rd->ps->out->fdt, rd->node, rd->ps->e };
    int target = passdt_refs_target(rd->ps, m->phandle);
    const u8 *cells;

    if (target < 0)
        return domprop_refusef(&at, rd->property, DOMPROP_LENGTH,
                               "entries that lead to the GIC, or below /passthrough; 0x%x does not",
                               m->phandle);
    m->address = rd->ps->out->gic_address_cells;
    m->interrupt = GIC_IRQ_CELLS;
    if (target != PASSDT_TO_GIC && passdt_imap_cells(m, target) != CORBEL_OK)
        return domprop_refusef(&at, rd->property, DOMPROP_LENGTH,
                               "entries that lead to interrupt controllers; 0x%x is none",
                               m->phandle);
    if (passdt_imap_specifier(m, &cells) != CORBEL_OK)
        return domprop_refusef(&at, rd->property, DOMPROP_LENGTH,
                               "whole entries; 0x%x has %u address and %u interrupt cells",
                               m->phandle, m->address, m->interrupt);
    return target == PASSDT_TO_GIC ? take_specifier(rd, cells) : CORBEL_OK;
}

static enum corbel_err take_partial_map(const struct irq_reader *rd)
{
    struct domprop at = { rd->ps->out->fdt, rd->node, rd->ps->e };
    struct passdt_imap m;
    enum corbel_err err = passdt_imap_begin(&m, at.fdt, rd->node);

    if (err == ERR_FORMAT)
        return domprop_refuse(&at, rd->property, DOMPROP_LENGTH,
                              "at most 4096 cells, #address-cells of 3 and #interrupt-cells of 1");
    while (err == CORBEL_OK) {
        err = passdt_imap_next(&m);
        if (err == ERR_FORMAT)
            return domprop_refuse(&at, rd->property, DOMPROP_LENGTH, "whole entries");
        if (err == CORBEL_OK)
            err = take_entry(rd, &m);
    }
    return err == ERR_NOENT ? CORBEL_OK : err;
}

enum corbel_err passdt_irq_parse(struct passdt_parser *ps, u32 device)
{
    const struct passdt_device *dev = &ps->out->devices[device];
    bool is_bridge = devclass_of(ps->out->fdt, dev->node)->is_bridge;
    struct irq_reader rd = { ps, "interrupts", device, dev->node, dev->host_node, is_bridge };
    struct irq_reader map = rd;
    u32 before = ps->out->irq_count;
    enum corbel_err err = CORBEL_OK;

    map.property = "interrupt-map";
    if (rd.host_node >= 0)
        err = take_host(&rd);
    if (err == CORBEL_OK && is_bridge && rd.host_node >= 0)
        err = take_host_map(&map);
    if (err == CORBEL_OK && ps->out->irq_count > before)
        err = check_kept(&rd);
    if (err == CORBEL_OK)
        err = take_partial(&rd);
    return err == CORBEL_OK && is_bridge ? take_partial_map(&map) : err;
}
