/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's translation tables: geometry, and thin wrappers of the walker that
 * translate between s2_attr and descriptors and collect TLB invalidations. One
 * struct stage2 per domain, embedded in its p2m, whose lock covers every call. No
 * system register here: what touches the CPU is in stage2_tlb.c, so host tests
 * build on this very file. Arm ARM D8.2 (concatenation), D24.2 (VTCR_EL2).
 */
#include <arch/stage2.h>

#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/string.h>

#include <asm/features.h>
#include <asm/pgtable.h>
#include <asm/pte.h>
#include <asm/stage2.h>

/* Up to 16 tables may stand side by side at the start level: four more bits. */
#define CONCAT_BITS  4u
#define IPA_BITS_MIN 32u
#define BLOCK_LEVEL  1u

/* Context of one walker call. */
struct operation {
    const struct stage2 *s2;
    struct stage2_inval inval;
    bool lost; /* a walker did not do what it was told */
};

/* Output address bits by ID_AA64MMFR0_EL1.PARange; 52 bits need other descriptors. */
static const u8 pa_bits[] = { 32, 36, 40, 42, 44, 48 };

/* What SMMUs can do, where that is less; written at boot. */
static struct {
    u8 ipa_bits, pa_bits;
} limit = { 48, 48 };

static u8 cpu_pa_bits(void)
{
    return pa_bits[MIN(cpu_features()->pa_range, ARRAY_SIZE(pa_bits) - 1)];
}

/* VTCR_EL2.PS, and what STE.S2PS copies: the CPU's or the SMMUs' output size, the smaller. */
static u8 output_size(void)
{
    u8 ps = (u8)MIN(cpu_features()->pa_range, ARRAY_SIZE(pa_bits) - 1);

    while (ps && pa_bits[ps] > limit.pa_bits)
        ps--;
    return ps;
}

u8 stage2_ipa_bits_max(void)
{
    return MIN(cpu_pa_bits(), limit.ipa_bits);
}

void stage2_limit(u8 ipa_bits, u8 pa_bits_max)
{
    limit.ipa_bits = MIN(limit.ipa_bits, ipa_bits);
    limit.pa_bits = MIN(limit.pa_bits, pa_bits_max);
}

u8 stage2_bbm_level(void)
{
    return cpu_features()->bbm;
}

u8 stage2_vmid_bits(void)
{
    return cpu_features()->vmid16 ? 16 : 8;
}

/* Start at level 1 as far as 16 concatenated tables reach (decision 17): one access less. */
static u8 start_level(u8 ipa_bits)
{
    return ipa_bits <= bit_lowest(pgt_entry_size(0)) + CONCAT_BITS ? 1 : 0;
}

u32 stage2_root_pages(u8 ipa_bits, u8 *level)
{
    u32 one_table;

    *level = start_level(ipa_bits);
    one_table = bit_lowest(pgt_entry_size(*level)) + 9;
    return ipa_bits > one_table ? (u32)BIT(ipa_bits - one_table) : 1;
}

static u32 block_level(const struct stage2_map *m)
{
    return m->pages ? PGT_LEAF_LEVEL : BLOCK_LEVEL;
}

/* Does map m touch the region of this level's entry, and cannot be a leaf there? */
static bool needs_table(const struct stage2_map *m, u64 region, u32 level)
{
    u64 size = pgt_entry_size(level);
    u64 from = MAX(m->ipa.v, region), to = MIN(m->ipa.v + m->size, region + size);
    struct pgt_range part = { .addr = from, .pa = m->pa.v + (from - m->ipa.v), .size = to - from };

    if (from >= to)
        return false;
    return level < block_level(m) || part.size < size || !IS_ALIGNED(part.pa, size);
}

/* Does a map before maps[i] take the table for this region already? */
static bool shared_before(const struct stage2_map *maps, u32 i, u64 region, u32 level)
{
    for (u32 j = 0; j < i; j++)
        if (needs_table(&maps[j], region, level))
            return true;
    return false;
}

/*
 * Maps do not overlap, so only the first and the last entry that a map touches
 * can belong to another one as well.
 */
static u32 shared_tables(const struct stage2_map *maps, u32 i, u32 level)
{
    const struct stage2_map *m = &maps[i];
    u64 size = pgt_entry_size(level);
    u64 first = ALIGN_DOWN(m->ipa.v, size), last = ALIGN_DOWN(m->ipa.v + m->size - 1, size);
    u32 shared = 0;

    if (needs_table(m, first, level) && shared_before(maps, i, first, level))
        shared++;
    if (last != first && needs_table(m, last, level) && shared_before(maps, i, last, level))
        shared++;
    return shared;
}

