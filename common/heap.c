/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypervisor heap and arenas: whole pages that EL2 maps in its linear area, for
 * what lives as long as the machine or a domain. EL2 has few table pages for that
 * area, one per 2 MiB region, so the heap remembers the regions it touches and
 * fills those before it opens another; what it does not use of a region stays with
 * the frame allocator. The heap's own lock comes after page.c's was released: the
 * two are never held together. page_scrub() stands here for it needs mappings, too.
 */
#include <corbel/page.h>

#include <arch/cache.h>
#include <arch/mmu.h>
#include <arch/spinlock.h>
#include <corbel/bits.h>
#include <corbel/string.h>

#define REGION_SIZE  SZ_2M
#define REGION_PAGES (REGION_SIZE / PAGE_SIZE)
#define REGIONS_MAX  40u /* as many as stage1.c has tables for */
#define ARENA_ALIGN  16u

/* Under lock; page_scrub() and arenas take none. */
static struct {
    spinlock_t lock;
    u64 pages;
    struct region {
        u64 base;
        u64 pages; /* in use by the heap; 0: slot is free */
    } regions[REGIONS_MAX];
} heap = { .lock = SPINLOCK_INIT(RANK_PAGE) };

/* Slot of the region, or a free one; NULL when there is neither. */
static struct region *region_get(u64 base)
{
    struct region *unused = NULL;

    for (u32 i = 0; i < REGIONS_MAX; i++) {
        struct region *r = &heap.regions[i];

        if (r->pages && r->base == base)
            return r;
        if (!r->pages && !unused)
            unused = r;
    }
    return unused;
}

/* Count the pages of [pa, pa + size) in or out of their regions. */
static bool regions_add(u64 pa, u64 size)
{
    u64 end = pa + size, at = pa;

    while (at < end) {
        u64 base = ALIGN_DOWN(at, REGION_SIZE), stop = MIN(end, base + REGION_SIZE);
        struct region *r = region_get(base);

        if (!r)
            return false;
        r->base = base;
        r->pages += (stop - at) / PAGE_SIZE;
        at = stop;
    }
    return true;
}

static void regions_remove(u64 pa, u64 size)
{
    for (u32 i = 0; i < REGIONS_MAX; i++) {
        struct region *r = &heap.regions[i];
        u64 from = MAX(pa, r->base), to = MIN(pa + size, r->base + REGION_SIZE);

        if (r->pages && from < to)
            r->pages -= (to - from) / PAGE_SIZE;
    }
}

/* A base of a region with room that comes after *pos; false when there is none. */
static bool region_next(u32 *pos, u64 *base)
{
    bool found = false;

    spin_lock(&heap.lock);
    while (*pos < REGIONS_MAX && !found) {
        const struct region *r = &heap.regions[(*pos)++];

        found = r->pages && r->pages < REGION_PAGES;
        *base = r->base;
    }
    spin_unlock(&heap.lock);
    return found;
}

/* Frames in a region that is open already, else at the end of a wholly free one, else anywhere. */
static enum corbel_err frames_get(u64 size, u64 align, pa_t *pa)
{
    struct mem_range in = { .size = REGION_SIZE };
    u64 rest = ALIGN_DOWN(REGION_SIZE - size, align);
    u32 pos = 0;

    if (size <= REGION_SIZE && align <= REGION_SIZE) {
        while (region_next(&pos, &in.base))
            if (!page_alloc_within(&in, size, align, pa))
                return CORBEL_OK;
        if (!page_alloc_range(REGION_SIZE, REGION_SIZE, pa)) {
            if (rest)
                page_free_range(*pa, rest);
            *pa = pa_add(*pa, rest);
            if (rest + size < REGION_SIZE)
                page_free_range(pa_add(*pa, size), REGION_SIZE - rest - size);
            return CORBEL_OK;
        }
    }
    return page_alloc_range(size, align, pa);
}

static bool frames_map(pa_t pa, u64 size)
{
    bool done = false;
    u64 pages[REGIONS_MAX];

    spin_lock(&heap.lock);
    for (u32 i = 0; i < REGIONS_MAX; i++)
        pages[i] = heap.regions[i].pages;
    done = regions_add(pa.v, size) && !arch_mmu_map_heap(pa, size);
    for (u32 i = 0; !done && i < REGIONS_MAX; i++)
        heap.regions[i].pages = pages[i];
    if (done)
        heap.pages += size / PAGE_SIZE;
    spin_unlock(&heap.lock);
    return done;
}

void *heap_alloc_aligned(u64 size, u64 align)
{
    pa_t pa;
    void *ptr;

    if (!size || size > BIT(47))
        return NULL;
    size = ALIGN_UP(size, PAGE_SIZE);
    if (frames_get(size, align, &pa))
        return NULL;
    if (!frames_map(pa, size)) {
        page_free_range(pa, size);
        return NULL;
    }
    ptr = phys_to_virt(pa);
    arch_zero_pages(ptr, size);
    return ptr;
}

void *heap_alloc(u64 size)
{
    return heap_alloc_aligned(size, PAGE_SIZE);
}

void heap_free(void *ptr, u64 size)
{
    pa_t pa;

    if (!ptr)
        return;
    pa = virt_to_phys(ptr);
    size = ALIGN_UP(size, PAGE_SIZE);
    spin_lock(&heap.lock);
    arch_mmu_unmap_heap(pa, size);
    regions_remove(pa.v, size);
    heap.pages -= size / PAGE_SIZE;
    spin_unlock(&heap.lock);
    /* With bootscrub=0 the next owner does not; seeds and registers were here, dirty lines are. */
    page_scrub(pa, size);
    page_free_range(pa, size);
}

u64 heap_pages_used(void)
{
    return __atomic_load_n(&heap.pages, __ATOMIC_RELAXED);
}

__init enum corbel_err arena_init(struct arena *arena, u64 size)
{
    *arena = (struct arena){ .base = heap_alloc(size), .size = ALIGN_UP(size, PAGE_SIZE) };
    if (arena->base)
        return CORBEL_OK;
    arena->size = 0;
    return ERR_NOMEM;
}

__init void *arena_alloc(struct arena *arena, u64 size)
{
    u64 at = arena->used;

    if (size > arena->size)
        return NULL;
    size = ALIGN_UP(size, ARENA_ALIGN);
    if (size > arena->size - at)
        return NULL;
    arena->used = at + size;
    return arena->base + at;
}

void arena_destroy(struct arena *arena)
{
    heap_free(arena->base, arena->size);
    *arena = (struct arena){ 0 };
}

void page_scrub(pa_t pa, u64 size)
{
    u64 done = 0;

    while (done < size) {
        u64 at = pa.v + done;
        u64 part = arch_window_part(at, size - done);
        void *va = arch_window_open_range(WINDOW_LARGE_A, PA(at), part, EL2_DATA);

        arch_zero_pages(va, part);
        /* Cleaned for a guest that starts with its caches off; dropped, so that it later finds
         * what it wrote that way. */
        arch_cache_clean_inval(va, part);
        arch_window_close(WINDOW_LARGE_A);
        done += part;
    }
}

void page_clean(pa_t pa, u64 size)
{
    u64 done = 0;

    while (done < size) {
        u64 at = pa.v + done;
        u64 part = arch_window_part(at, size - done);

        arch_cache_clean_inval(arch_window_open_range(WINDOW_LARGE_B, PA(at), part, EL2_DATA),
                               part);
        arch_window_close(WINDOW_LARGE_B);
        done += part;
    }
}
