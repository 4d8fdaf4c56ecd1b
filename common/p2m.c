/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's guest-physical memory. One struct p2m per domain: the only caller of
 * stage2_*, whose rules it completes by lock (RANK_P2M), policy, ownership, a pool of
 * table pages that never grows (p2m_pool.c) and the SMMUs' side (p2m_io.c).
 * Memory leaves a domain in two ways only, piece_remove() and p2m_destroy_step():
 * what must be asked or told before a frame goes (pins, shares, SMMUs) belongs there.
 */
#include <corbel/p2m_parts.h>

#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/iommu.h>
#include <corbel/log.h>
#include <corbel/p2m_hook.h>
#include <corbel/page.h>
#include <corbel/panic.h>
#include <corbel/string.h>

/* Scrubbing and cleaning this much takes well under 50 us on the slowest board (decision 12). */
#define TEARDOWN_STEP (256 * 1024ull)
/* Leaves that p2m_nearest() joins to one region at most. */
#define JOIN_MAX      512u

enum corbel_err p2m_init(struct p2m *p2m, u16 vmid, u8 ipa_bits, u32 pool_pages)
{
    memset(p2m, 0, sizeof(*p2m));
    spin_lock_init(&p2m->lock, RANK_P2M);
    return p2m_tables_create(&p2m->pool, &p2m->s2, vmid, ipa_bits, pool_pages);
}

/* Mapping */

/* stage2_* check the same against the domain's own IPA size; this keeps sums from wrapping. */
static enum corbel_err range_check(ipa_t ipa, pa_t pa, u64 size)
{
    if (!size || !IS_ALIGNED(ipa.v | pa.v | size, PAGE_SIZE))
        return ERR_INVAL;
    if (size > BIT(48) || ipa.v > BIT(48) - size || pa.v > BIT(48) - size)
        return ERR_RANGE;
    return CORBEL_OK;
}

static bool is_cacheable(const struct s2_attr *attr)
{
    return attr->memattr == S2_ATTR_WB;
}

/* Tables go before the struct does: a late question finds nothing mapped. */
static bool has_tables(const struct p2m *p2m)
{
    return p2m->s2.root != NULL;
}

/* Is any page of the range mapped? */
static bool is_taken(const struct p2m *p2m, ipa_t ipa, u64 size)
{
    struct stage2_map leaf;

    return stage2_next(&p2m->s2, ipa, &leaf) == CORBEL_OK && leaf.ipa.v < ipa.v + size;
}

/*
 * Walkers of devices cannot wait for a page that is invalid for a moment, as CPUs do: a
 * block that such a walker may be using is split without that moment, or not at all.
 * Unshared, blocks of the CPUs' tables are theirs alone, and so are those of the SMMUs'.
 */
enum corbel_err p2m_change_begin(struct p2m *p2m)
{
    bool shared = !p2m->io.unshared;
    u8 mode = STAGE2_SPLIT_BREAK;

    if (!has_tables(p2m))
        return ERR_NOENT;
    if (p2m_lost_locked(p2m))
        return ERR_IO;
    if (p2m->io.iommus) {
        bool level_2 = iommu_bbm_level() >= 2 && (!shared || stage2_bbm_level() >= 2);

        mode = level_2 ? STAGE2_SPLIT_LEVEL2 : STAGE2_SPLIT_REFUSE;
    }
    p2m->s2.split = shared ? mode : STAGE2_SPLIT_BREAK;
    p2m->io.s2.split = mode;
    return CORBEL_OK;
}

/* Both tables or none. Taking back whole leaves that no SMMU walks cannot fail. */
static enum corbel_err map_both(struct p2m *p2m, const struct stage2_map *map)
{
    enum corbel_err undone, err = stage2_map(&p2m->s2, map);

    if (err != CORBEL_OK)
        return err;
    err = p2m_io_map(p2m, map);
    if (err != CORBEL_OK) {
        undone = stage2_unmap(&p2m->s2, map->ipa, map->size);
        CORBEL_ASSERT(undone == CORBEL_OK);
    }
    return err;
}

enum corbel_err p2m_map_locked(struct p2m *p2m, const struct stage2_map *map)
{
    return is_taken(p2m, map->ipa, map->size) ? ERR_EXIST : map_both(p2m, map);
}

