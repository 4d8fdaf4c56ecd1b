/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A domain's guest-physical memory. One struct p2m per domain: the only caller of
 * stage2_*, whose rules it completes by lock (RANK_P2M), policy, ownership and a
 * pool of table pages that is sized when the domain is made and never grows.
 * Memory leaves a domain in two ways only, piece_remove() and p2m_destroy_step():
 * what must be asked or told before a frame goes (pins, shares, SMMUs) belongs there.
 */
#include <corbel/p2m.h>

#include <arch/mmu.h>
#include <corbel/bitmap.h>
#include <corbel/bits.h>
#include <corbel/page.h>
#include <corbel/panic.h>
#include <corbel/string.h>

/* Scrubbing and cleaning this much takes well under 50 us on the slowest board (decision 12). */
#define TEARDOWN_STEP (256 * 1024ull)
/* Leaves that p2m_nearest() joins to one region at most. */
#define JOIN_MAX      512u

/* The pool */

static void *pool_alloc(void *ctx)
{
    struct p2m *p2m = ctx;
    u64 n = bitmap_find_clear(p2m->pool_map, p2m->pool_pages, 0);
    u8 *page = (u8 *)p2m->pool_base + n * PAGE_SIZE;

    if (n == p2m->pool_pages)
        return NULL;
    bitmap_set(p2m->pool_map, n);
    p2m->pool_used++;
    p2m->pool_peak = MAX(p2m->pool_peak, p2m->pool_used);
    memset(page, 0, PAGE_SIZE);
    return page;
}

static void pool_free(void *ctx, void *page)
{
    struct p2m *p2m = ctx;
    u64 n = (u64)((u8 *)page - (u8 *)p2m->pool_base) / PAGE_SIZE;

    CORBEL_ASSERT(n < p2m->pool_pages && bitmap_test(p2m->pool_map, n));
    bitmap_clear(p2m->pool_map, n);
    p2m->pool_used--;
}

static u64 root_size(u8 ipa_bits)
{
    u8 level;

    return stage2_root_pages(ipa_bits, &level) * PAGE_SIZE;
}

/* One heap range: root (aligned to its size), table pages, the bitmap of the pool. */
enum corbel_err p2m_init(struct p2m *p2m, u16 vmid, u8 ipa_bits, u32 pool_pages)
{
    enum corbel_err err;
    u64 root_bytes;
    u8 *memory;

    memset(p2m, 0, sizeof(*p2m));
    spin_lock_init(&p2m->lock, RANK_P2M);
    if (ipa_bits > stage2_ipa_bits_max())
        return ERR_RANGE;
    root_bytes = root_size(ipa_bits);
    p2m->pool_pages = pool_pages;
    p2m->pool_size = pool_pages * PAGE_SIZE + BITMAP_WORDS(pool_pages) * sizeof(u64);
    memory = heap_alloc_aligned(root_bytes + p2m->pool_size, root_bytes);
    if (!memory)
        return ERR_NOMEM;
    p2m->pool_base = memory + root_bytes;
    p2m->pool_map = (u64 *)(void *)(memory + root_bytes + pool_pages * PAGE_SIZE);
    p2m->pool_ops = (struct stage2_pool){ .alloc = pool_alloc, .free = pool_free, .ctx = p2m };
    err = stage2_init(&p2m->s2, ipa_bits, vmid, memory, &p2m->pool_ops);
    if (!err)
        return CORBEL_OK;
    heap_free(memory, root_bytes + p2m->pool_size);
    memset(p2m, 0, sizeof(*p2m));
    return err;
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

static enum corbel_err map_locked(struct p2m *p2m, const struct stage2_map *map)
{
    enum corbel_err err = range_check(map->ipa, map->pa, map->size);

    if (!has_tables(p2m))
        return ERR_NOENT;
    if (!err && is_taken(p2m, map->ipa, map->size))
        err = ERR_EXIST;
    return err ? err : stage2_map(&p2m->s2, map);
}

enum corbel_err p2m_map(struct p2m *p2m, ipa_t ipa, pa_t pa, u64 size, enum s2_class cls)
{
    struct stage2_map map = { .ipa = ipa, .pa = pa, .size = size, .attr = s2_policy(cls) };
    enum corbel_err err;

    spin_lock(&p2m->lock);
    err = map_locked(p2m, &map);
    spin_unlock(&p2m->lock);
    return err;
}

/* Cleaning comes after the unmap: before it, the old owner could dirty the lines again. */
static void piece_remove(struct p2m *p2m, const struct stage2_map *piece)
{
    enum corbel_err err = stage2_unmap(&p2m->s2, piece->ipa, piece->size);

    CORBEL_ASSERT(err == CORBEL_OK); /* whole leaves only: takes no pages */
    if (is_cacheable(&piece->attr))
        page_clean(piece->pa, piece->size);
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

enum corbel_err p2m_unmap(struct p2m *p2m, ipa_t ipa, u64 size)
{
    enum corbel_err err = range_check(ipa, PA(0), size);
    struct stage2_map piece;

    if (err)
        return err;
    spin_lock(&p2m->lock);
    /* All that can fail comes first, and changes nothing that the guest sees. */
    err = has_tables(p2m) ? stage2_split(&p2m->s2, ipa) : ERR_NOENT;
    if (!err)
        err = stage2_split(&p2m->s2, ipa_add(ipa, size));
    while (!err && piece_next(p2m, ipa, ipa.v + size, &piece))
        piece_remove(p2m, &piece);
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

enum corbel_err p2m_add_ram(struct p2m *p2m, const struct p2m_bank *bank)
{
    struct stage2_map map = {
        .ipa = bank->ipa, .pa = bank->pa, .size = bank->size, .attr = s2_policy(S2_RAM)
    };
    enum corbel_err err = ERR_RANGE;

    spin_lock(&p2m->lock);
    if (p2m->bank_count < P2M_BANKS_MAX)
        err = map_locked(p2m, &map);
    if (!err)
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

static void tables_drop(struct p2m *p2m)
{
    void *root = p2m->s2.root;

    enum corbel_err err = stage2_destroy(&p2m->s2);

    (void)err;
    CORBEL_ASSERT(p2m->pool_used == 0);
    p2m->s2.root = NULL;
    heap_free(root, root_size(p2m->s2.ipa_bits) + p2m->pool_size);
    p2m->pool_base = NULL;
    p2m->pool_map = NULL;
    p2m->pool_pages = 0;
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
    if (has_tables(p2m))
        tables_drop(p2m);
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
