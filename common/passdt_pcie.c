/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI host bridges in partial trees. The guest's driver believes the node that it gets: a window
 * that leads elsewhere than the host's, or nowhere, breaks it in ways that are hard to find. So
 * whatever the partial node says is compared with xen,reg and with the host's node. Pure.
 * ranges of PCI buses: IEEE 1275 PCI binding 2.2.1.1 and 3.1.1; Linux pci/host-generic-pci.yaml:
 * reg is the config space of the buses of bus-range, from the first on.
 */
#include <corbel/passdt_parts.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/printf.h>

#define CELL_SIZE   4u
#define PCI_CELLS   3u  /* space, PCI address in two */
#define WINDOWS_MAX 32u /* of one bridge */
#define BUS_MAX     255u

/* First cell of a PCI address: n p t 000 ss bbbbbbbb ddddd fff rrrrrrrr */
#define SPACE_MASK     (3u << 24)
#define SPACE_CONFIG   (0u << 24)
#define SPACE_IO       (1u << 24)
#define SPACE_PREFETCH (1u << 30)
#define SHIFT_ECAM     20u /* config space of a bus: 1 MiB */
#define SHIFT_CAM      16u /* or 64 KiB, 256 bytes for a function */

struct pci_window {
    u32 space; /* first cell */
    u64 pci;   /* address on the PCI bus */
    u64 cpu;   /* of the bus above, then of the CPU */
    u64 size;
};

/* A bridge in its tree. */
struct bridge {
    const void *fdt;
    int node;
    struct mem_range config; /* CPU addresses */
    u32 first_bus, last_bus;
};

struct pcie_reader {
    struct passdt_parser *ps;
    struct passdt_device *dev;
    u32 index;
    bool unlisted;
    struct domprop at;
    struct bridge guest, host;
};

/* index-th entry of ranges. ERR_NOENT: past the end; ERR_RANGE: the CPU does not reach it. */
static enum corbel_err read_window(const void *fdt, int node, u32 index, struct pci_window *out)
{
    int above = fdtr_parent(fdt, node);
    u32 pci = 0, size = 0, address = 0, unused = 0, len = 0, entry;
    const u8 *at = fdtr_prop(fdt, node, "ranges", &len);
    struct fdtr_range cpu;
    enum corbel_err err;

    if (!at || !len)
        return ERR_NOENT;
    if (fdtr_cells(fdt, above, &address, &unused) != CORBEL_OK || !address ||
        fdtr_u32(fdt, node, "#address-cells", &pci) != CORBEL_OK || pci != PCI_CELLS ||
        fdtr_u32(fdt, node, "#size-cells", &size) != CORBEL_OK || size < 1 || size > 2)
        return ERR_FORMAT;
    entry = (PCI_CELLS + address + size) * CELL_SIZE;
    if (len % entry)
        return ERR_FORMAT;
    if (index >= len / entry)
        return ERR_NOENT;
    at += (size_t)index * entry;
    out->space = (u32)fdtr_read_cells(at, 1);
    out->pci = fdtr_read_cells(at + CELL_SIZE, 2);
    at += (size_t)PCI_CELLS * CELL_SIZE;
    cpu = (struct fdtr_range){ fdtr_read_cells(at, address),
                               fdtr_read_cells(at + (size_t)address * CELL_SIZE, size) };
    out->cpu = cpu.base;
    out->size = cpu.size;
    err = fdtr_to_cpu(fdt, above, &cpu);
    out->cpu = err == CORBEL_OK ? cpu.base : out->cpu;
    return err;
}

bool passdt_pcie_holds(const void *host, int node, const struct mem_range *r)
{
    struct pci_window w = { 0 };

    for (u32 i = 0; i < WINDOWS_MAX; i++) {
        enum corbel_err err = read_window(host, node, i, &w);
        struct mem_range cpu = { w.cpu, w.size };

        if (err == CORBEL_OK && mem_range_contains(&cpu, r))
            return true;
        if (err != CORBEL_OK && err != ERR_RANGE)
            return false;
    }
    return false;
}

/* ---- refusals ---- */

static enum corbel_err refuse_range(const struct pcie_reader *rd, const char *property, u64 base,
                                    u64 size, const char *expected)
{
    char path[96], clean[96], value[48];

    domprop_clean(clean, fdtr_path_of(rd->at.fdt, rd->at.node, path, sizeof(path)), sizeof(clean));
    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)base,
                 (unsigned long long)size);
    cfg_error_set(rd->at.e, clean, property, value, expected);
    return ERR_INVAL;
}

static enum corbel_err refuse_window(const struct pcie_reader *rd, const struct pci_window *w,
                                     const char *expected)
{
    return refuse_range(rd, "ranges", w->pci, w->size, expected);
}

/* ---- where xen,reg leads ---- */

/* The region of this device that has guest address gpa, NULL: none. */
static const struct passdt_region *region_at(const struct pcie_reader *rd, u64 gpa)
{
    const struct passdt *out = rd->ps->out;

    for (u32 i = 0; i < out->region_count; i++) {
        const struct passdt_region *r = &out->regions[i];

        if (r->device == rd->index && gpa >= r->gpa && gpa - r->gpa < r->size)
            return r;
    }
    return NULL;
}

