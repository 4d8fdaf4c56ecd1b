/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for programs: one JSON object (RFC 8259). Numbers are decimal; addresses above 2^53
 * are not to be expected, EL2 reaches 2^48.
 */
#include "show.h"

#include <stdio.h>

#include <corbel/fdt_read.h>

typedef unsigned long long ull;

/* Commas go in front of all but the first thing in an object or an array. */
static bool first;

static void comma(void)
{
    if (!first)
        putchar(',');
    first = false;
}

static void put_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char ch = (unsigned char)*text;

        if (ch == '"' || ch == '\\')
            printf("\\%c", ch);
        else if (ch < 0x20 || ch > 0x7e)
            printf("\\u%04x", ch);
        else
            putchar(ch);
    }
    putchar('"');
}

static void put_key(const char *key)
{
    comma();
    put_string(key);
    putchar(':');
}

static void put_open(const char *key, char bracket)
{
    if (key)
        put_key(key);
    else
        comma();
    putchar(bracket);
    first = true;
}

static void put_close(char bracket)
{
    putchar(bracket);
    first = false;
}

static void put_number(const char *key, u64 value)
{
    put_key(key);
    printf("%llu", (ull)value);
}

static void put_bool(const char *key, bool value)
{
    put_key(key);
    printf(value ? "true" : "false");
}

static void put_text(const char *key, const char *text)
{
    put_key(key);
    put_string(text);
}

static void put_texts(const char *key, char *const *texts, u32 count)
{
    put_open(key, '[');
    for (u32 i = 0; i < count; i++) {
        comma();
        put_string(texts[i]);
    }
    put_close(']');
}

static void put_range(const char *key, const struct mem_range *range)
{
    put_open(key, '{');
    put_number("base", range->base);
    put_number("size", range->size);
    put_close('}');
}

static void put_ranges(const char *key, const struct mem_range *ranges, u32 count)
{
    put_open(key, '[');
    for (u32 i = 0; i < count; i++)
        put_range(NULL, &ranges[i]);
    put_close(']');
}

static void put_module(const struct platform_module *module)
{
    put_open(NULL, '{');
    put_text("kind", show_module_kind(module->kind));
    put_number("base", module->range.base);
    put_number("size", module->range.size);
    put_close('}');
}

static void put_gic(const struct platform_gic *gic)
{
    put_open("gic", '{');
    put_number("version", gic->version == GIC_V2 ? 2 : 3);
    put_range("gicd", &gic->gicd);
    put_ranges("gicr", gic->gicr, gic->gicr_count);
    if (gic->version == GIC_V2) {
        put_range("gicc", &gic->gicc);
        put_range("gich", &gic->gich);
        put_range("gicv", &gic->gicv);
    }
    put_close('}');
}

static void put_uart(const struct platform_uart *uart)
{
    put_open("uart", '{');
    put_text("kind", show_uart_kind(uart->kind));
    put_range("regs", &uart->regs);
    put_number("intid", uart->intid);
    put_text("path", uart->path);
    put_close('}');
}

static void put_smmu(const struct platform_iommu *iommu)
{
    put_open(NULL, '{');
    put_text("path", iommu->path);
    put_text("kind", show_iommu_kind(iommu->kind));
    put_range("regs", &iommu->regs);
    put_open("interrupts", '[');
    for (u32 i = 0; i < iommu->irq_count; i++) {
        comma();
        printf("%u", iommu->irqs[i].intid);
    }
    put_close(']');
    put_bool("driven", iommu->driven);
    if (!iommu->driven)
        put_text("why", iommu->why);
    put_close('}');
}

static void put_smmus(const struct platform *p)
{
    put_open("smmus", '[');
    for (u32 i = 0; i < p->iommu_count; i++)
        put_smmu(&p->iommus[i]);
    put_close(']');
}

static void put_machine(const struct check *c)
{
    const struct platform *p = &c->platform;

    put_open("machine", '{');
    put_text("model", p->model);
    put_number("cpus", p->cpu_count);
    put_number("free", c->free);
    put_ranges("ram", p->banks, p->bank_count);
    put_ranges("reserved", p->reserved, p->reserved_count);
    put_ranges("no_map", p->no_map, p->no_map_count);
    put_ranges("static_heap", p->static_heap, p->static_heap_count);
    put_range("hypervisor", &p->self);
    put_range("tree", &p->tree);
    put_open("modules", '[');
    for (u32 i = 0; i < p->module_count; i++) {
        if (show_module_is_new(p, i))
            put_module(&p->modules[i]);
    }
    put_close(']');
    put_gic(&p->gic);
    put_uart(&p->uart);
    put_smmus(p);
    put_open("hidden", '[');
    for (u32 i = 0; i < p->hidden_count; i++) {
        put_open(NULL, '{');
        put_text("what", p->hidden[i].what);
        put_range("range", &p->hidden[i].range);
        put_close('}');
    }
    put_close(']');
    put_close('}');
}

static void put_entry(const struct check *c, const struct plan *plan, const struct addrmap_entry *e)
{
    struct show_entry s = show_entry(&c->platform, plan, e);

    put_open(NULL, '{');
    put_text("what", e->what);
    put_number("base", e->base);
    put_number("size", e->size);
    put_text("how", s.how);
    if (s.cls) {
        put_text("class", s.cls);
        put_text("memory_type", s.attr);
        put_text("access", s.access);
    }
    if (s.has_host)
        put_number("host", s.host);
    put_close('}');
}

