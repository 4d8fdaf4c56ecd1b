/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which stream goes where, in SMMUv1 and v2: stream mapping groups. With matching, group n is an
 * SMR (ID and mask) and an S2CR, and a stream that two valid SMRs match is an error of ours; with
 * indexing, the stream ID is the number of its S2CR. IHI 0062: SMMU_SMRn, SMMU_S2CRn. Under
 * u->lock.
 */
#include "smmuv2_priv.h"

static void write_s2cr(struct iommu *u, u32 n, u32 value)
{
    mmio_write32(u->regs, SMMU_S2CR(n), value);
}

static void write_smr(struct iommu *u, u32 n, u32 value)
{
    mmio_write32(u->regs, SMMU_SMR(n), value);
}

/* Group n leaves the bank that it leads to. */
static void put_bank_of(struct iommu *u, u32 n)
{
    const struct smmuv2_map *m = &smmuv2_of(u)->maps[n];

    if (m->state != SMMUV2_MAP_FREE && m->bank != SMMUV2_NO_BANK)
        smmuv2_bank_put(u, m->bank);
}

/* The S2CR faults first, so that no stream slips through between the two registers. */
static void map_clear(struct iommu *u, u32 n)
{
    struct smmuv2 *p = smmuv2_of(u);

    write_s2cr(u, n, smmuv2_s2cr(S2CR_FAULT, 0, false));
    if (p->matching)
        write_smr(u, n, 0);
    put_bank_of(u, n);
    p->maps[n] = (struct smmuv2_map){ .state = SMMUV2_MAP_FREE };
}

void smmuv2_maps_reset(struct iommu *u)
{
    for (u32 n = 0; n < smmuv2_of(u)->map_count; n++)
        map_clear(u, n);
}

static u32 s2cr_of(const struct smmuv2 *p, const struct smmuv2_map *m)
{
    if (m->bank != SMMUV2_NO_BANK)
        return smmuv2_s2cr(S2CR_TRANSLATE, m->bank, p->exids);
    return smmuv2_s2cr(m->state == SMMUV2_MAP_QUIET ? S2CR_FAULT : S2CR_BYPASS, 0, p->exids);
}

/*
 * Group n leads to m->bank. The register that makes it match is written last: the SMR, or with
 * 16-bit stream IDs the S2CR. A group that matches already changes by its S2CR alone, at once.
 */
static void map_set(struct iommu *u, u32 n, const struct smmuv2_map *m)
{
    struct smmuv2 *p = smmuv2_of(u);
    bool is_new = p->matching && p->maps[n].state == SMMUV2_MAP_FREE;

    if (is_new && p->exids)
        write_smr(u, n, smmuv2_smr(m->id, m->mask, true));
    write_s2cr(u, n, s2cr_of(p, m));
    if (is_new && !p->exids)
        write_smr(u, n, smmuv2_smr(m->id, m->mask, false));
    if (m->bank != SMMUV2_NO_BANK)
        p->banks[m->bank].users++;
    put_bank_of(u, n);
    p->maps[n] = *m;
}

/*
 * A range is a match if it is a naturally aligned power of two. Bits of the ID under the mask
 * drop out; so do mask bits above all that stream IDs have, as of a root complex with 16 bits
 * behind an SMMU that is told 15.
 */
static enum corbel_err match_of(const struct iommu *u, const struct iommu_stream *s,
                                struct smmuv2_match *out, const char **why)
{
    const struct smmuv2 *p = smmuv2_of(u);
    u32 below = MAX(s->count, 1u) - 1, mask = s->mask | below;
    u32 first = s->first & ~mask;

    if ((s->count & below) || (s->first & below)) {
        *why = "a range of streams that no mask describes";
        return ERR_RANGE;
    }
    mask &= (u32)(BIT(u->caps.stream_bits) - 1);
    if ((first & ~(u32)p->id_bits) || (mask & ~(u32)p->mask_bits)) {
        *why = "a stream ID or mask of more bits than it has";
        return ERR_RANGE;
    }
    *out = (struct smmuv2_match){ .id = (u16)first, .mask = (u16)mask };
    return CORBEL_OK;
}

