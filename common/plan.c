/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a domain: parse, check, choose, solve, place; in that order, each step
 * refusing in one line and the first fault ending it. What a step took (RAM, devices,
 * shared frames) is in the plan, so that one function gives all of it back. Nothing here
 * touches hardware: the host checker links this file as it is.
 */
#include <corbel/plan.h>

#include <corbel/assign.h>
#include <corbel/bits.h>
#include <corbel/domdtb.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/page.h>
#include <corbel/printf.h>
#include <corbel/shmem.h>
#include <corbel/string.h>
#include <corbel/vgic.h>

#define DTB_SIZE_MIN SZ_64K /* room for the guest's tree without devices */
#define VUART_SPI    32u    /* Xen's guest layout */
#define VUART_PAGE   0x1000ull

struct planner {
    const struct plan_env *env;
    struct plan *plan;
    u32 id;
    struct cfg_error *e;
};

static u64 memory_promised; /* bytes of RAM given to domains that are not built yet */

static enum corbel_err refuse(struct planner *pl, int node, const char *property, u64 value,
                              const char *expected)
{
    char path[128], text[48];

    fmt_snprintf(text, sizeof(text), "<0x%llx>", (unsigned long long)value);
    cfg_error_set(pl->e, fdtr_path_of(pl->env->platform->fdt, node, path, sizeof(path)), property,
                  text, expected);
    return ERR_RANGE;
}

static enum corbel_err parse(struct planner *pl, int node)
{
    struct domcfg *cfg = &pl->plan->cfg;
    enum corbel_err err = domcfg_parse(pl->env->platform, node, cfg, pl->e);

    if (err == CORBEL_OK && !cfg->nr_spis_given) /* as Xen: all that the host has */
        cfg->nr_spis = MIN(pl->env->line_count - VGIC_PRIVATE, VGIC_SPI_MAX);
    return err;
}

/* --- devices ---------------------------------------------------------------------------------- */

static enum corbel_err read_partial(struct planner *pl)
{
    const struct mem_range *module = &pl->plan->cfg.dtb.range;
    struct plan *plan = pl->plan;
    struct passdt_source source;

    if (!module->size)
        return CORBEL_OK;
    plan->pass_copy_size = ALIGN_UP(module->size, PAGE_SIZE);
    plan->pass_copy = pl->env->alloc(plan->pass_copy_size);
    if (!plan->pass_copy)
        return refuse(pl, plan->cfg.dtb.node, "reg", module->size,
                      "a size for which the hypervisor has memory left");
    pl->env->read(plan->pass_copy, module->base, module->size);
    source = (struct passdt_source){ plan->pass_copy, module->size, &plan->cfg };
    return passdt_parse(pl->env->platform, &source, &plan->pass, pl->e);
}

static enum corbel_err refuse_device(struct planner *pl, u32 device, const char *property,
                                     const char *value, const char *expected)
{
    const struct passdt *pass = &pl->plan->pass;
    char raw[96], path[96];

    fdtr_path_of(pass->fdt, pass->devices[device].node, raw, sizeof(raw));
    domprop_clean(path, raw, sizeof(path));
    cfg_error_set(pl->e, path, property, value, expected);
    return ERR_EXIST;
}

static enum corbel_err claim_region(struct planner *pl, const struct passdt_region *r)
{
    const struct mem_range range = { r->hpa, r->size };
    char value[48], expected[64];
    u32 other = 0;
    enum corbel_err err = assign_region(pl->id, &range, &other);

    if (err == CORBEL_OK)
        return err;
    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)r->hpa,
                 (unsigned long long)r->size);
    if (err == ERR_EXIST)
        fmt_snprintf(expected, sizeof(expected), "a device that domain %u does not have", other);
    else
        fmt_snprintf(expected, sizeof(expected), "at most %u regions in all domains", ASSIGN_MAX);
    return refuse_device(pl, r->device, "xen,reg", value, expected);
}

