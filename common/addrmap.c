/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address-map solver (design section 3): one instance per domain, filled by
 * the builder with every guest-physical range the domain will have, then solved
 * once. Floating ranges go, in the order in which they were added, to the lowest
 * hole that holds them. Pure; on the target and in host tools.
 */
#include <corbel/addrmap.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define FLOAT_LOWEST PAGE_SIZE /* address 0 stays a hole: null pointers of guests abort */
#define IPA_BITS_MIN 32u

/* Xen's guest layout: public/arch-arm.h, part of the guest ABI. */
#define XEN_GICD_BASE    0x03001000ull
#define XEN_GICD_V2_SIZE 0x1000ull
#define XEN_GICD_V3_SIZE 0x10000ull
#define XEN_GICC_BASE    0x03002000ull
#define XEN_GICC_SIZE    0x2000ull
#define XEN_GICR_BASE    0x03020000ull
#define XEN_GICR_EACH    0x20000ull
#define XEN_VUART_BASE   0x22000000ull
#define XEN_VUART_SIZE   0x1000ull
#define XEN_GNTTAB_BASE  0x38000000ull
#define XEN_GNTTAB_SIZE  0x01000000ull
#define XEN_RAM0_BASE    0x40000000ull
#define XEN_RAM0_SIZE    0xc0000000ull
#define XEN_RAM1_BASE    0x0200000000ull
#define XEN_RAM1_SIZE    0xfe00000000ull

void addrmap_init(struct addrmap *map)
{
    memset(map, 0, sizeof(*map));
}

void addrmap_set_path(struct addrmap *map, const void *fdt, int node)
{
    fdtr_path_of(fdt, node, map->path, sizeof(map->path));
}

enum corbel_err addrmap_add(struct addrmap *map, const struct addrmap_entry *entry)
{
    struct addrmap_entry *slot;

    if (map->count >= ADDRMAP_MAX)
        return ERR_NOMEM;
    if (!entry->size || (entry->align & (entry->align - 1)))
        return ERR_INVAL;
    if (!entry->floating && entry->size > UINT64_MAX - entry->base)
        return ERR_RANGE;
    slot = &map->entries[map->count++];
    *slot = *entry;
    slot->what[sizeof(slot->what) - 1] = '\0';
    return CORBEL_OK;
}

static const char *path_of(const struct addrmap *map)
{
    return map->path[0] ? map->path : "address map";
}

void addrmap_refuse(const struct addrmap *map, const struct addrmap_entry *entry,
                    const char *expected, struct cfg_error *e)
{
    char value[48];

    if (entry->floating)
        fmt_snprintf(value, sizeof(value), "0x%llx bytes", (unsigned long long)entry->size);
    else
        fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)entry->base,
                     (unsigned long long)entry->size);
    cfg_error_set(e, path_of(map), entry->what, value, expected);
}

enum corbel_err addrmap_add_named(struct addrmap *map, const struct addrmap_entry *entry,
                                  struct cfg_error *e)
{
    enum corbel_err err = addrmap_add(map, entry);
    char expected[64];

    if (err == ERR_NOMEM)
        fmt_snprintf(expected, sizeof(expected), "at most %u ranges in a domain", ADDRMAP_MAX);
    else
        str_copy(expected, "a size, and an end below 1 << 64", sizeof(expected));
    if (err != CORBEL_OK)
        addrmap_refuse(map, entry, expected, e);
    return err;
}

static bool entries_overlap(const struct addrmap_entry *a, const struct addrmap_entry *b)
{
    return a->base < b->base + b->size && b->base < a->base + a->size;
}

/*
 * A range by itself: the limit, and whole pages where it is mapped or emulated. So a trapped
 * range that has a page together with a mapped one, which would open it, overlaps that.
 */
static enum corbel_err check_alone(const struct addrmap *map, const struct addrmap_entry *entry,
                                   u8 max_bits, struct cfg_error *e)
{
    u64 offsets = entry->size | entry->pa | (entry->floating ? 0 : entry->base);
    char expected[64];

    if (!entry->trapped && !IS_ALIGNED(offsets, PAGE_SIZE)) {
        addrmap_refuse(map, entry, "whole pages of 4 KiB", e);
        return ERR_INVAL;
    }
    if (!entry->floating && entry->base + entry->size > BIT(max_bits)) {
        fmt_snprintf(expected, sizeof(expected), "an end within %u address bits", max_bits);
        addrmap_refuse(map, entry, expected, e);
        return ERR_RANGE;
    }
    /* No page table of this CPU leads there, nor does EL2's window for a forwarded access. */
    if (entry->pa && (entry->size > BIT(max_bits) || entry->pa > BIT(max_bits) - entry->size)) {
        fmt_snprintf(expected, sizeof(expected), "host addresses, not 0x%llx, of %u bits",
                     (unsigned long long)entry->pa, max_bits);
        addrmap_refuse(map, entry, expected, e);
        return ERR_RANGE;
    }
    return CORBEL_OK;
}

