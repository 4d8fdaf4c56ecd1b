/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame allocator: a buddy system over all RAM banks. A bank has one bitmap per
 * order, in which a bit says "this naturally aligned block is free as a whole";
 * together two bits a frame. A free frame is part of exactly one free block, and
 * two free buddies are always joined. Searches go from the highest address down, so
 * that memory below 4 GiB is left for those who need it; a second bitmap over the
 * words of the first that are not empty keeps them short. Books are in hypervisor
 * memory: EL2 does not map the frames. One lock (RANK_PAGE), taken by every function
 * that is not static.
 */
#include <corbel/page.h>

#include <arch/spinlock.h>
#include <corbel/bitmap.h>
#include <corbel/bits.h>
#include <corbel/panic.h>
#include <corbel/string.h>

#define ORDERS (PAGE_ORDER_MAX + 1)

/* Free blocks of one order. Bit n: block number (first frame >> order) + n. */
struct order_map {
    u64 *bits;
    u64 *filled; /* bit n: bits[n] is not 0 */
    u64 count;   /* free blocks */
    u64 words;
};

/* Frames [first, end) of one range of RAM; sorted, not adjacent. */
struct bank {
    u64 first, end;
    struct order_map orders[ORDERS];
};

/* All of it under lock; banks itself is fixed by page_init(). */
static struct {
    spinlock_t lock;
    u32 bank_count;
    struct bank *banks;
    u64 free_frames;
    u64 total_frames;
} book = { .lock = SPINLOCK_INIT(RANK_PAGE) };

static u64 frame_count(u32 order)
{
    return BIT(order);
}

/* Books */

static u64 map_words(u64 first, u64 end, u32 order)
{
    return BITMAP_WORDS(((end - 1) >> order) - (first >> order) + 1);
}

static u64 map_size(u64 words)
{
    return (words + BITMAP_WORDS(words)) * sizeof(u64);
}

static struct bank bank_of(const struct mem_range *range)
{
    struct bank bank = { .first = ALIGN_UP(range->base, PAGE_SIZE) / PAGE_SIZE,
                         .end = (range->base + range->size) / PAGE_SIZE };

    return bank;
}

__init u64 page_books_size(const struct mem_range *banks, u32 count)
{
    u64 size = (u64)count * sizeof(struct bank);

    for (u32 i = 0; i < count; i++) {
        struct bank bank = bank_of(&banks[i]);

        for (u32 order = 0; order < ORDERS && bank.first < bank.end; order++)
            size += map_size(map_words(bank.first, bank.end, order));
    }
    return size;
}

/* Into the sorted list; ranges that touch or overlap become one, so blocks may cross them. */
static void bank_insert(struct bank new)
{
    struct bank *banks = book.banks;
    u32 at = 0, gone = 0;

    while (at < book.bank_count && banks[at].end < new.first)
        at++;
    for (; at + gone < book.bank_count && banks[at + gone].first <= new.end; gone++) {
        new.first = MIN(new.first, banks[at + gone].first);
        new.end = MAX(new.end, banks[at + gone].end);
    }
    memmove(&banks[at + 1], &banks[at + gone], (book.bank_count - at - gone) * sizeof(*banks));
    banks[at] = new;
    book.bank_count += 1 - gone;
}

__init enum corbel_err page_init(const struct mem_range *banks, u32 count, void *books)
{
    u64 *words = (u64 *)((struct bank *)books + count);

    spin_lock_init(&book.lock, RANK_PAGE);
    book.banks = books;
    book.bank_count = 0;
    book.free_frames = 0;
    book.total_frames = 0;
    for (u32 i = 0; i < count; i++) {
        struct bank bank = bank_of(&banks[i]);

        if (banks[i].base + banks[i].size < banks[i].base)
            return ERR_RANGE;
        if (bank.first < bank.end)
            bank_insert(bank);
    }
    for (u32 i = 0; i < book.bank_count; i++) {
        struct bank *b = &book.banks[i];

        for (u32 order = 0; order < ORDERS; order++) {
            struct order_map *m = &b->orders[order];

            m->words = map_words(b->first, b->end, order);
            m->bits = words;
            m->filled = words + m->words;
            words += map_size(m->words) / sizeof(u64);
        }
    }
    return CORBEL_OK;
}

/* The bank that holds all of [frame, frame + count), or NULL. */
static struct bank *bank_find(u64 frame, u64 count)
{
    for (u32 i = 0; i < book.bank_count; i++) {
        struct bank *b = &book.banks[i];

        if (frame >= b->first && frame < b->end)
            return count <= b->end - frame ? b : NULL;
    }
    return NULL;
}

