/* SPDX-License-Identifier: Apache-2.0 */
#ifndef P2M_RIG_H
#define P2M_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch/mmu.h>
#include <asm/features.h>
#include <asm/pte.h>
#include <corbel/bits.h>
#include <corbel/p2m_hook.h>
#include <corbel/p2m_parts.h>
#include <corbel/page.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_p2m_iommu.h"
#include "fake_stage2.h"

/*
 * A p2m on fake RAM with an SMMU beside it that was written from the architecture alone: it
 * walks the tables that it is given at every moment at which it could, from what it sees of
 * memory (not coherent: what was cleaned, and garbage elsewhere), and keeps whatever it finds
 * until it is told to forget it. What it holds is compared with the tables at each invalidation,
 * and with the model after each operation.
 */
#define RAM_BASE    0x40000000ull
#define RAM_SIZE    (64 * SZ_1M)
#define GUEST       0x80000000ull
#define WINDOW_SIZE (8 * SZ_1M)
#define PAGES       (WINDOW_SIZE / PAGE_SIZE)
#define SMMU        5u
#define VMID        3u

static struct {
    bool attached, coherent;
    u8 seen[RAM_SIZE]; /* memory, as a walker past the caches sees it */
    u64 tlb[PAGES];
    u64 calls, fail_at; /* of invalidate() */
    bool deaf;          /* says that it forgot, and does not */
    u32 cpu_flushes;    /* of CPUs, when it was told last */
    bool hold[PAGES];   /* mapped, and the same, all through an operation: never a hole */
} smmu;

static struct p2m p2m;
static u64 cpu[PAGES];  /* what is mapped: pa | class << 56 | 1 */
static u64 flat[PAGES]; /* what devices may reach of it */
static void *books;
static u64 frames;
static u64 seed = 987654321987654321ull;

static inline u64 rnd(u64 below)
{
    return (fake_random(&seed) >> 8) % below;
}

/* One descriptor, as it is in memory (CPUs) or as the SMMU sees it. */
static inline u64 descriptor(u64 table, u64 index, bool by_smmu)
{
    u64 offset = table - RAM_BASE + index * 8, pte;

    assert_in_range(offset, 0, RAM_SIZE - 8);
    memcpy(&pte, (by_smmu && !smmu.coherent ? smmu.seen : fake_ram) + offset, sizeof(pte));
    return pte;
}

/* Arm ARM D8.2, stage 2, 4 KiB granule. 0: a translation fault. */
static inline u64 walk(const struct stage2 *s2, u64 ipa, bool by_smmu)
{
    u64 table = s2->vttbr & GENMASK(47, 1);

    for (u32 level = s2->start_level;; level++) {
        u32 shift = 12 + 9 * (3 - level);
        u64 mask = level == s2->start_level ? ~0ull : 511;
        u64 pte = descriptor(table, (ipa >> shift) & mask, by_smmu);

        if (!(pte & 1) || (level == 3 && !(pte & 2)))
            return 0;
        if (level == 3 || !(pte & 2))
            return (pte & GENMASK(47, 12)) + (ipa & GENMASK(shift - 1, 0)) +
                   (FIELD_GET(GENMASK(58, 55), pte) << 56 | 1);
        table = pte & GENMASK(47, 12);
    }
}

static inline u64 smmu_walk(u64 page)
{
    return walk(p2m_io_tables(&p2m), GUEST + page * PAGE_SIZE, true);
}

static inline void smmu_fill(void)
{
    for (u64 i = 0; smmu.attached && i < PAGES; i++) {
        u64 now = smmu_walk(i);

        smmu.tlb[i] = now ? now : smmu.tlb[i];
    }
}

static inline bool told(const struct stage2_inval *inv, u64 page)
{
    u64 ipa = GUEST + page * PAGE_SIZE;

    for (u32 i = 0; i < inv->count && !inv->all; i++)
        if (ipa - inv->ranges[i].ipa < inv->ranges[i].size)
            return true;
    return inv->all;
}

