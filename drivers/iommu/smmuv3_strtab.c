/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv3's stream table (IHI 0070 3.3, 3.21.3, 5.1, 5.2), linear or of two levels. In the latter
 * a span whose streams all have the same entry shares one level-2 table with other such spans: a
 * whole PCIe root complex is one table of 256 entries. To change one stream there, its span first
 * gets a table of its own. The SMMU never sees half an entry: all dwords but the first, which has
 * V, then what makes them visible, then the first alone; and a level-1 descriptor is one dword
 * that leads to a table that is complete. An entry in use only turns to abort or invalid, and that
 * is the first dword's affair, too. Under u->lock.
 */
#include "smmuv3_priv.h"

#include <arch/mmu.h>

#include <corbel/bits.h>
#include <corbel/string.h>

#define SPLIT_SMALL 8u  /* spans of 256 streams: what one PCI bus has */
#define SPLIT_LARGE 10u /* for very many streams: a smaller first level */
#define L1_LOG2_MAX 15u /* 256 KiB of descriptors */
#define LINEAR_MAX  16u /* 4 MiB of entries */

/* One change of consecutive streams' entries. */
struct update {
    struct iommu *u;
    const struct smmuv3_strtab *t;
    u32 first, last; /* streams, both included */
    struct smmuv3_ste ste;
    struct smmuv3_ste *uniform; /* table for spans that are wholly inside; NULL: none needed */
    struct smmuv3_ste *edge[2]; /* tables of the first and the last span, where only partly in */
};

static struct smmuv3_strtab *strtab_of(const struct iommu *u)
{
    return &((struct smmuv3 *)u->priv)->strtab;
}

static u64 table_size(const struct smmuv3_strtab *t)
{
    return ALIGN_UP((u64)STE_BYTES << t->split, PAGE_SIZE);
}

static u64 l1_size(const struct smmuv3_strtab *t)
{
    return ALIGN_UP(sizeof(u64) << (t->log2 - t->split), PAGE_SIZE);
}

static struct smmuv3_ste *table_at(u64 desc)
{
    return desc ? phys_to_virt(PA(desc & L1STD_L2PTR)) : NULL;
}

static struct smmuv3_ste *table_of(const struct smmuv3_strtab *t, u32 span)
{
    return t->l1 ? table_at(t->l1[span]) : t->linear;
}

static bool is_valid(const struct smmuv3_ste *ste)
{
    return ste->dw[0] & STE_0_V;
}

/* ---- start, end ---- */

u8 smmuv3_strtab_format(struct smmuv3_strtab *t, u8 sidsize, bool two_levels)
{
    u8 split = sidsize <= SPLIT_SMALL + L1_LOG2_MAX ? SPLIT_SMALL : SPLIT_LARGE;

    *t = (struct smmuv3_strtab){ 0 };
    if (two_levels && sidsize > split) {
        t->split = split;
        t->log2 = (u8)MIN(sidsize, split + L1_LOG2_MAX);
    } else {
        t->split = t->log2 = (u8)MIN(sidsize, LINEAR_MAX);
    }
    return t->log2;
}

static enum corbel_err linear_alloc(struct iommu *u, struct smmuv3_strtab *t)
{
    t->linear = smmuv3_alloc(u, table_size(t), table_size(t));
    if (!t->linear)
        return ERR_NOMEM;
    smmuv3_publish(u, t->linear, table_size(t));
    return CORBEL_OK;
}

enum corbel_err smmuv3_strtab_alloc(struct iommu *u)
{
    struct smmuv3_strtab *t = strtab_of(u);
    u64 size = l1_size(t);

    if (t->split == t->log2)
        return linear_alloc(u, t);
    t->l1 = smmuv3_alloc(u, size, size);
    t->retired = smmuv3_alloc(u, size, PAGE_SIZE);
    if (!t->l1 || !t->retired) {
        smmuv3_strtab_free(u);
        return ERR_NOMEM;
    }
    smmuv3_publish(u, t->l1, size);
    return CORBEL_OK;
}

void smmuv3_strtab_free(struct iommu *u)
{
    struct smmuv3_strtab *t = strtab_of(u);

    if (t->linear)
        u->mem->free(t->linear, table_size(t));
    if (t->l1)
        u->mem->free(t->l1, l1_size(t));
    if (t->retired)
        u->mem->free(t->retired, l1_size(t));
    t->linear = NULL;
    t->l1 = t->retired = NULL;
}

u64 smmuv3_strtab_base(const struct iommu *u)
{
    const struct smmuv3_strtab *t = strtab_of(u);
    const void *base = t->l1 ? (const void *)t->l1 : t->linear;

    return virt_to_phys(base).v | SMMU_BASE_HINT;
}

u32 smmuv3_strtab_cfg(const struct iommu *u)
{
    const struct smmuv3_strtab *t = strtab_of(u);
    u64 cfg = FIELD_PREP(SMMU_STRTAB_LOG2SIZE, t->log2);

    if (t->l1)
        cfg |= FIELD_PREP(SMMU_STRTAB_SPLIT, t->split) | SMMU_STRTAB_TWO_LEVELS;
    return (u32)cfg;
}