/* Fixed ranges against each other: named in the order in which they were added. */
static enum corbel_err check_pair(const struct addrmap *map, const struct addrmap_entry *entry,
                                  const struct addrmap_entry *other, struct cfg_error *e)
{
    char expected[96];

    if (!entries_overlap(entry, other))
        return CORBEL_OK;
    fmt_snprintf(expected, sizeof(expected), "no overlap with %s at 0x%llx+0x%llx", other->what,
                 (unsigned long long)other->base, (unsigned long long)other->size);
    addrmap_refuse(map, entry, expected, e);
    return ERR_EXIST;
}

static enum corbel_err check_entry(const struct addrmap *map, u32 index, u8 max_bits,
                                   struct cfg_error *e)
{
    const struct addrmap_entry *entry = &map->entries[index];
    enum corbel_err err;

    if (entry->kind == MAP_KEEP_OUT)
        return CORBEL_OK;
    err = check_alone(map, entry, max_bits, e);
    for (u32 i = 0; i < index && err == CORBEL_OK && !entry->floating; i++)
        if (!map->entries[i].floating && map->entries[i].kind != MAP_KEEP_OUT)
            err = check_pair(map, entry, &map->entries[i], e);
    return err;
}

/*
 * The lowest aligned address from which size bytes collide with nothing placed so
 * far. It only ever moves up, past one range at a time. False: no such below limit.
 */
static bool find_hole(const struct addrmap *map, const struct addrmap_entry *entry, u64 limit,
                      u64 *out)
{
    u64 align = MAX(entry->align, PAGE_SIZE);
    struct addrmap_entry at = { .base = ALIGN_UP(FLOAT_LOWEST, align), .size = entry->size };
    bool moved = true;

    while (moved) {
        moved = false;
        for (u32 i = 0; i < map->count; i++) {
            const struct addrmap_entry *other = &map->entries[i];

            if (other->floating || !entries_overlap(&at, other))
                continue;
            /* What is kept out may end at the very top: do not round that up. */
            if (other->base + other->size > limit)
                return false;
            at.base = ALIGN_UP(other->base + other->size, align);
            moved = true;
        }
    }
    *out = at.base;
    return at.base <= limit - at.size;
}

static enum corbel_err place(struct addrmap *map, u32 index, u8 max_bits, struct cfg_error *e)
{
    struct addrmap_entry *entry = &map->entries[index];
    u64 limit = BIT(max_bits);
    char expected[64];

    if (entry->size > limit || entry->align > limit ||
        !find_hole(map, entry, limit, &entry->base)) {
        fmt_snprintf(expected, sizeof(expected), "a hole of this size below 1 << %u", max_bits);
        addrmap_refuse(map, entry, expected, e);
        return ERR_EXIST;
    }
    entry->floating = false;
    return CORBEL_OK;
}

static void drop_keep_outs(struct addrmap *map)
{
    u32 count = 0;

    for (u32 i = 0; i < map->count; i++)
        if (map->entries[i].kind != MAP_KEEP_OUT)
            map->entries[count++] = map->entries[i];
    map->count = count;
}

static void sort_by_base(struct addrmap *map)
{
    for (u32 i = 1; i < map->count; i++) {
        struct addrmap_entry entry = map->entries[i];
        u32 at = i;

        for (; at > 0 && map->entries[at - 1].base > entry.base; at--)
            map->entries[at] = map->entries[at - 1];
        map->entries[at] = entry;
    }
}

static u8 bits_needed(const struct addrmap *map)
{
    u8 bits = IPA_BITS_MIN;

    for (u32 i = 0; i < map->count; i++)
        while (map->entries[i].base + map->entries[i].size > BIT(bits))
            bits++;
    return bits;
}

enum corbel_err addrmap_solve(struct addrmap *map, u8 max_bits, struct cfg_error *e)
{
    enum corbel_err err = CORBEL_OK;

    max_bits = MIN(max_bits, ADDRMAP_BITS_MAX);
    for (u32 i = 0; i < map->count && err == CORBEL_OK; i++)
        err = check_entry(map, i, max_bits, e);
    for (u32 i = 0; i < map->count && err == CORBEL_OK; i++)
        if (map->entries[i].floating)
            err = place(map, i, max_bits, e);
    if (err != CORBEL_OK)
        return err;
    drop_keep_outs(map);
    sort_by_base(map);
    map->ipa_bits = bits_needed(map);
    return CORBEL_OK;
}

__resident const struct addrmap_entry *addrmap_find(const struct addrmap *map,
                                                    enum addrmap_kind kind, u32 nth)
{
    for (u32 i = 0; i < map->count; i++)
        if (map->entries[i].kind == kind && nth-- == 0)
            return &map->entries[i];
    return NULL;
}