/* Blocks */

static u64 block_bit(const struct bank *b, u64 frame, u32 order)
{
    return (frame >> order) - (b->first >> order);
}

/* A block that reaches out of the bank is never free, but its bit exists. */
static bool block_is_free(const struct bank *b, u64 frame, u32 order)
{
    return bitmap_test(b->orders[order].bits, block_bit(b, frame, order));
}

static void block_mark(struct bank *b, u64 frame, u32 order)
{
    struct order_map *m = &b->orders[order];
    u64 bit = block_bit(b, frame, order);

    bitmap_set(m->bits, bit);
    bitmap_set(m->filled, bit / 64);
    m->count++;
    book.free_frames += frame_count(order);
}

static void block_unmark(struct bank *b, u64 frame, u32 order)
{
    struct order_map *m = &b->orders[order];
    u64 bit = block_bit(b, frame, order);

    bitmap_clear(m->bits, bit);
    if (!m->bits[bit / 64])
        bitmap_clear(m->filled, bit / 64);
    m->count--;
    book.free_frames -= frame_count(order);
}

/* Highest set bit at or below from; ~0 when there is none. */
static u64 word_bit_below(const u64 *words, u64 from)
{
    u64 word = from / 64, bits = words[word] & ~0ull >> (63 - from % 64);

    while (!bits && word)
        bits = words[--word];
    return bits ? word * 64 + bit_highest(bits) : ~0ull;
}

/* The same of a whole map: only its last word and the highest filled one below are looked at. */
static u64 bit_below(const struct order_map *m, u64 from)
{
    u64 word = from / 64, bits;

    if (!m->count)
        return ~0ull;
    bits = m->bits[word] & ~0ull >> (63 - from % 64);
    if (!bits && word) {
        word = word_bit_below(m->filled, word - 1);
        bits = word == ~0ull ? 0 : m->bits[word];
    }
    return bits ? word * 64 + bit_highest(bits) : ~0ull;
}

/* Make a block free, joined with its free buddies as far up as that goes. */
static void block_release(struct bank *b, u64 frame, u32 order)
{
    while (order < PAGE_ORDER_MAX) {
        u64 buddy = frame ^ frame_count(order);

        if (buddy < b->first || buddy + frame_count(order) > b->end ||
            !block_is_free(b, buddy, order))
            break;
        block_unmark(b, buddy, order);
        frame = MIN(frame, buddy);
        order++;
    }
    block_mark(b, frame, order);
}

/* As few naturally aligned blocks as possible. */
static void range_release(struct bank *b, u64 frame, u64 count)
{
    while (count) {
        u32 order = MIN(bit_highest(count), PAGE_ORDER_MAX);

        if (frame)
            order = MIN(order, bit_lowest(frame));
        block_release(b, frame, order);
        frame += frame_count(order);
        count -= frame_count(order);
    }
}

/* Order of the free block that holds this frame, -1 when the frame is taken. */
static s32 free_order(const struct bank *b, u64 frame)
{
    for (u32 order = 0; order < ORDERS; order++)
        if (b->orders[order].count && block_is_free(b, frame, order))
            return (s32)order;
    return -1;
}

static bool range_is_free(const struct bank *b, u64 frame, u64 count)
{
    u64 end = frame + count;

    while (frame < end) {
        s32 order = free_order(b, frame);

        if (order < 0)
            return false;
        frame = ALIGN_DOWN(frame, frame_count((u32)order)) + frame_count((u32)order);
    }
    return true;
}

/* Is any frame of the range free? A double free, or RAM that was added twice. */
static bool range_touches_free(const struct bank *b, u64 frame, u64 count)
{
    for (u32 order = 0; order < ORDERS; order++) {
        u64 bit = bit_below(&b->orders[order], block_bit(b, frame + count - 1, order));

        if (bit != ~0ull && bit >= block_bit(b, frame, order))
            return true;
    }
    return false;
}

/* Take a range that is free as a whole; what else its blocks hold stays free. */
static void range_take(struct bank *b, u64 frame, u64 count)
{
    u64 end = frame + count;

    while (frame < end) {
        s32 order = free_order(b, frame);
        u64 start, stop;

        CORBEL_ASSERT(order >= 0);
        start = ALIGN_DOWN(frame, frame_count((u32)order));
        stop = start + frame_count((u32)order);
        block_unmark(b, start, (u32)order);
        range_release(b, start, frame - start);
        if (stop > end)
            range_release(b, end, stop - end);
        frame = MIN(stop, end);
    }
}

