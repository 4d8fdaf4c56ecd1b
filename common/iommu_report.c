/* SPDX-License-Identifier: Apache-2.0 */
/* The debug key of SMMUs: what each has done, and the faults of every domain with streams. */
#include <corbel/iommu.h>

#include <corbel/compiler.h>
#include <corbel/domain.h>
#include <corbel/iommu_parts.h>
#include <corbel/log.h>
#include <corbel/plan.h>
#include <corbel/printf.h>

static const char *const kind_names[IOMMU_FAULT_KINDS] = {
    [IOMMU_FAULT_TRANSLATION] = "translation",
    [IOMMU_FAULT_PERMISSION] = "permission",
    [IOMMU_FAULT_ACCESS] = "access flag",
    [IOMMU_FAULT_SIZE] = "size",
    [IOMMU_FAULT_WALK] = "walk",
    [IOMMU_FAULT_STREAM] = "stream",
    [IOMMU_FAULT_GLOBAL] = "global",
    [IOMMU_FAULT_LOST] = "lost",
    [IOMMU_FAULT_OTHER] = "other",
};

static void report_iommu(const struct iommu_set *set, u32 index)
{
    const struct iommu *u = &set->iommus[index];
    bool paused;
    u64 dropped = iommu_faults_dropped(index, &paused);

    if (!u->driven) {
        log_info("SMMU %s: not driven: %s", u->desc->path, u->desc->why ? u->desc->why : "?");
        return;
    }
    log_info("SMMU %s: %s, %llu commands, %llu syncs, %llu faults, %llu of them not looked at%s",
             u->desc->path, u->ops->name, (unsigned long long)u->stats.commands,
             (unsigned long long)u->stats.syncs, (unsigned long long)u->stats.faults,
             (unsigned long long)dropped, paused ? ", paused" : "");
}

static u64 report_kinds(const struct domain *d)
{
    char text[160] = "";
    u32 used = 0;
    u64 sum = 0, streams = 0;

    for (u32 i = 0; i < d->plan->pass.stream_count; i++)
        streams += d->plan->pass.streams[i].entry.stream.count;
    for (u32 i = 0; i < IOMMU_FAULT_KINDS; i++) {
        u64 n = d->iommu.kinds[i];

        sum += n;
        if (n && used < sizeof(text))
            used += (u32)fmt_snprintf(text + used, sizeof(text) - used, "%s%llu %s",
                                      used ? ", " : ": ", (unsigned long long)n, kind_names[i]);
    }
    log_info("%s: DMA: %llu streams%s, %llu faults%s", d->name, (unsigned long long)streams,
             d->iommu.attached ? "" : " (not attached)", (unsigned long long)sum, text);
    return sum;
}

static void report_domain(const struct domain *d)
{
    const struct passdt *pass = &d->plan->pass;
    const struct iommu_fault *last = &d->iommu.last;

    if (!report_kinds(d))
        return;
    for (u32 i = 0; i < pass->device_count; i++) {
        if (d->iommu.devices[i])
            log_info("%s: DMA: %s: %u faults", d->name, pass->devices[i].path, d->iommu.devices[i]);
    }
    if (d->iommu.quiet_count)
        log_info("%s: DMA: %u streams in quarantine", d->name, d->iommu.quiet_count);
    log_info("%s: DMA: last fault: stream 0x%x, %s, 0x%llx, %s", d->name, last->stream,
             last->write ? "write" : "read", (unsigned long long)last->ipa,
             last->kind < IOMMU_FAULT_KINDS ? kind_names[last->kind] : "?");
}

void iommu_report(void)
{
    const struct iommu_set *set = iommu_all();

    for (u32 i = 0; i < set->count; i++)
        report_iommu(set, i);
    if (!set->count)
        log_info("no SMMU is driven");
    for (u32 i = 0; i < domain_slots(); i++) {
        if (domain_get(i)->plan->pass.stream_count)
            report_domain(domain_get(i));
    }
}
