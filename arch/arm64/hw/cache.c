/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cache maintenance by address to the point of coherency. Needed for everything a
 * reader with its caches off will see: guests before they turn the MMU on, secondary
 * CPUs, tables of walkers that are not coherent (design.md section 11.1).
 */
#include <arch/cache.h>

#include <arch/barrier.h>
#include <corbel/bits.h>
#include <corbel/string.h>

#include <asm/bulk.h>
#include <asm/sysreg.h>

static u64 line_size(void)
{
    return 4ull << FIELD_GET(GENMASK(19, 16), read_sysreg(ctr_el0)); /* DminLine, words */
}

void arch_cache_clean(const void *va, size_t size)
{
    u64 line = line_size();
    u64 p = ALIGN_DOWN((u64)(uintptr_t)va, line);
    u64 end = (u64)(uintptr_t)va + size;

    for (; p < end; p += line)
        __asm__ volatile("dc cvac, %0" ::"r"(p) : "memory");
    dsb_sy();
}

void arch_copy_clean(void *dst, const void *src, size_t size)
{
    size_t bulk = line_size() < COPY_LINE_MIN ? 0 : ALIGN_DOWN(size, COPY_ROUND);
    u8 *rest = (u8 *)dst + bulk;

    if (bulk)
        copy_clean_lines(dst, src, bulk);
    memcpy(rest, (const u8 *)src + bulk, size - bulk);
    arch_cache_clean(bulk ? rest - 1 : rest, bulk ? size - bulk + 1 : size);
}

void arch_cache_clean_inval(const void *va, size_t size)
{
    u64 line = line_size();
    u64 p = ALIGN_DOWN((u64)(uintptr_t)va, line);
    u64 end = (u64)(uintptr_t)va + size;

    for (; p < end; p += line)
        __asm__ volatile("dc civac, %0" ::"r"(p) : "memory");
    dsb_sy();
}

void arch_icache_inval_all(void)
{
    __asm__ volatile("ic ialluis" ::: "memory");
    dsb_ish();
    isb();
}