/* Search */

/* Highest free block of an order that ends at or below the frame end. */
static bool block_find(struct bank *b, u32 order, u64 end, u64 *frame)
{
    u64 last = MIN(end, b->end) >> order, base = b->first >> order, bit;

    if (last <= base)
        return false;
    bit = bit_below(&b->orders[order], last - base - 1);
    *frame = (base + bit) << order;
    return bit != ~0ull;
}

static u64 limit_frames(u64 limit)
{
    return limit ? limit / PAGE_SIZE : ~0ull;
}

/* Smallest block that is big enough, highest bank first. */
static enum corbel_err alloc_locked(u32 order, u64 end, u64 *out)
{
    for (u32 i = book.bank_count; i-- > 0;) {
        struct bank *b = &book.banks[i];

        for (u32 from = order; from < ORDERS; from++) {
            u64 frame;

            if (!block_find(b, from, end, &frame))
                continue;
            *out = frame + frame_count(from) - frame_count(order);
            range_take(b, *out, frame_count(order));
            return CORBEL_OK;
        }
    }
    return ERR_NOMEM;
}

/* A big block may end above the limit and still hold one that does not. */
static enum corbel_err alloc_below(u32 order, u64 end, u64 *out)
{
    for (u32 i = book.bank_count; i-- > 0;) {
        struct bank *b = &book.banks[i];
        u64 frame = ALIGN_DOWN(MIN(end, b->end), frame_count(order));

        if (frame < b->first + frame_count(order))
            continue;
        frame -= frame_count(order);
        if (free_order(b, frame) >= (s32)order) {
            range_take(b, frame, frame_count(order));
            *out = frame;
            return CORBEL_OK;
        }
    }
    return ERR_NOMEM;
}

/* Highest free frame below end in this bank; ~0 when there is none. */
static u64 frame_below(struct bank *b, u64 end)
{
    u64 best = ~0ull;

    for (u32 order = 0; order < ORDERS && end > b->first; order++) {
        u64 bit = bit_below(&b->orders[order], block_bit(b, end - 1, order));
        u64 last;

        if (bit == ~0ull)
            continue;
        last = ((((b->first >> order) + bit) << order) | (frame_count(order) - 1));
        last = MIN(last, end - 1);
        best = best == ~0ull ? last : MAX(best, last);
    }
    return best;
}

/* First frame of the free run that reaches up to frame, but not below floor. */
static u64 run_start(const struct bank *b, u64 frame, u64 floor)
{
    for (;;) {
        s32 order = free_order(b, frame);

        if (order < 0)
            return frame + 1;
        frame = ALIGN_DOWN(frame, frame_count((u32)order));
        if (frame <= floor)
            return floor;
        frame--;
    }
}

/* What a search for frames across block borders asks for, in frames. */
struct run {
    u64 count, align;
    u64 low, high; /* wholly inside [low, high) */
};

/* Highest run of free frames in this bank. */
static bool run_find(struct bank *b, const struct run *want, u64 *out)
{
    u64 low = MAX(b->first, want->low), end = MIN(b->end, want->high);

    while (end > low && end - low >= want->count) {
        u64 last = frame_below(b, end), start, run;

        if (last == ~0ull || last + 1 < low + want->count)
            return false;
        start = ALIGN_DOWN(last + 1 - want->count, want->align);
        if (start < low)
            return false;
        run = run_start(b, last, start);
        if (run == start) {
            *out = start;
            return true;
        }
        end = run;
    }
    return false;
}

static enum corbel_err run_alloc(const struct run *want, u64 *out)
{
    for (u32 i = book.bank_count; i-- > 0;) {
        if (!run_find(&book.banks[i], want, out))
            continue;
        range_take(&book.banks[i], *out, want->count);
        return CORBEL_OK;
    }
    return ERR_NOMEM;
}

/* Contract */

enum corbel_err page_add(u64 base, u64 size)
{
    u64 first = ALIGN_UP(base, PAGE_SIZE) / PAGE_SIZE, end = (base + size) / PAGE_SIZE;
    enum corbel_err err = CORBEL_OK;
    struct bank *b;

    if (base + size < base)
        return ERR_RANGE;
    if (first >= end)
        return CORBEL_OK;
    spin_lock(&book.lock);
    b = bank_find(first, end - first);
    if (!b) {
        err = ERR_RANGE;
    } else if (range_touches_free(b, first, end - first)) {
        err = ERR_EXIST;
    } else {
        range_release(b, first, end - first);
        book.total_frames += end - first;
    }
    spin_unlock(&book.lock);
    return err;
}