static enum corbel_err refuse_own_irq(struct planner *pl, const struct passdt_irq *irq,
                                      const char *own)
{
    char value[32], expected[112];

    fmt_snprintf(value, sizeof(value), "SPI %u", irq->intid - VGIC_PRIVATE);
    fmt_snprintf(expected, sizeof(expected), "an interrupt that is not the hypervisor's: %s", own);
    return refuse_device(pl, irq->device, "interrupts", value, expected);
}

static enum corbel_err claim_irq(struct planner *pl, const struct passdt_irq *irq)
{
    const char *own = plan_own_irq(pl->env->platform, irq->intid);
    u32 nr_spis = pl->plan->cfg.nr_spis;
    char value[32], expected[80];
    u32 other = 0;
    enum corbel_err err = ERR_RANGE;

    if (own)
        return refuse_own_irq(pl, irq, own);
    fmt_snprintf(value, sizeof(value), "SPI %u", irq->intid - VGIC_PRIVATE);
    fmt_snprintf(expected, sizeof(expected), "an SPI below the domain's nr_spis, %u", nr_spis);
    if (irq->intid >= pl->env->line_count)
        fmt_snprintf(expected, sizeof(expected), "an SPI that the GIC has: below %u",
                     pl->env->line_count - VGIC_PRIVATE);
    else if (irq->intid - VGIC_PRIVATE < nr_spis)
        err = assign_irq(pl->id, irq->intid, &other);
    if (err == CORBEL_OK)
        return err;
    if (err == ERR_EXIST)
        fmt_snprintf(expected, sizeof(expected), "an interrupt that domain %u does not have",
                     other);
    else if (err == ERR_NOMEM)
        fmt_snprintf(expected, sizeof(expected), "fewer interrupts in all domains");
    return refuse_device(pl, irq->device, "interrupts", value, expected);
}

/* Of SMMUs that are driven: nobody looks at the streams of others. */
static enum corbel_err claim_streams(struct planner *pl, const struct passdt_stream *s)
{
    const struct platform_iommu *iommu = &pl->env->platform->iommus[s->entry.iommu];
    char streams[32], value[96], expected[64];
    u32 other = 0;
    enum corbel_err err = iommu->driven ? assign_streams(pl->id, &s->entry, &other) : CORBEL_OK;

    if (err == CORBEL_OK)
        return err;
    iommu_map_text(&s->entry, streams, sizeof(streams));
    fmt_snprintf(value, sizeof(value), "%s of %s", streams, iommu->path);
    if (err == ERR_EXIST)
        fmt_snprintf(expected, sizeof(expected), "streams that domain %u does not have", other);
    else
        fmt_snprintf(expected, sizeof(expected), "fewer streams in all domains");
    return refuse_device(pl, s->device, "(streams)", value, expected);
}

static enum corbel_err claim_devices(struct planner *pl)
{
    const struct passdt *pass = &pl->plan->pass;
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < pass->region_count && err == CORBEL_OK; i++)
        err = claim_region(pl, &pass->regions[i]);
    for (u32 i = 0; i < pass->irq_count && err == CORBEL_OK; i++)
        err = claim_irq(pl, &pass->irqs[i]);
    for (u32 i = 0; i < pass->stream_count && err == CORBEL_OK; i++)
        err = claim_streams(pl, &pass->streams[i]);
    return err == CORBEL_OK ? plan_claim_msi(pl->env, pl->plan, pl->id, pl->e) : err;
}

/* --- memory ----------------------------------------------------------------------------------- */

static enum corbel_err check_free(struct planner *pl)
{
    u64 free = page_free_count() * PAGE_SIZE;
    u64 left = free > memory_promised ? free - memory_promised : 0;
    char expected[64];

    if (pl->plan->cfg.memory <= left)
        return CORBEL_OK;
    fmt_snprintf(expected, sizeof(expected), "at most 0x%llx KiB, what is free",
                 (unsigned long long)(left >> 10));
    return refuse(pl, pl->plan->cfg.node, "memory", pl->plan->cfg.memory >> 10, expected);
}

