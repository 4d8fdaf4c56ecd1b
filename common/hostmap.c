/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is where on the host, for the question whether a domain may be given it, and
 * how far its DMA reaches. Both answers come from the host's tree and from what the
 * platform found in it; nothing is looked up in hardware. Pure.
 * dma-ranges: Devicetree Specification v0.4, 2.3.9; cells of PCI buses: IEEE 1275 PCI
 * binding, 2.2.1 (three, of which the first is no address).
 */
#include <corbel/devclass.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/platform.h>

#define CELL_SIZE 4u

/* ---- who is there ---- */

struct finder {
    const struct platform *p;
    const struct mem_range *range;
    const char **what;
    struct mem_range *clash;
};

/* True when it hit: *what and *clash are set. */
static bool hits(const struct finder *f, const struct mem_range *other, const char *what)
{
    if (!mem_range_overlap(f->range, other))
        return false;
    *f->what = what;
    *f->clash = *other;
    return true;
}

static bool hits_own(const struct finder *f)
{
    const struct platform *p = f->p;

    return hits(f, &p->self, "the hypervisor") || hits(f, &p->tree, "the device tree") ||
           (p->uart.kind != UART_NONE && hits(f, &p->uart.regs, "the console UART"));
}

static bool hits_gic(const struct finder *f)
{
    const struct platform_gic *gic = &f->p->gic;

    for (u32 i = 0; i < gic->gicr_count; i++)
        if (hits(f, &gic->gicr[i], "the GIC"))
            return true;
    return hits(f, &gic->gicd, "the GIC") || hits(f, &gic->gicc, "the GIC") ||
           hits(f, &gic->gich, "the GIC") || hits(f, &gic->gicv, "the GIC");
}

static bool hits_hidden(const struct finder *f)
{
    for (u32 i = 0; i < f->p->hidden_count; i++)
        if (hits(f, &f->p->hidden[i].range, f->p->hidden[i].what))
            return true;
    return false;
}

/* Memory that is somebody's already, reserved or not. */
static bool hits_owned_memory(const struct finder *f)
{
    for (u32 i = 0; i < f->p->module_count; i++)
        if (hits(f, &f->p->modules[i].range, "a boot module"))
            return true;
    for (u32 i = 0; i < f->p->static_count; i++)
        if (hits(f, &f->p->statics[i].range, "static memory of a domain"))
            return true;
    return false;
}

static bool hits_ram(const struct finder *f, bool in_ram)
{
    const struct platform *p = f->p;

    if (in_ram && mem_range_inside_any(p->no_map, p->no_map_count, f->range))
        return false;
    for (u32 i = 0; i < p->bank_count; i++)
        if (hits(f, &p->banks[i], "RAM"))
            return true;
    return false;
}

enum corbel_err hostmap_check(const struct platform *p, const struct mem_range *r, bool in_ram,
                              const char **what, struct mem_range *clash)
{
    struct finder f = { p, r, what, clash };

    if (hits_own(&f) || hits_gic(&f) || hits_hidden(&f) || hits_owned_memory(&f) ||
        hits_ram(&f, in_ram))
        return ERR_EXIST;
    return CORBEL_OK;
}

/* ---- DMA ---- */

/* A bus: its dma-ranges and the cells of an entry. */
struct dma_bus {
    const u8 *list;
    u32 len;
    u32 child, parent, size;
};

/* As fdtr_cells(), but for PCI buses too. */
static bool cells_of(const void *fdt, int node, const char *name, u32 *out)
{
    enum corbel_err err = ERR_NOENT;

    for (; node >= 0 && err == ERR_NOENT; node = fdtr_parent(fdt, node))
        err = fdtr_u32(fdt, node, name, out);
    return (err == CORBEL_OK || err == ERR_NOENT) && *out >= 1 && *out <= 3;
}

/* Of the three cells of a PCI address the first names the space. */
static u64 read_address(const u8 *at, u32 cells)
{
    return cells == 3 ? fdtr_read_cells(at + CELL_SIZE, 2) : fdtr_read_cells(at, cells);
}

static enum corbel_err bus_read(const void *fdt, int node, struct dma_bus *bus)
{
    u32 entry;

    bus->child = bus->parent = 2;
    bus->size = 1;
    if (!cells_of(fdt, node, "#address-cells", &bus->child) ||
        !cells_of(fdt, fdtr_parent(fdt, node), "#address-cells", &bus->parent) ||
        !cells_of(fdt, node, "#size-cells", &bus->size) || bus->size > 2)
        return ERR_FORMAT;
    entry = (bus->child + bus->parent + bus->size) * CELL_SIZE;
    return bus->len % entry == 0 ? CORBEL_OK : ERR_FORMAT;
}

/* Highest end of the windows of a bus, ~0: all there is. */
static enum corbel_err bus_limit(const struct dma_bus *bus, u64 *limit)
{
    u32 entry = (bus->child + bus->parent + bus->size) * CELL_SIZE;
    u64 highest = 0;

    for (u32 at = 0; at < bus->len; at += entry) {
        const u8 *to = bus->list + at + (size_t)bus->child * CELL_SIZE;
        u64 child = read_address(bus->list + at, bus->child);
        u64 parent = read_address(to, bus->parent);
        u64 size = fdtr_read_cells(to + (size_t)bus->parent * CELL_SIZE, bus->size);

        if (child != parent)
            return ERR_NOTSUP;
        if (size)
            highest = MAX(highest, size > ~0ull - parent ? ~0ull : parent + size);
    }
    *limit = highest;
    return highest ? CORBEL_OK : ERR_FORMAT;
}

/*
 * host_node counts as a bus itself: a PCI host bridge says in its own dma-ranges what its devices
 * reach. A bus without the property is taken as 1:1 with no limit, as Linux takes it.
 */
enum corbel_err hostmap_dma_limit(const struct platform *p, int host_node, u64 *limit)
{
    u64 lowest = ~0ull;

    for (int node = host_node; node > 0; node = fdtr_parent(p->fdt, node)) {
        struct dma_bus bus = { 0 };
        enum corbel_err err;
        u64 end = 0;

        bus.list = fdtr_prop(p->fdt, node, "dma-ranges", &bus.len);
        if (!bus.list || bus.len == 0)
            continue;
        err = bus_read(p->fdt, node, &bus);
        if (err == CORBEL_OK)
            err = bus_limit(&bus, &end);
        if (err != CORBEL_OK)
            return err;
        lowest = MIN(lowest, end);
    }
    *limit = lowest == ~0ull ? 0 : lowest;
    return CORBEL_OK;
}
