/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the p2m needs of the SMMUs, and nothing that needs the p2m: what they can do, and that
 * they forget. Invalidations come under the p2m's lock and inside its break-before-make window;
 * an SMMU that does not do one leaves a domain that must not run on.
 */
#include <corbel/iommu.h>

#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/iommu_parts.h>
#include <corbel/log.h>

static struct iommu_set set; /* boot CPU; then its iommus[] by their own locks */

struct iommu_set *iommu_all(void)
{
    return &set;
}

bool iommu_unshared(void)
{
    return set.unshared;
}

u8 iommu_bbm_level(void)
{
    u8 level = 2;

    for (u32 i = 0; i < set.count; i++) {
        if (set.iommus[i].driven)
            level = MIN(level, set.iommus[i].caps.bbm_level);
    }
    return level;
}

bool iommu_needs_clean(void)
{
    bool clean = false;

    for (u32 i = 0; i < set.count; i++)
        clean |= set.iommus[i].driven && !set.iommus[i].caps.coherent;
    return clean;
}

static enum corbel_err invalidate_one(struct iommu *u, u16 vmid, const struct stage2_inval *inv)
{
    enum corbel_err err;

    spin_lock(&u->lock);
    err = u->ops->invalidate(u, vmid, inv);
    spin_unlock(&u->lock);
    return err;
}

/* Its task stops it: here a p2m lock is held, which comes after the domain's own. */
static void fail(const struct iommu *u, u16 vmid, enum corbel_err err)
{
    struct domain *d = vmid ? domain_get(vmid - 1u) : NULL;

    if (!d || __atomic_exchange_n(&d->iommu.failed, true, __ATOMIC_ACQ_REL))
        return;
    log_err("%s: SMMU %s did not forget what is unmapped: %s", d->name, u->desc->path,
            err_name(err));
    sched_wake(&d->task);
}

bool iommu_has_failed(const struct domain *d)
{
    return __atomic_load_n(&d->iommu.failed, __ATOMIC_ACQUIRE);
}

enum corbel_err iommu_forget(u32 mask, u16 vmid, const struct stage2_inval *inv)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < set.count && err == CORBEL_OK; i++) {
        struct iommu *u = &set.iommus[i];

        if (!(mask & BIT(i)) || !u->driven)
            continue;
        err = invalidate_one(u, vmid, inv);
        if (err != CORBEL_OK)
            fail(u, vmid, err);
    }
    return err;
}

enum corbel_err iommu_invalidate(u32 mask, u16 vmid, const struct stage2_inval *inv)
{
    return set.no_inval ? CORBEL_OK : iommu_forget(mask, vmid, inv);
}
