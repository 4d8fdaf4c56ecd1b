/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one page-table walker (VMSAv8-64, 4 KiB granule). Each operation is a
 * small visitor; pages, addresses and TLB maintenance come through struct
 * pgt_ops, so the same file builds EL2's map, guests' maps and the maps of host
 * tests. Every change of a live entry goes through entry_replace(), but for the
 * split of a block where walkers allow it (block_split()). Operations that may
 * need tables count them first, reserve them all, and only then change the map:
 * in the second walk only sync() can fail, that is, a walker that does not
 * forget. Then an entry stays broken and no page is given back. The caller's
 * lock serializes calls on one struct pgt.
 */
#include <asm/pgtable.h>

#include <arch/barrier.h>
#include <arch/stage2.h>
#include <corbel/bits.h>
#include <corbel/panic.h>

#include <asm/pte.h>

#define ENTRIES 512u

/* One map or unmap under way: pages it may use, tables it took out. */
struct change {
    const struct pgt_range *range; /* unmap: attr unused */
    u64 pages;                     /* count pass */
    u64 *reserve;                  /* chained through their first word */
    u64 *dead;                     /* likewise; freed after the last sync() */
};

static u32 level_shift(u32 level)
{
    return PAGE_SHIFT + 9 * (PGT_LEAF_LEVEL - level);
}

static bool is_table(u64 pte, u32 level)
{
    return level < PGT_LEAF_LEVEL && (pte & (PTE_VALID | PTE_TYPE)) == (PTE_VALID | PTE_TYPE);
}

static bool is_leaf(u64 pte, u32 level)
{
    return (pte & PTE_VALID) && !is_table(pte, level);
}

static u64 leaf_make(u64 pa, u64 attr, u32 level)
{
    return pa | (attr & PTE_ATTRS) | PTE_VALID | (level == PGT_LEAF_LEVEL ? PTE_TYPE : 0);
}

static u64 *table_of(const struct pgt *pgt, u64 pte)
{
    return pgt->ops->to_virt(pgt->ctx, pte & PTE_ADDR);
}

/* Walkers of other CPUs read entries at any time: one 64-bit store each. */
static void pte_write(const struct pgt *pgt, u64 *slot, u64 pte)
{
    __atomic_store_n(slot, pte, __ATOMIC_RELAXED);
    if (pgt->ops->clean)
        pgt->ops->clean(pgt->ctx, slot, sizeof(*slot));
}

static void entry_forget(const struct pgt *pgt, const struct pgt_entry *e, u32 level)
{
    u64 size = pgt_entry_size(e->level);

    pgt->ops->invalidate(pgt->ctx, ALIGN_DOWN(e->addr, size), size, level);
}

/*
 * Break before make (Arm ARM D8.16.1), in this one place: a live entry becomes
 * invalid, is forgotten by all walkers, and only then becomes something else. When
 * it stays empty, its invalidation may join the rest of the batch. An error is
 * sync()'s: the entry stays broken.
 */
static enum corbel_err entry_replace(const struct pgt *pgt, const struct pgt_entry *e, u64 pte,
                                     u32 level)
{
    if (e->pte & PTE_VALID) {
        enum corbel_err err;

        pte_write(pgt, e->slot, 0);
        entry_forget(pgt, e, level);
        if (!pte)
            return CORBEL_OK;
        err = pgt->ops->sync(pgt->ctx);
        if (err)
            return err;
    }
    pte_write(pgt, e->slot, pte);
    return CORBEL_OK;
}

static enum corbel_err walk_table(const struct pgt *pgt, const struct pgt_walk *w, u64 *table,
                                  u32 level, const struct pgt_range *part);

static enum corbel_err walk_entry(const struct pgt *pgt, const struct pgt_walk *w,
                                  struct pgt_entry *e)
{
    enum corbel_err err = CORBEL_OK;
    struct pgt_range part = { .addr = e->addr, .size = e->end - e->addr };

