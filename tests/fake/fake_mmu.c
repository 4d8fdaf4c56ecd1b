/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's address space on the host: RAM is one mapping, so the linear area and the
 * windows are arithmetic; what the real MMU would refuse is asserted.
 */
#include "fake_mmu.h"

#include <string.h>
#include <sys/mman.h>

#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/panic.h>

u8 *fake_ram;
u64 fake_ram_base, fake_ram_size;
u64 fake_heap_mapped;
s32 fake_heap_fail_at = -1;
u64 fake_cleaned;
void (*fake_cache_hook)(const void *va, size_t size, bool inval);
u32 fake_windows;

void fake_ram_exit(void)
{
    if (fake_ram)
        munmap(fake_ram, fake_ram_size);
    fake_ram = NULL;
}

void fake_ram_init(u64 base, u64 size)
{
    fake_ram_exit();
    fake_ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    CORBEL_ASSERT(fake_ram != MAP_FAILED);
    fake_ram_base = base;
    fake_ram_size = size;
    fake_heap_mapped = 0;
    fake_heap_fail_at = -1;
    fake_cleaned = 0;
    fake_windows = 0;
}

void *phys_to_virt(pa_t pa)
{
    CORBEL_ASSERT(pa.v - fake_ram_base < fake_ram_size);
    return fake_ram + (pa.v - fake_ram_base);
}

pa_t virt_to_phys(const void *va)
{
    u64 offset = (u64)((const u8 *)va - fake_ram);

    CORBEL_ASSERT(offset < fake_ram_size);
    return PA(fake_ram_base + offset);
}

enum corbel_err arch_mmu_map_heap(pa_t pa, u64 size)
{
    CORBEL_ASSERT(IS_ALIGNED(pa.v | size, PAGE_SIZE));
    if (fake_heap_fail_at >= 0 && fake_heap_fail_at-- == 0)
        return ERR_NOMEM;
    fake_heap_mapped += size;
    return CORBEL_OK;
}

void arch_mmu_unmap_heap(pa_t pa, u64 size)
{
    CORBEL_ASSERT(fake_heap_mapped >= size && IS_ALIGNED(pa.v | size, PAGE_SIZE));
    fake_heap_mapped -= size;
}

void *arch_window_open_range(enum window_slot slot, pa_t pa, u64 size, enum el2_attr attr)
{
    u64 span = slot < WINDOW_SMALL_0 ? WINDOW_LARGE_SIZE : PAGE_SIZE;

    CORBEL_ASSERT(slot < WINDOW_COUNT && !(fake_windows & BIT(slot)));
    CORBEL_ASSERT(size && size <= span - (pa.v & (PAGE_SIZE - 1)));
    fake_windows |= (u32)BIT(slot);
    return phys_to_virt(pa);
}

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    return arch_window_open_range(slot, pa, 1, attr);
}

void arch_window_close(enum window_slot slot)
{
    CORBEL_ASSERT(fake_windows & BIT(slot));
    fake_windows &= ~(u32)BIT(slot);
}

void arch_zero_pages(void *va, size_t size)
{
    memset(va, 0, size);
}

void arch_cache_clean(const void *va, size_t size)
{
    fake_cleaned += size;
    if (fake_cache_hook)
        fake_cache_hook(va, size, false);
}

void arch_cache_clean_inval(const void *va, size_t size)
{
    u64 pa = virt_to_phys(va).v;

    /* What is next to a window is not mapped. */
    CORBEL_ASSERT(size && size <= arch_window_part(pa, size));
    fake_cleaned += size;
    if (fake_cache_hook)
        fake_cache_hook(va, size, true);
}

void arch_icache_inval_all(void)
{
}
