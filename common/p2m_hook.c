/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corbel,debug-hook: a test takes single pages of its RAM out of the map and back, while
 * devices use it. They are mapped in single pages from the start, so no block is ever split
 * for it. The frame stays the domain's all the time, and EL2's own copies still reach it.
 */
#include <corbel/p2m_hook.h>

#include <corbel/bits.h>
#include <corbel/p2m_parts.h>

/* Where a page of the hook's RAM is. ERR_PERM: ipa is not one. */
static enum corbel_err hook_page(const struct p2m *p2m, ipa_t ipa, pa_t *pa)
{
    u64 room;

    if (!IS_ALIGNED(ipa.v, PAGE_SIZE))
        return ERR_INVAL;
    if (ipa.v - p2m->hook.base >= p2m->hook.size || p2m_ram_at(p2m, ipa, pa, &room))
        return ERR_PERM;
    return CORBEL_OK;
}

enum corbel_err p2m_hook_unmap(struct p2m *p2m, ipa_t ipa)
{
    struct stage2_map leaf;
    enum corbel_err err;
    pa_t pa;

    spin_lock(&p2m->lock);
    err = p2m_change_begin(p2m);
    if (err == CORBEL_OK)
        err = hook_page(p2m, ipa, &pa);
    if (err == CORBEL_OK)
        err = stage2_lookup(&p2m->s2, ipa, &leaf);
    if (err == CORBEL_OK)
        err = p2m_unmap_locked(p2m, ipa, PAGE_SIZE);
    spin_unlock(&p2m->lock);
    return err;
}

enum corbel_err p2m_hook_remap(struct p2m *p2m, ipa_t ipa)
{
    struct stage2_map map = {
        .ipa = ipa, .size = PAGE_SIZE, .attr = s2_policy(S2_RAM), .pages = true
    };
    enum corbel_err err;

    spin_lock(&p2m->lock);
    err = p2m_change_begin(p2m);
    if (err == CORBEL_OK)
        err = hook_page(p2m, ipa, &map.pa);
    if (err == CORBEL_OK)
        err = p2m_map_locked(p2m, &map);
    spin_unlock(&p2m->lock);
    return err;
}
