/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_P2M_PARTS_H
#define CORBEL_P2M_PARTS_H

#include <corbel/p2m.h>

/* Between p2m.c, p2m_pool.c, p2m_io.c and p2m_hook.c only. All under the p2m lock. */

/*
 * One heap range: root (aligned to its size), pool_pages table pages, the bitmap of the pool;
 * and s2 on top of it. ERR_NOMEM, ERR_RANGE: nothing is left behind. No lock yet.
 */
enum corbel_err p2m_tables_create(struct p2m_pool *pool, struct stage2 *s2, u16 vmid, u8 ipa_bits,
                                  u32 pool_pages) __must_check;

/*
 * Forget all translations and give the heap range back; not when s2 is lost or, told now, an
 * SMMU does not forget. s2 keeps its VMID and lost, and has no root.
 */
void p2m_tables_destroy(struct p2m_pool *pool, struct stage2 *s2);

/*
 * The start of each change of what is mapped: the one place that decides how live blocks are
 * split. ERR_NOENT: no tables any more. ERR_IO: lost.
 */
enum corbel_err p2m_change_begin(struct p2m *p2m) __must_check;

/* p2m_map() and p2m_unmap() of a range that was checked. */
enum corbel_err p2m_map_locked(struct p2m *p2m, const struct stage2_map *map) __must_check;
enum corbel_err p2m_unmap_locked(struct p2m *p2m, ipa_t ipa, u64 size) __must_check;

/* The same change in the SMMUs' own tables, where there are such; else nothing to do. */
enum corbel_err p2m_io_map(struct p2m *p2m, const struct stage2_map *map) __must_check;
enum corbel_err p2m_io_split(struct p2m *p2m, ipa_t ipa) __must_check;
enum corbel_err p2m_io_unmap(struct p2m *p2m, const struct stage2_map *piece) __must_check;

/* p2m_is_lost() */
bool p2m_lost_locked(const struct p2m *p2m);

#endif
