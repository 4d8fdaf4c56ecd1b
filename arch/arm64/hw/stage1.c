/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's own map, on top of the tables that head.S built for the image. Grows by heap
 * pages (linear area), device registers and each CPU's windows; nothing else is ever
 * mapped. Heap and device maps are serialized by the page lock and by boot; a window
 * is touched by its own CPU only. Layout: asm/layout.h, docs/memory-map.md.
 */
#include <arch/mmu.h>

#include <arch/barrier.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/panic.h>
#include <corbel/string.h>

#include <asm/boot.h>
#include <asm/pgtable.h>
#include <asm/pte.h>
#include <asm/sysreg.h>

/* Table pages before and besides the heap: linear area, devices. 4 KiB each, in the image. */
#define TABLE_PAGES 40u
#define LARGE_SLOTS ((u64)WINDOW_SMALL_0)
#define LARGE_PAGES (WINDOW_LARGE_SIZE / PAGE_SIZE)
#define SMALL_SLOTS ((u64)WINDOW_COUNT - WINDOW_SMALL_0)

static u8 table_pages[TABLE_PAGES][PAGE_SIZE] __aligned(4096);
static u64 table_used;                /* bit per table page; page lock or boot */
static u64 device_next = DEVICE_BASE; /* boot CPU only */

/* First leaf entry of each CPU's window slots: found once, written directly after. */
static u64 *window_pte[MAX_CPUS][WINDOW_COUNT];

static void *tables_alloc(void *ctx)
{
    (void)ctx;
    for (u32 i = 0; i < TABLE_PAGES; i++) {
        if (table_used & BIT(i))
            continue;
        table_used |= BIT(i);
        memset(table_pages[i], 0, PAGE_SIZE);
        return table_pages[i];
    }
    return NULL;
}

static void tables_free(void *ctx, void *page)
{
    (void)ctx;
    table_used &= ~BIT((u64)((u8 *)page - table_pages[0]) / PAGE_SIZE);
}

/* All EL2 tables are in the image. */
static void *tables_to_virt(void *ctx, u64 pa)
{
    (void)ctx;
    return _start + (pa - image_pa);
}

static u64 tables_to_phys(void *ctx, const void *va)
{
    (void)ctx;
    return image_to_phys(va).v;
}

static void tables_invalidate(void *ctx, u64 addr, u64 size, u32 level)
{
    (void)ctx;
    (void)level;
    dsb_ishst(); /* the cleared entry before the TLBI, for every walker */
    for (u64 va = addr; va < addr + size; va += PAGE_SIZE)
        __asm__ volatile("tlbi vae2is, %0" ::"r"(va >> PAGE_SHIFT) : "memory");
}

static enum corbel_err tables_sync(void *ctx)
{
    (void)ctx;
    dsb_ish();
    isb();
    return CORBEL_OK;
}

static const struct pgt_ops table_ops = {
    .alloc = tables_alloc,
    .free = tables_free,
    .to_virt = tables_to_virt,
    .to_phys = tables_to_phys,
    .invalidate = tables_invalidate,
    .sync = tables_sync,
};

static const struct pgt el2_map = {
    .root = main_l0,
    .ops = &table_ops,
    .start_level = 0,
    .addr_bits = 48,
    .block_level = 2,
};

static u64 attr_bits(enum el2_attr attr)
{
    switch (attr) {
    case EL2_DEVICE:
        return PTE_EL2_DEVICE;
    case EL2_RODATA:
        return PTE_EL2_RODATA;
    default:
        return PTE_EL2_DATA;
    }
}

static enum corbel_err map(u64 va, u64 pa, u64 size, u64 attr)
{
    const struct pgt_range range = { .addr = va, .pa = pa, .size = size, .attr = attr };
    enum corbel_err err = pgt_map(&el2_map, &range);

    dsb_ish(); /* new entries visible to this CPU's walker before the first use */
    isb();
    return err;
}