/* ---- spans ---- */

static u32 span_of(const struct smmuv3_strtab *t, u32 stream)
{
    return stream >> t->split;
}

static u32 span_first(const struct smmuv3_strtab *t, u32 span)
{
    return span << t->split;
}

static u32 span_last(const struct smmuv3_strtab *t, u32 span)
{
    return span_first(t, span) + (u32)BIT(t->split) - 1;
}

/* The entries of a span that an update (or a question) of first to last is about. */
static u32 clip(const struct smmuv3_strtab *t, u32 span, u32 *first, u32 last)
{
    u32 from = MAX(*first, span_first(t, span)), to = MIN(last, span_last(t, span));

    *first = from - span_first(t, span);
    return to - from + 1;
}

/* Valid ones, or (open) those that let something pass. */
static u32 count_entries(const struct smmuv3_ste *table, u32 count, bool open)
{
    u32 n = 0;

    for (u32 i = 0; i < count; i++)
        n += is_valid(&table[i]) &&
             (!open || FIELD_GET(STE_0_CONFIG, table[i].dw[0]) != STE_CONFIG_ABORT);
    return n;
}

static u32 count_valid(const struct smmuv3_ste *table, u32 count)
{
    return count_entries(table, count, false);
}

/* How many level-1 descriptors say this. */
static u32 references(const struct smmuv3_strtab *t, u64 desc)
{
    u32 n = 0;

    for (u32 i = 0; i < BIT(t->log2 - t->split); i++)
        n += t->l1[i] == desc;
    return n;
}

u32 smmuv3_strtab_count(const struct iommu *u, u32 first, u32 count, bool open)
{
    const struct smmuv3_strtab *t = strtab_of(u);
    const struct smmuv3_ste *before = NULL;
    u32 last = first + count - 1, whole = 0, n = 0;

    for (u32 span = span_of(t, first); span <= span_of(t, last); span++) {
        const struct smmuv3_ste *table = table_of(t, span);
        u32 from = first, here = clip(t, span, &from, last);

        if (!table)
            continue;
        /* A shared table is counted once. */
        if (table != before || here != BIT(t->split))
            whole = count_entries(table + from, here, open);
        before = here == BIT(t->split) ? table : NULL;
        n += whole;
    }
    return n;
}

/* ---- preparation: all that may fail ---- */

/*
 * The span gets a new descriptor as a whole: all of it is in the update, or nothing valid would
 * be left in it.
 */
static bool span_whole(const struct update *up, u32 span)
{
    u32 size = (u32)BIT(up->t->split), from = up->first;
    u32 count = clip(up->t, span, &from, up->last);
    const struct smmuv3_ste *table = table_of(up->t, span);

    if (!up->t->l1)
        return false;
    if (count == size)
        return true;
    return !is_valid(&up->ste) &&
           (!table ||
            (!count_valid(table, from) && !count_valid(table + from + count, size - from - count)));
}

/* Where a span that is partly in the update has its entries written: a table of its own. */
static enum corbel_err prepare_edge(struct update *up, u32 i, u32 span)
{
    const struct smmuv3_strtab *t = up->t;
    const struct smmuv3_ste *old = table_of(t, span);

    if (span_whole(up, span))
        return CORBEL_OK;
    if (old && (!t->l1 || references(t, t->l1[span]) == 1)) {
        up->edge[i] = table_of(t, span);
        return CORBEL_OK;
    }
    up->edge[i] = smmuv3_alloc(up->u, table_size(t), table_size(t));
    if (!up->edge[i])
        return ERR_NOMEM;
    if (old)
        memcpy(up->edge[i], old, STE_BYTES << t->split);
    smmuv3_publish(up->u, up->edge[i], table_size(t));
    return CORBEL_OK;
}

/*
 * Entries that turn to abort or invalid may be in use: the first dword says it all. Others are
 * invalid now, and become visible as a whole.
 */
static void write_entries(const struct iommu *u, struct smmuv3_ste *at, u32 count,
                          const struct smmuv3_ste *ste)
{
    if (FIELD_GET(STE_0_CONFIG, ste->dw[0]) != STE_CONFIG_ABORT) {
        for (u32 i = 0; i < count; i++)
            memcpy(&at[i].dw[1], &ste->dw[1], STE_BYTES - sizeof(u64));
        smmuv3_publish(u, at, (size_t)count * STE_BYTES);
    }
    for (u32 i = 0; i < count; i++)
        at[i].dw[0] = ste->dw[0];
    smmuv3_publish(u, at, (size_t)count * STE_BYTES);
}

static enum corbel_err prepare_uniform(struct update *up)
{
    u32 spans = span_of(up->t, up->last) - span_of(up->t, up->first) + 1;
    u32 edges = (up->edge[0] != NULL) + (up->edge[1] != NULL);

    if (!is_valid(&up->ste) || spans == edges)
        return CORBEL_OK;
    up->uniform = smmuv3_alloc(up->u, table_size(up->t), table_size(up->t));
    if (!up->uniform)
        return ERR_NOMEM;
    write_entries(up->u, up->uniform, (u32)BIT(up->t->split), &up->ste);
    return CORBEL_OK;
}