enum corbel_err p2m_map(struct p2m *p2m, ipa_t ipa, pa_t pa, u64 size, enum s2_class cls)
{
    struct stage2_map map = { .ipa = ipa, .pa = pa, .size = size, .attr = s2_policy(cls) };
    enum corbel_err err = range_check(ipa, pa, size);

    if (err != CORBEL_OK)
        return err;
    spin_lock(&p2m->lock);
    err = p2m_change_begin(p2m);
    if (err == CORBEL_OK)
        err = p2m_map_locked(p2m, &map);
    spin_unlock(&p2m->lock);
    return err;
}

/*
 * Devices go first: their side may fail, and then the frame must not change hands. Cleaning
 * comes after the unmap: before it, the old owner could dirty the lines again.
 */
static enum corbel_err piece_remove(struct p2m *p2m, const struct stage2_map *piece)
{
    enum corbel_err err = p2m_io_unmap(p2m, piece);

    if (err == CORBEL_OK)
        err = stage2_unmap(&p2m->s2, piece->ipa, piece->size);
    CORBEL_ASSERT(err == CORBEL_OK || p2m_lost_locked(p2m)); /* whole leaves: takes no pages */
    if (err == CORBEL_OK && is_cacheable(&piece->attr))
        page_clean(piece->pa, piece->size);
    return err;
}

static bool continues(const struct stage2_map *a, const struct stage2_map *b)
{
    return a->ipa.v + a->size == b->ipa.v && a->pa.v + a->size == b->pa.v &&
           memcmp(&a->attr, &b->attr, sizeof(a->attr)) == 0;
}

/* The next region of whole leaves that starts in [ipa, end). */
static bool piece_next(const struct p2m *p2m, ipa_t ipa, u64 end, struct stage2_map *piece)
{
    struct stage2_map leaf;

    if (stage2_next(&p2m->s2, ipa, piece) || piece->ipa.v >= end)
        return false;
    while (piece->ipa.v + piece->size < end &&
           !stage2_next(&p2m->s2, ipa_add(piece->ipa, piece->size), &leaf) && leaf.ipa.v < end &&
           continues(piece, &leaf))
        piece->size += leaf.size;
    return true;
}

static enum corbel_err split_both(struct p2m *p2m, ipa_t ipa)
{
    enum corbel_err err = p2m_io_split(p2m, ipa);

    return err != CORBEL_OK ? err : stage2_split(&p2m->s2, ipa);
}

enum corbel_err p2m_unmap_locked(struct p2m *p2m, ipa_t ipa, u64 size)
{
    /* All that can fail comes first, and changes nothing that the guest sees. */
    enum corbel_err err = split_both(p2m, ipa);
    struct stage2_map piece;

    if (err == CORBEL_OK)
        err = split_both(p2m, ipa_add(ipa, size));
    while (err == CORBEL_OK && piece_next(p2m, ipa, ipa.v + size, &piece))
        err = piece_remove(p2m, &piece);
    return err;
}

enum corbel_err p2m_unmap(struct p2m *p2m, ipa_t ipa, u64 size)
{
    enum corbel_err err = range_check(ipa, PA(0), size);

    if (err != CORBEL_OK)
        return err;
    spin_lock(&p2m->lock);
    err = p2m_change_begin(p2m);
    if (err == CORBEL_OK)
        err = p2m_unmap_locked(p2m, ipa, size);
    spin_unlock(&p2m->lock);
    return err;
}

enum corbel_err p2m_lookup(struct p2m *p2m, ipa_t ipa, struct stage2_map *out)
{
    enum corbel_err err;

    spin_lock(&p2m->lock);
    err = has_tables(p2m) ? stage2_lookup(&p2m->s2, ipa, out) : ERR_NOENT;
    spin_unlock(&p2m->lock);
    return err;
}

/* RAM */

static bool bank_joins(const struct p2m_bank *last, const struct p2m_bank *bank)
{
    return last->ipa.v + last->size == bank->ipa.v && last->pa.v + last->size == bank->pa.v &&
           last->is_static == bank->is_static;
}

static void bank_insert(struct p2m *p2m, const struct p2m_bank *bank)
{
    u32 at = p2m->bank_count;

    while (at && p2m->banks[at - 1].ipa.v > bank->ipa.v)
        at--;
    p2m->ram_size += bank->size;
    if (at && bank_joins(&p2m->banks[at - 1], bank)) {
        p2m->banks[at - 1].size += bank->size;
        return;
    }
    memmove(&p2m->banks[at + 1], &p2m->banks[at], (p2m->bank_count - at) * sizeof(*bank));
    p2m->banks[at] = *bank;
    p2m->bank_count++;
}

