/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

#include <corbel/types.h>

/* By VA to the point of coherency, whole lines around [va, va + size), DSB SY at the end. */
void arch_cache_clean(const void *va, size_t size);
void arch_cache_clean_inval(const void *va, size_t size);

/* Copy a big range and clean the destination to the PoC on the way; as arch_cache_clean(). */
void arch_copy_clean(void *dst, const void *src, size_t size);

/* Zero whole pages of Normal memory. Does not clean. */
void arch_zero_pages(void *va, size_t size);

/* Instruction caches of all CPUs (IC IALLUIS, DSB ISH, ISB): after code was written. */
void arch_icache_inval_all(void);

#endif