/*
 * What it holds and the tables do not say any more is what it is told of, and nothing else is
 * missing. Then it walks again at once: it may.
 */
static inline enum corbel_err smmu_invalidate(u32 mask, u16 vmid, const struct stage2_inval *inv)
{
    u64 changed = 0;

    assert_int_equal(mask, BIT(SMMU));
    assert_int_equal(vmid, VMID);
    assert_true(spin_is_locked(&p2m.lock));
    assert_true(p2m.io.unshared || fake_tlb_flushes != smmu.cpu_flushes); /* CPUs first */
    smmu.cpu_flushes = fake_tlb_flushes;
    if (smmu.calls++ == smmu.fail_at)
        return ERR_TIMEDOUT;
    for (u64 i = 0; i < PAGES; i++) {
        u64 now = smmu_walk(i);

        if (smmu.tlb[i] && smmu.tlb[i] != now) {
            assert_true(told(inv, i));
            assert_int_equal(now, 0); /* broken, not made again yet */
            changed++;
        }
        if (told(inv, i) && !smmu.deaf)
            smmu.tlb[i] = 0;
    }
    assert_true(changed || inv->all || fake_iommu_bbm == 2 || !smmu.attached);
    smmu_fill();
    return CORBEL_OK;
}

/* Memory is written, one descriptor or whole pages: the SMMU may walk right after it. */
static inline void smmu_clean(const void *va, size_t size, bool inval)
{
    u64 offset = (u64)((const u8 *)va - fake_ram);

    if (inval) { /* a frame that left the domain: nobody may reach it any more */
        for (u64 i = 0; i < PAGES; i++) {
            u64 pa = smmu.tlb[i] & GENMASK(47, 12);

            assert_false(smmu.tlb[i] && pa - RAM_BASE - offset < size);
        }
        return;
    }
    memcpy(smmu.seen + offset, va, size);
    for (u64 i = rnd(16); smmu.attached && i < PAGES; i += 16)
        if (smmu.hold[i] && smmu_walk(i) != flat[i])
            fail_msg("page %llu has a hole", (unsigned long long)i);
}

static inline int rig_start(bool coherent, u8 bbm)
{
    fake_reset(1);
    books = fake_frames_init(RAM_BASE, RAM_SIZE);
    if (!books)
        return -1;
    memset(&fake_features, 0, sizeof(fake_features));
    fake_features.pa_range = 5;
    fake_features.vmid16 = true;
    fake_features.bbm = 2;
    memset(cpu, 0, sizeof(cpu));
    memset(flat, 0, sizeof(flat));
    memset(&smmu, 0, sizeof(smmu));
    for (u64 i = 0; i < RAM_SIZE; i += 8) /* garbage: mostly valid descriptors of nowhere */
        memcpy(smmu.seen + i, &(u64){ (i << 12 & GENMASK(40, 12)) | 3 }, 8);
    smmu.coherent = coherent;
    smmu.fail_at = ~0ull;
    fake_iommu_bbm = bbm;
    fake_iommu_clean = !coherent;
    fake_iommu_hook = smmu_invalidate;
    fake_cache_hook = smmu_clean;
    frames = page_free_count();
    return p2m_init(&p2m, VMID, 40, 40);
}

static inline void rig_attach(void)
{
    p2m_io_attached(&p2m, SMMU);
    smmu.attached = true;
    smmu_fill();
}

static inline void rig_detach(void)
{
    p2m_io_detached(&p2m, SMMU);
    smmu.attached = false;
}

static inline void rig_destroy(void)
{
    if (smmu.attached)
        rig_detach();
    while (p2m_destroy_step(&p2m) == ERR_AGAIN)
        ;
    for (u64 i = 0; !p2m_is_lost(&p2m) && i < PAGES; i++)
        assert_int_equal(smmu.tlb[i], 0);
}

static inline void rig_end(void)
{
    assert_false(spin_is_locked(&p2m.lock));
    free(books);
    fake_ram_exit();
    fake_iommu_hook = NULL;
    fake_iommu_clean = false;
    fake_cache_hook = NULL;
}

#endif