enum corbel_err page_claim(u64 base, u64 size)
{
    u64 first = base / PAGE_SIZE, count = size / PAGE_SIZE;
    enum corbel_err err = CORBEL_OK;
    struct bank *b;

    if (!IS_ALIGNED(base | size, PAGE_SIZE) || !size)
        return ERR_INVAL;
    spin_lock(&book.lock);
    b = bank_find(first, count);
    if (!b) {
        err = ERR_RANGE;
    } else if (!range_is_free(b, first, count)) {
        err = ERR_EXIST;
    } else {
        range_take(b, first, count);
        book.total_frames -= count;
    }
    spin_unlock(&book.lock);
    return err;
}

enum corbel_err page_alloc(u32 order, u64 limit, pa_t *out)
{
    u64 frame = 0;
    enum corbel_err err;

    if (order > PAGE_ORDER_MAX)
        return ERR_NOMEM;
    spin_lock(&book.lock);
    err = alloc_locked(order, limit_frames(limit), &frame);
    if (err && limit)
        err = alloc_below(order, limit_frames(limit), &frame);
    spin_unlock(&book.lock);
    if (!err)
        *out = PA(frame * PAGE_SIZE);
    return err;
}

static bool range_args_bad(u64 size, u64 align)
{
    return !size || size > BIT(48) || align < PAGE_SIZE || (align & (align - 1));
}

enum corbel_err page_alloc_range(u64 size, u64 align, pa_t *out)
{
    struct run want = { .count = DIV_ROUND_UP(size, PAGE_SIZE),
                        .align = align / PAGE_SIZE,
                        .high = ~0ull };
    u64 need = MAX(want.count, want.align), frame = 0;
    enum corbel_err err = ERR_NOMEM;
    u32 order;

    if (range_args_bad(size, align))
        return ERR_INVAL;
    order = bit_highest(need) + ((need & (need - 1)) != 0);
    spin_lock(&book.lock);
    /* A block of the next power of two costs no search; what is too much goes back. */
    if (order <= PAGE_ORDER_MAX)
        err = alloc_locked(order, ~0ull, &frame);
    if (!err)
        range_release(bank_find(frame, want.count), frame + want.count,
                      frame_count(order) - want.count);
    else
        err = run_alloc(&want, &frame);
    spin_unlock(&book.lock);
    if (!err)
        *out = PA(frame * PAGE_SIZE);
    return err;
}

enum corbel_err page_alloc_within(const struct mem_range *in, u64 size, u64 align, pa_t *out)
{
    struct run want = { .count = DIV_ROUND_UP(size, PAGE_SIZE),
                        .align = align / PAGE_SIZE,
                        .low = DIV_ROUND_UP(in->base, PAGE_SIZE),
                        .high = (in->base + in->size) / PAGE_SIZE };
    u64 frame = 0;
    enum corbel_err err;

    if (range_args_bad(size, align))
        return ERR_INVAL;
    spin_lock(&book.lock);
    err = run_alloc(&want, &frame);
    spin_unlock(&book.lock);
    if (!err)
        *out = PA(frame * PAGE_SIZE);
    return err;
}

void page_free_range(pa_t pa, u64 size)
{
    u64 frame = pa.v / PAGE_SIZE, count = DIV_ROUND_UP(size, PAGE_SIZE);
    struct bank *b;

    spin_lock(&book.lock);
    b = bank_find(frame, count);
    CORBEL_ASSERT(b && count && IS_ALIGNED(pa.v, PAGE_SIZE));
    CORBEL_ASSERT(!range_touches_free(b, frame, count));
    range_release(b, frame, count);
    spin_unlock(&book.lock);
}

void page_free(pa_t pa, u32 order)
{
    page_free_range(pa, PAGE_SIZE << order);
}

u64 page_free_count(void)
{
    return __atomic_load_n(&book.free_frames, __ATOMIC_RELAXED);
}

u64 page_total_count(void)
{
    return __atomic_load_n(&book.total_frames, __ATOMIC_RELAXED);
}

s32 page_largest_order(u64 limit)
{
    s32 best = -1;

    spin_lock(&book.lock);
    for (u32 i = 0; i < book.bank_count; i++)
        for (s32 order = PAGE_ORDER_MAX; order > best; order--) {
            u64 frame;

            if (block_find(&book.banks[i], (u32)order, limit_frames(limit), &frame))
                best = order;
        }
    spin_unlock(&book.lock);
    return best;
}
