/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which streams walk which domain's tables. All streams of a domain are attached right before
 * its first instruction and detached as the first thing when it stops; a stream in between is
 * nobody's and aborts. The drivers know neither domains nor locks: u->lock is taken here.
 */
#include <corbel/iommu.h>

#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/iommu_parts.h>
#include <corbel/log.h>
#include <corbel/p2m.h>
#include <corbel/plan.h>
#include <corbel/printf.h>

#define DROP_MAX 65536u /* records: more than any queue holds */

u32 iommu_drop_faults(struct iommu *u)
{
    struct iommu_fault f;
    u32 n = 0;

    if (u->ops->drop_faults)
        return u->ops->drop_faults(u);
    while (n < DROP_MAX && u->ops->next_fault(u, &f))
        n++;
    return n;
}

/* The driven SMMU that s goes through; NULL: there is none. */
static struct iommu *iommu_of(const struct passdt_stream *s)
{
    return s->entry.iommu < iommu_all()->count && iommu_all()->iommus[s->entry.iommu].driven
               ? &iommu_all()->iommus[s->entry.iommu]
               : NULL;
}

static const struct passdt_device *device_of(const struct domain *d, const struct passdt_stream *s)
{
    return &d->plan->pass.devices[s->device];
}

/* SMMUs with streams of d that walk its tables, bit by index. */
static u32 walkers_of(const struct domain *d)
{
    const struct passdt *pass = &d->plan->pass;
    u32 mask = 0;

    for (u32 i = 0; i < pass->stream_count; i++) {
        if (iommu_of(&pass->streams[i]) &&
            device_of(d, &pass->streams[i])->protection == PASSDT_BY_SMMU)
            mask |= (u32)BIT(pass->streams[i].entry.iommu);
    }
    return mask;
}

bool iommu_protects(const struct domain *d)
{
    return walkers_of(d) != 0;
}

/* Devices behind SMMUs that are not driven, which the tree gave away all the same */

static u32 bypasses[PLATFORM_IOMMU_MAX]; /* domains that need it open; by u->lock */

static void set_bypass(const struct domain *d, const struct passdt_device *device, u32 index,
                       bool open)
{
    struct iommu *u = &iommu_all()->iommus[index];
    u32 *users = &bypasses[index];

    if (!u->ops || u->driven)
        return;
    spin_lock(&u->lock);
    if (open ? !(*users)++ : !--*users)
        u->ops->set_bypass(u, open);
    spin_unlock(&u->lock);
    if (open)
        log_warn("%s: SMMU %s lets all DMA pass: %s is behind it, xen,force-assign-without-iommu",
                 d->name, u->desc->path, device->path);
}

/* All SMMUs before a device, driven or not, bit by index. */
static u32 smmus_before(const struct passdt *pass, u32 device)
{
    s8 undriven = pass->devices[device].undriven;
    u32 mask = undriven >= 0 ? (u32)BIT(undriven) : 0;

    for (u32 i = 0; i < pass->stream_count; i++) {
        const struct passdt_stream *s = &pass->streams[i];

        if (s->device == device && s->entry.iommu < iommu_all()->count)
            mask |= (u32)BIT(s->entry.iommu);
    }
    return mask;
}

/* An SMMU counts its users by device, however many streams each has. */
static void bypass_forced(const struct domain *d, bool open)
{
    const struct passdt *pass = &d->plan->pass;

    for (u32 i = 0; i < pass->device_count; i++) {
        u32 mask = pass->devices[i].protection == PASSDT_FORCED ? smmus_before(pass, i) : 0;

        for (u32 n = 0; n < iommu_all()->count; n++)
            if (mask & BIT(n))
                set_bypass(d, &pass->devices[i], n, open);
    }
}

/* Attaching */

static enum corbel_err attach_one(struct domain *d, const struct passdt_stream *s, const char **why)
{
    bool walks = device_of(d, s)->protection == PASSDT_BY_SMMU;
    struct iommu *u = iommu_of(s);
    enum corbel_err err;

    if (!u)
        return CORBEL_OK;
    spin_lock(&u->lock);
    err = u->ops->attach(u, &s->entry.stream, walks ? p2m_io_tables(&d->p2m) : NULL, why);
    spin_unlock(&u->lock);
    return err;
}

/* Streams from index count down; goes on after an error and returns the first. */
static enum corbel_err detach_streams(struct domain *d, u32 count)
{
    const struct passdt *pass = &d->plan->pass;
    enum corbel_err first = CORBEL_OK;

    while (count--) {
        const struct passdt_stream *s = &pass->streams[count];
        struct iommu *u = iommu_of(s);
        enum corbel_err err;

        if (!u)
            continue;
        spin_lock(&u->lock);
        err = u->ops->detach(u, &s->entry.stream, false);
        spin_unlock(&u->lock);
        if (err == CORBEL_OK || err == ERR_NOENT) /* quarantined: it aborts already */
            continue;
        log_err("%s: SMMU %s: stream 0x%x: not stopped: %s", d->name, u->desc->path,
                s->entry.stream.first, err_name(err));
        first = first == CORBEL_OK ? err : first;
    }
    return first;
}

