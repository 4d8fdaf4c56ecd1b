/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUs' side of a p2m. Shared, they walk the p2m's own tables, and nothing has to be done
 * here but to tell them what to forget. Unshared (iommu=no-sharept), they have tables with a
 * root and a pool of their own under the same VMID, with what devices may reach: RAM, shared
 * memory, SRAM and the MSI frame. p2m.c makes every change in both, the devices' side first
 * when something goes. SMMUs that ever walked are told until the end: one may keep what it has
 * seen beyond the last of its streams.
 */
#include <corbel/p2m_parts.h>

#include <corbel/bits.h>
#include <corbel/iommu.h>

/* Under the p2m lock, inside the break-before-make window. */
static enum corbel_err invalidate(void *ctx, const struct stage2_inval *inv)
{
    const struct p2m *p2m = ctx;

    return iommu_invalidate(p2m->io.walked, p2m->s2.vmid, inv);
}

static struct stage2 *walked_tables(struct p2m *p2m)
{
    return p2m->io.unshared ? &p2m->io.s2 : &p2m->s2;
}

const struct stage2 *p2m_io_tables(const struct p2m *p2m)
{
    return p2m->io.unshared ? &p2m->io.s2 : &p2m->s2;
}

enum corbel_err p2m_unshare(struct p2m *p2m, u32 pool_pages)
{
    enum corbel_err err;

    spin_lock(&p2m->lock);
    err = p2m_tables_create(&p2m->io.pool, &p2m->io.s2, p2m->s2.vmid, p2m->s2.ipa_bits, pool_pages);
    if (err == CORBEL_OK) {
        p2m->io.unshared = true;
        p2m->io.s2.no_cpu = true;
        p2m->s2.clean = false; /* no SMMU reads these */
    }
    spin_unlock(&p2m->lock);
    return err;
}

void p2m_io_attached(struct p2m *p2m, u32 iommu)
{
    spin_lock(&p2m->lock);
    p2m->io.iommus |= (u32)BIT(iommu);
    p2m->io.walked |= (u32)BIT(iommu);
    p2m->io.walkers = (struct stage2_walkers){ .invalidate = invalidate, .ctx = p2m };
    walked_tables(p2m)->walkers = &p2m->io.walkers;
    spin_unlock(&p2m->lock);
}

void p2m_io_detached(struct p2m *p2m, u32 iommu)
{
    spin_lock(&p2m->lock);
    p2m->io.iommus &= ~(u32)BIT(iommu);
    spin_unlock(&p2m->lock);
}

void p2m_set_lost(struct p2m *p2m)
{
    spin_lock(&p2m->lock);
    walked_tables(p2m)->lost = true;
    spin_unlock(&p2m->lock);
}

bool p2m_lost_locked(const struct p2m *p2m)
{
    return p2m_io_tables(p2m)->lost;
}

bool p2m_is_lost(const struct p2m *p2m)
{
    return p2m_lost_locked(p2m); /* set once, never cleared: needs no lock */
}

/* Other devices stay out of the SMMUs' own tables: no DMA from one device to another. */
static bool for_devices(const struct p2m *p2m, const struct stage2_map *map)
{
    u8 cls = map->attr.cls;

    return p2m->io.unshared &&
           (cls == S2_RAM || cls == S2_RAM_RO || cls == S2_SRAM || cls == S2_MSI);
}

enum corbel_err p2m_io_map(struct p2m *p2m, const struct stage2_map *map)
{
    return for_devices(p2m, map) ? stage2_map(&p2m->io.s2, map) : CORBEL_OK;
}

enum corbel_err p2m_io_split(struct p2m *p2m, ipa_t ipa)
{
    return p2m->io.unshared ? stage2_split(&p2m->io.s2, ipa) : CORBEL_OK;
}

enum corbel_err p2m_io_unmap(struct p2m *p2m, const struct stage2_map *piece)
{
    return for_devices(p2m, piece) ? stage2_unmap(&p2m->io.s2, piece->ipa, piece->size) : CORBEL_OK;
}
