/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <corbel/bits.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/types.h>

/*
 * EL2's own address space (arch/arm64/hw/stage1.c). 48-bit VA. Image high at
 * its link address; linear area = LINEAR_BASE + PA, populated only for
 * hypervisor heap pages; device area; per-CPU windows. Design decision 3, 4.
 *   void *phys_to_virt(pa_t pa)  / pa_t virt_to_phys(const void *va)
 * are inline arithmetic for heap pages (asm/mmu.h); on the host tests/fake maps
 * them to an array. image_to_phys() is for symbols of the image.
 */
#include <asm/mmu.h>

/* How EL2 maps something: RW data, read-only data, device registers (nGnRE). Never executable. */
enum el2_attr { EL2_DATA, EL2_RODATA, EL2_DEVICE };

/* Finish what head.S mapped: the boot CPU's windows. Boot CPU once. */
void arch_mmu_init(void);

/*
 * Map size bytes of heap pages at phys_to_virt(pa) / undo it (TLBI done).
 * Table pages come from a bounded pool in the image (40: one per 2 MiB region the
 * heap touches). ERR_NOMEM when it is used up. Caller holds the page lock.
 */
enum corbel_err arch_mmu_map_heap(pa_t pa, u64 size) __must_check;
void arch_mmu_unmap_heap(pa_t pa, u64 size);

/* Heap pages must lie below this PA; RAM range that the image occupies. */
u64 arch_mmu_heap_limit(void);
struct mem_range arch_mmu_image_range(void);

/*
 * Take the boot's own code and constants out of EL2's map, TLBI done, and say where they were.
 * Once, when no CPU runs in them any more; no lock.
 */
struct mem_range arch_mmu_drop_init(void);

/* One read-only look at RAM during boot (the device tree), at most 4 MiB; and its end. */
const void *arch_mmu_map_boot(pa_t pa, u64 size);
void arch_mmu_unmap_boot(void);

/* Map device registers for good; returns NULL when the device area is full. Boot CPU. */
void *arch_mmu_map_device(pa_t pa, u64 size);

/*
 * Windows: short mappings of any RAM on this CPU, one slot each, invalidated
 * locally. The pointer must not survive the calling function. Slots: LARGE_A and
 * LARGE_B show a range of at most WINDOW_LARGE_SIZE from the begin of its first page on
 * (arch_window_open_range()), SMALL_0..3 the 4 KiB page around pa; the result points at pa
 * itself. Pages beside it are not mapped: they may be a device, or somebody's with another
 * memory type. A slot that is already open is a bug (assert).
 */
#define WINDOW_LARGE_SIZE (2 * SZ_64K)

enum window_slot {
    WINDOW_LARGE_A,
    WINDOW_LARGE_B,
    WINDOW_SMALL_0,
    WINDOW_SMALL_1,
    WINDOW_SMALL_2,
    WINDOW_SMALL_3,
    WINDOW_COUNT
};

/* Make the window slots of CPU cpu. Boot CPU, before that CPU starts. ERR_NOMEM: no tables left. */
enum corbel_err arch_window_init(u32 cpu) __must_check;

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr);
void *arch_window_open_range(enum window_slot slot, pa_t pa, u64 size, enum el2_attr attr);

/* How much of [pa, pa + size) one large window shows. */
static inline u64 arch_window_part(u64 pa, u64 size)
{
    return MIN(size, WINDOW_LARGE_SIZE - (pa & (PAGE_SIZE - 1)));
}

void arch_window_close(enum window_slot slot);

#endif
