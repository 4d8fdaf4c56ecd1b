/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMMUV3_RIG_H
#define SMMUV3_RIG_H

/*
 * The driver of SMMUv3 on a model of the hardware that walks its tables, and under it tables made
 * by the real stage2.c: what the SMMUv3 suites start from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_smmuv3.h"
#include "fake_stage2.h"

#include <arch/cache.h>
#include <arch/mmu.h>
#include <asm/features.h>
#include <corbel/bits.h>
#include <corbel/drivers.h>
#include <hw/smmuv3.h>

#define RAM_IPA  0x40000000ull /* both domains' */
#define RAM_A    0x100000000ull
#define RAM_B    0x200000000ull
#define RAM_SIZE (8 * SZ_2M)
#define S2_RW    3u

static struct iommu *u;
static struct stage2 dom_a, dom_b;
static const char *why;

static u64 seed = 0x9e3779b97f4a7c15ull;

static inline u64 rnd(u64 below)
{
    return (fake_random(&seed) >> 8) % below;
}

/* ---- two domains ---- */

static inline void *table_alloc(void *ctx)
{
    return fake_smmu_page(0);
}

static inline void table_free(void *ctx, void *page)
{
}

static const struct stage2_pool pool = { table_alloc, table_free, NULL };

/* Tables are written by p2m.c; what it cleans is not this test's business. */
static inline void clean_tables(void)
{
    if (!u->caps.coherent)
        arch_cache_clean(fake_ram + 16 * SZ_1M, 8 * SZ_1M);
}

static inline void map_ram(struct stage2 *s2, u64 ipa, u64 pa, u64 size)
{
    struct stage2_map map = {
        .ipa = IPA(ipa), .pa = PA(pa), .size = size, .attr = s2_policy(S2_RAM)
    };

    assert_int_equal(stage2_map(s2, &map), CORBEL_OK);
    clean_tables();
}

static inline void make_domain(struct stage2 *s2, u8 bits, u16 vmid, u64 ram)
{
    u8 level;
    u32 pages = stage2_root_pages(bits, &level);

    assert_int_equal(stage2_init(s2, bits, vmid, fake_smmu_page(bit_lowest(pages)), &pool),
                     CORBEL_OK);
    map_ram(s2, RAM_IPA, ram, RAM_SIZE);
}

/* The model as the test has set it up, probed and started. */
static inline void start(void)
{
    u = fake_smmu_iommu();
    assert_int_equal(u->ops->probe(u, &why), CORBEL_OK);
    assert_int_equal(u->ops->start(u, &why), CORBEL_OK);
    make_domain(&dom_a, 40, 1, RAM_A);
    make_domain(&dom_b, 44, 2, RAM_B);
    fake_smmu.vmids[0] = 1;
    fake_smmu.vmids[1] = 2;
    fake_smmu.cmd_count = 0;
}

static inline int setup(void **state)
{
    fake_smmu_init();
    memset(&fake_features, 0, sizeof(fake_features));
    fake_features.pa_range = 4;
    fake_features.vmid16 = true;
    return 0;
}

static inline int teardown(void **state)
{
    fake_smmu_exit();
    return 0;
}

static inline struct iommu_stream streams(u32 first, u32 count)
{
    return (struct iommu_stream){ .first = first, .count = count };
}

static inline enum corbel_err attach(u32 first, u32 count, const struct stage2 *s2)
{
    struct iommu_stream s = streams(first, count);

    why = NULL;
    return u->ops->attach(u, &s, s2, &why);
}

static inline enum corbel_err detach(u32 first, u32 count, bool quiet)
{
    struct iommu_stream s = streams(first, count);

    return u->ops->detach(u, &s, quiet);
}

static inline void assert_reaches(u32 stream, u64 want)
{
    u64 pa;

    assert_true(fake_smmu_dma(stream, RAM_IPA + 0x1234, true, &pa));
    assert_int_equal(pa, want + 0x1234);
}

/* Blocked; recorded as kind, or (IOMMU_FAULT_KINDS) not at all. */
static inline struct iommu_fault assert_blocked(u32 stream, u64 ipa, bool write, u32 kind)
{
    struct iommu_fault f = { 0 };
    u64 pa;

    assert_false(u->ops->next_fault(u, &f));
    assert_false(fake_smmu_dma(stream, ipa, write, &pa));
    if (kind == IOMMU_FAULT_KINDS) {
        assert_false(u->ops->next_fault(u, &f));
        return f;
    }
    assert_true(u->ops->next_fault(u, &f));
    assert_int_equal(f.kind, kind);
    assert_true(f.has_stream);
    assert_int_equal(f.stream, stream);
    assert_false(u->ops->next_fault(u, &f));
    return f;
}

static inline u32 count_ops(u32 op)
{
    u32 n = 0;

    for (u32 i = 0; i < fake_smmu.cmd_count; i++)
        n += (fake_smmu.cmds[i].dw[0] & CMD_0_OP) == op;
    return n;
}

#endif
