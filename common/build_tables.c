/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 tables of a domain, empty: how many pages it takes to map what its plan says, and
 * the p2m with a pool of that size. Before its first life and before each other one.
 */
#include <corbel/build_job.h>

#include <arch/stage2.h>
#include <corbel/addrmap.h>
#include <corbel/domain.h>
#include <corbel/iommu.h>
#include <corbel/p2m_hook.h>
#include <corbel/plan.h>

#define P2M_SPARE_PAGES 4u /* for maps after the build: a few splits, pinned pages */

/* Table pages of one range: a dry run of the walker. */
static u32 pages_of(const struct domain *d, u64 ipa, u64 pa, u64 size, u8 cls)
{
    const struct stage2_map map = {
        .ipa = IPA(ipa), .pa = PA(pa), .size = size, .attr = s2_policy((enum s2_class)cls)
    };

    return stage2_pages_needed(d->map->ipa_bits, &map, 1);
}

/* RAM, which is mapped in single pages where it belongs to a debug hook. */
static u32 ram_pages(const struct domain *d, u64 ipa, u64 pa, u64 size)
{
    const struct stage2_map ram = {
        .ipa = IPA(ipa), .pa = PA(pa), .size = size, .attr = s2_policy(S2_RAM)
    };
    struct stage2_map pieces[3]; /* before, in and after the hook */
    u64 done = 0;
    u32 n = 0;

    while (n < ARRAY_SIZE(pieces) && p2m_ram_piece(&d->cfg->debug_hook, &ram, done, &pieces[n]))
        done += pieces[n++].size;
    return stage2_pages_needed(d->map->ipa_bits, pieces, n);
}

/* RAM that is chosen already: piece by piece as it will be mapped. */
static u32 chosen_ram_pages(const struct domain *d)
{
    const struct plan *plan = d->plan;
    const struct addrmap_entry *e;
    u64 pos = 0;
    u32 pages = 0, entry = 0;

    for (u32 i = 0; i < plan->bank_count; i++) {
        u64 done = 0;

        while (done < plan->banks[i].size && (e = addrmap_find(d->map, MAP_RAM, entry)) != NULL) {
            u64 n = MIN(plan->banks[i].size - done, e->size - pos);

            pages += ram_pages(d, e->base + pos, plan->banks[i].base + done, n);
            done += n;
            pos += n;
            if (pos == e->size) {
                pos = 0;
                entry++;
            }
        }
    }
    return pages;
}

/*
 * Table pages: a dry run per entry of the solved map. Counting each alone may count a
 * shared table twice, never too few. RAM from the allocator comes in chunks that may be
 * smaller than 1 GiB: it is counted as if none of its addresses allowed a block of that size.
 */
static u32 table_pages(const struct domain *d)
{
    u32 pages = P2M_SPARE_PAGES + chosen_ram_pages(d);

    for (u32 i = 0; i < d->plan->shm_count; i++)
        pages += pages_of(d, d->cfg->shms[i].gpa, d->plan->shm[i].v, d->cfg->shms[i].size, S2_RAM);
    for (u32 i = 0; i < d->map->count; i++) {
        const struct addrmap_entry *e = &d->map->entries[i];

        switch (e->kind) {
        case MAP_RAM:
            if (!d->plan->bank_count)
                pages += ram_pages(d, e->base, e->base + SZ_2M, e->size);
            break;
        case MAP_VUART: /* its page (vuart.c) */
            pages += pages_of(d, e->base, 0, PAGE_SIZE, S2_MMIO_RO);
            break;
        case MAP_GICC:
            pages += pages_of(d, e->base, e->base + SZ_2M, e->size, e->cls);
            break;
        case MAP_DEVICE:
        case MAP_SRAM:
        case MAP_MSI:
            if (!e->trapped)
                pages += pages_of(d, e->base, e->pa, e->size, e->cls);
            break;
        default:
            break;
        }
    }
    return pages;
}

enum corbel_err build_make_tables(struct domain *d)
{
    u32 pages = d->cfg->p2m_mem_mb ? d->cfg->p2m_mem_mb * 256 : table_pages(d);
    enum corbel_err err = p2m_init(&d->p2m, (u16)d->id, d->map->ipa_bits, pages);

    if (err == CORBEL_OK && iommu_unshared() && iommu_protects(d))
        err = p2m_unshare(&d->p2m, pages); /* holds less than the other one */
    if (err == CORBEL_OK)
        d->p2m.hook = d->cfg->debug_hook;
    return err;
}