static void sort_banks(struct plan *plan)
{
    for (u32 i = 1; i < plan->bank_count; i++) {
        struct mem_range bank = plan->banks[i];
        u32 at = i;

        for (; at > 0 && plan->banks[at - 1].base > bank.base; at--)
            plan->banks[at] = plan->banks[at - 1];
        plan->banks[at] = bank;
    }
}

/* Neighbors become one bank: the guest sees as few as can be. */
static void merge_banks(struct plan *plan)
{
    u32 kept = 0;

    for (u32 i = 1; i < plan->bank_count; i++) {
        if (plan->banks[kept].base + plan->banks[kept].size == plan->banks[i].base)
            plan->banks[kept].size += plan->banks[i].size;
        else
            plan->banks[++kept] = plan->banks[i];
    }
    plan->bank_count = kept + 1;
}

static void use_static(struct plan *plan)
{
    _Static_assert(DOMCFG_BANKS_MAX <= DIRECTMEM_BANKS_MAX, "room for all static banks");
    for (u32 i = 0; i < plan->cfg.static_mem_count; i++)
        plan->banks[i] = plan->cfg.static_mem[i];
    plan->bank_count = plan->cfg.static_mem_count;
    if (!plan->cfg.direct_map)
        return;
    sort_banks(plan);
    merge_banks(plan);
}

static enum corbel_err choose_ram(struct planner *pl)
{
    struct plan *plan = pl->plan;
    enum corbel_err err;

    if (plan->cfg.static_mem_count) {
        use_static(plan);
        return CORBEL_OK;
    }
    err = check_free(pl);
    if (err != CORBEL_OK)
        return err;
    if (!plan->cfg.direct_map) {
        plan->promised = plan->cfg.memory;
        memory_promised += plan->promised;
        return CORBEL_OK;
    }
    if (directmem_alloc(plan->cfg.memory, plan->pass.dma_limit, plan->banks, &plan->bank_count) !=
        CORBEL_OK)
        return refuse(pl, plan->cfg.node, "memory", plan->cfg.memory >> 10,
                      plan->pass.dma_limit
                          ? "that much free memory which its devices reach, in few pieces"
                          : "that much free memory in few pieces");
    plan->banks_owned = true;
    return CORBEL_OK;
}

static enum corbel_err get_shared(struct planner *pl)
{
    struct plan *plan = pl->plan;

    for (; plan->shm_count < plan->cfg.shm_count; plan->shm_count++) {
        const struct domcfg_shm *shm = &plan->cfg.shms[plan->shm_count];

        if (shmem_get(shm, &plan->shm[plan->shm_count]) != CORBEL_OK)
            return refuse(pl, shm->node, "xen,shared-mem", shm->size,
                          "a size for which memory is left, and few different ids");
        if (page_free_count() * PAGE_SIZE >= memory_promised)
            continue;
        plan->shm_count++; /* to be given back: earlier domains were promised these frames */
        return refuse(pl, shm->node, "xen,shared-mem", shm->size,
                      "a size that leaves the domains before it their memory");
    }
    return CORBEL_OK;
}

/* --- the address map -------------------------------------------------------------------------- */

static bool is_device_at(const struct passdt *pass, const struct mem_range *range)
{
    for (u32 i = 0; i < pass->region_count; i++) {
        const struct passdt_region *r = &pass->regions[i];

        if (r->gpa < range->base + range->size && range->base < r->gpa + r->size)
            return true;
    }
    return false;
}

static bool is_device_irq(const struct passdt *pass, u32 intid)
{
    for (u32 i = 0; i < pass->irq_count; i++)
        if (pass->irqs[i].intid == intid)
            return true;
    return intid >= pass->msi.first_intid && intid - pass->msi.first_intid < pass->msi.count;
}

/* Where a direct-map domain's vPL011 goes: the host UART's page; size 0: it has to float. */
static struct mem_range native_uart(struct plan *plan, const struct platform_uart *host)
{
    struct mem_range uart = { host->regs.base, VUART_PAGE };