bool p2m_ram_piece(const struct mem_range *hook, const struct stage2_map *ram, u64 done,
                   struct stage2_map *piece)
{
    u64 at = ram->ipa.v + done, end = ram->ipa.v + ram->size, hook_end = hook->base + hook->size;

    if (done >= ram->size)
        return false;
    *piece = *ram;
    piece->pages = hook->size && at >= hook->base && at < hook_end;
    if (piece->pages)
        end = MIN(end, hook_end);
    else if (hook->size && at < hook->base)
        end = MIN(end, hook->base);
    piece->ipa = IPA(at);
    piece->pa = pa_add(ram->pa, done);
    piece->size = end - at;
    return true;
}

/* Nothing is mapped there. */
static enum corbel_err ram_map(struct p2m *p2m, const struct stage2_map *ram)
{
    enum corbel_err err = CORBEL_OK, undone;
    struct stage2_map piece;
    u64 done = 0;

    while (err == CORBEL_OK && p2m_ram_piece(&p2m->hook, ram, done, &piece)) {
        err = map_both(p2m, &piece);
        if (err == CORBEL_OK)
            done += piece.size;
    }
    if (err == CORBEL_OK || !done)
        return err;
    undone = p2m_unmap_locked(p2m, ram->ipa, done);
    CORBEL_ASSERT(undone == CORBEL_OK || p2m_lost_locked(p2m));
    return err;
}

enum corbel_err p2m_add_ram(struct p2m *p2m, const struct p2m_bank *bank)
{
    struct stage2_map map = {
        .ipa = bank->ipa, .pa = bank->pa, .size = bank->size, .attr = s2_policy(S2_RAM)
    };
    enum corbel_err err = range_check(bank->ipa, bank->pa, bank->size);

    if (err != CORBEL_OK)
        return err;
    spin_lock(&p2m->lock);
    err = p2m_change_begin(p2m);
    if (err == CORBEL_OK && p2m->bank_count == P2M_BANKS_MAX)
        err = ERR_RANGE;
    if (err == CORBEL_OK && is_taken(p2m, map.ipa, map.size))
        err = ERR_EXIST;
    if (err == CORBEL_OK)
        err = ram_map(p2m, &map);
    if (err == CORBEL_OK)
        bank_insert(p2m, bank);
    spin_unlock(&p2m->lock);
    return err;
}

static const struct p2m_bank *bank_find(const struct p2m *p2m, ipa_t ipa)
{
    for (u32 i = 0; i < p2m->bank_count; i++)
        if (ipa.v - p2m->banks[i].ipa.v < p2m->banks[i].size)
            return &p2m->banks[i];
    return NULL;
}

enum corbel_err p2m_ram_at(const struct p2m *p2m, ipa_t ipa, pa_t *pa, u64 *contiguous)
{
    const struct p2m_bank *bank = bank_find(p2m, ipa);

    if (!bank)
        return ERR_NOENT;
    *pa = pa_add(bank->pa, ipa.v - bank->ipa.v);
    *contiguous = bank->size - (ipa.v - bank->ipa.v);
    return CORBEL_OK;
}

static bool is_ram(const struct p2m *p2m, ipa_t ipa, u64 size)
{
    while (size) {
        u64 run;
        pa_t pa;

        if (p2m_ram_at(p2m, ipa, &pa, &run))
            return false;
        run = MIN(run, size);
        ipa = ipa_add(ipa, run);
        size -= run;
    }
    return true;
}

/* One page at most; ipa is RAM. */
static void copy_part(const struct p2m *p2m, ipa_t ipa, void *to, const void *from, u64 size)
{
    enum corbel_err err;
    u64 run;
    pa_t pa;
    void *va;

    err = p2m_ram_at(p2m, ipa, &pa, &run);
    CORBEL_ASSERT(!err && size <= run);
    va = arch_window_open(WINDOW_SMALL_0, pa, to ? EL2_RODATA : EL2_DATA);
    memcpy(to ? to : va, from ? from : va, size);
    arch_window_close(WINDOW_SMALL_0);
}