static void drop_new(struct update *up)
{
    u32 spans[2] = { span_of(up->t, up->first), span_of(up->t, up->last) };

    for (u32 i = 0; i < 2; i++)
        if (up->edge[i] && up->edge[i] != table_of(up->t, spans[i]))
            up->u->mem->free(up->edge[i], table_size(up->t));
}

static enum corbel_err prepare(struct update *up)
{
    u32 first = span_of(up->t, up->first), last = span_of(up->t, up->last);
    enum corbel_err err = prepare_edge(up, 0, first);

    if (!err && last != first)
        err = prepare_edge(up, 1, last);
    if (!err)
        err = prepare_uniform(up);
    if (err)
        drop_new(up);
    return err;
}

/* ---- the change itself ---- */

/* The VMID that a translating entry among those has; false: there is none. */
static bool find_vmid(const struct update *up, u16 *vmid)
{
    const struct smmuv3_ste *before = NULL;

    for (u32 span = span_of(up->t, up->first); span <= span_of(up->t, up->last); span++) {
        const struct smmuv3_ste *table = table_of(up->t, span);
        u32 from = up->first, count = clip(up->t, span, &from, up->last);

        if (table == before)
            continue;
        before = count == BIT(up->t->split) ? table : NULL;
        for (u32 i = from; table && i < from + count; i++) {
            if (!is_valid(&table[i]) || FIELD_GET(STE_0_CONFIG, table[i].dw[0]) != STE_CONFIG_S2)
                continue;
            *vmid = (u16)FIELD_GET(STE_2_S2VMID, table[i].dw[2]);
            return true;
        }
    }
    return false;
}

static u64 new_desc(const struct update *up, const struct smmuv3_ste *edge)
{
    const struct smmuv3_ste *table = edge ? edge : up->uniform;

    return table ? smmuv3_l1_desc(virt_to_phys(table), up->t->split) : 0;
}

static void commit(const struct update *up)
{
    const struct smmuv3_strtab *t = up->t;
    u32 first = span_of(t, up->first), last = span_of(t, up->last), from, count;

    for (u32 i = 0; i < 2; i++) {
        from = up->first;
        count = clip(t, i ? last : first, &from, up->last);
        if (up->edge[i])
            write_entries(up->u, up->edge[i] + from, count, &up->ste);
    }
    if (!t->l1)
        return;
    for (u32 span = first; span <= last; span++) {
        t->retired[span] = t->l1[span];
        t->l1[span] = new_desc(up, span == first ? up->edge[0] : span == last ? up->edge[1] : NULL);
    }
    smmuv3_publish(up->u, &t->l1[first], (last - first + 1) * sizeof(u64));
}

/*
 * Cached entries go, and where a descriptor changed those of its whole span. Only after that is
 * done do translations go that they may have led to; when the last SYNC is consumed, transactions
 * that used either are over.
 */
static enum corbel_err forget(const struct update *up, bool translated, u16 vmid)
{
    const struct smmuv3_strtab *t = up->t;
    u32 head = span_of(t, up->first), tail = span_of(t, up->last);
    u32 first = up->first, last = up->last, count;

    if (t->l1 && t->l1[head] != t->retired[head])
        first = span_first(t, head);
    if (t->l1 && t->l1[tail] != t->retired[tail])
        last = span_last(t, tail);
    count = last - first + 1;
    while (count)
        smmuv3_cmd_add(up->u, smmuv3_cmd_cfgi_next(&first, &count));
    if (translated) {
        smmuv3_cmd_add(up->u, smmuv3_cmd_plain(CMD_OP_SYNC));
        smmuv3_cmd_add(up->u, smmuv3_cmd_tlbi_vmid(vmid));
    }
    return smmuv3_cmd_sync(up->u);
}

/* Tables that no descriptor leads to any more; the SMMU has forgotten them. */
static void free_retired(const struct update *up)
{
    const struct smmuv3_strtab *t = up->t;
    u32 last = span_of(t, up->last);
    u64 kept = 0;

    for (u32 span = span_of(t, up->first); span <= last; span++) {
        u64 old = t->retired[span];

        if (!old || old == kept)
            continue;
        if (references(t, old)) {
            kept = old;
            continue;
        }
        for (u32 i = span; i <= last; i++)
            if (t->retired[i] == old)
                t->retired[i] = 0;
        up->u->mem->free(table_at(old), table_size(t));
    }
}

enum corbel_err smmuv3_strtab_set(struct iommu *u, u32 first, u32 count,
                                  const struct smmuv3_ste *ste)
{
    struct update up = { .u = u, .t = strtab_of(u), .first = first, .ste = *ste };
    bool translated;
    u16 vmid = 0;
    enum corbel_err err;

    up.last = first + count - 1;
    err = prepare(&up);
    if (err)
        return err;
    translated = find_vmid(&up, &vmid);
    commit(&up);
    err = forget(&up, translated, vmid);
    if (!err && up.t->l1)
        free_retired(&up);
    return err;
}