    e->pte = *e->slot;
    e->when = is_table(e->pte, e->level) ? PGT_VISIT_PRE : PGT_VISIT_LEAF;
    if (w->flags & e->when)
        err = w->visit(pgt, e, w->arg);
    e->pte = *e->slot;
    if (err || !is_table(e->pte, e->level))
        return err;
    err = walk_table(pgt, w, table_of(pgt, e->pte), e->level + 1, &part);
    e->when = PGT_VISIT_POST;
    if (!err && (w->flags & e->when))
        err = w->visit(pgt, e, w->arg);
    return err;
}

/* Recursion is at most four levels deep. */
static enum corbel_err walk_table(const struct pgt *pgt, const struct pgt_walk *w, u64 *table,
                                  u32 level, const struct pgt_range *part)
{
    u64 addr = part->addr, end = part->addr + part->size, size = pgt_entry_size(level);
    u64 index_mask = level == pgt->start_level ? ~0ull : ENTRIES - 1;
    bool back = (w->flags & PGT_VISIT_BACK) != 0;
    enum corbel_err err = CORBEL_OK;

    while (addr < end && !err) {
        struct pgt_entry e = { .addr = addr, .end = end, .level = level };

        if (back)
            e.addr = MAX(addr, ALIGN_DOWN(end - 1, size));
        else
            e.end = MIN(end, ALIGN_DOWN(addr, size) + size);
        e.slot = &table[(e.addr >> level_shift(level)) & index_mask];
        if (back)
            end = e.addr;
        else
            addr = e.end;
        err = walk_entry(pgt, w, &e);
    }
    return err;
}

enum corbel_err pgt_walk(const struct pgt *pgt, const struct pgt_walk *walk)
{
    struct pgt_range all = { .addr = walk->addr, .size = walk->end - walk->addr };

    if (walk->addr > walk->end || walk->end > BIT(pgt->addr_bits))
        return ERR_RANGE;
    return walk_table(pgt, walk, pgt->root, pgt->start_level, &all);
}

/* Can [addr, end) of the range be one leaf of this level? */
static bool leaf_fits(const struct pgt_range *r, u64 addr, u64 end, u32 level, u32 block_level)
{
    u64 size = pgt_entry_size(level);

    return level >= block_level && end - addr == size &&
           IS_ALIGNED(addr | (r->pa + (addr - r->addr)), size);
}

u64 pgt_tables_needed(const struct pgt_range *r, u32 first_level, u32 block_level)
{
    u64 end = r->addr + r->size, tables = 0;

    for (u32 level = first_level; level < PGT_LEAF_LEVEL && r->size; level++) {
        u64 size = pgt_entry_size(level);
        u64 first = ALIGN_UP(r->addr, size), last = ALIGN_DOWN(end, size);

        tables += (ALIGN_UP(end, size) - ALIGN_DOWN(r->addr, size)) / size;
        if (level >= block_level && first < last && IS_ALIGNED(r->addr - r->pa, size))
            tables -= (last - first) / size;
    }
    return tables;
}

static void page_push(u64 **list, u64 *page)
{
    /* A page address is even: a stale walker that still reads this word finds it
     * invalid. */
    page[0] = (u64)(uintptr_t)*list;
    *list = page;
}

static u64 *page_pop(u64 **list)
{
    u64 *page = *list;

    CORBEL_ASSERT(page != NULL);
    *list = (u64 *)(uintptr_t)page[0];
    page[0] = 0;
    return page;
}

static void list_free(const struct pgt *pgt, u64 **list)
{
    while (*list)
        pgt->ops->free(pgt->ctx, page_pop(list));
}

/* Move a table that no entry points to, and all below it, to the dead list. */
static void table_bury(const struct pgt *pgt, u64 *table, u32 level, u64 **dead)
{
    for (u32 i = 0; level < PGT_LEAF_LEVEL && i < ENTRIES; i++)
        if (is_table(table[i], level))
            table_bury(pgt, table_of(pgt, table[i]), level + 1, dead);
    page_push(dead, table);
}

