/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts in device trees: who a node's interrupt parent is, and the three
 * cells of the GIC binding. A specifier of any other controller is refused with
 * ERR_NOTSUP, not guessed at. Pure, on top of the readers in fdt_read.c.
 * Devicetree Specification v0.4, 2.4; GIC binding "arm,gic" and "arm,gic-v3".
 */
#include <corbel/fdt_read.h>

#define CELL_SIZE 4u

/* Interrupt specifiers of the GIC binding: type, number, flags. */
#define GIC_IRQ_CELLS     3u
#define GIC_IRQ_CELLS_MAX 8u
#define GIC_IRQ_SPI       0u
#define GIC_IRQ_PPI       1u
#define GIC_SPI_COUNT     988u /* INTIDs 32..1019 */
#define GIC_PPI_COUNT     16u
#define GIC_FLAGS_LEVEL   0xcu /* active high 4, active low 8 */

/* Controllers whose specifiers fdtr_irq() understands. */
static const char *const gic_compatibles[] = {
    "arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic",
};

int fdtr_irq_parent(const void *fdt, int node)
{
    int child = -1;
    u32 phandle;

    for (; node >= 0; child = node, node = fdtr_parent(fdt, node)) {
        /* A controller or nexus above a node is its parent unless the node says otherwise. */
        if (child >= 0 && fdtr_has(fdt, node, "#interrupt-cells"))
            return node;
        if (!fdtr_has(fdt, node, "interrupt-parent"))
            continue;
        if (fdtr_u32(fdt, node, "interrupt-parent", &phandle) != CORBEL_OK)
            return -1;
        return fdtr_by_phandle(fdt, phandle);
    }
    return -1;
}

bool fdtr_is_gic(const void *fdt, int node)
{
    u32 i;

    for (i = 0; i < ARRAY_SIZE(gic_compatibles); i++) {
        if (fdtr_compatible(fdt, node, gic_compatibles[i]))
            return true;
    }
    return false;
}

enum corbel_err fdtr_irq_decode(const u8 *cells, struct fdtr_irq *out)
{
    u32 type = (u32)fdtr_read_cells(cells, 1);
    u32 number = (u32)fdtr_read_cells(cells + CELL_SIZE, 1);

    out->flags = (u32)fdtr_read_cells(cells + 2 * CELL_SIZE, 1);
    out->level = (out->flags & GIC_FLAGS_LEVEL) != 0;
    if (type == GIC_IRQ_SPI)
        out->intid = number + 32;
    else if (type == GIC_IRQ_PPI)
        out->intid = number + 16;
    else
        return ERR_NOTSUP;
    return number < (type == GIC_IRQ_SPI ? GIC_SPI_COUNT : GIC_PPI_COUNT) ? CORBEL_OK : ERR_RANGE;
}

/* Cells of one specifier at controller; 0 when it does not say, or nonsense. */
static u32 specifier_cells(const void *fdt, int controller)
{
    u32 cells;

    if (controller < 0 || fdtr_u32(fdt, controller, "#interrupt-cells", &cells) != CORBEL_OK ||
        cells > GIC_IRQ_CELLS_MAX)
        return 0;
    return cells;
}

/* interrupts-extended: <phandle specifier>..., each with a controller of its own. */
static enum corbel_err irq_extended(const void *fdt, const u8 *prop, u32 len, u32 index,
                                    struct fdtr_irq *out)
{
    while (len >= CELL_SIZE) {
        int controller = fdtr_by_phandle(fdt, (u32)fdtr_read_cells(prop, 1));
        u32 cells = specifier_cells(fdt, controller);
        u32 entry = (1 + cells) * CELL_SIZE;

        if (cells == 0 || len < entry)
            return ERR_FORMAT;
        if (index-- == 0) {
            if (!fdtr_is_gic(fdt, controller) || cells < GIC_IRQ_CELLS)
                return ERR_NOTSUP;
            return fdtr_irq_decode(prop + CELL_SIZE, out);
        }
        prop += entry;
        len -= entry;
    }
    return len == 0 ? ERR_NOENT : ERR_FORMAT;
}

enum corbel_err fdtr_irq(const void *fdt, int node, u32 index, struct fdtr_irq *out)
{
    int controller;
    u32 entry;
    u32 len;
    const u8 *prop = fdtr_prop(fdt, node, "interrupts-extended", &len);

    if (prop)
        return irq_extended(fdt, prop, len, index, out);
    prop = fdtr_prop(fdt, node, "interrupts", &len);
    if (!prop)
        return ERR_NOENT;

    controller = fdtr_irq_parent(fdt, node);
    if (controller < 0 && fdtr_is_gic(fdt, node))
        controller = node; /* the root of the interrupt tree need not point to itself */
    if (controller < 0 || !fdtr_is_gic(fdt, controller))
        return ERR_NOTSUP;
    entry = specifier_cells(fdt, controller) * CELL_SIZE;
    if (entry < GIC_IRQ_CELLS * CELL_SIZE)
        return ERR_FORMAT;
    if ((u64)index * entry >= len)
        return ERR_NOENT;
    if ((index + 1ull) * entry > len)
        return ERR_FORMAT;
    return fdtr_irq_decode(prop + (size_t)index * entry, out);
}