static void note_walkers(struct domain *d, bool attached)
{
    u32 mask = walkers_of(d);

    for (u32 i = 0; i < iommu_all()->count; i++) {
        if (!(mask & BIT(i)))
            continue;
        if (attached)
            p2m_io_attached(&d->p2m, i);
        else
            p2m_io_detached(&d->p2m, i);
    }
}

/* What an earlier owner of the streams did must not be taken for d's doing. */
static void drop_old_faults(const struct domain *d)
{
    const struct passdt *pass = &d->plan->pass;
    u32 done = 0;

    for (u32 i = 0; i < pass->stream_count; i++) {
        struct iommu *u = iommu_of(&pass->streams[i]);
        u32 n = 0;

        if (!u || done & BIT(pass->streams[i].entry.iommu))
            continue;
        done |= (u32)BIT(pass->streams[i].entry.iommu);
        spin_lock(&u->lock);
        n = iommu_drop_faults(u);
        spin_unlock(&u->lock);
        if (n)
            log_warn("SMMU %s: %u faults from before %s were not looked at", u->desc->path, n,
                     d->name);
    }
}

static void totals(struct iommu_stats *sum, u64 *streams, const struct domain *d)
{
    const struct passdt *pass = &d->plan->pass;

    *sum = (struct iommu_stats){ 0 };
    *streams = 0;
    for (u32 i = 0; i < iommu_all()->count; i++) {
        sum->commands += iommu_all()->iommus[i].stats.commands;
        sum->syncs += iommu_all()->iommus[i].stats.syncs;
    }
    for (u32 i = 0; i < pass->stream_count; i++)
        *streams += pass->streams[i].entry.stream.count;
}

static enum corbel_err attach_streams(struct domain *d, char *why, u32 size)
{
    const struct passdt *pass = &d->plan->pass;
    const char *text = NULL;
    enum corbel_err err = CORBEL_OK;
    u32 i;

    for (i = 0; i < pass->stream_count; i++) {
        const struct passdt_stream *s = &pass->streams[i];

        err = attach_one(d, s, &text);
        if (err == CORBEL_OK)
            continue;
        fmt_snprintf(why, size, "(SMMU) = (stream 0x%x of %s): expected %s to take it: %s",
                     s->entry.stream.first, device_of(d, s)->path,
                     iommu_all()->iommus[s->entry.iommu].desc->path, text ? text : err_name(err));
        if (detach_streams(d, i) != CORBEL_OK)
            p2m_set_lost(&d->p2m);
        break;
    }
    return err;
}

enum corbel_err iommu_attach(struct domain *d, char *why, u32 size)
{
    static const struct stage2_inval all = { .all = true };
    struct iommu_stats before, after;
    enum corbel_err err;
    u64 streams;

    if (!iommu_all()->count)
        return CORBEL_OK;
    __atomic_store_n(&d->iommu.failed, false, __ATOMIC_RELEASE);
    d->iommu.quiet_count = 0;
    bypass_forced(d, true);
    totals(&before, &streams, d);
    drop_old_faults(d);
    note_walkers(d, true);
    fmt_snprintf(why, size, "(SMMU) = (VMID %u): expected it to be forgotten", d->p2m.s2.vmid);
    err = iommu_forget(walkers_of(d), d->p2m.s2.vmid, &all);
    if (err == CORBEL_OK)
        err = attach_streams(d, why, size);
    if (err != CORBEL_OK) {
        note_walkers(d, false);
        bypass_forced(d, false);
        return err;
    }
    __atomic_store_n(&d->iommu.attached, true, __ATOMIC_RELEASE);
    totals(&after, &streams, d);
    if (streams)
        log_debug("%s: SMMU: %llu commands, %llu syncs to attach %llu streams", d->name,
                  (unsigned long long)(after.commands - before.commands),
                  (unsigned long long)(after.syncs - before.syncs), (unsigned long long)streams);
    return CORBEL_OK;
}

enum corbel_err iommu_detach(struct domain *d)
{
    enum corbel_err err;

    if (!__atomic_exchange_n(&d->iommu.attached, false, __ATOMIC_ACQ_REL))
        return CORBEL_OK;
    err = detach_streams(d, d->plan->pass.stream_count);
    bypass_forced(d, false);
    if (err == CORBEL_OK) {
        note_walkers(d, false);
        return CORBEL_OK;
    }
    p2m_set_lost(&d->p2m); /* still told of invalidations, for what they are worth */
    log_err("%s: devices may still write to its memory, which is not used again", d->name);
    return err;
}