    if (host->kind == UART_NONE || host->regs.size < VUART_PAGE ||
        !IS_ALIGNED(uart.base, VUART_PAGE))
        plan->uart_note = PLAN_UART_NO_PAGE;
    else if (is_device_at(&plan->pass, &uart))
        plan->uart_note = PLAN_UART_TAKEN;
    else
        return uart;
    return (struct mem_range){ 0, 0 };
}

/* The first one that no device has, Xen's vPL011 before all; 0: there is none. */
static u32 free_spi(const struct plan *plan)
{
    for (u32 intid = VUART_SPI; intid - VGIC_PRIVATE < plan->cfg.nr_spis; intid++)
        if (!is_device_irq(&plan->pass, intid) && intid != plan->vuart_intid)
            return intid;
    return 0;
}

/* The host UART's SPI for a direct-map domain, where that is free; Xen's otherwise. */
static enum corbel_err choose_uart_irq(struct planner *pl)
{
    const struct platform_uart *host = &pl->env->platform->uart;
    struct plan *plan = pl->plan;

    if (plan->cfg.direct_map && plan->uart_note == PLAN_UART_FINE) {
        if (host->intid < VGIC_PRIVATE)
            plan->uart_note = PLAN_UART_NO_SPI;
        else if (is_device_irq(&plan->pass, host->intid))
            plan->uart_note = PLAN_UART_SPI_TAKEN;
        else if (host->intid - VGIC_PRIVATE >= plan->cfg.nr_spis)
            plan->uart_note = PLAN_UART_SPI_RANGE;
        else
            plan->vuart_intid = host->intid;
        if (plan->vuart_intid)
            return CORBEL_OK;
    }
    plan->vuart_intid = free_spi(plan);
    if (plan->vuart_intid)
        return CORBEL_OK;
    return refuse(pl, plan->cfg.node, "nr_spis", plan->cfg.nr_spis,
                  "an SPI for the vPL011 beside those of its devices");
}

/* Behind the vPL011's, which is where Xen has it. */
static enum corbel_err choose_irqs(struct planner *pl)
{
    struct plan *plan = pl->plan;
    enum corbel_err err = plan->cfg.vpl011 ? choose_uart_irq(pl) : CORBEL_OK;

    if (err != CORBEL_OK || plan->cfg.watchdog != WATCHDOG_SBSA)
        return err;
    plan->wdt_intid = free_spi(plan);
    if (plan->wdt_intid)
        return CORBEL_OK;
    return refuse(pl, plan->cfg.node, "nr_spis", plan->cfg.nr_spis,
                  "an SPI for the watchdog beside those of its other devices");
}

static enum corbel_err fill_map(struct planner *pl)
{
    const struct platform *p = pl->env->platform;
    struct plan *plan = pl->plan;
    enum corbel_err err;

    addrmap_init(&plan->map);
    addrmap_set_path(&plan->map, p->fdt, plan->cfg.node);
    if (plan->cfg.direct_map) {
        struct addrmap_native native = { p, plan->banks, plan->bank_count, { 0, 0 } };

        if (plan->cfg.vpl011)
            native.uart = native_uart(plan, &p->uart);
        err = addrmap_add_native_layout(&plan->map, &plan->cfg, &native, pl->e);
    } else {
        err = addrmap_add_xen_layout(&plan->map, &plan->cfg, &p->gic, pl->e);
    }
    if (err == CORBEL_OK)
        err = addrmap_add_shm(&plan->map, &plan->cfg, pl->e);
    if (err == CORBEL_OK)
        err = addrmap_add_device(&plan->map, &plan->pass, pl->e);
    if (err == CORBEL_OK)
        err = addrmap_add_msi(&plan->map, &plan->pass, plan->cfg.direct_map, pl->e);
    if (err == CORBEL_OK)
        err = addrmap_add_watchdog(&plan->map, &plan->cfg, pl->e);
    return err;
}