/*
 * Does xen,reg cover [gpa, gpa + size), and lead to hpa and on from there? *hpa of ~0 is filled
 * with where it leads. Several regions in a row may do it; each step ends one of them.
 */
static enum corbel_err check_covered(const struct pcie_reader *rd, const char *property, u64 gpa,
                                     u64 size, u64 *hpa)
{
    char expected[96];
    u64 done = 0;

    while (done < size) {
        const struct passdt_region *r = region_at(rd, gpa + done);
        u64 offset;

        if (!r) {
            fmt_snprintf(expected, sizeof(expected), "xen,reg to cover guest address 0x%llx",
                         (unsigned long long)(gpa + done));
            return refuse_range(rd, property, gpa, size, expected);
        }
        offset = gpa + done - r->gpa;
        if (*hpa == ~0ull)
            *hpa = r->hpa + offset;
        if (r->hpa + offset != *hpa + done) {
            fmt_snprintf(expected, sizeof(expected),
                         "xen,reg to lead from guest address 0x%llx to 0x%llx, not 0x%llx",
                         (unsigned long long)(gpa + done), (unsigned long long)(*hpa + done),
                         (unsigned long long)(r->hpa + offset));
            return refuse_range(rd, property, gpa, size, expected);
        }
        done += r->size - offset;
    }
    return CORBEL_OK;
}

/* ---- config space ---- */

static u32 bus_shift(const struct bridge *b)
{
    return fdtr_compatible(b->fdt, b->node, "pci-host-cam-generic") ? SHIFT_CAM : SHIFT_ECAM;
}

/* Without bus-range: all that config space has room for. */
static enum corbel_err read_buses(struct bridge *b)
{
    u64 room = b->config.size >> bus_shift(b);
    u32 len = 0;
    const u8 *prop = fdtr_prop(b->fdt, b->node, "bus-range", &len);

    b->first_bus = 0;
    b->last_bus = (u32)MIN(room ? room - 1 : 0, (u64)BUS_MAX);
    if (!prop)
        return CORBEL_OK;
    if (len != 2 * CELL_SIZE)
        return ERR_FORMAT;
    b->first_bus = (u32)fdtr_read_cells(prop, 1);
    b->last_bus = (u32)fdtr_read_cells(prop + CELL_SIZE, 1);
    return b->first_bus <= b->last_bus && b->last_bus <= BUS_MAX ? CORBEL_OK : ERR_FORMAT;
}

static enum corbel_err read_config(struct bridge *b)
{
    return fdtr_reg_cpu(b->fdt, b->node, 0, &b->config.base, &b->config.size);
}

static u64 config_size(const struct bridge *b)
{
    return (u64)(b->last_bus - b->first_bus + 1) << bus_shift(b);
}

static enum corbel_err read_guest(struct pcie_reader *rd)
{
    struct bridge *b = &rd->guest;
    char expected[64];

    if (read_config(b) != CORBEL_OK)
        return domprop_refuse(&rd->at, "reg", DOMPROP_CELLS,
                              "config space that the buses above translate");
    if (read_buses(b) != CORBEL_OK)
        return domprop_refuse(&rd->at, "bus-range", DOMPROP_CELLS,
                              "first and last bus, of 0 to 255");
    if (b->config.size >= config_size(b))
        return CORBEL_OK;
    fmt_snprintf(expected, sizeof(expected), "at least 0x%llx bytes for buses %u to %u",
                 (unsigned long long)config_size(b), b->first_bus, b->last_bus);
    return refuse_range(rd, "reg", b->config.base, b->config.size, expected);
}

/* Fills *hpa with where config space of the guest's first bus is on the host. */
static enum corbel_err read_host(struct pcie_reader *rd, u64 *hpa)
{
    const struct bridge *g = &rd->guest;
    struct bridge *h = &rd->host;

    if (read_config(h) != CORBEL_OK || read_buses(h) != CORBEL_OK)
        return domprop_refuse(&rd->at, "reg", DOMPROP_CELLS,
                              "a bridge of the host with sound reg and bus-range");
    if (bus_shift(g) != bus_shift(h))
        return domprop_refuse(&rd->at, "compatible", DOMPROP_STRING,
                              "a bridge of the host's kind: one is CAM, one ECAM");
    if (g->first_bus < h->first_bus || g->last_bus > h->last_bus)
        return domprop_refusef(&rd->at, "bus-range", DOMPROP_CELLS,
                               "buses within %u to %u, those of the host's node", h->first_bus,
                               h->last_bus);
    *hpa = h->config.base + ((u64)(g->first_bus - h->first_bus) << bus_shift(h));
    return CORBEL_OK;
}

static enum corbel_err check_config(struct pcie_reader *rd)
{
    u64 hpa = ~0ull;
    enum corbel_err err = read_guest(rd);

