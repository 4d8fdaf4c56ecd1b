/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into the address map of a domain that lives at the host's addresses
 * (direct-map), and the ranges that any domain has by its configuration: devices, a watchdog
 * and shared memory. Only adds to the map; what clashes is for addrmap_solve() to say. Pure.
 */
#include <corbel/addrmap.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/passdt.h>
#include <corbel/printf.h>
#include <corbel/string.h>
#include <corbel/vwdt.h>

/* GICv2: IHI 0048 4.1.2 (GICC needs 8 KiB for GICC_DIR); GICv3: IHI 0069 12.10 */
#define GICD_V2_SIZE 0x1000ull
#define GICD_V3_SIZE 0x10000ull
#define GICC_SIZE    0x2000ull
#define GICR_EACH    0x20000ull
#define VUART_SIZE   PAGE_SIZE
#define GNTTAB_SIZE  (16 * SZ_1M) /* as in Xen's layout */

static enum corbel_err add_ram(struct addrmap *map, const struct addrmap_native *native,
                               struct cfg_error *e)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < native->bank_count && err == CORBEL_OK; i++) {
        struct addrmap_entry ram = {
            .base = native->banks[i].base,
            .size = native->banks[i].size,
            .kind = MAP_RAM,
            .cls = S2_RAM,
            .pa = native->banks[i].base,
        };

        fmt_snprintf(ram.what, sizeof(ram.what), "RAM bank %u", i);
        err = addrmap_add_named(map, &ram, e);
    }
    return err;
}

static enum corbel_err add_gic_v2(struct addrmap *map, const struct platform_gic *gic,
                                  struct cfg_error *e)
{
    struct addrmap_entry gicd = {
        .base = gic->gicd.base,
        .size = GICD_V2_SIZE,
        .kind = MAP_GICD,
        .cls = S2_GIC,
        .what = "GICD",
    };
    struct addrmap_entry gicc = {
        .base = gic->gicc.base,
        .size = GICC_SIZE,
        .kind = MAP_GICC,
        .cls = S2_GIC,
        .what = "GICC",
    };
    enum corbel_err err = addrmap_add_named(map, &gicd, e);

    return err == CORBEL_OK ? addrmap_add_named(map, &gicc, e) : err;
}

/* The guest's frames are 128 KiB each and without gaps, whatever the stride of the host's. */
static enum corbel_err add_gic_v3(struct addrmap *map, const struct domcfg *cfg,
                                  const struct platform *p, struct cfg_error *e)
{
    const struct domprop at = { p->fdt, cfg->node, e };
    u64 frames = p->gic.gicr_count ? p->gic.gicr[0].size / MAX(p->gic.gicr_stride, GICR_EACH) : 0;
    struct addrmap_entry gicd = {
        .base = p->gic.gicd.base,
        .size = GICD_V3_SIZE,
        .kind = MAP_GICD,
        .cls = S2_GIC,
        .what = "GICD",
    };
    struct addrmap_entry gicr = {
        .base = p->gic.gicr[0].base,
        .size = GICR_EACH * cfg->cpus,
        .kind = MAP_GICR,
        .cls = S2_GIC,
        .what = "GICR",
    };
    enum corbel_err err;

    if (cfg->cpus > frames)
        return domprop_refusef(&at, "cpus", DOMPROP_CELLS,
                               "at most %u with direct-map: the host's first region of "
                               "redistributors has no more",
                               (u32)frames);
    err = addrmap_add_named(map, &gicd, e);
    return err == CORBEL_OK ? addrmap_add_named(map, &gicr, e) : err;
}

static enum corbel_err add_vuart(struct addrmap *map, const struct mem_range *uart,
                                 struct cfg_error *e)
{
    bool usable = uart->size >= VUART_SIZE && IS_ALIGNED(uart->base, PAGE_SIZE);
    struct addrmap_entry vuart = {
        .base = usable ? uart->base : 0,
        .size = VUART_SIZE,
        .kind = MAP_VUART,
        .cls = S2_MMIO,
        .floating = !usable,
        .align = PAGE_SIZE,
        .what = "vPL011",
    };

    return addrmap_add_named(map, &vuart, e);
}

static enum corbel_err add_gnttab(struct addrmap *map, struct cfg_error *e)
{
    static const struct addrmap_entry gnttab = {
        .size = GNTTAB_SIZE,
        .kind = MAP_GNTTAB,
        .cls = S2_RAM,
        .floating = true,
        .align = SZ_2M,
        .what = "grant table",
    };

    return addrmap_add_named(map, &gnttab, e);
}

/* A guest that takes its addresses for the machine's must not find anything else at some. */
static enum corbel_err keep_out_ram(struct addrmap *map, const struct platform *p,
                                    struct cfg_error *e)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < p->bank_count && err == CORBEL_OK; i++) {
        struct addrmap_entry ram = {
            .base = p->banks[i].base,
            .size = p->banks[i].size,
            .kind = MAP_KEEP_OUT,
            .what = "host RAM",
        };

        err = addrmap_add_named(map, &ram, e);
    }
    return err;
}