enum corbel_err arch_mmu_map_heap(pa_t pa, u64 size)
{
    if (pa.v >= LINEAR_PA_MAX || size > LINEAR_PA_MAX - pa.v)
        return ERR_RANGE;
    return map(LINEAR_BASE + pa.v, pa.v, size, PTE_EL2_DATA);
}

void arch_mmu_unmap_heap(pa_t pa, u64 size)
{
    enum corbel_err err = pgt_unmap(&el2_map, LINEAR_BASE + pa.v, size);

    CORBEL_ASSERT(err == CORBEL_OK); /* 4 KiB leaves only: nothing has to be split */
}

u64 arch_mmu_heap_limit(void)
{
    return LINEAR_PA_MAX;
}

struct mem_range arch_mmu_image_range(void)
{
    return (struct mem_range){ image_pa, (u64)(uintptr_t)_end - (u64)(uintptr_t)_start };
}

struct mem_range arch_mmu_drop_init(void)
{
    u64 at = (u64)(uintptr_t)init_start, size = (u64)(uintptr_t)init_end - at;
    enum corbel_err err = pgt_unmap(&el2_map, at, size);

    CORBEL_ASSERT(err == CORBEL_OK); /* head.S made 4 KiB leaves */
    return (struct mem_range){ image_to_phys(init_start).v, size };
}

__init const void *arch_mmu_map_boot(pa_t pa, u64 size)
{
    u64 base = ALIGN_DOWN(pa.v, PAGE_SIZE);
    u64 bytes = ALIGN_UP(pa.v + size, PAGE_SIZE) - base;

    if (bytes > BOOT_MAP_SIZE || map(BOOT_MAP_BASE, base, bytes, PTE_EL2_RODATA) != CORBEL_OK)
        return NULL;
    return (const void *)(uintptr_t)(BOOT_MAP_BASE + (pa.v - base));
}

__init void arch_mmu_unmap_boot(void)
{
    enum corbel_err err = pgt_unmap(&el2_map, BOOT_MAP_BASE, BOOT_MAP_SIZE);

    CORBEL_ASSERT(err == CORBEL_OK);
}

void *arch_mmu_map_device(pa_t pa, u64 size)
{
    u64 base = ALIGN_DOWN(pa.v, PAGE_SIZE);
    u64 bytes = ALIGN_UP(pa.v + size, PAGE_SIZE) - base;
    /* Same offset in 2 MiB as the registers have, so that big ones take blocks. */
    u64 va = ALIGN_UP(device_next, SZ_2M) + (base & (SZ_2M - 1));

    if (bytes < SZ_2M && (device_next & (SZ_2M - 1)) + bytes <= SZ_2M)
        va = device_next;
    if (va + bytes > DEVICE_BASE + DEVICE_SIZE || map(va, base, bytes, PTE_EL2_DEVICE) != CORBEL_OK)
        return NULL;
    device_next = va + bytes;
    return (void *)(uintptr_t)(va + (pa.v - base));
}

static u64 window_pages(enum window_slot slot)
{
    return slot < WINDOW_SMALL_0 ? LARGE_PAGES : 1;
}

static u64 window_va(u32 cpu, enum window_slot slot)
{
    _Static_assert(MAX_CPUS * LARGE_SLOTS * WINDOW_LARGE_SIZE <= WINDOW_SMALL_BASE - WINDOW_BASE,
                   "layout.h");
    _Static_assert(SZ_2M % WINDOW_LARGE_SIZE == 0, "a slot's entries are in one table");
    _Static_assert(MAX_CPUS * SMALL_SLOTS * PAGE_SIZE <= SZ_2M, "one table for all CPUs");

    return slot < WINDOW_SMALL_0
               ? WINDOW_BASE + (cpu * LARGE_SLOTS + slot) * WINDOW_LARGE_SIZE
               : WINDOW_SMALL_BASE + (cpu * SMALL_SLOTS + slot - WINDOW_SMALL_0) * PAGE_SIZE;
}