u32 stage2_pages_needed(u8 ipa_bits, const struct stage2_map *maps, u32 count)
{
    u32 first_level = start_level(ipa_bits);
    u64 pages = 0;

    for (u32 i = 0; i < count; i++) {
        struct pgt_range r = { .addr = maps[i].ipa.v, .pa = maps[i].pa.v, .size = maps[i].size };

        if (!r.size)
            continue;
        pages += pgt_tables_needed(&r, first_level, block_level(&maps[i]));
        for (u32 level = first_level; level < PGT_LEAF_LEVEL; level++)
            pages -= shared_tables(maps, i, level);
    }
    return (u32)pages;
}

static u64 vtcr_make(u8 ipa_bits, u8 level)
{
    /* Walks: inner shareable, write-back, read and write allocate. SL0: 2 - start level. */
    return VTCR_EL2_RES1 | (cpu_features()->vmid16 ? VTCR_EL2_VS : 0) |
           FIELD_PREP(VTCR_EL2_PS, output_size()) | FIELD_PREP(VTCR_EL2_SH0, 3) |
           FIELD_PREP(VTCR_EL2_ORGN0, 1) | FIELD_PREP(VTCR_EL2_IRGN0, 1) |
           FIELD_PREP(VTCR_EL2_SL0, 2u - level) | FIELD_PREP(VTCR_EL2_T0SZ, 64u - ipa_bits);
}

enum corbel_err stage2_init(struct stage2 *s2, u8 ipa_bits, u16 vmid, void *root,
                            const struct stage2_pool *pool)
{
    u32 pages;

    if (ipa_bits < IPA_BITS_MIN || ipa_bits > stage2_ipa_bits_max() ||
        vmid >= BIT(stage2_vmid_bits()))
        return ERR_RANGE;
    *s2 = (struct stage2){ .root = root, .ipa_bits = ipa_bits, .vmid = vmid, .pool = pool };
    pages = stage2_root_pages(ipa_bits, &s2->start_level);
    s2->root_order = (u8)bit_lowest(pages);
    if (!IS_ALIGNED(virt_to_phys(root).v, pages * PAGE_SIZE))
        return ERR_INVAL;
    s2->vtcr = vtcr_make(ipa_bits, s2->start_level);
    s2->vttbr = virt_to_phys(root).v | FIELD_PREP(VTTBR_EL2_VMID, vmid);
    return CORBEL_OK;
}

void stage2_inval_add(struct stage2_inval *inv, u64 ipa, u64 size, bool table)
{
    u64 step = table ? PAGE_SIZE : size;
    u64 ops = cpu_features()->tlb_range ? 1 : size / step;
    struct stage2_range *last = inv->count ? &inv->ranges[inv->count - 1] : NULL;

    inv->all |= ops > TLB_OPS_MAX - inv->ops;
    if (inv->all)
        return;
    inv->ops += (u32)ops;
    if (last && last->step == step && last->ipa + last->size == ipa) {
        last->size += size;
    } else if (inv->count < STAGE2_INVAL_RANGES) {
        inv->ranges[inv->count++] = (struct stage2_range){ .ipa = ipa, .size = size, .step = step };
    } else {
        inv->all = true;
    }
}

static void *op_alloc(void *ctx)
{
    const struct stage2_pool *pool = ((struct operation *)ctx)->s2->pool;

    return pool->alloc(pool->ctx);
}

static void op_free(void *ctx, void *page)
{
    const struct stage2_pool *pool = ((struct operation *)ctx)->s2->pool;

    pool->free(pool->ctx, page);
}

static void *op_to_virt(void *ctx, u64 pa)
{
    return phys_to_virt(PA(pa));
}

static u64 op_to_phys(void *ctx, const void *va)
{
    return virt_to_phys(va).v;
}

static void op_invalidate(void *ctx, u64 addr, u64 size, u32 level)
{
    struct operation *op = ctx;

    stage2_inval_add(&op->inval, addr, size, level == PGT_LEVEL_ANY);
}

/*
 * The CPUs first: what they hold can be dropped at once. Walkers of devices are told then,
 * when the cleared entries have reached all observers, not just the CPUs.
 */
