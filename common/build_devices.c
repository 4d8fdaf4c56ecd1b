/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a domain has beside RAM and emulated devices: registers and SRAM of the host,
 * forwarded pieces of pages, physical interrupts, shared memory. The plan names them all;
 * this file makes them live and, at the domain's end, takes them back in the order of
 * design decision 34: interrupts, then mappings, then caches, then the books.
 */
#include <corbel/build_devices.h>

#include <corbel/addrmap.h>
#include <corbel/bits.h>
#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/p2m.h>
#include <corbel/page.h>
#include <corbel/plan.h>
#include <corbel/shmem.h>
#include <corbel/subpage.h>
#include <corbel/vgic.h>

#define CLEAN_STEP SZ_64K
#define MAP_STEP   (8 * SZ_1M) /* in single pages: 4 tables */

__init u64 build_devices_arena(const struct domain *d)
{
    u64 bytes = 0;

    for (u32 i = 0; i < d->map->count; i++)
        bytes += d->map->entries[i].trapped ? subpage_arena_size() : 0;
    return bytes;
}

__init enum corbel_err build_devices_create(struct domain *d)
{
    const struct passdt *pass = &d->plan->pass;
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < pass->irq_count && err == CORBEL_OK; i++)
        err = vgic_assign_spi(d, pass->irqs[i].intid, pass->irqs[i].level);
    for (u32 i = 0; i < pass->msi.count && err == CORBEL_OK; i++)
        err = vgic_assign_spi(d, pass->msi.first_intid + i, false);
    for (u32 i = 0; i < d->map->count && err == CORBEL_OK; i++) {
        const struct addrmap_entry *e = &d->map->entries[i];
        struct subpage_region region = { .gpa = e->base, .hpa = e->pa, .size = e->size };

        if (e->trapped)
            err = subpage_add(d, &region);
    }
    return err;
}

/* What stage 2 will show beside RAM: registers and SRAM by the map, then shared memory. */
struct region {
    u64 ipa, pa, size;
    enum s2_class cls;
};

static bool is_region(const struct addrmap_entry *e)
{
    return (e->kind == MAP_DEVICE || e->kind == MAP_SRAM || e->kind == MAP_MSI) && !e->trapped;
}

static bool region_at(const struct domain *d, u32 index, struct region *r)
{
    const struct domcfg_shm *shm;

    for (u32 i = 0; i < d->map->count; i++) {
        const struct addrmap_entry *e = &d->map->entries[i];

        if (!is_region(e) || index-- != 0)
            continue;
        *r = (struct region){ e->base, e->pa, e->size, (enum s2_class)e->cls };
        return true;
    }
    if (index >= d->plan->shm_count)
        return false;
    shm = &d->cfg->shms[index];
    *r = (struct region){ shm->gpa, d->plan->shm[index].v, shm->size,
                          shm->read_only ? S2_RAM_RO : S2_RAM };
    return true;
}

/* Up to the next border of a 1 GiB table, or less where single pages are mapped. */
static u64 map_piece(const struct region *r, u64 at)
{
    u64 ipa = r->ipa + at;
    u64 unit = IS_ALIGNED(r->ipa ^ r->pa, SZ_2M) ? SZ_1G : MAP_STEP;

    return MIN(r->size - at, ALIGN_DOWN(ipa, unit) + unit - ipa);
}

enum corbel_err build_devices_map_step(struct domain *d, u64 *pos)
{
    struct region r;
    u64 at = *pos;

    for (u32 i = 0; region_at(d, i, &r); i++) {
        enum corbel_err err;
        u64 n;

        if (at >= r.size) {
            at -= r.size;
            continue;
        }
        n = map_piece(&r, at);
        err = p2m_map(&d->p2m, IPA(r.ipa + at), PA(r.pa + at), n, r.cls);
        *pos += n;
        return err == CORBEL_OK ? ERR_AGAIN : err;
    }
    return CORBEL_OK;
}

enum corbel_err build_devices_clean_step(const struct domain *d, u64 *pos)
{
    struct region r;
    u64 at = *pos;

    for (u32 i = 0; region_at(d, i, &r); i++) {
        u64 n;

        if (s2_policy(r.cls).memattr != S2_ATTR_WB)
            continue;
        if (at >= r.size) {
            at -= r.size;
            continue;
        }
        n = MIN(r.size - at, CLEAN_STEP);
        page_clean(PA(r.pa + at), n);
        *pos += n;
        return ERR_AGAIN;
    }
    return CORBEL_OK;
}

void build_devices_quiet(struct domain *d)
{
    vgic_release_spis(d);
}

/* No stage 2 of d has it any more: what is left to plan_release() has no frames to scrub. */
enum corbel_err build_devices_put_step(struct domain *d)
{
    struct plan *plan = d->plan;

    if (!plan->shm_count)
        return CORBEL_OK;
    if (shmem_put_step(&plan->cfg.shms[plan->shm_count - 1]))
        plan->shm_count--;
    return ERR_AGAIN;
}

void build_devices_release(struct domain *d)
{
    struct plan_env env;

    if (!d->plan)
        return;
    build_plan_env(&env);
    plan_release(&env, d->id, d->plan);
}