/* Replace a table entry by a leaf or by nothing. */
static enum corbel_err table_drop(const struct pgt *pgt, const struct pgt_entry *e, u64 pte,
                                  u64 **dead)
{
    u64 *table = table_of(pgt, e->pte);
    enum corbel_err err = entry_replace(pgt, e, pte, PGT_LEVEL_ANY);

    table_bury(pgt, table, e->level + 1, dead);
    return err;
}

static bool splits_live(const struct pgt *pgt, const struct pgt_entry *e)
{
    return pgt->split == STAGE2_SPLIT_LEVEL2 && (e->pte & PTE_VALID);
}

/*
 * FEAT_BBM level 2 (Arm ARM D8.16.2): a table that says the same may be written over a
 * live block, which is then forgotten; walkers use either meanwhile, and never find
 * nothing there.
 */
static enum corbel_err block_split(const struct pgt *pgt, const struct pgt_entry *e, u64 pte)
{
    pte_write(pgt, e->slot, pte);
    entry_forget(pgt, e, e->level);
    return pgt->ops->sync(pgt->ctx);
}

/* Put a reserved table where an empty entry or a block is; a block's map goes
 * into it. */
static enum corbel_err table_insert(const struct pgt *pgt, const struct pgt_entry *e, u64 **reserve)
{
    u64 *table = page_pop(reserve);
    u64 size = pgt_entry_size(e->level + 1);
    u64 pte = pgt->ops->to_phys(pgt->ctx, table) | PTE_VALID | PTE_TYPE;
    enum corbel_err err;

    for (u32 i = 0; (e->pte & PTE_VALID) && i < ENTRIES; i++)
        table[i] = leaf_make((e->pte & PTE_ADDR) + i * size, e->pte, e->level + 1);
    if (pgt->ops->clean)
        pgt->ops->clean(pgt->ctx, table, PAGE_SIZE);
    dsb_ishst(); /* the table's content is visible before the link that leads to
                    it */
    if (splits_live(pgt, e))
        return block_split(pgt, e, pte);
    err = entry_replace(pgt, e, pte, e->level);
    if (err)
        page_push(reserve, table); /* never linked: nobody has seen it */
    return err;
}

static struct pgt_range part_of(const struct pgt_range *r, const struct pgt_entry *e)
{
    struct pgt_range part = { .addr = e->addr,
                              .pa = r->pa + (e->addr - r->addr),
                              .size = e->end - e->addr };

    return part;
}

/* Tables that this entry will need; a live block is a split for which a way must be open. */
static enum corbel_err count_pages(const struct pgt *pgt, const struct pgt_entry *e,
                                   struct change *c, u64 pages)
{
    if (pages && (e->pte & PTE_VALID) && pgt->split == STAGE2_SPLIT_REFUSE)
        return ERR_BUSY;
    c->pages += pages;
    return CORBEL_OK;
}

