/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMMUV2_RIG_H
#define SMMUV2_RIG_H

/*
 * The driver of SMMUv1 and v2 on its model, and domains' tables that the real p2m makes in fake
 * RAM: what the SMMUv2 suites start from. Invalidations reach the driver as the p2m sends them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arch/mmu.h>
#include <asm/features.h>
#include <corbel/bits.h>
#include <corbel/drivers.h>
#include <corbel/p2m.h>
#include <corbel/p2m_hook.h>
#include <corbel/page.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"
#include "fake_p2m_iommu.h"
#include "fake_stage2.h"
#include "model_smmuv2.h"

#define RAM_BASE 0x840000000ull /* above 4 GiB: both halves of registers matter */
#define RAM_SIZE (64 * SZ_1M)
#define GUEST    0x40000000ull
#define NOWHERE  0x1230000000ull /* no guest has anything here */

static struct model_smmuv2 model;
static struct iommu smmu;
static struct platform_iommu desc;
static struct p2m p2ms[4];
static u32 p2m_count;
static pa_t p2m_pa[4]; /* of GUEST */
static bool skip_inval;
static void *books;
static bool heap_empty;
static const char *why;

static void *mem_alloc(u64 size, u64 align)
{
    if (heap_empty)
        return NULL;
    return heap_alloc_aligned(size, align);
}

static const struct iommu_mem mem = { .alloc = mem_alloc, .free = heap_free };

/* As iommu_invalidate() does. */
static enum corbel_err rig_invalidate(u32 mask, u16 vmid, const struct stage2_inval *inv)
{
    assert_int_equal(mask, 1);
    return skip_inval ? CORBEL_OK : smmuv2_ops.invalidate(&smmu, vmid, inv);
}

/* A domain with 8 MiB of RAM at GUEST, the second 2 MiB in single pages. */
static struct p2m *new_domain_with(u16 vmid, u8 ipa_bits, bool unshared)
{
    struct p2m *p2m = &p2ms[p2m_count];
    struct p2m_bank bank = { .ipa = IPA(GUEST), .size = 8 * SZ_1M };

    assert_int_equal(p2m_init(p2m, vmid, ipa_bits, 12), CORBEL_OK);
    if (unshared)
        assert_int_equal(p2m_unshare(p2m, 12), CORBEL_OK);
    p2m->hook = (struct mem_range){ GUEST + SZ_2M, SZ_2M };
    assert_int_equal(page_alloc_range(bank.size, SZ_2M, &bank.pa), CORBEL_OK);
    assert_int_equal(p2m_add_ram(p2m, &bank), CORBEL_OK);
    p2m_pa[p2m_count++] = bank.pa;
    return p2m;
}

static struct p2m *new_domain(u16 vmid, u8 ipa_bits)
{
    return new_domain_with(vmid, ipa_bits, false);
}

static void rig_probe_only(const struct model_smmuv2_config *c)
{
    free(smmu.priv);
    model_smmuv2_init(&model, c);
    desc = (struct platform_iommu){ .kind = c->v1 ? IOMMU_SMMU_V1 : IOMMU_SMMU_V2,
                                    .coherent = c->cttw,
                                    .regs = { 0xfd800000, model.size } };
    smmu = (struct iommu){ .ops = &smmuv2_ops,
                           .desc = &desc,
                           .mem = &mem,
                           .regs = model.base,
                           .priv = calloc(1, smmuv2_ops.priv_size) };
    why = NULL;
}

/* Probe and start what rig_probe_only() put there. */
static void rig_go(void)
{
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), CORBEL_OK);
    /* As stage2_limit() makes it, for VTCR_EL2.PS. */
    fake_features.pa_range = smmu.caps.pa_bits == 40 ? 2 : 5;
    assert_int_equal(smmuv2_ops.start(&smmu, &why), CORBEL_OK);
}

static inline void rig_start(const struct model_smmuv2_config *c)
{
    rig_probe_only(c);
    rig_go();
}

static int rig_setup(void **state)
{
    (void)state;
    fake_reset(1);
    fake_features.pa_range = 5;
    fake_features.vmid16 = true;
    books = fake_frames_init(RAM_BASE, RAM_SIZE);
    p2m_count = 0;
    skip_inval = heap_empty = false;
    fake_iommu_hook = rig_invalidate;
    fake_iommu_bbm = 0;
    return books ? 0 : -1;
}

/* Every test ends without a violation, and what was not taken down is. */
static int rig_teardown(void **state)
{
    (void)state;
    for (u32 i = 0; i < p2m_count; i++)
        while (p2m_destroy_step(&p2ms[i]) == ERR_AGAIN)
            ;
    free(smmu.priv);
    smmu.priv = NULL;
    free(books);
    fake_ram_exit();
    assert_string_equal(model.violation, "");
    return 0;
}

static struct iommu_stream stream_of(u32 first, u32 mask)
{
    return (struct iommu_stream){ .first = first, .count = 1, .mask = mask };
}

/* As iommu_attach() does for one stream. */
static enum corbel_err give_stream(const struct iommu_stream *s, struct p2m *to)
{
    enum corbel_err err = smmuv2_ops.attach(&smmu, s, to ? p2m_io_tables(to) : NULL, &why);

    if (err == CORBEL_OK && to)
        p2m_io_attached(to, 0);
    return err;
}

static inline enum corbel_err attach(u32 first, u32 mask, struct p2m *to)
{
    struct iommu_stream s = stream_of(first, mask);

    return give_stream(&s, to);
}

static inline enum corbel_err detach(u32 first, u32 mask, bool quiet)
{
    struct iommu_stream s = stream_of(first, mask);

    return smmuv2_ops.detach(&smmu, &s, quiet);
}

/* Where a write (or a read) of a device ends up; 0: aborted. */
static u64 reaches(u32 stream, u64 addr, bool write)
{
    u64 pa;

    return model_smmuv2_access(&model, stream, addr, write, &pa) == MODEL_ABORTED ? 0 : pa;
}

static inline bool take(struct iommu_fault *f)
{
    memset(f, 0xee, sizeof(*f));
    return smmuv2_ops.next_fault(&smmu, f);
}

static inline void assert_no_fault(void)
{
    struct iommu_fault f;

    assert_false(take(&f));
}

#endif
