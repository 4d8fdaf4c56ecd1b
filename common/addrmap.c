/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address-map solver (design section 3): one instance per domain, filled by
 * the builder with every guest-physical range the domain will have, then solved
 * once. Floating ranges go, in the order in which they were added, to the lowest
 * hole that holds them. Pure; on the target and in host tools.
 */
#include <corbel/addrmap.h>

#include <corbel/bits.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define FLOAT_LOWEST PAGE_SIZE /* address 0 stays a hole: null pointers of guests abort */
#define IPA_BITS_MIN 32u
#define IPA_BITS_MAX 52u

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

static void entry_show(char *buf, size_t size, const struct addrmap_entry *entry)
{
    fmt_snprintf(buf, size, "%s at 0x%llx+0x%llx", entry->what, (unsigned long long)entry->base,
                 (unsigned long long)entry->size);
}

static enum corbel_err refuse(struct cfg_error *e, const struct addrmap_entry *entry,
                              const char *expected)
{
    char value[48];

    if (entry->floating)
        fmt_snprintf(value, sizeof(value), "0x%llx bytes", (unsigned long long)entry->size);
    else
        fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)entry->base,
                     (unsigned long long)entry->size);
    cfg_error_set(e, "address map", entry->what, value, expected);
    return ERR_EXIST;
}

static bool entries_overlap(const struct addrmap_entry *a, const struct addrmap_entry *b)
{
    return a->base < b->base + b->size && b->base < a->base + a->size;
}

/* Fixed ranges against each other and the limit: named in the order in which they were added. */
static enum corbel_err check_fixed(const struct addrmap *map, u32 index, u8 max_bits,
                                   struct cfg_error *e)
{
    const struct addrmap_entry *entry = &map->entries[index];
    char other[64], expected[96];

    if (entry->base + entry->size > BIT(max_bits)) {
        fmt_snprintf(expected, sizeof(expected), "an end within %u address bits", max_bits);
        refuse(e, entry, expected);
        return ERR_RANGE;
    }
    for (u32 i = 0; i < index; i++) {
        if (map->entries[i].floating || !entries_overlap(entry, &map->entries[i]))
            continue;
        entry_show(other, sizeof(other), &map->entries[i]);
        fmt_snprintf(expected, sizeof(expected), "no overlap with %s", other);
        return refuse(e, entry, expected);
    }
    return CORBEL_OK;
}

/*
 * The lowest aligned address from which size bytes collide with nothing placed so
 * far; each round moves past one range, so that count rounds are enough.
 */
static u64 lowest_hole(const struct addrmap *map, const struct addrmap_entry *entry)
{
    u64 align = MAX(entry->align, PAGE_SIZE);
    struct addrmap_entry at = { .base = ALIGN_UP(FLOAT_LOWEST, align), .size = entry->size };

    for (u32 round = 0; round <= map->count; round++) {
        bool moved = false;

        for (u32 i = 0; i < map->count; i++) {
            const struct addrmap_entry *other = &map->entries[i];

            if (other->floating || !entries_overlap(&at, other))
                continue;
            at.base = ALIGN_UP(other->base + other->size, align);
            moved = true;
        }
        if (!moved)
            break;
    }
    return at.base;
}

static enum corbel_err place(struct addrmap *map, u32 index, u8 max_bits, struct cfg_error *e)
{
    struct addrmap_entry *entry = &map->entries[index];
    u64 limit = BIT(max_bits);
    char expected[64];
    u64 base;

    fmt_snprintf(expected, sizeof(expected), "a hole of this size below 1 << %u", max_bits);
    if (entry->size > limit || entry->align > limit)
        return refuse(e, entry, expected);
    base = lowest_hole(map, entry);
    if (base > limit - entry->size)
        return refuse(e, entry, expected);
    entry->base = base;
    entry->floating = false;
    return CORBEL_OK;
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

    max_bits = MIN(max_bits, IPA_BITS_MAX);
    for (u32 i = 0; i < map->count && err == CORBEL_OK; i++)
        if (!map->entries[i].floating)
            err = check_fixed(map, i, max_bits, e);
    for (u32 i = 0; i < map->count && err == CORBEL_OK; i++)
        if (map->entries[i].floating)
            err = place(map, i, max_bits, e);
    if (err != CORBEL_OK)
        return err;
    sort_by_base(map);
    map->ipa_bits = bits_needed(map);
    return CORBEL_OK;
}