static enum corbel_err copy(struct p2m *p2m, ipa_t ipa, void *to, const void *from, u64 size)
{
    u64 done = 0;
    enum corbel_err err = CORBEL_OK;

    spin_lock(&p2m->lock);
    if (!is_ram(p2m, ipa, size))
        err = ERR_RANGE;
    while (!err && done < size) {
        u64 at = ipa.v + done;
        u64 part = MIN(size - done, PAGE_SIZE - at % PAGE_SIZE);

        copy_part(p2m, IPA(at), to ? (u8 *)to + done : NULL, from ? (const u8 *)from + done : NULL,
                  part);
        done += part;
    }
    spin_unlock(&p2m->lock);
    return err;
}

enum corbel_err p2m_copy_to(struct p2m *p2m, ipa_t dst, const void *src, u64 size)
{
    return copy(p2m, dst, NULL, src, size);
}

enum corbel_err p2m_copy_from(struct p2m *p2m, void *dst, ipa_t src, u64 size)
{
    return copy(p2m, src, dst, NULL, size);
}

/* End of life */

/* Devices may reach these frames for ever. */
static void ram_give_up(struct p2m *p2m)
{
    log_err("p2m of VMID %u: devices may still write to its memory: %llu KiB of RAM are given up",
            p2m->s2.vmid, (unsigned long long)(p2m->ram_size >> 10));
    p2m->bank_count = 0;
    p2m->ram_size = 0;
}

/* The end of the last bank; banks shrink until none is left. */
static void ram_drop_some(struct p2m *p2m)
{
    struct p2m_bank *bank = &p2m->banks[p2m->bank_count - 1];
    u64 part = MIN(bank->size, TEARDOWN_STEP);
    pa_t pa = pa_add(bank->pa, bank->size - part);

    page_scrub(pa, part);
    if (!bank->is_static)
        page_free_range(pa, part);
    bank->size -= part;
    p2m->ram_size -= part;
    if (!bank->size)
        p2m->bank_count--;
}

enum corbel_err p2m_destroy_step(struct p2m *p2m)
{
    enum corbel_err err = ERR_AGAIN;

    spin_lock(&p2m->lock);
    if (p2m->io.s2.root)
        p2m_tables_destroy(&p2m->io.pool, &p2m->io.s2);
    else if (has_tables(p2m))
        p2m_tables_destroy(&p2m->pool, &p2m->s2);
    else if (p2m->bank_count && p2m_lost_locked(p2m))
        ram_give_up(p2m);
    else if (p2m->bank_count)
        ram_drop_some(p2m);
    if (!has_tables(p2m) && !p2m->bank_count)
        err = CORBEL_OK;
    spin_unlock(&p2m->lock);
    return err;
}

/* Reports */

/* Widen a leaf to the region it belongs to, as far as reports need it. */
static void region_of(const struct p2m *p2m, struct stage2_map *m)
{
    const struct p2m_bank *bank = bank_find(p2m, m->ipa);
    struct stage2_map leaf;

    if (m->attr.cls == S2_RAM && bank && bank->pa.v - bank->ipa.v == m->pa.v - m->ipa.v) {
        m->ipa = bank->ipa;
        m->pa = bank->pa;
        m->size = bank->size;
        return;
    }
    for (u32 i = 0; i < JOIN_MAX; i++) {
        if (stage2_prev(&p2m->s2, m->ipa, &leaf) || !continues(&leaf, m))
            break;
        m->ipa = leaf.ipa;
        m->pa = leaf.pa;
        m->size += leaf.size;
    }
    for (u32 i = 0; i < JOIN_MAX; i++) {
        if (stage2_next(&p2m->s2, ipa_add(m->ipa, m->size), &leaf) || !continues(m, &leaf))
            break;
        m->size += leaf.size;
    }
}

void p2m_nearest(struct p2m *p2m, ipa_t ipa, struct p2m_near *out)
{
    *out = (struct p2m_near){ 0 };
    spin_lock(&p2m->lock);
    out->has_below = has_tables(p2m) && stage2_prev(&p2m->s2, ipa, &out->below) == CORBEL_OK;
    if (out->has_below)
        region_of(p2m, &out->below);
    out->has_above = has_tables(p2m) && stage2_next(&p2m->s2, ipa, &out->above) == CORBEL_OK;
    if (out->has_above)
        region_of(p2m, &out->above);
    spin_unlock(&p2m->lock);
}