static enum corbel_err visit_map_count(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
{
    struct change *c = arg;
    struct pgt_range part = part_of(c->range, e);

    return count_pages(pgt, e, c, pgt_tables_needed(&part, e->level, pgt->block_level));
}

static enum corbel_err visit_map(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
{
    struct change *c = arg;
    struct pgt_range part = part_of(c->range, e);
    u64 leaf = leaf_make(part.pa, c->range->attr, e->level);

    if (!leaf_fits(&part, e->addr, e->end, e->level, pgt->block_level))
        return e->when == PGT_VISIT_LEAF ? table_insert(pgt, e, &c->reserve) : CORBEL_OK;
    if (e->when == PGT_VISIT_PRE) /* what was split for devices stays so while they are there */
        return pgt->split == STAGE2_SPLIT_BREAK ? table_drop(pgt, e, leaf, &c->dead) : CORBEL_OK;
    return e->pte != leaf ? entry_replace(pgt, e, leaf, e->level) : CORBEL_OK;
}

static bool covered(const struct pgt_entry *e)
{
    return e->end - e->addr == pgt_entry_size(e->level);
}

static enum corbel_err visit_unmap_count(const struct pgt *pgt, const struct pgt_entry *e,
                                         void *arg)
{
    struct change *c = arg;
    struct pgt_range part = { .addr = e->addr, .pa = e->addr, .size = e->end - e->addr };

    if (!(e->pte & PTE_VALID))
        return CORBEL_OK;
    return count_pages(pgt, e, c, pgt_tables_needed(&part, e->level, 1));
}

static bool table_is_empty(const u64 *table)
{
    for (u32 i = 0; i < ENTRIES; i++)
        if (table[i] & PTE_VALID)
            return false;
    return true;
}

/* All leaves below were invalidated on their own: only the walk to this table is left. */
static enum corbel_err table_drop_empty(const struct pgt *pgt, const struct pgt_entry *e,
                                        u64 **dead)
{
    u64 *table = table_of(pgt, e->pte);
    enum corbel_err err;

    if (!table_is_empty(table))
        return CORBEL_OK;
    err = entry_replace(pgt, e, 0, e->level);
    page_push(dead, table);
    return err;
}

static enum corbel_err visit_unmap(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
{
    struct change *c = arg;

    switch (e->when) {
    case PGT_VISIT_PRE:
        return covered(e) ? table_drop(pgt, e, 0, &c->dead) : CORBEL_OK;
    case PGT_VISIT_LEAF:
        if (!(e->pte & PTE_VALID))
            return CORBEL_OK;
        return covered(e) ? entry_replace(pgt, e, 0, e->level) : table_insert(pgt, e, &c->reserve);
    default:
        return table_drop_empty(pgt, e, &c->dead);
    }
}

static enum corbel_err range_check(const struct pgt *pgt, u64 addr, u64 size, u64 pa)
{
    u64 limit = BIT(pgt->addr_bits);

    if (!IS_ALIGNED(addr | size | pa, PAGE_SIZE))
        return ERR_INVAL;
    if (addr >= limit || size > limit - addr || pa >= BIT(48) || size > BIT(48) - pa)
        return ERR_RANGE;
    return CORBEL_OK;
}

static enum corbel_err reserve_fill(const struct pgt *pgt, struct change *c)
{
    while (c->pages) {
        u64 *page = pgt->ops->alloc(pgt->ctx);

        if (!page) {
            list_free(pgt, &c->reserve);
            return ERR_NOMEM;
        }
        page_push(&c->reserve, page);
        c->pages--;
    }
    return CORBEL_OK;
}

/* Count, reserve, change: the shape of map and unmap. */
static enum corbel_err change_run(const struct pgt *pgt, struct change *c, pgt_visitor count,
                                  pgt_visitor commit)
{
    struct pgt_walk w = { .addr = c->range->addr,
                          .end = c->range->addr + c->range->size,
                          .flags = PGT_VISIT_LEAF,
                          .visit = count,
                          .arg = c };
    enum corbel_err err = pgt_walk(pgt, &w);

    if (!err)
        err = reserve_fill(pgt, c);
    if (err)
        return err;
    w.flags = PGT_VISIT_PRE | PGT_VISIT_LEAF;
    if (commit == visit_unmap)
        w.flags |= PGT_VISIT_POST;
    w.visit = commit;
    err = pgt_walk(pgt, &w);
    CORBEL_ASSERT(err || !c->reserve);
    if (!err)
        err = pgt->ops->sync(pgt->ctx);
    if (err) { /* sync()'s: walkers may go on through what is on the dead list, for ever */
        list_free(pgt, &c->reserve);
        return err;
    }
    list_free(pgt, &c->dead);
    return CORBEL_OK;
}

enum corbel_err pgt_map(const struct pgt *pgt, const struct pgt_range *range)
{
    struct change c = { .range = range };
    enum corbel_err err = range_check(pgt, range->addr, range->size, range->pa);

    return err ? err : change_run(pgt, &c, visit_map_count, visit_map);
}

enum corbel_err pgt_unmap(const struct pgt *pgt, u64 addr, u64 size)
{
    struct pgt_range range = { .addr = addr, .size = size };
    struct change c = { .range = &range };
    enum corbel_err err = range_check(pgt, addr, size, 0);

    return err ? err : change_run(pgt, &c, visit_unmap_count, visit_unmap);
}

static enum corbel_err visit_split_count(const struct pgt *pgt, const struct pgt_entry *e,
                                         void *arg)
{
    u64 pages = 0;

    for (u32 level = e->level; (e->pte & PTE_VALID) && level < PGT_LEAF_LEVEL; level++)
        pages += !IS_ALIGNED(e->addr, pgt_entry_size(level));
    return count_pages(pgt, e, arg, pages);
}

static enum corbel_err visit_split(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
{
    struct change *c = arg;

    if (is_leaf(e->pte, e->level) && !IS_ALIGNED(e->addr, pgt_entry_size(e->level)))
        return table_insert(pgt, e, &c->reserve);
    return CORBEL_OK;
}

enum corbel_err pgt_split(const struct pgt *pgt, u64 addr)
{
    struct pgt_range range = { .addr = addr, .size = PAGE_SIZE };
    struct change c = { .range = &range };
    enum corbel_err err;

    if (addr == BIT(pgt->addr_bits))
        return CORBEL_OK;
    err = range_check(pgt, addr, PAGE_SIZE, 0);
    return err ? err : change_run(pgt, &c, visit_split_count, visit_split);
}

static enum corbel_err visit_find(const struct pgt *pgt, const struct pgt_entry *e, void *arg)
{
    struct pgt_range *leaf = arg;

    (void)pgt;
    if (!is_leaf(e->pte, e->level))
        return CORBEL_OK;
    leaf->size = pgt_entry_size(e->level);
    leaf->addr = ALIGN_DOWN(e->addr, leaf->size);
    leaf->pa = e->pte & PTE_ADDR;
    leaf->attr = e->pte & PTE_ATTRS;
    return ERR_EXIST; /* stop */
}

static enum corbel_err leaf_find(const struct pgt *pgt, struct pgt_walk *w, struct pgt_range *leaf)
{
    w->flags |= PGT_VISIT_LEAF;
    w->visit = visit_find;
    w->arg = leaf;
    return pgt_walk(pgt, w) == ERR_EXIST ? CORBEL_OK : ERR_NOENT;
}

enum corbel_err pgt_lookup(const struct pgt *pgt, u64 addr, struct pgt_range *leaf)
{
    u64 page = ALIGN_DOWN(addr, PAGE_SIZE);
    struct pgt_walk w = { .addr = page, .end = page + PAGE_SIZE };

    return leaf_find(pgt, &w, leaf);
}

enum corbel_err pgt_next(const struct pgt *pgt, u64 addr, struct pgt_range *leaf)
{
    struct pgt_walk w = { .addr = ALIGN_DOWN(addr, PAGE_SIZE), .end = BIT(pgt->addr_bits) };

    return leaf_find(pgt, &w, leaf);
}

enum corbel_err pgt_prev(const struct pgt *pgt, u64 addr, struct pgt_range *leaf)
{
    struct pgt_walk w = { .addr = 0,
                          .end = MIN(addr, BIT(pgt->addr_bits)),
                          .flags = PGT_VISIT_BACK };

    return leaf_find(pgt, &w, leaf);
}

enum corbel_err pgt_destroy(const struct pgt *pgt)
{
    u64 count = BIT(pgt->addr_bits) >> level_shift(pgt->start_level);
    enum corbel_err err;
    u64 *dead = NULL;

    for (u64 i = 0; i < count; i++) {
        u64 pte = pgt->root[i];

        if (!(pte & PTE_VALID))
            continue;
        pte_write(pgt, &pgt->root[i], 0);
        if (is_table(pte, pgt->start_level))
            table_bury(pgt, table_of(pgt, pte), pgt->start_level + 1, &dead);
    }
    pgt->ops->invalidate(pgt->ctx, 0, BIT(pgt->addr_bits), PGT_LEVEL_ANY);
    err = pgt->ops->sync(pgt->ctx);
    if (!err)
        list_free(pgt, &dead);
    return err;
}
