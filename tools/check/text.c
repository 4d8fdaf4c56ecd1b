/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people. Refusals are in the very words of the hypervisor's log. */
#include "show.h"

#include <stdio.h>

#include <corbel/string.h>

typedef unsigned long long ull;

static void print_ranges(const char *what, const struct mem_range *ranges, u32 count)
{
    for (u32 i = 0; i < count; i++)
        printf("  %-11s 0x%010llx-0x%010llx %9llu KiB\n", what, (ull)ranges[i].base,
               (ull)(ranges[i].base + ranges[i].size - 1), (ull)((ranges[i].size + 1023) >> 10));
}

static void print_gic(const struct platform_gic *gic)
{
    printf("  GICv%u       GICD 0x%llx+0x%llx", gic->version == GIC_V2 ? 2u : 3u,
           (ull)gic->gicd.base, (ull)gic->gicd.size);
    for (u32 i = 0; i < gic->gicr_count; i++)
        printf(", GICR 0x%llx+0x%llx", (ull)gic->gicr[i].base, (ull)gic->gicr[i].size);
    if (gic->version == GIC_V2)
        printf(", GICC 0x%llx, GICH 0x%llx, GICV 0x%llx", (ull)gic->gicc.base, (ull)gic->gich.base,
               (ull)gic->gicv.base);
    printf("\n");
}

static void print_smmus(const struct platform *p)
{
    for (u32 i = 0; i < p->iommu_count; i++) {
        const struct platform_iommu *iommu = &p->iommus[i];

        printf("  %-11s 0x%010llx %s", show_iommu_kind(iommu->kind), (ull)iommu->regs.base,
               iommu->path);
        for (u32 n = 0; n < iommu->irq_count; n++)
            printf("%s %u", n ? "," : ", interrupts", iommu->irqs[n].intid);
        if (!iommu->driven)
            printf(", not driven: %s", iommu->why);
        printf("\n");
    }
}

static void print_machine(const struct check *c)
{
    const struct platform *p = &c->platform;

    printf("machine: %s, %u CPU%s, %llu KiB for domains\n", p->model[0] ? p->model : "(unnamed)",
           p->cpu_count, p->cpu_count == 1 ? "" : "s", (ull)(c->free >> 10));
    print_ranges("RAM", p->banks, p->bank_count);
    print_ranges("reserved", p->reserved, p->reserved_count);
    print_ranges("no-map", p->no_map, p->no_map_count);
    print_ranges("heap", p->static_heap, p->static_heap_count);
    if (p->self.size)
        print_ranges("hypervisor", &p->self, 1);
    if (p->tree.size)
        print_ranges("host tree", &p->tree, 1);
    for (u32 i = 0; i < p->module_count; i++)
        print_ranges(show_module_kind(p->modules[i].kind), &p->modules[i].range,
                     show_module_is_new(p, i));
    print_gic(&p->gic);
    if (p->uart.kind != UART_NONE)
        printf("  %-11s 0x%010llx interrupt %u, %s\n", show_uart_kind(p->uart.kind),
               (ull)p->uart.regs.base, p->uart.intid, p->uart.path);
    print_smmus(p);
    for (u32 i = 0; i < p->hidden_count; i++)
        printf("  %-11s 0x%010llx-0x%010llx %s\n", "hidden", (ull)p->hidden[i].range.base,
               (ull)(p->hidden[i].range.base + p->hidden[i].range.size - 1), p->hidden[i].what);
}

static void print_map(const struct check *c, const struct plan *plan)
{
    for (u32 i = 0; i < plan->map.count; i++) {
        const struct addrmap_entry *e = &plan->map.entries[i];
        struct show_entry s = show_entry(&c->platform, plan, e);

        printf("  0x%010llx-0x%010llx %-9s", (ull)e->base, (ull)(e->base + e->size - 1), s.how);
        if (s.cls)
            printf(" %-7s %-13s %s", s.cls, s.attr, s.access);
        else
            printf(" %-7s %-13s ---", "-", "-");
        if (s.has_host)
            printf(" host 0x%010llx", (ull)s.host);
        printf("%s %s\n", s.has_host ? "" : "                  ", e->what);
    }
}

static void print_memory(const struct plan *plan)
{
    if (!plan->bank_count)
        printf("  host RAM: from what is free\n");
    for (u32 i = 0; i < plan->bank_count; i++)
        printf("  host RAM: 0x%llx+0x%llx\n", (ull)plan->banks[i].base, (ull)plan->banks[i].size);
    for (u32 i = 0; i < plan->cfg.shm_count; i++) {
        const struct domcfg_shm *shm = &plan->cfg.shms[i];
        char id[SHM_ID_SIZE];

        (void)str_copy(id, shm->id, sizeof(id));
        str_clean(id);
        printf("  shared \"%s\": 0x%llx+0x%llx, ", id, (ull)shm->gpa, (ull)shm->size);
        printf(shm->has_hpa ? "host 0x%llx" : "host from what is free", (ull)shm->hpa);
        printf("%s%s\n", shm->owner ? ", owner" : "", shm->read_only ? ", read-only" : "");
    }
}

