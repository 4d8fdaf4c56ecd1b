/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity map of 512 GiB by one level-1 table of 1 GiB blocks (4 KiB granule, 39 bits).
 * A block that holds RAM or the image is Normal write-back; Device blocks are execute-never.
 */
#include "cpu.h"
#include "fdt.h"

#define GIB_SHIFT   30
#define DESC_BLOCK  0x1UL
#define DESC_TABLE  0x3UL
#define DESC_AF     BIT(10)
#define DESC_INNER  (3UL << 8)
#define DESC_DEVICE (0UL << 2)
#define DESC_NORMAL (1UL << 2)
#define DESC_XN     (3UL << 53)
#define MAIR_VALUE  0xff00UL /* 0: Device-nGnRnE, 1: Normal write-back */
/* T0SZ and T1SZ 39 bits, walks inner-shareable write-back, 4 KiB granules, IPS 40 bits. */
#define TCR_VALUE                                                                               \
    (25UL | 1UL << 8 | 1UL << 10 | 3UL << 12 | 25UL << 16 | 1UL << 24 | 1UL << 26 | 3UL << 28 | \
     2UL << 30 | 2UL << 32)
#define SCTLR_ON        (BIT(0) | BIT(2) | BIT(12))
#define SCTLR_ALIGNMENT BIT(1)

static _Alignas(4096) uint64_t table[512];

static void set_entry(unsigned int index, uint64_t descriptor)
{
    table[index] = descriptor;
    dsb();
    __asm__ volatile("tlbi vmalle1is; dsb sy; isb" ::: "memory");
}

void mmu_set_block(unsigned int index, uint64_t address, bool normal)
{
    set_entry(index, address | DESC_BLOCK | DESC_AF |
                         (normal ? DESC_INNER | DESC_NORMAL : DESC_DEVICE | DESC_XN));
}

void mmu_set_table(unsigned int index, uint64_t address)
{
    set_entry(index, address | DESC_TABLE);
}

void mmu_map_normal(uintptr_t va)
{
    unsigned int i = (va >> GIB_SHIFT) & 511U;

    mmu_set_block(i, (uint64_t)i << GIB_SHIFT, true);
}

static void map_memory_nodes(void)
{
    uint64_t base;
    uint64_t size;

    for (unsigned int i = 0; fdt_ram(i, &base, &size); i++) {
        for (uint64_t at = base >> GIB_SHIFT; at << GIB_SHIFT < base + size; at++) {
            mmu_map_normal(at << GIB_SHIFT);
        }
    }
}

void mmu_init(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
        table[i] = (uint64_t)i << GIB_SHIFT | DESC_BLOCK | DESC_AF | DESC_DEVICE | DESC_XN;
    }
    map_memory_nodes();
    mmu_map_normal((uintptr_t)image_head);
    mmu_enable();
}

void mmu_enable(void)
{
    uint64_t sctlr = read_sysreg(sctlr_el1);

    write_sysreg(MAIR_VALUE, mair_el1);
    write_sysreg(TCR_VALUE, tcr_el1);
    write_sysreg((uintptr_t)table, ttbr0_el1);
    write_sysreg((uintptr_t)table, ttbr1_el1);
    __asm__ volatile("dsb sy; tlbi vmalle1; dsb sy; isb" ::: "memory");
    write_sysreg((sctlr | SCTLR_ON) & ~SCTLR_ALIGNMENT, sctlr_el1);
    isb();
}