static enum corbel_err sync_all(const struct stage2 *s2, const struct stage2_inval *inval)
{
    if (!s2->no_cpu)
        stage2_tlb_sync(s2, inval);
    if (!s2->walkers)
        return CORBEL_OK;
    dsb_sy();
    if (!inval->count && !inval->all)
        return CORBEL_OK;
    return s2->walkers->invalidate(s2->walkers->ctx, inval);
}

static enum corbel_err op_sync(void *ctx)
{
    struct operation *op = ctx;
    enum corbel_err err = sync_all(op->s2, &op->inval);

    op->inval.count = 0;
    op->inval.ops = 0;
    op->inval.all = false;
    op->lost |= err != CORBEL_OK;
    return err;
}

static void op_clean(void *ctx, const void *va, u64 size)
{
    (void)ctx;
    arch_cache_clean(va, size);
}

static const struct pgt_ops ops = {
    .alloc = op_alloc,
    .free = op_free,
    .to_virt = op_to_virt,
    .to_phys = op_to_phys,
    .invalidate = op_invalidate,
    .sync = op_sync,
};

static const struct pgt_ops ops_clean = {
    .alloc = op_alloc,
    .free = op_free,
    .to_virt = op_to_virt,
    .to_phys = op_to_phys,
    .invalidate = op_invalidate,
    .sync = op_sync,
    .clean = op_clean,
};

static struct pgt pgt_of(const struct stage2 *s2, struct operation *op)
{
    struct pgt pgt = { .root = s2->root,
                       .ops = s2->clean ? &ops_clean : &ops,
                       .ctx = op,
                       .start_level = s2->start_level,
                       .addr_bits = s2->ipa_bits,
                       .block_level = BLOCK_LEVEL,
                       .split = s2->split };

    *op = (struct operation){ .s2 = s2 };
    return pgt;
}

/* The end of a change. */
static enum corbel_err settle(struct stage2 *s2, const struct operation *op, enum corbel_err err)
{
    s2->lost |= op->lost;
    return err;
}

enum corbel_err stage2_map(struct stage2 *s2, const struct stage2_map *map)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);
    struct pgt_range range = {
        .addr = map->ipa.v, .pa = map->pa.v, .size = map->size, .attr = pte_s2_attr(&map->attr)
    };

    /* An output address beyond VTCR_EL2.PS faults on CPUs and SMMUs alike: refuse it here. */
    if (map->pa.v + map->size > BIT(pa_bits[output_size()]))
        return ERR_RANGE;
    if (map->pages)
        pgt.block_level = PGT_LEAF_LEVEL;
    return settle(s2, &op, pgt_map(&pgt, &range));
}

enum corbel_err stage2_unmap(struct stage2 *s2, ipa_t ipa, u64 size)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);

    return settle(s2, &op, pgt_unmap(&pgt, ipa.v, size));
}

enum corbel_err stage2_split(struct stage2 *s2, ipa_t ipa)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);

    return settle(s2, &op, pgt_split(&pgt, ipa.v));
}

static enum corbel_err leaf_out(enum corbel_err err, const struct pgt_range *leaf,
                                struct stage2_map *out)
{
    if (!err)
        *out = (struct stage2_map){ .ipa = IPA(leaf->addr),
                                    .pa = PA(leaf->pa),
                                    .size = leaf->size,
                                    .attr = pte_s2_decode(leaf->attr) };
    return err;
}

enum corbel_err stage2_lookup(const struct stage2 *s2, ipa_t ipa, struct stage2_map *out)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);
    struct pgt_range leaf;

    return leaf_out(pgt_lookup(&pgt, ipa.v, &leaf), &leaf, out);
}

enum corbel_err stage2_next(const struct stage2 *s2, ipa_t ipa, struct stage2_map *out)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);
    struct pgt_range leaf;

    return leaf_out(pgt_next(&pgt, ipa.v, &leaf), &leaf, out);
}

enum corbel_err stage2_prev(const struct stage2 *s2, ipa_t ipa, struct stage2_map *out)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);
    struct pgt_range leaf;

    return leaf_out(pgt_prev(&pgt, ipa.v, &leaf), &leaf, out);
}

enum corbel_err stage2_destroy(struct stage2 *s2)
{
    struct operation op;
    struct pgt pgt = pgt_of(s2, &op);

    return settle(s2, &op, pgt_destroy(&pgt));
}

enum corbel_err stage2_flush_all(struct stage2 *s2)
{
    const struct stage2_inval all = { .all = true };
    enum corbel_err err = sync_all(s2, &all);

    s2->lost |= err != CORBEL_OK;
    return err;
}