static void print_irqs(const struct plan *plan)
{
    if (plan->vuart_intid)
        printf("  interrupt %u: vPL011\n", plan->vuart_intid);
    if (plan->wdt_intid)
        printf("  interrupt %u: watchdog\n", plan->wdt_intid);
    for (u32 i = 0; i < plan->pass.irq_count; i++) {
        const struct passdt_irq *irq = &plan->pass.irqs[i];

        printf("  interrupt %u: %s, %s\n", irq->intid, irq->level ? "level" : "edge",
               plan->pass.devices[irq->device].name);
    }
}

/* Whatever it is that stands between its DMA and the machine's memory. */
static void print_devices(const struct plan *plan)
{
    static const char *const words[] = { [PASSDT_NO_DMA] = "no DMA",
                                         [PASSDT_BY_SMMU] = "protected",
                                         [PASSDT_BYPASS] = "NOT PROTECTED",
                                         [PASSDT_FORCED] = "NOT PROTECTED" };
    char streams[200];

    for (u32 i = 0; i < plan->pass.device_count; i++) {
        const struct passdt_device *device = &plan->pass.devices[i];

        printf("  device %s: %s", device->name, words[device->protection]);
        if (plan_streams_text(plan, i, streams, sizeof(streams)))
            printf(", behind %s", streams);
        printf("\n");
    }
}

static void print_policy(const struct domcfg *cfg)
{
    printf("  on DMA fault %s, on reboot %s, on crash %s", show_dma_policy(cfg->on_dma_fault),
           show_action(cfg->on_reboot), show_action(cfg->on_crash));
    if (cfg->on_reboot == ACTION_RESTART || cfg->on_crash == ACTION_RESTART)
        printf(", at most %u restarts in %u s", cfg->restarts_max, cfg->restarts_seconds);
    if (cfg->watchdog != WATCHDOG_NONE)
        printf(", watchdog %s", show_watchdog(cfg->watchdog));
    printf("%s\n", cfg->pmu_off ? ", no PMU" : "");
}

static void print_modules(const struct plan *plan)
{
    const struct domcfg *cfg = &plan->cfg;

    printf("  kernel 0x%llx+0x%llx to 0x%llx, needs 0x%llx, entry 0x%llx\n",
           (ull)cfg->kernel.range.base, (ull)cfg->kernel.range.size, (ull)plan->place.kernel,
           (ull)plan->kernel_mem, (ull)plan->place.entry);
    if (cfg->ramdisk.range.size)
        printf("  ramdisk 0x%llx+0x%llx to 0x%llx\n", (ull)cfg->ramdisk.range.base,
               (ull)cfg->ramdisk.range.size, (ull)plan->place.ramdisk);
    printf("  device tree to 0x%llx, up to 0x%llx\n", (ull)plan->place.dtb, (ull)plan->dtb_size);
}

static void print_domain(const struct check *c, const struct check_domain *d)
{
    const struct domcfg *cfg = &d->plan.cfg;
    char line[256];

    if (d->refused) {
        printf("\n%s: refused: %s\n", d->name, d->e.text);
        return;
    }
    printf("\n%s: %llu KiB, %u vCPU%s%s%s%s\n", d->name, (ull)(cfg->memory >> 10), cfg->cpus,
           cfg->cpus == 1 ? "" : "s", cfg->vpl011 ? ", vPL011" : "",
           cfg->static_mem_count ? ", static memory" : "", cfg->direct_map ? ", direct-map" : "");
    print_map(c, &d->plan);
    print_memory(&d->plan);
    print_irqs(&d->plan);
    print_devices(&d->plan);
    print_policy(cfg);
    print_modules(&d->plan);
    for (u32 i = 0; plan_note(&d->plan, i, line, sizeof(line)); i++)
        printf("  note: %s\n", line);
}

void check_print_text(const struct check *c)
{
    u32 refused = check_refused_count(c);

    print_machine(c);
    for (u32 i = 0; i < c->domain_count; i++)
        print_domain(c, c->domains[i]);
    if (c->warning_count || c->pool_error_count)
        printf("\n");
    for (u32 i = 0; i < c->warning_count; i++)
        printf("warning: %s\n", c->warnings[i]);
    for (u32 i = 0; i < c->pool_error_count; i++)
        printf("%s\n", c->pool_errors[i]);
    printf("\n%u domain%s would start, %u refused\n", c->domain_count - refused,
           c->domain_count - refused == 1 ? "" : "s", refused);
}
