/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks over an interrupt-map. An entry is <child address, child interrupt, controller, address of
 * the controller's bus, interrupt>, so its length depends on the controller: Devicetree
 * Specification v0.4, 2.4.3. A controller without #address-cells has none there, as in Linux.
 * Pure.
 */
#include <corbel/passdt_parts.h>

#include <corbel/fdt_read.h>

#define CELL_SIZE     4u
#define MAP_SIZE_MAX  (4096 * CELL_SIZE)
#define GIC_IRQ_CELLS 3u
#define ADDRESS_MAX   3u /* cells of a PCI address */
#define SPECIFIER_MAX 8u

enum corbel_err passdt_imap_begin(struct passdt_imap *m, const void *fdt, int node)
{
    u32 address = 0, interrupt = 0;

    *m = (struct passdt_imap){ .fdt = fdt, .controller = -1 };
    m->at = fdtr_prop(fdt, node, "interrupt-map", &m->left);
    if (!m->at)
        return ERR_NOENT;
    if (fdtr_u32(fdt, node, "#address-cells", &address) != CORBEL_OK || address > ADDRESS_MAX ||
        fdtr_u32(fdt, node, "#interrupt-cells", &interrupt) != CORBEL_OK ||
        interrupt > SPECIFIER_MAX || m->left > MAP_SIZE_MAX)
        return ERR_FORMAT;
    m->child = (address + interrupt) * CELL_SIZE;
    return CORBEL_OK;
}

enum corbel_err passdt_imap_next(struct passdt_imap *m)
{
    if (!m->left)
        return ERR_NOENT;
    if (m->left < m->child + CELL_SIZE)
        return ERR_FORMAT;
    m->phandle = (u32)fdtr_read_cells(m->at + m->child, 1);
    m->at += m->child + CELL_SIZE;
    m->left -= m->child + CELL_SIZE;
    return CORBEL_OK;
}

enum corbel_err passdt_imap_cells(struct passdt_imap *m, int controller)
{
    enum corbel_err err = fdtr_u32(m->fdt, controller, "#address-cells", &m->address);

    if (err == ERR_NOENT)
        m->address = 0;
    else if (err != CORBEL_OK || m->address > ADDRESS_MAX)
        return ERR_FORMAT;
    err = fdtr_u32(m->fdt, controller, "#interrupt-cells", &m->interrupt);
    return err == CORBEL_OK && m->interrupt >= 1 && m->interrupt <= SPECIFIER_MAX ? CORBEL_OK
                                                                                  : ERR_FORMAT;
}

enum corbel_err passdt_imap_specifier(struct passdt_imap *m, const u8 **cells)
{
    u32 size = (m->address + m->interrupt) * CELL_SIZE;

    if (m->left < size)
        return ERR_FORMAT;
    *cells = m->at + (size_t)m->address * CELL_SIZE;
    m->at += size;
    m->left -= size;
    return CORBEL_OK;
}

/* Looked up anew only where it differs from that of the entry before: each costs a search. */
static enum corbel_err find_controller(struct passdt_imap *m, u32 before)
{
    if (m->controller >= 0 && m->phandle == before)
        return CORBEL_OK;
    m->controller = fdtr_by_phandle(m->fdt, m->phandle);
    return m->controller < 0 ? ERR_FORMAT : passdt_imap_cells(m, m->controller);
}

/* What goes to other controllers, and specifiers of a kind yet unknown, is nobody's business. */
enum corbel_err passdt_imap_gic(struct passdt_imap *m, struct fdtr_irq *irq)
{
    enum corbel_err err;

    do {
        const u8 *cells = NULL;
        u32 before = m->phandle;

        err = passdt_imap_next(m);
        if (err == CORBEL_OK)
            err = find_controller(m, before);
        if (err == CORBEL_OK)
            err = passdt_imap_specifier(m, &cells);
        if (err != CORBEL_OK)
            return err;
        if (!fdtr_is_gic(m->fdt, m->controller))
            err = ERR_NOTSUP;
        else
            err = m->interrupt < GIC_IRQ_CELLS ? ERR_FORMAT : fdtr_irq_decode(cells, irq);
    } while (err == ERR_NOTSUP);
    return err;
}
