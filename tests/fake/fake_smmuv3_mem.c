/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 model: memory as it and the CPUs' caches see it, the driver's heap, and what holds of
 * the stream table at every barrier.
 */
#include "fake_smmuv3_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"

#include <arch/barrier.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/drivers.h>
#include <hw/smmuv3.h>

bool smmu_is_coherent(void)
{
    return m.idr0 & SMMU_IDR0_COHACC;
}

/* ---- memory ---- */

/* Where the SMMU finds this address; NULL: no memory there. */
u8 *smmu_at(u64 pa, u64 size)
{
    if (pa < RAM_BASE || pa + size > RAM_BASE + RAM_SIZE)
        return NULL;
    return (smmu_is_coherent() ? fake_ram : in.dram) + (pa - RAM_BASE);
}

/* The driver's own structures: what it gave back must not be read any more. */
const void *smmu_structure(u64 pa, u64 size)
{
    assert_true(pa >= RAM_BASE && pa + size <= RAM_BASE + HEAP_PAGES * PAGE_SIZE);
    assert_true(in.page_taken[(pa - RAM_BASE) / PAGE_SIZE]);
    return smmu_at(pa, size);
}

void smmu_cache_hook(const void *va, size_t size, bool inval)
{
    u64 first = ALIGN_DOWN((u64)((const u8 *)va - fake_ram), LINE);
    u64 end = ALIGN_UP((u64)((const u8 *)va - fake_ram) + size, LINE);

    for (u64 i = first; i < end; i += LINE) {
        if (memcmp(fake_ram + i, in.synced + i, LINE))
            memcpy(in.dram + i, fake_ram + i, LINE);
        if (inval)
            memcpy(fake_ram + i, in.dram + i, LINE);
        memcpy(in.synced + i, fake_ram + i, LINE);
    }
    fake_barrier();
}

static void *heap_get(u64 size, u64 align)
{
    u64 pages = size / PAGE_SIZE, step = align / PAGE_SIZE;

    assert_true(size && IS_ALIGNED(size, PAGE_SIZE) && IS_ALIGNED(align, PAGE_SIZE));
    if (m.alloc_fail_at >= 0 && m.alloc_fail_at-- == 0)
        return NULL;
    for (u64 first = 0; first + pages <= HEAP_PAGES; first += step) {
        u64 n = 0;

        while (n < pages && !in.page_taken[first + n])
            n++;
        if (n < pages)
            continue;
        memset(&in.page_taken[first], true, pages);
        m.pages_used += pages;
        in.high = MAX(in.high, (first + pages) * PAGE_SIZE);
        return memset(fake_ram + first * PAGE_SIZE, 0, size);
    }
    return NULL;
}

/* Poison looks like entries that are valid. */
static void heap_put(void *ptr, u64 size)
{
    u64 offset = (u64)((u8 *)ptr - fake_ram);

    for (u32 i = 0; i < STREAMS; i++)
        assert_true((in.l1[i] & L1STD_L2PTR) != RAM_BASE + offset || !in.l1[i]);
    for (u64 i = 0; i < size / PAGE_SIZE; i++) {
        assert_true(in.page_taken[offset / PAGE_SIZE + i]);
        in.page_taken[offset / PAGE_SIZE + i] = false;
    }
    m.pages_used -= size / PAGE_SIZE;
    memset(ptr, 0xff, size);
}

const struct iommu_mem fake_smmu_mem = { .alloc = heap_get, .free = heap_put };

void *fake_smmu_page(u32 order)
{
    u64 size = PAGE_SIZE << order;

    in.next_page = ALIGN_UP(in.next_page, size) + size;
    assert_true(in.next_page <= RAM_SIZE);
    return memset(fake_ram + in.next_page - size, 0, size);
}

/* ---- the stream table ---- */

u64 smmu_table_base(void)
{
    return m.strtab_base & GENMASK(51, 6);
}

u32 smmu_split(void)
{
    return (u32)FIELD_GET(SMMU_STRTAB_SPLIT, m.strtab_cfg);
}

/* Is what stands at va as it was at the last barrier? */
static bool is_settled(const u8 *va, u64 size)
{
    const u8 *memory = smmu_is_coherent() ? fake_ram : in.dram;

    return !memcmp(va, in.before + (va - memory), size);
}

static bool is_translating(const struct ste *e)
{
    return e->dw[0] & STE_0_V && FIELD_GET(STE_0_CONFIG, e->dw[0]) >= STE_CONFIG_BYPASS;
}

/* No entry that the SMMU could read now is other than whole. */
static void check_entry(const struct ste *e, const struct ste *before)
{
    u16 vmid = (u16)FIELD_GET(STE_2_S2VMID, e->dw[2]);
    bool known = false;

    if (!is_translating(e))
        return;
    assert_memory_equal(&e->dw[1], &before->dw[1], STE_BYTES - 8);
    if (before->dw[0] & STE_0_V)
        assert_int_equal(e->dw[0], before->dw[0]);
    assert_int_equal(FIELD_GET(STE_1_SHCFG, e->dw[1]), STE_SHCFG_INCOMING);
    if (FIELD_GET(STE_0_CONFIG, e->dw[0]) == STE_CONFIG_BYPASS)
        return;
    assert_int_equal(FIELD_GET(STE_0_CONFIG, e->dw[0]), STE_CONFIG_S2);
    assert_true(e->dw[2] & STE_2_S2AA64 && e->dw[2] & STE_2_S2R && e->dw[3]);
    for (u32 i = 0; i < ARRAY_SIZE(m.vmids); i++)
        known |= m.vmids[i] && m.vmids[i] == vmid;
    assert_true(known);
}

static void check_table(const u8 *va, u32 count, bool reachable_before)
{
    const u8 *memory = smmu_is_coherent() ? fake_ram : in.dram;

    if (!reachable_before)
        assert_true(is_settled(va, (u64)count * STE_BYTES));
    for (u32 i = 0; i < count; i++) {
        const u8 *e = va + i * STE_BYTES;

        check_entry((const void *)e, (const void *)(in.before + (e - memory)));
    }
}

static void check_two_levels(void)
{
    u32 spans = (u32)BIT(FIELD_GET(SMMU_STRTAB_LOG2SIZE, m.strtab_cfg) - smmu_split());
    const u64 *l1 = smmu_structure(smmu_table_base(), spans * sizeof(u64));
    u64 last = 0;

    for (u32 i = 0; i < spans; i++) {
        if (!l1[i] || l1[i] == last)
            continue;
        last = l1[i];
        assert_int_equal(FIELD_GET(L1STD_SPAN, last), smmu_split() + 1);
        assert_true(IS_ALIGNED(last & L1STD_L2PTR, (u64)STE_BYTES << smmu_split()));
        check_table(smmu_structure(last & L1STD_L2PTR, PAGE_SIZE), (u32)BIT(smmu_split()),
                    is_settled((const u8 *)&l1[i], sizeof(u64)));
    }
}

/* At each barrier: stores since the last one may have become visible in any order. */
void smmu_barrier_hook(void)
{
    if (m.cr0ack & SMMU_CR0_SMMUEN) {
        if (m.strtab_cfg & SMMU_STRTAB_TWO_LEVELS)
            check_two_levels();
        else
            check_table(smmu_structure(smmu_table_base(), PAGE_SIZE),
                        (u32)BIT(FIELD_GET(SMMU_STRTAB_LOG2SIZE, m.strtab_cfg)), true);
    }
    memcpy(in.before, smmu_is_coherent() ? fake_ram : in.dram, in.high);
}
