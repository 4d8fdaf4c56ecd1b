/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_SMMUV3_PRIV_H
#define FAKE_SMMUV3_PRIV_H

/* What the files of the model share. */
#include "fake_smmuv3.h"

#include <corbel/bits.h>
#include <hw/smmuv3.h>

#define RAM_BASE   0x80000000ull
#define RAM_SIZE   (24 * SZ_1M)
#define HEAP_PAGES 4096u /* 16 MiB for the driver, the rest for translation tables */
#define STREAMS    65536u
#define TLB_SIZE   256u
#define LINE       64u

#define CR0_ENABLED ((u32)(SMMU_CR0_SMMUEN | SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN))

#define m fake_smmu

struct ste {
    u64 dw[8];
};

struct fake_smmu_state {
    u8 *dram, *synced; /* non-coherent: memory, and what the CPU's caches agreed with it on */
    u8 *before;        /* memory at the last barrier */
    u64 high;          /* of the heap: bytes ever used */
    bool page_taken[HEAP_PAGES];
    u64 next_page;
    struct ste *ste; /* cached entries, by stream */
    bool *ste_cached;
    u64 l1[STREAMS]; /* cached level-1 descriptors, by span */
    struct tlb {
        bool used;
        u16 vmid;
        u64 ipa, size, pa;
        u8 s2ap;
    } tlb[TLB_SIZE];
    u32 tlb_next;
    bool two_levels; /* FMT is never linear again */
};

extern struct fake_smmu_state fake_smmu_state;
#define in fake_smmu_state

bool smmu_is_coherent(void);

/* Where the SMMU finds this address; NULL: no memory there. */
u8 *smmu_at(u64 pa, u64 size);

/* The same for the driver's own structures: what it gave back must not be read any more. */
const void *smmu_structure(u64 pa, u64 size);

/* Of the stream table. */
u64 smmu_table_base(void);
u32 smmu_split(void);

/* fake_cache_hook and fake_barrier_hook. */
void smmu_cache_hook(const void *va, size_t size, bool inval);
void smmu_barrier_hook(void);

#endif