    if (err == CORBEL_OK && !rd->unlisted)
        err = read_host(rd, &hpa);
    if (err == CORBEL_OK)
        err = check_covered(rd, "reg", rd->guest.config.base, config_size(&rd->guest), &hpa);
    if (err != CORBEL_OK)
        return err;
    rd->dev->first_bus = (u8)rd->guest.first_bus;
    rd->dev->last_bus = (u8)rd->guest.last_bus;
    if (bus_shift(&rd->guest) == SHIFT_ECAM)
        rd->dev->ecam = (struct mem_range){ hpa, config_size(&rd->guest) };
    return CORBEL_OK;
}

/* ---- windows ---- */

/* The host's window for the same PCI addresses. ERR_NOENT: there is none. */
static enum corbel_err host_window(const struct pcie_reader *rd, const struct pci_window *w,
                                   struct pci_window *out)
{
    const struct mem_range range = { w->pci, w->size };

    for (u32 i = 0; i < WINDOWS_MAX; i++) {
        enum corbel_err err = read_window(rd->host.fdt, rd->host.node, i, out);
        struct mem_range whole = { out->pci, out->size };

        if (err == CORBEL_OK && !((w->space ^ out->space) & SPACE_MASK) &&
            mem_range_contains(&whole, &range))
            return CORBEL_OK;
        if (err != CORBEL_OK && err != ERR_RANGE)
            return ERR_NOENT;
    }
    return ERR_NOENT;
}

/* Class of the regions over a prefetchable window. True: there are some. */
static bool set_class(const struct pcie_reader *rd, const struct pci_window *w)
{
    struct passdt *out = rd->ps->out;
    const struct mem_range window = { w->cpu, w->size };
    bool found = false;

    for (u32 i = 0; i < out->region_count; i++) {
        struct passdt_region *r = &out->regions[i];
        const struct mem_range range = { r->gpa, r->size };

        if (r->device != rd->index || !mem_range_contains(&window, &range))
            continue;
        r->cls = S2_MMIO_NC;
        found = true;
    }
    return found;
}

static enum corbel_err check_window(const struct pcie_reader *rd, const struct pci_window *w,
                                    bool combine, bool *combined)
{
    struct pci_window host = *w;
    u64 hpa = ~0ull;
    enum corbel_err err;

    if (!w->size || w->pci + w->size < w->pci)
        return refuse_window(rd, w, "a size, and an end below 1 << 64");
    if ((w->space & SPACE_MASK) == SPACE_CONFIG)
        return refuse_window(rd, w, "I/O or memory space: config space is in reg");
    if (!rd->unlisted) {
        if (host_window(rd, w, &host) != CORBEL_OK)
            return refuse_window(rd, w, "PCI addresses in one window of the host's, same space");
        if (w->space & ~host.space & SPACE_PREFETCH)
            return refuse_window(rd, w, "no prefetchable window: the host's is not");
        hpa = host.cpu + (w->pci - host.pci);
    }
    err = check_covered(rd, "ranges", w->cpu, w->size, &hpa);
    if (err == CORBEL_OK && combine && (w->space & SPACE_PREFETCH) &&
        (w->space & SPACE_MASK) != SPACE_IO)
        *combined |= set_class(rd, w);
    return err;
}

static enum corbel_err check_windows(const struct pcie_reader *rd)
{
    static const char attribute[] = "corbel,memory-attribute";
    bool combine = fdtr_has(rd->at.fdt, rd->at.node, attribute);
    bool combined = false;
    struct pci_window w;
    enum corbel_err err;

    for (u32 i = 0;; i++) {
        err = read_window(rd->at.fdt, rd->at.node, i, &w);
        if (err == ERR_NOENT)
            break;
        if (err == ERR_RANGE)
            return refuse_window(rd, &w, "a window that the buses above translate");
        if (err != CORBEL_OK || i == WINDOWS_MAX)
            return domprop_refuse(&rd->at, "ranges", DOMPROP_LENGTH,
                                  "at most 32 entries: PCI address of 3 cells, address, size");
        err = check_window(rd, &w, combine, &combined);
        if (err != CORBEL_OK)
            return err;
    }
    if (combine && !combined)
        return domprop_refuse(&rd->at, attribute, DOMPROP_STRING,
                              "a prefetchable memory window with an xen,reg entry of its own");
    return CORBEL_OK;
}

_Static_assert(WINDOWS_MAX == 32, "the text of the refusal");

static bool has_regions(const struct passdt *out, u32 device)
{
    for (u32 i = 0; i < out->region_count; i++)
        if (out->regions[i].device == device)
            return true;
    return false;
}

enum corbel_err passdt_pcie_check(struct passdt_parser *ps, u32 device, bool unlisted)
{
    struct passdt_device *dev = &ps->out->devices[device];
    struct pcie_reader rd = {
        .ps = ps,
        .dev = dev,
        .index = device,
        .unlisted = unlisted || dev->host_node < 0,
        .at = { ps->out->fdt, dev->node, ps->e },
        .guest = { .fdt = ps->out->fdt, .node = dev->node },
        .host = { .fdt = ps->p->fdt, .node = dev->host_node },
    };
    enum corbel_err err;

    if (!has_regions(ps->out, device)) /* gives its interrupts only */
        return CORBEL_OK;
    err = check_config(&rd);
    return err == CORBEL_OK ? check_windows(&rd) : err;
}
