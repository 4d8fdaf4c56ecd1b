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

u64 build_devices_arena(const struct domain *d)
{
    u64 bytes = 0;

    for (u32 i = 0; i < d->map->count; i++)
        bytes += d->map->entries[i].trapped ? subpage_arena_size() : 0;
    return bytes;
}

enum corbel_err build_devices_create(struct domain *d)
{
    const struct passdt *pass = &d->plan->pass;
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < pass->irq_count && err == CORBEL_OK; i++)
        err = vgic_assign_spi(d, pass->irqs[i].intid, pass->irqs[i].level);
    for (u32 i = 0; i < d->map->count && err == CORBEL_OK; i++) {
        const struct addrmap_entry *e = &d->map->entries[i];
        struct subpage_region region = { .gpa = e->base, .hpa = e->pa, .size = e->size };

        if (e->trapped)
            err = subpage_add(d, &region);
    }
    return err;
}

static enum corbel_err map_entry(struct domain *d, const struct addrmap_entry *e)
{
    if ((e->kind != MAP_DEVICE && e->kind != MAP_SRAM) || e->trapped)
        return CORBEL_OK;
    return p2m_map(&d->p2m, IPA(e->base), PA(e->pa), e->size, (enum s2_class)e->cls);
}

static enum corbel_err map_shared(struct domain *d)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < d->plan->shm_count && err == CORBEL_OK; i++) {
        const struct domcfg_shm *shm = &d->cfg->shms[i];

        err = p2m_map(&d->p2m, IPA(shm->gpa), d->plan->shm[i], shm->size,
                      shm->read_only ? S2_RAM_RO : S2_RAM);
    }
    return err;
}

enum corbel_err build_devices_map(struct domain *d)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < d->map->count && err == CORBEL_OK; i++)
        err = map_entry(d, &d->map->entries[i]);
    return err == CORBEL_OK ? map_shared(d) : err;
}

void build_devices_quiet(struct domain *d)
{
    vgic_release_spis(d);
}

/* No stage 2 of d has it any more: what is left to plan_release() has no frames to scrub. */
static enum corbel_err put_shared_step(struct plan *plan)
{
    if (!plan->shm_count)
        return CORBEL_OK;
    if (shmem_put_step(&plan->cfg.shms[plan->shm_count - 1]))
        plan->shm_count--;
    return ERR_AGAIN;
}

/* Of regions only SRAM: RAM is scrubbed by p2m, devices were not cached. */
enum corbel_err build_devices_clean_step(struct domain *d, u64 *pos)
{
    const struct addrmap_entry *e;
    u64 at = *pos;

    for (u32 i = 0; (e = addrmap_find(d->map, MAP_SRAM, i)) != NULL; i++) {
        u64 n;

        if (e->cls != S2_SRAM)
            continue;
        if (at >= e->size) {
            at -= e->size;
            continue;
        }
        n = MIN(e->size - at, CLEAN_STEP);
        page_clean(PA(e->pa + at), n);
        *pos += n;
        return ERR_AGAIN;
    }
    return put_shared_step(d->plan);
}

void build_devices_release(struct domain *d)
{
    struct plan_env env;

    if (!d->plan)
        return;
    build_plan_env(&env);
    plan_release(&env, d->id, d->plan);
}