static struct smmuv2_match match_at(const struct smmuv2 *p, u32 n)
{
    return (struct smmuv2_match){ .id = p->maps[n].id, .mask = p->maps[n].mask };
}

/*
 * The group for m: the one that quarantines just these streams, or a free one. With indexing
 * *group means nothing: there only ERR_EXIST can come.
 */
static enum corbel_err find_group(const struct smmuv2 *p, const struct smmuv2_match *m, u32 *group,
                                  const char **why)
{
    u32 unused = SMMU_MAPS_MAX;

    *group = SMMU_MAPS_MAX;
    for (u32 n = p->map_count; n-- > 0;) {
        struct smmuv2_match at = match_at(p, n);

        if (p->maps[n].state == SMMUV2_MAP_FREE) {
            unused = n;
        } else if (smmuv2_match_overlap(&at, m)) {
            *group = n;
            if (p->maps[n].state != SMMUV2_MAP_QUIET || (p->matching && at.mask != m->mask)) {
                *why = "a stream that is in use";
                return ERR_EXIST;
            }
        }
    }
    if (*group == SMMU_MAPS_MAX)
        *group = unused;
    if (*group != SMMU_MAPS_MAX || !p->matching)
        return CORBEL_OK;
    *why = "no free stream match register";
    return ERR_NOMEM;
}

enum corbel_err smmuv2_attach(struct iommu *u, const struct iommu_stream *s,
                              const struct stage2 *s2, const char **why)
{
    struct smmuv2 *p = smmuv2_of(u);
    struct smmuv2_map map = { .state = SMMUV2_MAP_ATTACHED, .bank = SMMUV2_NO_BANK };
    struct smmuv2_match m;
    u32 group = 0;
    enum corbel_err err = match_of(u, s, &m, why);

    if (!err)
        err = find_group(p, &m, &group, why);
    if (!err && s2)
        err = smmuv2_bank_get(u, s2, &map.bank, why);
    if (err)
        return err;
    if (p->matching) {
        map.id = m.id;
        map.mask = m.mask;
        map_set(u, group, &map);
        return CORBEL_OK;
    }
    for (map.id = 0; map.id < p->map_count; map.id++)
        if (((map.id ^ m.id) & ~m.mask) == 0)
            map_set(u, map.id, &map);
    return CORBEL_OK;
}

/*
 * quiet takes whole groups: to take one stream out of a mask would leave the others unmatched
 * while the mask is taken apart, which ends their transactions just as well.
 */
static bool is_meant(const struct smmuv2 *p, u32 n, const struct smmuv2_match *m, bool quiet)
{
    struct smmuv2_match at = match_at(p, n);

    if (p->maps[n].state == SMMUV2_MAP_FREE)
        return false;
    return quiet ? smmuv2_match_overlap(&at, m) : smmuv2_match_inside(m, &at);
}

enum corbel_err smmuv2_detach(struct iommu *u, const struct iommu_stream *s, bool quiet)
{
    struct smmuv2 *p = smmuv2_of(u);
    bool found = false, bypassed = false;
    struct smmuv2_match m;
    const char *why;

    if (match_of(u, s, &m, &why))
        return ERR_NOENT;
    for (u32 n = 0; n < p->map_count; n++) {
        struct smmuv2_map map = p->maps[n];

        if (!is_meant(p, n, &m, quiet))
            continue;
        found = true;
        bypassed |= map.bank == SMMUV2_NO_BANK;
        if (!quiet) {
            map_clear(u, n);
        } else if (map.state != SMMUV2_MAP_QUIET) {
            map.state = SMMUV2_MAP_QUIET;
            map.bank = smmuv2_bank_sink(u);
            map_set(u, n, &map);
        }
    }
    if (!found)
        return ERR_NOENT;
    if (bypassed)
        smmuv2_tlb_all(u);
    return smmuv2_bank_sweep(u);
}
