/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a domain in readable form, for the boot option and the debug key. The
 * lock is held for one leaf at a time: a printer does not stop a guest's CPUs. What
 * changes meanwhile may show half; nothing else.
 */
#include <corbel/p2m.h>

#include <corbel/bits.h>
#include <corbel/log.h>

struct region {
    struct stage2_map map;
    u64 leaves;
    u64 biggest; /* bytes */
};

static const char *memattr_name(u8 memattr)
{
    switch (memattr) {
    case S2_ATTR_WB:
        return "normal WB";
    case S2_ATTR_NC:
        return "normal NC";
    case S2_ATTR_GRE:
        return "device GRE";
    case S2_ATTR_nGnRnE:
        return "device nGnRnE";
    default:
        return "unknown";
    }
}

static enum corbel_err next_leaf(struct p2m *p2m, u64 ipa, struct stage2_map *leaf)
{
    enum corbel_err err;

    spin_lock(&p2m->lock);
    err = p2m->s2.root ? stage2_next(&p2m->s2, IPA(ipa), leaf) : ERR_NOENT;
    spin_unlock(&p2m->lock);
    return err;
}

static bool join(struct region *r, const struct stage2_map *leaf)
{
    struct stage2_map *m = &r->map;

    if (m->ipa.v + m->size != leaf->ipa.v || m->pa.v + m->size != leaf->pa.v ||
        m->attr.cls != leaf->attr.cls)
        return false;
    m->size += leaf->size;
    r->leaves++;
    r->biggest = MAX(r->biggest, leaf->size);
    return true;
}

static void print(const char *name, const struct region *r)
{
    const struct stage2_map *m = &r->map;

    log_info("%s: p2m 0x%010llx-0x%010llx -> 0x%010llx %-7s %c%c%c %s, %llu leaves up to %llu KiB",
             name, (unsigned long long)m->ipa.v, (unsigned long long)(m->ipa.v + m->size - 1),
             (unsigned long long)m->pa.v, s2_class_name((enum s2_class)m->attr.cls),
             m->attr.read ? 'r' : '-', m->attr.write ? 'w' : '-', m->attr.exec ? 'x' : '-',
             memattr_name(m->attr.memattr), (unsigned long long)r->leaves,
             (unsigned long long)(r->biggest / 1024));
}

void p2m_report(struct p2m *p2m, const char *name)
{
    struct region region = { .leaves = 0 };
    struct stage2_map leaf;
    u64 at = 0;

    log_info("%s: p2m VMID %u, %u-bit IPA from level %u, %u of %u table pages (peak %u)", name,
             p2m->s2.vmid, p2m->s2.ipa_bits, p2m->s2.start_level, p2m->pool_used, p2m->pool_pages,
             p2m->pool_peak);
    while (next_leaf(p2m, at, &leaf) == CORBEL_OK) {
        at = leaf.ipa.v + leaf.size;
        if (region.leaves && join(&region, &leaf))
            continue;
        if (region.leaves)
            print(name, &region);
        region = (struct region){ .map = leaf, .leaves = 1, .biggest = leaf.size };
    }
    if (region.leaves)
        print(name, &region);
}