struct leaf_search {
    u64 *slot;
    u32 level;
};

static enum corbel_err find_leaf(const struct pgt *pgt, const struct pgt_entry *entry, void *arg)
{
    struct leaf_search *search = arg;

    (void)pgt;
    if (!search->slot)
        search->slot = entry->slot;
    search->level = entry->level;
    return CORBEL_OK;
}

/* Build the tables down to the slot's level by mapping something there once, then clear it. */
static __init enum corbel_err window_prepare(u32 cpu, enum window_slot slot)
{
    u64 va = window_va(cpu, slot);
    u64 size = window_pages(slot) * PAGE_SIZE;
    struct leaf_search found = { 0 };
    const struct pgt_walk walk = {
        .addr = va, .end = va + size, .flags = PGT_VISIT_LEAF, .visit = find_leaf, .arg = &found
    };
    enum corbel_err err = map(va, image_pa, size, PTE_EL2_RODATA);

    if (err == CORBEL_OK)
        err = pgt_walk(&el2_map, &walk);
    if (err != CORBEL_OK)
        return err;
    CORBEL_ASSERT(found.slot && found.level == 3);
    window_pte[cpu][slot] = found.slot;
    memset(found.slot, 0, window_pages(slot) * sizeof(u64));
    tables_invalidate(NULL, va, size, PGT_LEVEL_ANY);
    return tables_sync(NULL);
}

__init enum corbel_err arch_window_init(u32 cpu)
{
    for (u32 slot = 0; slot < WINDOW_COUNT; slot++) {
        enum corbel_err err = window_prepare(cpu, slot);

        if (err != CORBEL_OK)
            return err;
    }
    return CORBEL_OK;
}

__init void arch_mmu_init(void)
{
    /* head.S mapped the image with final permissions; only the windows of CPU 0 are missing. */
    CORBEL_ASSERT(arch_window_init(0) == CORBEL_OK);
}

void *arch_window_open_range(enum window_slot slot, pa_t pa, u64 size, enum el2_attr attr)
{
    struct cpu *cpu = cpu_this();
    u64 offset = pa.v & (PAGE_SIZE - 1), pages = (offset + size - 1) / PAGE_SIZE + 1;
    u64 *pte = window_pte[cpu->id][slot], *end = pte + pages;
    u64 entry = (pa.v & PTE_ADDR) | attr_bits(attr) | PTE_VALID | PTE_TYPE;

    CORBEL_ASSERT(slot < WINDOW_COUNT && !cpu->window_pages[slot]);
    CORBEL_ASSERT(size && pages <= window_pages(slot));
    cpu->window_pages[slot] = (u8)pages;
    do {
        *pte++ = entry;
        entry += PAGE_SIZE;
    } while (pte < end);
    dsb_ishst(); /* invalid -> valid needs no TLBI, only the walker must see it */
    isb();
    return (void *)(uintptr_t)(window_va(cpu->id, slot) + offset);
}

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    return arch_window_open_range(slot, pa, 1, attr);
}

void arch_window_close(enum window_slot slot)
{
    struct cpu *cpu = cpu_this();
    u64 *pte = window_pte[cpu->id][slot], *end = pte + cpu->window_pages[slot];
    u64 page = window_va(cpu->id, slot) >> PAGE_SHIFT, last = page + cpu->window_pages[slot];

    CORBEL_ASSERT(cpu->window_pages[slot]);
    cpu->window_pages[slot] = 0;
    do {
        *pte++ = 0;
    } while (pte < end);
    dsb_nsh();
    do { /* only this CPU ever uses the slot: a local TLBI will do */
        __asm__ volatile("tlbi vae2, %0" ::"r"(page) : "memory");
    } while (++page < last);
    dsb_nsh();
    isb();
}
