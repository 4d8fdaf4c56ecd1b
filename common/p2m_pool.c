/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the table pages of a p2m come from: one heap range per set of tables, sized when the
 * domain is made, never more. What an SMMU may still walk is not given back.
 */
#include <corbel/p2m_parts.h>

#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bitmap.h>
#include <corbel/bits.h>
#include <corbel/iommu.h>
#include <corbel/page.h>
#include <corbel/panic.h>
#include <corbel/string.h>

static void *pool_alloc(void *ctx)
{
    struct p2m_pool *pool = ctx;
    u64 n = bitmap_find_clear(pool->map, pool->pages, 0);
    u8 *page = (u8 *)pool->base + n * PAGE_SIZE;

    if (n == pool->pages)
        return NULL;
    bitmap_set(pool->map, n);
    pool->used++;
    pool->peak = MAX(pool->peak, pool->used);
    memset(page, 0, PAGE_SIZE);
    return page;
}

static void pool_free(void *ctx, void *page)
{
    struct p2m_pool *pool = ctx;
    u64 n = (u64)((u8 *)page - (u8 *)pool->base) / PAGE_SIZE;

    CORBEL_ASSERT(n < pool->pages && bitmap_test(pool->map, n));
    bitmap_clear(pool->map, n);
    pool->used--;
}

/* Nearly every pool has its map in its struct: the map is no reason for one more page. */
static bool map_is_small(u32 pages)
{
    return pages <= 64;
}

static u64 pool_bytes(u32 pages)
{
    return pages * PAGE_SIZE + (map_is_small(pages) ? 0 : BITMAP_WORDS(pages) * sizeof(u64));
}

enum corbel_err p2m_tables_create(struct p2m_pool *pool, struct stage2 *s2, u16 vmid, u8 ipa_bits,
                                  u32 pool_pages)
{
    enum corbel_err err;
    u64 root_bytes;
    u8 level, *memory;

    if (ipa_bits > stage2_ipa_bits_max())
        return ERR_RANGE;
    root_bytes = stage2_root_pages(ipa_bits, &level) * PAGE_SIZE;
    memory = heap_alloc_aligned(root_bytes + pool_bytes(pool_pages), root_bytes);
    if (!memory)
        return ERR_NOMEM;
    pool->pages = pool_pages;
    pool->small_map = 0;
    pool->base = memory + root_bytes;
    pool->map = map_is_small(pool_pages)
                    ? &pool->small_map
                    : (u64 *)(void *)(memory + root_bytes + pool_pages * PAGE_SIZE);
    pool->ops = (struct stage2_pool){ .alloc = pool_alloc, .free = pool_free, .ctx = pool };
    err = stage2_init(s2, ipa_bits, vmid, memory, &pool->ops);
    if (err != CORBEL_OK) {
        heap_free(memory, root_bytes + pool_bytes(pool_pages));
        *pool = (struct p2m_pool){ 0 };
        *s2 = (struct stage2){ 0 };
        return err;
    }
    s2->clean = iommu_needs_clean();
    if (s2->clean)
        arch_cache_clean(memory, root_bytes);
    return CORBEL_OK;
}

void p2m_tables_destroy(struct p2m_pool *pool, struct stage2 *s2)
{
    enum corbel_err err = stage2_destroy(s2);
    void *root = s2->root;

    s2->root = NULL;
    if (err == CORBEL_OK && !s2->lost) {
        CORBEL_ASSERT(pool->used == 0);
        heap_free(root, (PAGE_SIZE << s2->root_order) + pool_bytes(pool->pages));
    }
    *pool = (struct p2m_pool){ 0 };
}
