/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PAGE_H
#define CORBEL_PAGE_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * Frame allocator over host RAM: a buddy system whose books are bitmaps, two
 * bits a frame over all orders, in hypervisor memory. EL2 does not map the frames
 * it hands out. One lock (RANK_PAGE); all functions from any CPU.
 */
#define PAGE_ORDER_MAX 18u /* 1 GiB */

struct mem_range {
    u64 base; /* host physical, bytes */
    u64 size;
};

/*
 * Size in bytes of the books for these RAM banks. The caller gives zeroed,
 * mapped memory of that size to page_init(), which starts with every frame
 * taken; page_add() then frees what is really free.
 */
u64 page_books_size(const struct mem_range *banks, u32 count);
enum corbel_err page_init(const struct mem_range *banks, u32 count, void *books) __must_check;

/*
 * Hand a range to the allocator (whole frames inside it); ERR_EXIST if part of it is free
 * already, ERR_RANGE when it is not inside one bank (adjacent banks count as one).
 */
enum corbel_err page_add(u64 base, u64 size) __must_check;

/* 1 << order frames, naturally aligned, wholly below limit (0: anywhere); high ones first. */
enum corbel_err page_alloc(u32 order, u64 limit, pa_t *out) __must_check;
void page_free(pa_t pa, u32 order);

/* Any number of frames as one contiguous range, aligned to align bytes (a power of two >= 4096). */
enum corbel_err page_alloc_range(u64 size, u64 align, pa_t *out) __must_check;
void page_free_range(pa_t pa, u64 size);

/* As page_alloc_range, wholly inside a range; not tied to block borders. */
enum corbel_err page_alloc_within(const struct mem_range *in, u64 size, u64 align, pa_t *out)
    __must_check;

/*
 * Take exactly this range out (static memory), no longer managed until page_add() brings it
 * back. ERR_EXIST when a frame of it is not free, ERR_RANGE outside RAM, ERR_INVAL unaligned.
 */
enum corbel_err page_claim(u64 base, u64 size) __must_check;

/* Frames free / under management now. The lost-frame check of tests and restarts. */
u64 page_free_count(void);
u64 page_total_count(void);

/* Order of the largest free block (for reports and direct-map banks); -1 when none. */
s32 page_largest_order(u64 limit);

/*
 * Hypervisor heap: pages that EL2 maps (phys_to_virt). Zeroed. Whole pages only;
 * contiguous. Used at boot and when a domain is created, never on a guest path. Free: zeroed
 * and cleaned to the PoC; no WINDOW_LARGE_A may be open.
 */
void *heap_alloc(u64 size);
void *heap_alloc_aligned(u64 size, u64 align);
void heap_free(void *ptr, u64 size);
u64 heap_pages_used(void);

/*
 * A domain's arena: one heap range, handed out front to back, freed as a whole.
 * arena_alloc returns zeroed memory aligned to 16 bytes, or NULL when full.
 */
struct arena {
    u8 *base;
    u64 size;
    u64 used;
};

enum corbel_err arena_init(struct arena *arena, u64 size) __must_check;
void *arena_alloc(struct arena *arena, u64 size);
void arena_destroy(struct arena *arena);

/* Scrub: zero a range of frames that nobody maps, and clean it to the PoC (WINDOW_LARGE_A). */
void page_scrub(pa_t pa, u64 size);

/* Clean and drop the cache lines of a range, whatever its alignment (WINDOW_LARGE_B). */
void page_clean(pa_t pa, u64 size);

#endif