/* Only RAM can be taken away and given back. */
static enum corbel_err check_hook(struct planner *pl)
{
    const struct mem_range *hook = &pl->plan->cfg.debug_hook;
    const struct addrmap_entry *ram;
    struct domprop at = { pl->env->platform->fdt, pl->plan->cfg.node, pl->e };

    if (!hook->size)
        return CORBEL_OK;
    for (u32 i = 0; (ram = addrmap_find(&pl->plan->map, MAP_RAM, i)) != NULL; i++) {
        const struct mem_range bank = { ram->base, ram->size };

        if (mem_range_contains(&bank, hook))
            return CORBEL_OK;
    }
    return domprop_refuse(&at, "corbel,debug-hook", DOMPROP_CELLS,
                          "guest addresses in one bank of the domain's RAM");
}

static enum corbel_err solve(struct planner *pl)
{
    enum corbel_err err = fill_map(pl);

    if (err == CORBEL_OK)
        err = addrmap_solve(&pl->plan->map, pl->env->ipa_bits_max, pl->e);
    if (err == CORBEL_OK)
        err = check_hook(pl);
    if (err == CORBEL_OK)
        err = choose_irqs(pl);
    return err;
}

/* --- modules ---------------------------------------------------------------------------------- */

static enum corbel_err place(struct planner *pl)
{
    struct plan *plan = pl->plan;
    struct mem_range banks[DIRECTMEM_BANKS_MAX];
    const struct addrmap_entry *ram;
    struct image_want want = { .info = &plan->image,
                               .kernel_size = plan->kernel_mem,
                               .ramdisk_size = plan->cfg.ramdisk.range.size };
    const char *why = "";
    u32 count = 0;

    plan->dtb_size = DTB_SIZE_MIN;
    if (plan->pass.fdt)
        plan->dtb_size += ALIGN_UP((u64)passdt_size_max(&plan->pass), (u64)SZ_64K);
    want.dtb_size = plan->dtb_size;
    for (; count < ARRAY_SIZE(banks); count++) {
        ram = addrmap_find(&plan->map, MAP_RAM, count);
        if (!ram)
            break;
        banks[count] = (struct mem_range){ ram->base, ram->size };
    }
    if (image_place_banks(banks, count, &want, &plan->place, &why) == CORBEL_OK)
        return CORBEL_OK;
    return refuse(pl, plan->cfg.node, "memory", plan->cfg.memory >> 10, why);
}

/* --- the doors -------------------------------------------------------------------------------- */

enum corbel_err plan_domain(const struct plan_env *env, int node, u32 id, struct plan *plan,
                            struct cfg_error *e)
{
    static enum corbel_err (*const steps[])(struct planner *) = {
        read_partial, claim_devices, choose_ram, get_shared, solve, place,
    };
    struct planner pl = { env, plan, id, e };
    enum corbel_err err;

    memset(plan, 0, sizeof(*plan));
    plan->platform = env->platform;
    err = parse(&pl, node);
    if (err == CORBEL_OK)
        err = plan_probe_kernel(env, plan, e);
    for (u32 i = 0; i < ARRAY_SIZE(steps) && err == CORBEL_OK; i++)
        err = steps[i](&pl);
    if (err != CORBEL_OK)
        plan_release(env, id, plan);
    return err;
}

__resident void plan_drop_tree(const struct plan_env *env, struct plan *plan)
{
    if (plan->pass_copy)
        env->free(plan->pass_copy, plan->pass_copy_size);
    plan->pass_copy = NULL;
    plan->pass.fdt = NULL;
}

__resident void plan_release(const struct plan_env *env, u32 id, struct plan *plan)
{
    plan_drop_tree(env, plan);
    for (u32 i = 0; plan->banks_owned && i < plan->bank_count; i++)
        if (plan->banks[i].size) /* else it is the domain's already */
            directmem_free(&plan->banks[i], 1);
    plan->banks_owned = false;
    plan->bank_count = 0;
    while (plan->shm_count)
        shmem_put(&plan->cfg.shms[--plan->shm_count]);
    assign_release(id);
    memory_promised -= plan->promised;
    plan->promised = 0;
}