const struct addrmap_entry *addrmap_find(const struct addrmap *map, enum addrmap_kind kind, u32 nth)
{
    for (u32 i = 0; i < map->count; i++)
        if (map->entries[i].kind == kind && nth-- == 0)
            return &map->entries[i];
    return NULL;
}

bool addrmap_line(const struct addrmap *map, u32 index, char *buf, size_t size)
{
    const struct addrmap_entry *entry;

    if (index >= map->count)
        return false;
    entry = &map->entries[index];
    if (entry->floating)
        fmt_snprintf(buf, size, "(not placed)              0x%09llx %s",
                     (unsigned long long)entry->size, entry->what);
    else
        fmt_snprintf(buf, size, "0x%010llx-0x%010llx 0x%09llx %s", (unsigned long long)entry->base,
                     (unsigned long long)(entry->base + entry->size - 1),
                     (unsigned long long)entry->size, entry->what);
    return true;
}

/* --- Xen's layout ----------------------------------------------------------------------------- */

static enum corbel_err add_fixed(struct addrmap *map, enum addrmap_kind kind, enum s2_class cls,
                                 struct mem_range range, const char *what)
{
    struct addrmap_entry entry = {
        .base = range.base,
        .size = range.size,
        .kind = (u8)kind,
        .cls = (u8)cls,
    };

    str_copy(entry.what, what, sizeof(entry.what));
    return addrmap_add(map, &entry);
}

static enum corbel_err add_ram(struct addrmap *map, u64 memory)
{
    struct mem_range low = { XEN_RAM0_BASE, MIN(memory, XEN_RAM0_SIZE) };
    struct mem_range high = { XEN_RAM1_BASE, memory - low.size };
    enum corbel_err err = add_fixed(map, MAP_RAM, S2_RAM, low, "RAM bank 0");

    if (err == CORBEL_OK && high.size)
        err = add_fixed(map, MAP_RAM, S2_RAM, high, "RAM bank 1");
    return err;
}

static enum corbel_err add_gic(struct addrmap *map, const struct platform_gic *gic, u32 cpus)
{
    struct mem_range gicd = { XEN_GICD_BASE, XEN_GICD_V3_SIZE };
    struct mem_range gicr = { XEN_GICR_BASE, XEN_GICR_EACH * cpus };
    struct mem_range gicc = { XEN_GICC_BASE, XEN_GICC_SIZE };
    enum corbel_err err;

    if (gic->version == GIC_V2)
        gicd.size = XEN_GICD_V2_SIZE;
    err = add_fixed(map, MAP_GICD, S2_GIC, gicd, "GICD");
    if (err != CORBEL_OK)
        return err;
    if (gic->version == GIC_V2)
        return add_fixed(map, MAP_GICC, S2_GIC, gicc, "GICC");
    return add_fixed(map, MAP_GICR, S2_GIC, gicr, "GICR");
}

enum corbel_err addrmap_add_xen_layout(struct addrmap *map, const struct domcfg *cfg,
                                       const struct platform_gic *gic, struct cfg_error *e)
{
    struct mem_range vuart = { XEN_VUART_BASE, XEN_VUART_SIZE };
    struct mem_range gnttab = { XEN_GNTTAB_BASE, XEN_GNTTAB_SIZE };
    char value[32];
    enum corbel_err err;

    if (!cfg->memory || cfg->memory > XEN_RAM0_SIZE + XEN_RAM1_SIZE) {
        fmt_snprintf(value, sizeof(value), "0x%llx bytes", (unsigned long long)cfg->memory);
        cfg_error_set(e, "address map", "memory", value, "at most 1019 GiB");
        return ERR_RANGE;
    }
    err = add_ram(map, cfg->memory);
    if (err == CORBEL_OK)
        err = add_gic(map, gic, cfg->cpus);
    if (err == CORBEL_OK && cfg->vpl011)
        err = add_fixed(map, MAP_VUART, S2_MMIO, vuart, "vPL011");
    if (err == CORBEL_OK && cfg->enhanced)
        err = add_fixed(map, MAP_GNTTAB, S2_RAM, gnttab, "grant table");
    if (err != CORBEL_OK)
        cfg_error_set(e, "address map", "entries", "(full)", "fewer ranges");
    return err;
}
