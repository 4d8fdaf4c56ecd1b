/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame allocator's start: find room for its books in a free range, then hand over
 * everything that the platform does not reserve.
 */
#include <corbel/boot_mem.h>

#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/log.h>
#include <corbel/mem_range.h>
#include <corbel/page.h>
#include <corbel/panic.h>
#include <corbel/platform_static.h>

/* Whatever is kept out of a bank splits it once: all that there can be have their place. */
#define RANGES_MAX \
    (PLATFORM_BANKS_MAX + PLATFORM_RESERVED_MAX + PLATFORM_STATIC_MAX + PLATFORM_MODULES_MAX + 2u)
#define FREE_MIN (16 * SZ_1M) /* books, heap, a domain or two */

/* Take size bytes off the end of the highest range that has them. */
static u64 carve(struct mem_range *ranges, u32 count, u64 size)
{
    for (u32 i = count; i-- > 0;) {
        if (ranges[i].size < size || ranges[i].base + ranges[i].size > arch_mmu_heap_limit())
            continue;
        ranges[i].size -= size;
        return ranges[i].base + ranges[i].size;
    }
    panic("no room for the %llu KiB of the frame allocator's books",
          (unsigned long long)(size >> 10));
}

/* What may be allocated. Whoever wants nearly all of it loses it: the host has to live. */
static u32 find_free(struct platform *p, struct mem_range *ranges)
{
    u64 total;
    u32 count;

    for (;;) {
        count = platform_free_ranges(p, NULL, ranges, RANGES_MAX);
        total = mem_range_total(ranges, count);
        if (total >= FREE_MIN || !platform_drop_hog(p))
            return count;
        log_warn("only %llu KiB of RAM would be free: xen,static-heap, else the largest module or"
                 " static range, is not kept",
                 (unsigned long long)(total >> 10));
    }
}

void boot_mem_init(struct platform *p, u64 fdt_pa, u64 fdt_size)
{
    static struct mem_range ranges[RANGES_MAX]; /* too many for the stack; boot CPU, once */
    u64 size = ALIGN_UP(page_books_size(p->banks, p->bank_count), PAGE_SIZE);
    u64 total = 0, books;
    u32 count;

    if (!p->bank_count)
        panic("the device tree describes no memory");
    p->self = arch_mmu_image_range();
    p->tree = (struct mem_range){ fdt_pa, fdt_size };
    platform_drop_refused(p);
    count = find_free(p, ranges);
    books = carve(ranges, count, size);
    if (arch_mmu_map_heap(PA(books), size) != CORBEL_OK)
        panic("the frame allocator's books at 0x%llx cannot be mapped", (unsigned long long)books);
    arch_zero_pages(phys_to_virt(PA(books)), size);
    if (page_init(p->banks, p->bank_count, phys_to_virt(PA(books))) != CORBEL_OK)
        panic("the memory banks of the device tree cannot be managed");
    for (u32 i = 0; i < count; i++) {
        if (ranges[i].size && page_add(ranges[i].base, ranges[i].size) != CORBEL_OK)
            log_warn("memory 0x%llx+0x%llx is left out", (unsigned long long)ranges[i].base,
                     (unsigned long long)ranges[i].size);
        total += ranges[i].size;
    }
    for (u32 i = 0; i < p->bank_count; i++)
        log_info("RAM: 0x%llx-0x%llx", (unsigned long long)p->banks[i].base,
                 (unsigned long long)(p->banks[i].base + p->banks[i].size - 1));
    log_info("memory: %llu KiB free, books %llu KiB, image 0x%llx+0x%llx",
             (unsigned long long)(total >> 10), (unsigned long long)(size >> 10),
             (unsigned long long)p->self.base, (unsigned long long)p->self.size);
}

const void *boot_mem_keep_tree(const void *fdt)
{
    u32 size = fdtr_used_size(fdt);
    void *copy = heap_alloc(ALIGN_UP((u64)size, PAGE_SIZE));

    if (!copy || fdtr_copy(copy, fdt, size) != CORBEL_OK)
        panic("no memory for a copy of the device tree (%u bytes)", size);
    arch_mmu_unmap_boot();
    return copy;
}