/* What is behind a range that is not plain RAM: where in the host, and how it is mapped. */
static void show_backing(const struct addrmap_entry *entry, char *buf, size_t size)
{
    int at = 0;

    buf[0] = '\0';
    if (entry->kind != MAP_DEVICE && entry->kind != MAP_SRAM && entry->kind != MAP_SHMEM &&
        entry->kind != MAP_MSI)
        return;
    if (entry->pa && entry->pa != entry->base)
        at = fmt_snprintf(buf, size, " -> 0x%08llx", (unsigned long long)entry->pa);
    fmt_snprintf(buf + at, size - (size_t)at, " (%s)",
                 entry->trapped ? "forwarded" : s2_class_name((enum s2_class)entry->cls));
}

bool addrmap_line(const struct addrmap *map, u32 index, char *buf, size_t size)
{
    const struct addrmap_entry *entry;
    char backing[48];

    if (index >= map->count)
        return false;
    entry = &map->entries[index];
    show_backing(entry, backing, sizeof(backing));
    if (entry->floating)
        fmt_snprintf(buf, size, "(not placed)              0x%09llx %s",
                     (unsigned long long)entry->size, entry->what);
    else
        fmt_snprintf(buf, size, "0x%010llx-0x%010llx 0x%09llx %s%s",
                     (unsigned long long)entry->base,
                     (unsigned long long)(entry->base + entry->size - 1),
                     (unsigned long long)entry->size, entry->what, backing);
    str_clean(buf); /* shared memory has its name from the tree */
    return true;
}

/* --- Xen's layout ----------------------------------------------------------------------------- */

static enum corbel_err add_ram(struct addrmap *map, u64 memory, struct cfg_error *e)
{
    struct addrmap_entry low = {
        .base = XEN_RAM0_BASE,
        .size = MIN(memory, XEN_RAM0_SIZE),
        .kind = MAP_RAM,
        .cls = S2_RAM,
        .what = "RAM bank 0",
    };
    struct addrmap_entry high = {
        .base = XEN_RAM1_BASE,
        .size = memory - low.size,
        .kind = MAP_RAM,
        .cls = S2_RAM,
        .what = "RAM bank 1",
    };
    enum corbel_err err = addrmap_add_named(map, &low, e);

    if (err == CORBEL_OK && high.size)
        err = addrmap_add_named(map, &high, e);
    return err;
}

static enum corbel_err add_gic(struct addrmap *map, u8 version, u32 cpus, struct cfg_error *e)
{
    bool v2 = version == GIC_V2;
    struct addrmap_entry gicd = {
        .base = XEN_GICD_BASE,
        .size = v2 ? XEN_GICD_V2_SIZE : XEN_GICD_V3_SIZE,
        .kind = MAP_GICD,
        .cls = S2_GIC,
        .what = "GICD",
    };
    struct addrmap_entry gicc = {
        .base = XEN_GICC_BASE,
        .size = XEN_GICC_SIZE,
        .kind = MAP_GICC,
        .cls = S2_GIC,
        .what = "GICC",
    };
    struct addrmap_entry gicr = {
        .base = XEN_GICR_BASE,
        .size = XEN_GICR_EACH * cpus,
        .kind = MAP_GICR,
        .cls = S2_GIC,
        .what = "GICR",
    };
    enum corbel_err err = addrmap_add_named(map, &gicd, e);

    if (err == CORBEL_OK)
        err = addrmap_add_named(map, v2 ? &gicc : &gicr, e);
    return err;
}

enum corbel_err addrmap_add_xen_layout(struct addrmap *map, const struct domcfg *cfg,
                                       const struct platform_gic *gic, struct cfg_error *e)
{
    static const struct addrmap_entry vuart = {
        .base = XEN_VUART_BASE,
        .size = XEN_VUART_SIZE,
        .kind = MAP_VUART,
        .cls = S2_MMIO,
        .what = "vPL011",
    };
    static const struct addrmap_entry gnttab = {
        .base = XEN_GNTTAB_BASE,
        .size = XEN_GNTTAB_SIZE,
        .kind = MAP_GNTTAB,
        .cls = S2_RAM,
        .what = "grant table",
    };
    char value[32];
    enum corbel_err err;

    if (!cfg->memory || cfg->memory > XEN_RAM0_SIZE + XEN_RAM1_SIZE) {
        fmt_snprintf(value, sizeof(value), "0x%llx bytes", (unsigned long long)cfg->memory);
        cfg_error_set(e, path_of(map), "memory", value, "at most 1019 GiB");
        return ERR_RANGE;
    }
    err = add_ram(map, cfg->memory, e);
    if (err == CORBEL_OK)
        err = add_gic(map, gic->version, cfg->cpus, e);
    if (err == CORBEL_OK && cfg->vpl011)
        err = addrmap_add_named(map, &vuart, e);
    if (err == CORBEL_OK && cfg->enhanced)
        err = addrmap_add_named(map, &gnttab, e);
    return err;
}