enum corbel_err addrmap_add_native_layout(struct addrmap *map, const struct domcfg *cfg,
                                          const struct addrmap_native *native, struct cfg_error *e)
{
    const struct platform *p = native->platform;
    enum corbel_err err;

    addrmap_set_path(map, p->fdt, cfg->node);
    err = add_ram(map, native, e);
    if (err == CORBEL_OK && p->gic.version == GIC_V2)
        err = add_gic_v2(map, &p->gic, e);
    else if (err == CORBEL_OK)
        err = add_gic_v3(map, cfg, p, e);
    if (err == CORBEL_OK && cfg->vpl011)
        err = add_vuart(map, &native->uart, e);
    if (err == CORBEL_OK && cfg->enhanced)
        err = add_gnttab(map, e);
    if (err == CORBEL_OK)
        err = keep_out_ram(map, p, e);
    return err;
}

/* --- devices and shared memory ---------------------------------------------------------------- */

/* Part [base, end) of a region, in guest addresses; nothing when it is empty. */
static enum corbel_err add_part(struct addrmap *map, const struct addrmap_entry *whole, u64 base,
                                u64 end, struct cfg_error *e)
{
    struct addrmap_entry part = *whole;

    if (base >= end)
        return CORBEL_OK;
    part.base = base;
    part.size = end - base;
    part.pa = whole->pa + (base - whole->base);
    part.trapped = !IS_ALIGNED(base | end, PAGE_SIZE);
    if (part.trapped && part.kind == MAP_SRAM) {
        addrmap_refuse(map, whole, "whole pages of 4 KiB of memory", e);
        return ERR_INVAL;
    }
    return addrmap_add_named(map, &part, e);
}

static enum corbel_err add_region(struct addrmap *map, const struct addrmap_entry *whole,
                                  struct cfg_error *e)
{
    u64 top = BIT(ADDRMAP_BITS_MAX);
    u64 end, first, last;
    enum corbel_err err;

    if (!whole->size || whole->size > top || whole->base > top - whole->size ||
        whole->pa > top - whole->size) {
        addrmap_refuse(map, whole, "a size, and an end within 52 address bits", e);
        return ERR_RANGE;
    }
    if (!IS_ALIGNED(whole->base ^ whole->pa, PAGE_SIZE)) {
        addrmap_refuse(map, whole, "the host address's offset in its page", e);
        return ERR_INVAL;
    }
    end = whole->base + whole->size;
    first = ALIGN_UP(whole->base, PAGE_SIZE);
    last = ALIGN_DOWN(end, PAGE_SIZE);
    if (first >= last)
        return add_part(map, whole, whole->base, end, e);
    err = add_part(map, whole, whole->base, first, e);
    if (err == CORBEL_OK)
        err = add_part(map, whole, first, last, e);
    return err == CORBEL_OK ? add_part(map, whole, last, end, e) : err;
}

enum corbel_err addrmap_add_device(struct addrmap *map, const struct passdt *pass,
                                   struct cfg_error *e)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < pass->region_count && err == CORBEL_OK; i++) {
        const struct passdt_region *r = &pass->regions[i];
        struct addrmap_entry whole = {
            .base = r->gpa,
            .size = r->size,
            .kind = r->cls == S2_SRAM ? MAP_SRAM : MAP_DEVICE,
            .cls = r->cls,
            .pa = r->hpa,
        };

        str_copy(whole.what, pass->devices[r->device].name, sizeof(whole.what));
        err = add_region(map, &whole, e);
    }
    return err;
}

enum corbel_err addrmap_add_msi(struct addrmap *map, const struct passdt *pass, bool native,
                                struct cfg_error *e)
{
    struct addrmap_entry frame = {
        .base = native ? pass->msi.frame.base : 0,
        .size = pass->msi.frame.size,
        .kind = MAP_MSI,
        .cls = S2_MSI,
        .floating = !native,
        .align = PAGE_SIZE,
        .pa = pass->msi.frame.base,
        .what = "GICv2m frame",
    };

    return frame.size ? addrmap_add_named(map, &frame, e) : CORBEL_OK;
}

enum corbel_err addrmap_add_watchdog(struct addrmap *map, const struct domcfg *cfg,
                                     struct cfg_error *e)
{
    static const struct addrmap_entry frames = {
        .size = VWDT_SIZE,
        .kind = MAP_VWDT,
        .cls = S2_MMIO,
        .floating = true,
        .align = VWDT_FRAME_STRIDE,
        .what = "watchdog",
    };

    return cfg->watchdog == WATCHDOG_SBSA ? addrmap_add_named(map, &frames, e) : CORBEL_OK;
}

enum corbel_err addrmap_add_shm(struct addrmap *map, const struct domcfg *cfg, struct cfg_error *e)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < cfg->shm_count && err == CORBEL_OK; i++) {
        const struct domcfg_shm *shm = &cfg->shms[i];
        struct addrmap_entry entry = {
            .base = shm->gpa,
            .size = shm->size,
            .kind = MAP_SHMEM,
            .cls = shm->read_only ? S2_RAM_RO : S2_RAM,
            .pa = shm->has_hpa ? shm->hpa : 0,
        };

        fmt_snprintf(entry.what, sizeof(entry.what), "shm %s", shm->id);
        err = addrmap_add_named(map, &entry, e);
    }
    return err;
}
