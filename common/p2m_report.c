/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a domain in readable form, for the boot option and the debug key. The
 * lock is held for one leaf at a time: a printer does not stop a guest's CPUs. What
 * changes meanwhile may show half; nothing else. tools/corbel-p2m-audit reads the root
 * and table lines back (tests/qemu/LOGLINES.md), so their form is fixed.
 */
#include <corbel/p2m.h>

#include <arch/mmu.h>
#include <corbel/bitmap.h>
#include <corbel/bits.h>
#include <corbel/log.h>
#include <corbel/page.h>

/* A domain that fragments its map or its pool does not get to fill the console. */
#define REGIONS_SHOWN_MAX 256u
#define RUNS_SHOWN_MAX    8u

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

static void print_regions(struct p2m *p2m, const char *name)
{
    struct region region = { .leaves = 0 };
    struct stage2_map leaf;
    u32 shown = 0;
    u64 at = 0;

    while (shown < REGIONS_SHOWN_MAX && next_leaf(p2m, at, &leaf) == CORBEL_OK) {
        at = leaf.ipa.v + leaf.size;
        if (region.leaves && join(&region, &leaf))
            continue;
        if (region.leaves) {
            print(name, &region);
            shown++;
        }
        region = (struct region){ .map = leaf, .leaves = 1, .biggest = leaf.size };
    }
    if (shown == REGIONS_SHOWN_MAX)
        log_info("%s: p2m: regions from 0x%010llx on are not shown", name,
                 (unsigned long long)region.map.ipa.v);
    else if (region.leaves)
        print(name, &region);
}

/* One set of tables: the p2m's own, or those of SMMUs beside them (what: " io"). */
struct tables {
    const struct stage2 *s2;
    const struct p2m_pool *pool;
    const char *what;
};

/* The next run of table pages in use, from pool page *at on. */
static bool next_run(struct p2m *p2m, const struct tables *t, u64 *at, struct mem_range *run)
{
    u64 from, to;

    spin_lock(&p2m->lock);
    from = bitmap_find_set(t->pool->map, t->pool->pages, *at);
    to = bitmap_find_clear(t->pool->map, t->pool->pages, from);
    if (from < to)
        *run = (struct mem_range){ virt_to_phys((u8 *)t->pool->base + from * PAGE_SIZE).v,
                                   (to - from) * PAGE_SIZE };
    spin_unlock(&p2m->lock);
    *at = to;
    return from < to;
}

static void print_tables(struct p2m *p2m, const struct tables *t, const char *name)
{
    struct mem_range run;
    u64 at = 0;

    for (u32 i = 0; next_run(p2m, t, &at, &run); i++) {
        if (i == RUNS_SHOWN_MAX) {
            log_info("%s: p2m%s: tables from 0x%010llx on are not shown", name, t->what,
                     (unsigned long long)run.base);
            return;
        }
        log_info("%s: p2m%s tables 0x%010llx+0x%llx", name, t->what, (unsigned long long)run.base,
                 (unsigned long long)run.size);
    }
}

/* What a hardware walker starts from, and the memory that all of the tables come from. */
static void print_root(struct p2m *p2m, const struct tables *t, const char *name)
{
    struct mem_range root = { 0 }, pool = { 0 };

    spin_lock(&p2m->lock);
    if (t->s2->root) {
        root = (struct mem_range){ virt_to_phys(t->s2->root).v, PAGE_SIZE << t->s2->root_order };
        pool = (struct mem_range){ virt_to_phys(t->pool->base).v, t->pool->pages * PAGE_SIZE };
    }
    spin_unlock(&p2m->lock);
    if (!root.size)
        return;
    log_info("%s: p2m%s root 0x%010llx+0x%llx, pool 0x%010llx+0x%llx, VTCR 0x%llx, VTTBR 0x%llx",
             name, t->what, (unsigned long long)root.base, (unsigned long long)root.size,
             (unsigned long long)pool.base, (unsigned long long)pool.size,
             (unsigned long long)t->s2->vtcr, (unsigned long long)t->s2->vttbr);
    print_tables(p2m, t, name);
}

/* Who else walks: nothing is printed where no SMMU ever did, nor will. */
static void print_io(struct p2m *p2m, const char *name)
{
    const struct tables io = { &p2m->io.s2, &p2m->io.pool, " io" };

    if (p2m->io.unshared)
        log_info("%s: p2m io unshared, SMMUs 0x%x, %u of %u table pages (peak %u)", name,
                 p2m->io.iommus, p2m->io.pool.used, p2m->io.pool.pages, p2m->io.pool.peak);
    else if (p2m->io.walked)
        log_info("%s: p2m io shared, SMMUs 0x%x", name, p2m->io.iommus);
    if (p2m->io.unshared)
        print_root(p2m, &io, name);
}

void p2m_report(struct p2m *p2m, const char *name)
{
    const struct tables own = { &p2m->s2, &p2m->pool, "" };

    log_info("%s: p2m VMID %u, %u-bit IPA from level %u, %u of %u table pages (peak %u)", name,
             p2m->s2.vmid, p2m->s2.ipa_bits, p2m->s2.start_level, p2m->pool.used, p2m->pool.pages,
             p2m->pool.peak);
    print_root(p2m, &own, name);
    print_io(p2m, name);
    print_regions(p2m, name);
}
