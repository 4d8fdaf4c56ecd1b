/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug keys, typed while the console's input belongs to the hypervisor. One table: key,
 * what it does, how.
 */
#include <corbel/keys.h>

#include <arch/time.h>
#include <corbel/build.h>
#include <corbel/compiler.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/iommu.h>
#include <corbel/log.h>
#include <corbel/page.h>
#include <corbel/vcpu.h>

static void key_help(void);

static void key_memory(void)
{
    log_info("memory: %llu KiB free", (unsigned long long)(page_free_count() * PAGE_SIZE >> 10));
    build_report_memory();
}

static void key_domains(void)
{
    static const char *const states[] = { "building", "running", "stopping", "dead", "failed" };

    for (u32 i = 0; i < domain_slots(); i++) {
        const struct domain *d = domain_get(i);

        log_info("%s: %s, %u vCPUs, %llu KiB, table pages %u of %u (peak %u)", d->name,
                 states[d->state], d->vcpu_count, (unsigned long long)(d->p2m.ram_size >> 10),
                 d->p2m.pool.used, d->p2m.pool.pages, d->p2m.pool.peak);
    }
}

static void key_vcpus(void)
{
    static const char *const states[] = { "blocked", "queued", "running" };

    for (u32 i = 0; i < domain_slots(); i++) {
        const struct domain *d = domain_get(i);

        for (u32 j = 0; j < d->vcpu_count; j++) {
            const struct vcpu *v = d->vcpus[j];
            const struct cpu *r = v->resident;

            log_info("%s: vCPU%u: %s%s, resident on %d, %llu ms, PC 0x%llx", d->name, j,
                     states[v->unit.state], vcpu_is_off(v) ? ", off" : "", r ? (s32)r->id : -1,
                     (unsigned long long)(arch_time_to_ns(v->unit.runtime) / 1000000),
                     (unsigned long long)v->regs.pc);
        }
    }
}

static void key_p2m(void)
{
    for (u32 i = 0; i < domain_slots(); i++) {
        struct domain *d = domain_get(i);

        if (d->state == DOMAIN_RUNNING)
            p2m_report(&d->p2m, d->name);
    }
}

static void key_rebuild(void)
{
    for (u32 i = 0; i < domain_slots(); i++) {
        struct domain *d = domain_get(i);

        if (d->state == DOMAIN_RUNNING && lifecycle_may_restart(d->cfg))
            domain_shutdown(d, SHUTDOWN_REBUILD);
    }
}

static const struct {
    u8 key;
    void (*run)(void);
    const char *what;
} keys[] = {
    { 'h', key_help, "this help" },
    { 'm', key_memory, "memory" },
    { 'd', key_domains, "domains" },
    { 'q', key_vcpus, "vCPUs" },
    { 'i', iommu_report, "SMMUs and DMA faults" },
    { 'p', key_p2m, "stage-2 map of every running domain" },
    { 'r', key_rebuild, "tear down and build again every domain that may restart" },
};

static void key_help(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
        log_info("key %c: %s", keys[i].key, keys[i].what);
}

void keys_handle(u8 c)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == c)
            keys[i].run();
    }
}