static void put_shared(const struct domcfg_shm *shm)
{
    put_open(NULL, '{');
    put_text("id", shm->id);
    put_number("base", shm->gpa);
    put_number("size", shm->size);
    if (shm->has_hpa)
        put_number("host", shm->hpa);
    put_bool("owner", shm->owner);
    put_bool("read_only", shm->read_only);
    put_close('}');
}

static void put_irq(u32 intid, bool level, const char *device, bool physical)
{
    put_open(NULL, '{');
    put_number("intid", intid);
    put_bool("level", level);
    put_bool("physical", physical);
    put_text("device", device);
    put_close('}');
}

static void put_irqs(const struct plan *plan)
{
    put_open("interrupts", '[');
    if (plan->vuart_intid)
        put_irq(plan->vuart_intid, true, "vPL011", false);
    if (plan->wdt_intid)
        put_irq(plan->wdt_intid, true, "watchdog", false);
    for (u32 i = 0; i < plan->pass.irq_count; i++)
        put_irq(plan->pass.irqs[i].intid, plan->pass.irqs[i].level,
                plan->pass.devices[plan->pass.irqs[i].device].name, true);
    put_close(']');
}

static void put_streams(const struct plan *plan, u32 device)
{
    put_open("streams", '[');
    for (u32 i = 0; i < plan->pass.stream_count; i++) {
        const struct passdt_stream *s = &plan->pass.streams[i];

        if (s->device != device)
            continue;
        put_open(NULL, '{');
        put_text("smmu", plan->platform->iommus[s->entry.iommu].path);
        put_number("first", s->entry.stream.first);
        put_number("count", s->entry.stream.count);
        put_number("mask", s->entry.stream.mask);
        put_close('}');
    }
    put_close(']');
}

static void put_devices(const struct plan *plan)
{
    char path[128];

    put_open("devices", '[');
    for (u32 i = 0; i < plan->pass.device_count; i++) {
        const struct passdt_device *device = &plan->pass.devices[i];

        put_open(NULL, '{');
        put_text("name", device->name);
        if (device->host_node >= 0)
            put_text("host_path",
                     fdtr_path_of(plan->platform->fdt, device->host_node, path, sizeof(path)));
        put_text("protection", show_protection(device->protection));
        if (device->partly)
            put_number("unseen_requester", device->gap);
        put_streams(plan, i);
        put_close('}');
    }
    put_close(']');
}

static void put_policy(const struct domcfg *cfg)
{
    put_open("policy", '{');
    put_text("on_dma_fault", show_dma_policy(cfg->on_dma_fault));
    put_text("on_reboot", show_action(cfg->on_reboot));
    put_text("on_crash", show_action(cfg->on_crash));
    put_text("watchdog", show_watchdog(cfg->watchdog));
    put_text("pmu", cfg->pmu_off ? "off" : "on");
    put_number("restarts", cfg->restarts_max);
    put_number("restart_seconds", cfg->restarts_seconds);
    put_close('}');
    if (cfg->debug_hook.size)
        put_range("debug_hook", &cfg->debug_hook);
}

static void put_places(const struct plan *plan)
{
    put_open("kernel", '{');
    put_range("module", &plan->cfg.kernel.range);
    put_number("at", plan->place.kernel);
    put_number("needs", plan->kernel_mem);
    put_number("entry", plan->place.entry);
    put_close('}');
    if (plan->cfg.ramdisk.range.size) {
        put_open("ramdisk", '{');
        put_range("module", &plan->cfg.ramdisk.range);
        put_number("at", plan->place.ramdisk);
        put_close('}');
    }
    put_open("device_tree", '{');
    put_number("at", plan->place.dtb);
    put_number("room", plan->dtb_size);
    put_close('}');
}

static void put_plan(const struct check *c, const struct plan *plan)
{
    char line[256];

    put_number("memory", plan->cfg.memory);
    put_number("cpus", plan->cfg.cpus);
    put_bool("direct_map", plan->cfg.direct_map);
    put_open("map", '[');
    for (u32 i = 0; i < plan->map.count; i++)
        put_entry(c, plan, &plan->map.entries[i]);
    put_close(']');
    put_ranges("host_ram", plan->banks, plan->bank_count);
    put_open("shared", '[');
    for (u32 i = 0; i < plan->cfg.shm_count; i++)
        put_shared(&plan->cfg.shms[i]);
    put_close(']');
    put_irqs(plan);
    put_devices(plan);
    put_policy(&plan->cfg);
    put_places(plan);
    put_open("notes", '[');
    for (u32 i = 0; plan_note(plan, i, line, sizeof(line)); i++) {
        comma();
        put_string(line);
    }
    put_close(']');
}

static void put_refusal(const struct check_domain *d)
{
    struct show_refusal r;

    show_refusal(d->e.text, &r);
    put_open("error", '{');
    put_text("line", d->e.text);
    put_text("node", r.node);
    put_text("property", r.property);
    put_text("value", r.value);
    put_text("expected", r.expected);
    put_close('}');
}

void check_print_json(const struct check *c)
{
    first = true;
    put_open(NULL, '{');
    put_machine(c);
    put_open("domains", '[');
    for (u32 i = 0; i < c->domain_count; i++) {
        put_open(NULL, '{');
        put_text("name", c->domains[i]->name);
        put_bool("starts", !c->domains[i]->refused);
        if (c->domains[i]->refused)
            put_refusal(c->domains[i]);
        else
            put_plan(c, &c->domains[i]->plan);
        put_close('}');
    }
    put_close(']');
    put_texts("pool_errors", c->pool_errors, c->pool_error_count);
    put_texts("warnings", c->warnings, c->warning_count);
    put_close('}');
    putchar('\n');
}
