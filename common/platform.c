/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine as its device tree tells it, read once at boot into struct
 * platform. This file has memory; /chosen, CPUs and devices are in platform_*.c.
 * All of it is pure: a tree in, a struct out, oddities as lines in notes. Nothing
 * in the tree is believed: what does not make sense is left out, never fatal,
 * and memory is only ever kept out of use by mistake, not given away.
 * Devicetree Specification v0.4, 3.4 (memory) and 3.5 (reserved-memory).
 */
#include <corbel/platform.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/platform_parts.h>
#include <corbel/string.h>

/* EL2 reaches physical addresses of 48 bits (its linear area). */
#define PA_LIMIT BIT(48)

/* ---- RAM ---- */

static void add_bank(struct platform *p, int node, u64 base, u64 size)
{
    struct mem_range given = { base, size };
    u64 end = platform_range_end(&given);

    if (end > PA_LIMIT) {
        platform_note(p, node, "memory 0x%llx+0x%llx: cut at 48 bits", (unsigned long long)base,
                      (unsigned long long)size);
        end = PA_LIMIT;
    }
    if (base >= end)
        return;
    base = ALIGN_UP(base, PAGE_SIZE);
    end = ALIGN_DOWN(end, PAGE_SIZE);
    if (base >= end)
        return;
    if (p->bank_count == PLATFORM_BANKS_MAX) {
        platform_note(p, node, "memory 0x%llx+0x%llx not used: more than %u banks",
                      (unsigned long long)base, (unsigned long long)(end - base),
                      PLATFORM_BANKS_MAX);
        return;
    }
    p->banks[p->bank_count++] = (struct mem_range){ base, end - base };
}

static void sort_banks(struct platform *p)
{
    u32 i;
    u32 at;

    for (i = 1; i < p->bank_count; i++) {
        struct mem_range bank = p->banks[i];

        for (at = i; at > 0 && p->banks[at - 1].base > bank.base; at--)
            p->banks[at] = p->banks[at - 1];
        p->banks[at] = bank;
    }
}

/* Banks are sorted: neighbors that touch or overlap become one. */
static void merge_banks(struct platform *p)
{
    u32 kept = 0;
    u32 i;

    for (i = 1; i < p->bank_count; i++) {
        struct mem_range *last = &p->banks[kept];
        const struct mem_range *bank = &p->banks[i];

        if (bank->base > platform_range_end(last)) {
            p->banks[++kept] = *bank;
            continue;
        }
        if (bank->base < platform_range_end(last))
            platform_note(p, -1, "memory 0x%llx+0x%llx is described twice",
                          (unsigned long long)bank->base, (unsigned long long)bank->size);
        last->size = MAX(platform_range_end(last), platform_range_end(bank)) - last->base;
    }
    if (p->bank_count > 0)
        p->bank_count = kept + 1;
}

/* By device_type, not by name: memory-controller@ and disabled secure RAM are no RAM for us. */
static bool is_memory_node(const void *fdt, int node)
{
    const char *type;

    return fdtr_string(fdt, node, "device_type", &type) == CORBEL_OK &&
           strcmp(type, "memory") == 0 && fdtr_available(fdt, node);
}

static void read_memory_node(struct platform *p, int node)
{
    enum corbel_err err;
    u64 base;
    u64 size;
    u32 i;

    for (i = 0;; i++) {
        err = fdtr_reg(p->fdt, node, i, &base, &size);
        if (err != CORBEL_OK)
            break;
        add_bank(p, node, base, size);
    }
    if (err != ERR_NOENT)
        platform_note(p, node, "reg: malformed after %u entries", i);
}

static void read_memory(struct platform *p)
{
    int node;

    for (node = fdtr_first_child(p->fdt, 0); node >= 0; node = fdtr_next_child(p->fdt, node)) {
        if (is_memory_node(p->fdt, node))
            read_memory_node(p, node);
    }
    sort_banks(p);
    merge_banks(p);
}

/* ---- reserved ---- */

/* The binding wants an empty ranges; trees without it mean CPU addresses all the same. */
static enum corbel_err read_reserved_reg(const void *fdt, int node, u32 index,
                                         struct mem_range *out)
{
    enum corbel_err err = fdtr_reg_cpu(fdt, node, index, &out->base, &out->size);

    return err == ERR_RANGE ? fdtr_reg(fdt, node, index, &out->base, &out->size) : err;
}

static void add_no_map(struct platform *p, int node, const struct mem_range *range)
{
    if (p->no_map_count == PLATFORM_NO_MAP_MAX) {
        platform_note(p, node, "no SRAM can be in it: more than %u no-map ranges",
                      PLATFORM_NO_MAP_MAX);
        return;
    }
    if (range->size != 0)
        p->no_map[p->no_map_count++] = *range;
}

/* Nodes with only a size ask the operating system to choose; they reserve nothing yet. */
static void read_reserved_node(struct platform *p, int node)
{
    bool no_map = fdtr_has(p->fdt, node, "no-map");
    struct mem_range range;
    enum corbel_err err;
    u32 i;

    for (i = 0; (err = read_reserved_reg(p->fdt, node, i, &range)) == CORBEL_OK; i++) {
        platform_reserve(p, range.base, range.size);
        if (no_map)
            add_no_map(p, node, &range);
    }
    if (err != ERR_NOENT)
        platform_note(p, node, "reg: malformed after %u entries", i);
}

static void read_memreserve(struct platform *p)
{
    struct mem_range range;

    for (u32 i = 0; fdtr_memreserve(p->fdt, i, &range.base, &range.size) == CORBEL_OK; i++)
        platform_reserve(p, range.base, range.size);
}

static void read_reserved(struct platform *p)
{
    int parent = fdtr_child(p->fdt, 0, "reserved-memory");
    int node;

    if (parent < 0)
        return;

    for (node = fdtr_first_child(p->fdt, parent); node >= 0; node = fdtr_next_child(p->fdt, node)) {
        if (fdtr_available(p->fdt, node))
            read_reserved_node(p, node);
    }
}

static bool is_module(const struct platform *p, const struct mem_range *range)
{
    for (u32 i = 0; i < p->module_count; i++) {
        const struct mem_range *m = &p->modules[i].range;

        if (m->base == range->base && m->size == range->size)
            return true;
    }
    return false;
}

/*
 * Boot loaders write what they loaded into /memreserve/ (U-Boot: the ramdisk). Of the first count
 * reservations, which are from there, those of exactly a module's range go: the list of modules
 * has it, and its memory is free when the module's use is over.
 */
static void drop_loaded(struct platform *p, u32 count)
{
    u32 kept = 0;

    for (u32 i = 0; i < p->reserved_count; i++) {
        if (i >= count || !is_module(p, &p->reserved[i]))
            p->reserved[kept++] = p->reserved[i];
    }
    p->reserved_count = kept;
}

/* ---- the whole ---- */

static void read_model(struct platform *p)
{
    const char *text;

    if (fdtr_string(p->fdt, 0, "model", &text) != CORBEL_OK)
        text = fdtr_string_at(p->fdt, 0, "compatible", 0);
    if (text)
        str_copy(p->model, text, sizeof(p->model));
    str_clean(p->model);
}

void platform_from_fdt(struct platform *p, const void *fdt)
{
    u32 loaders;

    memset(p, 0, sizeof(*p));
    p->fdt = fdt;
    read_model(p);
    read_memory(p);
    read_memreserve(p);
    loaders = p->reserved_count;
    read_reserved(p);
    platform_read_chosen(p);
    drop_loaded(p, loaders);
    platform_read_cpus(p);
    platform_read_devices(p);
}
