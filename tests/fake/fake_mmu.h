/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_MMU_H
#define FAKE_MMU_H

#include <corbel/types.h>

/*
 * Fake host RAM: size bytes at physical address base, zero at first, backed by
 * memory of the host that is taken when it is touched. phys_to_virt() and windows
 * lead there; anything outside is an assertion. Replaces what was there before.
 */
void fake_ram_init(u64 base, u64 size);
void fake_ram_exit(void);

/*
 * Fake RAM, all of it free in the frame allocator (common/page.c), whose books are returned: to be
 * freed in the end. NULL: it did not take them.
 */
void *fake_frames_init(u64 base, u64 size);

extern u64 fake_ram_base, fake_ram_size;
extern u64 fake_heap_mapped;  /* bytes that arch_mmu_map_heap() has mapped now */
extern s32 fake_heap_fail_at; /* countdown to a failing arch_mmu_map_heap(); -1: never */
extern u64 fake_cleaned;      /* bytes given to arch_cache_clean*() so far */
/* Told of cleaning (inval: and dropping) cache lines; NULL: nobody. */
extern void (*fake_cache_hook)(const void *va, size_t size, bool inval);
extern u32 fake_windows; /* bit per open window slot */

#endif
