/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of SMMUv1 and v2 on its register model: what a firmware left is gone, streams walk
 * the very tables of the p2m and nothing else, what is unmapped is forgotten in time, and every
 * shortage and refusal.
 */
#include "smmuv2_rig.h"

/* ---- probe and start ---- */

static void caps_of_mmu500(void **state)
{
    rig_start(&model_mmu500);
    assert_int_equal(smmu.caps.ipa_bits, 48);
    assert_int_equal(smmu.caps.pa_bits, 48);
    assert_int_equal(smmu.caps.vmid_bits, 8);
    assert_int_equal(smmu.caps.stream_bits, 15);
    assert_int_equal(smmu.caps.bbm_level, 0);
    assert_int_equal(smmu.caps.contexts, 16);
    assert_true(smmu.caps.coherent);
    assert_false(smmu.caps.range_inv);
    assert_int_equal(model.acr, BIT(4)); /* no lock, no bypass results kept; the rest as it was */
    for (u32 i = 0; i < 16; i++)
        assert_int_equal(model.bank[i].actlr, 1);
}

static void other_parts_keep_their_own_registers(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.mmu500 = false;
    rig_start(&c);
    assert_int_equal(model.bank[0].actlr, 3);
}

/* r1 has no lock; the lock bit is somebody else's there. */
static void mmu500_r1(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.major = 1;
    rig_start(&c);
    assert_true(model.acr & MMU500_ACR_CACHE_LOCK);
}

static void caps_of_version_1(void **state)
{
    rig_start(&model_mmu400);
    assert_int_equal(smmu.caps.ipa_bits, 40);
    assert_int_equal(smmu.caps.pa_bits, 40);
    assert_int_equal(smmu.caps.stream_bits, 14);
    assert_int_equal(smmu.caps.contexts, 8);
}

/* The widest of version 1 (IAS may say 48) is what AArch32 tables translate. */
static void version_1_has_40_bits(void **state)
{
    struct model_smmuv2_config c = model_mmu400;

    c.ias = c.oas = 5;
    rig_start(&c);
    assert_int_equal(smmu.caps.ipa_bits, 40);
    assert_int_equal(smmu.caps.pa_bits, 40);
}

static void coherent_only_if_both_say_so(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    rig_probe_only(&c);
    desc.coherent = false;
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), CORBEL_OK);
    assert_false(smmu.caps.coherent);
    c.cttw = false;
    rig_probe_only(&c);
    desc.coherent = true;
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), CORBEL_OK);
    assert_false(smmu.caps.coherent);
    fake_cleaned = 0;
    assert_int_equal(smmuv2_ops.start(&smmu, &why), CORBEL_OK);
    assert_int_equal(fake_cleaned, SZ_4K); /* the empty table is in memory */
}

static void firmware_state_is_gone(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.firmware = true;
    rig_probe_only(&c);
    assert_int_equal(reaches(6, 0x1000, true), 0x1000); /* it passes before */
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), CORBEL_OK);
    for (u32 s = 0; s < 16; s++)
        assert_int_equal(reaches(s, 0x1000, true), 0);
    assert_int_equal(model.resumes, 1);
    assert_int_equal(model.bank[1].sctlr, 0);
    assert_int_equal(model.bank[1].fsr, 0);
    assert_false(model.tlb[0].valid);
    assert_false(model_smmuv2_global_irq(&model)); /* not before start() */
    assert_int_equal(smmuv2_ops.start(&smmu, &why), CORBEL_OK);
    assert_true(model_smmuv2_global_irq(&model));
}

static void refused(const struct model_smmuv2_config *c, const char *text)
{
    rig_probe_only(c);
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), ERR_NOTSUP);
    assert_string_equal(why, text);
    if (model.cr0 != (u32)SMMU_CR0_CLIENTPD)
        assert_int_equal(reaches(3, 0x1000, true), 0); /* aborts all the same */
}

static void refusals(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.s1_only = true;
    refused(&c, "no stage 2 translation");
    assert_int_not_equal(model.cr0, SMMU_CR0_CLIENTPD);
    c = model_mmu500;
    c.numcb = 0;
    refused(&c, "no context banks");
    c = model_mmu500;
    c.numsmrg = 0;
    refused(&c, "no stream match registers");
    c = model_mmu500;
    c.no_va64 = c.no_aarch32 = true;
    refused(&c, "no tables of 4 KiB pages");
}

/* AArch32 tables do, if that is all it has. */
static void version_2_without_aarch64(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *d;

    c.no_va64 = true;
    rig_start(&c);
    assert_int_equal(smmu.caps.ipa_bits, 40);
    d = new_domain(3, 40);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST + 0x1234, true), p2m_pa[0].v + 0x1234);
    assert_int_equal(reaches(7, GUEST + SZ_2M, true), p2m_pa[0].v + SZ_2M);
    assert_int_equal(p2m_unmap(d, IPA(GUEST + SZ_2M), SZ_4K), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST + SZ_2M, true), 0);
    assert_true(model.tlbi_ipa + model.tlbi_ipa_last > 0);
}

/* What the tree does not describe is not touched: fewer banks, none, no registers at all. */
static void small_regs(void **state)
{
    rig_probe_only(&model_mmu500);
    desc.regs.size = model.size = model.size / 2 + 3 * SZ_4K;
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), CORBEL_OK);
    assert_int_equal(smmu.caps.contexts, 3);
    rig_probe_only(&model_mmu500);
    desc.regs.size = model.size = 2 * SZ_4K;
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), ERR_NOTSUP);
    assert_string_equal(why, "no context banks");
    rig_probe_only(&model_mmu500);
    desc.regs.size = 0;
    model.size = 0; /* an access would be a violation */
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), ERR_NOTSUP);
    assert_string_equal(why, "the tree gives less than its registers");
    smmuv2_ops.set_bypass(&smmu, false);
    smmuv2_ops.set_bypass(&smmu, true);
}

static void bypass_and_back(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.s1_only = true;
    rig_probe_only(&c);
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), ERR_NOTSUP);
    smmuv2_ops.set_bypass(&smmu, true);
    assert_int_equal(reaches(9, 0x5000, true), 0x5000);
    smmuv2_ops.set_bypass(&smmu, false);
    assert_int_equal(reaches(9, 0x5000, true), 0);
    assert_false(model_smmuv2_global_irq(&model));
}

static void start_needs_a_page(void **state)
{
    rig_probe_only(&model_mmu500);
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), CORBEL_OK);
    heap_empty = true;
    assert_int_equal(smmuv2_ops.start(&smmu, &why), ERR_NOMEM);
    assert_string_equal(why, "no memory for its empty table");
}

static void big_register_pages(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *d;

    c.page64 = true;
    rig_start(&c);
    d = new_domain(3, 40);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
}

/* ---- attach and detach ---- */

static void check_attach(u8 ipa_bits)
{
    struct p2m *a = new_domain(3, ipa_bits), *b = new_domain(4, ipa_bits);

    assert_int_equal(reaches(7, GUEST, true), 0);
    assert_int_equal(attach(7, 0, a), CORBEL_OK);
    assert_int_equal(attach(9, 0, b), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST + 0x1234, true), p2m_pa[0].v + 0x1234);
    assert_int_equal(reaches(9, GUEST + 0x1234, false), p2m_pa[1].v + 0x1234);
    assert_int_equal(reaches(8, GUEST, true), 0);
    assert_int_equal(reaches(7, GUEST + 8 * SZ_1M, true), 0);
    assert_int_equal(reaches(7, BIT(ipa_bits), true), 0);
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST + 0x1234, true), 0);
    assert_int_equal(reaches(9, GUEST + 0x1234, true), p2m_pa[1].v + 0x1234);
    assert_int_equal(detach(7, 0, false), ERR_NOENT);
    assert_int_equal(detach(9, 0, false), CORBEL_OK);
    assert_int_equal(reaches(9, GUEST + 0x1234, true), 0);
}

static void two_domains(void **state)
{
    static const u8 sizes[] = { 32, 36, 39, 40, 42, 43, 44, 48 };

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        rig_start(&model_mmu500);
        check_attach(sizes[i]);
        assert_int_equal(rig_teardown(state), 0);
        assert_int_equal(rig_setup(state), 0);
    }
    rig_start(&model_mmu500);
}

static void two_domains_version_1(void **state)
{
    static const u8 sizes[] = { 32, 33, 36, 39, 40 };

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
        rig_start(&model_mmu400);
        check_attach(sizes[i]);
        assert_int_equal(rig_teardown(state), 0);
        assert_int_equal(rig_setup(state), 0);
    }
    rig_start(&model_mmu400);
}

/* The bank says what the CPU's registers say: root, VMID, T0SZ, SL0, PS. */
static void shares_the_p2m(void **state)
{
    const struct model_smmuv2_bank *b = &model.bank[0];
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(b->ttbr0, virt_to_phys(d->s2.root).v);
    assert_int_equal(b->tcr & GENMASK(18, 0), d->s2.vtcr & GENMASK(18, 0));
    assert_int_equal(FIELD_GET(SMMU_CBAR_VMID, b->cbar), 3);
    assert_int_equal(b->cba2r, SMMU_CBA2R_VA64);
    assert_false(b->sctlr & SMMU_SCTLR_CFCFG); /* nothing ever stalls */
}

static void not_coherent_walks_uncached(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.cttw = false;
    rig_start(&c);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    assert_int_equal(FIELD_GET(SMMU_TCR_IRGN0, model.bank[0].tcr), 0);
    assert_int_equal(FIELD_GET(SMMU_TCR_ORGN0, model.bank[0].tcr), 0);
    assert_int_equal(FIELD_GET(SMMU_TCR_SH0, model.bank[0].tcr), 2);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
}

static void one_bank_per_domain(void **state)
{
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(attach(0x100, 0xff, d), CORBEL_OK);
    assert_int_equal(model.bank[1].sctlr & SMMU_SCTLR_M, 0);
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
    assert_int_equal(reaches(0x142, GUEST, true), p2m_pa[0].v); /* the other stream goes on */
    assert_int_equal(detach(0x100, 0xff, false), CORBEL_OK);
    assert_int_equal(model.bank[0].sctlr, 0);
}

/* Nothing of a detached domain is left: no match, no translation. */
static void detach_leaves_nothing(void **state)
{
    struct iommu_fault f;
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(attach(0x10, 0, d), CORBEL_OK);
    assert_int_equal(attach(0x20, 0xf, d), CORBEL_OK);
    assert_int_equal(reaches(0x2f, GUEST, true), p2m_pa[0].v);
    assert_int_equal(detach(0x10, 0, false), CORBEL_OK);
    assert_int_equal(detach(0x20, 0xf, false), CORBEL_OK);
    for (u32 i = 0; i < MODEL_TLB_SIZE; i++)
        assert_false(model.tlb[i].valid);
    assert_int_equal(reaches(0x2f, GUEST, true), 0);
    assert_true(take(&f));
    assert_int_equal(f.type, SMMU_GFSR_USF); /* matches nothing */
    assert_int_equal(attach(0x20, 0x1f, d), CORBEL_OK);
    assert_int_equal(reaches(0x2f, GUEST, true), p2m_pa[0].v);
}

static void masks(void **state)
{
    struct p2m *a, *b;
    struct iommu_stream range = { .first = 0x300, .count = 16 };

    rig_start(&model_mmu500);
    a = new_domain(3, 40);
    b = new_domain(4, 40);
    assert_int_equal(attach(0x100, 0x0f, a), CORBEL_OK);
    assert_int_equal(attach(0x110, 0x0f, b), CORBEL_OK);
    assert_int_equal(reaches(0x10f, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(0x110, GUEST, true), p2m_pa[1].v);
    assert_int_equal(attach(0x105, 0, b), ERR_EXIST);
    assert_int_equal(attach(0x005, 0x7f00, b), ERR_EXIST); /* across both IDs, by mask */
    assert_int_equal(attach(0x100, 0x1f, a), ERR_EXIST);
    assert_string_equal(why, "a stream that is in use");
    /* A count in place of a mask. */
    assert_int_equal(give_stream(&range, a), CORBEL_OK);
    assert_int_equal(reaches(0x30f, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(0x310, GUEST, true), 0);
    range.first = 0x404;
    assert_int_equal(give_stream(&range, a), ERR_RANGE);
    range.first = 0x400;
    range.count = 12;
    assert_int_equal(give_stream(&range, a), ERR_RANGE);
    assert_string_equal(why, "a range of streams that no mask describes");
    assert_int_equal(detach(0x100, 0, false), ERR_NOENT); /* only as it was attached */
}

static void ids_out_of_range(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *d;

    c.id_bits = 10;
    c.mask_bits = 8;
    rig_start(&c);
    d = new_domain(3, 40);
    assert_int_equal(smmu.caps.stream_bits, 10);
    assert_int_equal(attach(0x3ff, 0, d), CORBEL_OK);
    assert_int_equal(attach(0x400, 0, d), ERR_RANGE);
    assert_int_equal(attach(0x10000, 0, d), ERR_RANGE);
    assert_int_equal(attach(0x80000000, 0, d), ERR_RANGE);
    assert_int_equal(attach(0x000, 0xff, d), CORBEL_OK);
    assert_int_equal(attach(0x200, 0x1ff, d), ERR_RANGE);
    assert_int_equal(attach(0x200, 0xffffffff, d), ERR_RANGE);
    assert_string_equal(why, "a stream ID or mask of more bits than it has");
    assert_int_equal(detach(0x400, 0, false), ERR_NOENT);
    /* Mask bits above all IDs cost nothing; ID bits there are of no stream. */
    assert_int_equal(attach(0x100, 0xfc0f, d), CORBEL_OK);
    assert_int_equal(reaches(0x10f, GUEST, true), p2m_pa[0].v);
    assert_int_equal(attach(0x8110, 0x7c0f, d), ERR_RANGE);
}

static void out_of_match_registers(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *d;

    c.numsmrg = 4;
    rig_start(&c);
    d = new_domain(3, 40);
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(attach(i, 0, d), CORBEL_OK);
    assert_int_equal(attach(4, 0, d), ERR_NOMEM);
    assert_string_equal(why, "no free stream match register");
    assert_int_equal(reaches(4, GUEST, true), 0);
    assert_int_equal(detach(1, 0, false), CORBEL_OK);
    assert_int_equal(attach(4, 0, d), CORBEL_OK);
    assert_int_equal(reaches(4, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(1, GUEST, true), 0);
}

static void out_of_banks(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *d[3];

    c.numcb = 2;
    rig_start(&c);
    for (u16 i = 0; i < 3; i++)
        d[i] = new_domain(i + 1, 40);
    assert_int_equal(attach(1, 0, d[0]), CORBEL_OK);
    assert_int_equal(attach(2, 0, d[1]), CORBEL_OK);
    assert_int_equal(attach(3, 0, d[2]), ERR_NOMEM);
    assert_string_equal(why, "no free context bank");
    assert_int_equal(reaches(3, GUEST, true), 0);
    assert_int_equal(detach(1, 0, false), CORBEL_OK);
    assert_int_equal(attach(3, 0, d[2]), CORBEL_OK);
    assert_int_equal(reaches(3, GUEST, true), p2m_pa[2].v);
}

static void tables_that_it_cannot_walk(void **state)
{
    struct model_smmuv2_config c = model_mmu500;

    c.ias = 2;
    rig_start(&c);
    assert_int_equal(attach(7, 0, new_domain(3, 44)), ERR_RANGE);
    assert_string_equal(why, "a p2m of more bits than it translates");
    rig_start(&model_mmu400);
    fake_features.pa_range = 5;
    assert_int_equal(attach(7, 0, new_domain(4, 42)), ERR_RANGE);
    assert_string_equal(why, "a p2m of more than 40 bits");
    c = model_mmu500;
    c.oas = 4;
    rig_start(&c);
    assert_int_equal(attach(7, 0, new_domain(5, 40)), ERR_RANGE); /* VTCR_EL2.PS: 48 bits */
    assert_string_equal(why, "a p2m with host addresses of more bits than it has");
    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, new_domain(255, 40)), ERR_RANGE);
    assert_string_equal(why, "a VMID of more bits than it has");
    assert_int_equal(reaches(7, GUEST, true), 0);
}

static void wide_vmids_and_streams(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *a, *b;

    c.exids = c.vmid16 = true;
    c.id_bits = c.mask_bits = 16;
    rig_start(&c);
    assert_int_equal(smmu.caps.stream_bits, 16);
    assert_int_equal(smmu.caps.vmid_bits, 16);
    a = new_domain(0x1234, 40);
    b = new_domain(0x34, 40);
    assert_int_equal(attach(0xff00, 0xff, a), CORBEL_OK);
    assert_int_equal(attach(0x7f00, 0xff, b), CORBEL_OK);
    assert_int_equal(reaches(0xff42, GUEST, true), p2m_pa[0].v);
    assert_int_equal(reaches(0x7f42, GUEST, true), p2m_pa[1].v);
    assert_int_equal(FIELD_GET(SMMU_CBA2R_VMID16, model.bank[0].cba2r), 0x1234);
    assert_int_equal(p2m_unmap(a, IPA(GUEST), SZ_2M), CORBEL_OK);
    assert_int_equal(reaches(0xff42, GUEST, true), 0);
    assert_int_equal(reaches(0x7f42, GUEST, true), p2m_pa[1].v);
    assert_int_equal(detach(0xff00, 0xff, false), CORBEL_OK);
    assert_int_equal(reaches(0xff42, GUEST + SZ_2M, true), 0);
}

static void indexing(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct p2m *a, *b;

    c.indexing = true;
    c.numsmrg = 0;
    c.numsidb = 5;
    rig_start(&c);
    assert_int_equal(smmu.caps.stream_bits, 5);
    a = new_domain(3, 40);
    b = new_domain(4, 40);
    assert_int_equal(attach(0, 0, a), CORBEL_OK);
    assert_int_equal(attach(8, 7, b), CORBEL_OK);
    assert_int_equal(attach(32, 0, a), ERR_RANGE);
    assert_int_equal(attach(9, 0, a), ERR_EXIST);
    assert_int_equal(reaches(0, GUEST, true), p2m_pa[0].v);
    for (u32 s = 8; s < 16; s++)
        assert_int_equal(reaches(s, GUEST, true), p2m_pa[1].v);
    assert_int_equal(reaches(7, GUEST, true), 0);
    assert_int_equal(reaches(16, GUEST, true), 0);
    /* One of them is quarantined, the others go on; the whole range leaves. */
    assert_int_equal(detach(9, 0, true), CORBEL_OK);
    assert_int_equal(reaches(9, GUEST, true), 0);
    assert_int_equal(reaches(10, GUEST, true), p2m_pa[1].v);
    assert_int_equal(detach(8, 7, false), CORBEL_OK);
    assert_int_equal(detach(8, 7, false), ERR_NOENT);
    assert_int_equal(reaches(10, GUEST, true), 0);
    assert_int_equal(reaches(0, GUEST, true), p2m_pa[0].v);
    /* 15 bits of stream IDs without matching: 128 groups, as many as there is room for. */
    c.numsidb = 15;
    rig_start(&c);
    assert_int_equal(smmu.caps.stream_bits, 7);
}

static void untranslated(void **state)
{
    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, NULL), CORBEL_OK);
    assert_int_equal(reaches(7, 0x123456000, true), 0x123456000);
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
    assert_int_equal(reaches(7, 0x123456000, true), 0);
    assert_true(model.tlbi_all > 1); /* what is kept of a bypass is dropped as well */
}

/* ---- quarantine ---- */

static void quarantine(void **state)
{
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(detach(7, 0, true), ERR_NOENT);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(attach(9, 0, d), CORBEL_OK);
    assert_int_equal(detach(7, 0, true), CORBEL_OK);
    assert_int_equal(detach(7, 0, true), CORBEL_OK); /* again */
    for (u32 i = 0; i < 100; i++)
        assert_int_equal(reaches(7, GUEST + i * SZ_4K, i & 1), 0);
    for (u32 i = 0; i < 16; i++)
        assert_false(model_smmuv2_bank_irq(&model, i));
    assert_false(model_smmuv2_global_irq(&model));
    assert_no_fault();
    assert_int_equal(reaches(9, GUEST, true), p2m_pa[0].v);
    /* The domain starts again. */
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
    assert_int_equal(detach(7, 0, true), CORBEL_OK);
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
    assert_int_equal(detach(9, 0, false), CORBEL_OK);
    for (u32 i = 0; i < 16; i++) /* no bank is left behind */
        assert_int_equal(model.bank[i].sctlr, 0);
}

/* One stream of a mask takes its whole group; what is attached may not be cut up either. */
static void quarantine_within_a_mask(void **state)
{
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(attach(0x100, 0xff, d), CORBEL_OK);
    assert_int_equal(detach(0x142, 0, true), CORBEL_OK);
    assert_int_equal(reaches(0x142, GUEST, true), 0);
    assert_int_equal(reaches(0x143, GUEST, true), 0);
    assert_no_fault();
    assert_int_equal(attach(0x142, 0, d), ERR_EXIST);
    assert_int_equal(attach(0x100, 0xff, d), CORBEL_OK);
    assert_int_equal(reaches(0x142, GUEST, true), p2m_pa[0].v);
}

/* Without a bank for it, refusals are recorded; they are refusals all the same. */
static void quarantine_without_a_bank(void **state)
{
    struct model_smmuv2_config c = model_mmu500;
    struct iommu_fault f;

    c.numcb = 1;
    rig_start(&c);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    assert_int_equal(detach(7, 0, true), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), 0);
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_STREAM);
    assert_int_equal(f.stream, 7);
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
}

static void quarantine_version_1(void **state)
{
    rig_start(&model_mmu400);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    assert_int_equal(detach(7, 0, true), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), 0);
    assert_int_equal(reaches(7, 0, false), 0);
    assert_no_fault();
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
}

/* ---- invalidation ---- */

static void unmap_under_dma(const struct model_smmuv2_config *c, bool unshared)
{
    u64 page = GUEST + SZ_2M + 5 * SZ_4K;
    struct p2m *a, *b;

    rig_start(c);
    a = new_domain_with(3, 40, unshared);
    b = new_domain_with(4, 40, unshared);
    assert_int_equal(attach(7, 0, a), CORBEL_OK);
    assert_int_equal(attach(9, 0, b), CORBEL_OK);
    for (u64 at = 0; at < 8 * SZ_1M; at += SZ_1M) { /* into the TLB */
        assert_int_equal(reaches(7, GUEST + at, true), p2m_pa[0].v + at);
        assert_int_equal(reaches(9, GUEST + at, true), p2m_pa[1].v + at);
    }
    for (u32 i = 0; i < 100; i++) { /* one page comes and goes */
        assert_int_equal(reaches(7, page, true), p2m_pa[0].v + (page - GUEST));
        assert_int_equal(p2m_hook_unmap(a, IPA(page)), CORBEL_OK);
        assert_int_equal(reaches(7, page, true), 0);
        assert_int_equal(reaches(7, page - SZ_4K, true), p2m_pa[0].v + (page - SZ_4K - GUEST));
        assert_int_equal(p2m_hook_remap(a, IPA(page)), CORBEL_OK);
    }
    /* A table goes with all its pages; walks must not find it. A block goes. */
    assert_int_equal(p2m_unmap(a, IPA(GUEST + SZ_2M), SZ_2M), CORBEL_OK);
    assert_int_equal(p2m_unmap(a, IPA(GUEST + 2 * SZ_2M), SZ_2M), CORBEL_OK);
    for (u64 at = SZ_2M; at < 3 * SZ_2M; at += SZ_4K)
        assert_int_equal(reaches(7, GUEST + at, true), 0);
    /* No block is split under DMA: BBM level 0. */
    assert_int_equal(p2m_unmap(a, IPA(GUEST + SZ_4K), SZ_4K), ERR_BUSY);
    assert_int_equal(reaches(7, GUEST + SZ_4K, true), p2m_pa[0].v + SZ_4K);
    assert_int_equal(reaches(9, GUEST + SZ_2M, true), p2m_pa[1].v + SZ_2M);
    /* Something else in the table's place. */
    assert_int_equal(p2m_map(a, IPA(page), PA(RAM_BASE), SZ_4K, S2_RAM_RO), CORBEL_OK);
    assert_int_equal(reaches(7, page + 8, false), RAM_BASE + 8);
    assert_int_equal(reaches(7, page + SZ_4K, false), 0);
}

static void unmap(void **state)
{
    unmap_under_dma(&model_mmu500, false);
    assert_true(model.tlbi_ipa > 0);
    assert_true(model.tlbi_ipa_last > 0);
}

static void unmap_version_1(void **state)
{
    unmap_under_dma(&model_mmu400, false);
    assert_int_equal(model.tlbi_ipa + model.tlbi_ipa_last, 0);
    assert_true(model.tlbi_vmid > 2);
}

/* Tables of the SMMUs' own (iommu=no-sharept): memory, and no device. */
static void unmap_unshared(void **state)
{
    unmap_under_dma(&model_mmu500, true);
    assert_int_not_equal(model.bank[0].ttbr0, virt_to_phys(p2ms[0].s2.root).v);
    assert_int_equal(model.bank[0].ttbr0, virt_to_phys(p2ms[0].io.s2.root).v);
    assert_int_equal(p2m_map(&p2ms[0], IPA(0x9000000), PA(0x9000000), SZ_4K, S2_MMIO), CORBEL_OK);
    assert_int_equal(reaches(7, 0x9000000, true), 0);
}

/* The model does keep what nobody told it to drop: the tests above can fail. */
static void what_is_not_invalidated_is_used(void **state)
{
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
    skip_inval = true;
    assert_int_equal(p2m_unmap(d, IPA(GUEST), SZ_2M), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
    skip_inval = false;
}

/* Nothing of an earlier owner of a VMID, although nobody invalidated it. */
static void vmid_again(void **state)
{
    struct p2m *a, *b;

    rig_start(&model_mmu500);
    a = new_domain(3, 40);
    b = new_domain(3, 40);
    assert_int_equal(attach(7, 0, a), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
    assert_int_equal(detach(7, 0, false), CORBEL_OK);
    assert_int_equal(attach(7, 0, b), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[1].v);
}

/* Nor of anybody, when the bank begins: here the TLB has something that never was invalidated. */
static void bank_begins_clean(void **state)
{
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    model.tlb[0] = (struct model_smmuv2_entry){
        .valid = true, .level = 2, .vmid = 3, .ipa = GUEST, .size = SZ_2M, .desc = 0x5000007c1
    };
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
}

static void tables_are_told_apart_by_root(void **state)
{
    struct p2m *a, *b;

    rig_start(&model_mmu500);
    a = new_domain(3, 40);
    b = new_domain(3, 40);
    assert_int_equal(attach(7, 0, a), CORBEL_OK);
    assert_int_equal(attach(9, 0, b), CORBEL_OK);
    assert_int_equal(model.bank[0].ttbr0, virt_to_phys(a->s2.root).v);
    assert_int_equal(model.bank[1].ttbr0, virt_to_phys(b->s2.root).v);
}

static void many_ranges_and_all(void **state)
{
    struct stage2_inval inv = {
        .count = 2, .ranges = { { GUEST, 4 * SZ_4K, SZ_4K }, { GUEST + SZ_2M, 2 * SZ_2M, SZ_2M } }
    };

    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    model.tlbi_ipa = model.tlbi_ipa_last = model.tlbi_vmid = model.syncs = 0;
    smmu.stats = (struct iommu_stats){ 0 };
    assert_int_equal(smmuv2_ops.invalidate(&smmu, 3, &inv), CORBEL_OK);
    assert_int_equal(model.tlbi_ipa, 4);
    assert_int_equal(model.tlbi_ipa_last, 2);
    assert_int_equal(model.syncs, 1);
    assert_int_equal(smmu.stats.commands, 6);
    assert_int_equal(smmu.stats.syncs, 1);
    inv = (struct stage2_inval){ .all = true };
    assert_int_equal(smmuv2_ops.invalidate(&smmu, 3, &inv), CORBEL_OK);
    assert_int_equal(model.tlbi_vmid, 1);
    inv = (struct stage2_inval){ .count = 1, .ranges = { { GUEST, SZ_4K, SZ_4K } } };
    assert_int_equal(smmuv2_ops.invalidate(&smmu, 9, &inv), CORBEL_OK); /* nobody's here */
    assert_int_equal(model.tlbi_vmid, 2);
}

/* ---- a sync that does not end ---- */

static void timeout_of_unmap(void **state)
{
    struct p2m *d;

    rig_start(&model_mmu500);
    d = new_domain(3, 40);
    assert_int_equal(attach(7, 0, d), CORBEL_OK);
    assert_int_equal(reaches(7, GUEST, true), p2m_pa[0].v);
    model.hang = true;
    assert_int_equal(p2m_unmap(d, IPA(GUEST), SZ_2M), ERR_TIMEDOUT);
    assert_true(p2m_is_lost(d));
    assert_int_equal(p2m_map(d, IPA(GUEST), PA(RAM_BASE), SZ_2M, S2_RAM), ERR_IO);
}

static void timeout_of_detach(void **state)
{
    struct p2m *a, *b;
    u32 syncs;

    rig_start(&model_mmu500);
    a = new_domain(3, 40);
    b = new_domain(4, 40);
    assert_int_equal(attach(7, 0, a), CORBEL_OK);
    model.hang = true;
    assert_int_equal(detach(7, 0, false), ERR_TIMEDOUT);
    assert_int_equal(reaches(7, GUEST, true), 0); /* the stream is refused all the same */
    /* What was under way still walks: the bank must not go off, nor to another domain. */
    assert_true(model.bank[0].sctlr & SMMU_SCTLR_M);
    syncs = model.syncs;
    assert_int_equal(attach(9, 0, b), ERR_TIMEDOUT);
    assert_string_equal(why, "its TLB sync does not end");
    assert_int_equal(reaches(9, GUEST, true), 0);
    assert_int_equal(model.syncs, syncs); /* no sync on top of a stuck one */
    model.hang = false;                   /* it comes back */
    assert_int_equal(attach(9, 0, b), CORBEL_OK);
    assert_int_equal(reaches(9, GUEST, true), p2m_pa[1].v);
    assert_int_equal(model.bank[0].ttbr0, virt_to_phys(a->s2.root).v);
}

static void timeout_of_probe(void **state)
{
    rig_probe_only(&model_mmu500);
    model.hang = true;
    assert_int_equal(smmuv2_ops.probe(&smmu, &why), ERR_TIMEDOUT);
    assert_string_equal(why, "its TLB sync does not end");
    smmuv2_ops.set_bypass(&smmu, false);
    assert_int_equal(reaches(7, GUEST, true), 0);
}

/* ---- faults ---- */

static void fault_of_nobody(void **state)
{
    struct iommu_fault f;

    rig_start(&model_mmu500);
    assert_int_equal(reaches(0x42, 0x123456789a, true), 0);
    assert_true(model_smmuv2_global_irq(&model));
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_STREAM);
    assert_true(f.has_stream && f.has_address && f.write);
    assert_int_equal(f.stream, 0x42);
    assert_int_equal(f.ipa, 0x123456789a);
    assert_int_equal(f.type, SMMU_GFSR_USF);
    assert_false(model_smmuv2_global_irq(&model));
    assert_no_fault();
    assert_int_equal(smmu.stats.faults, 1);
}

static void faults_of_a_domain(const struct model_smmuv2_config *c)
{
    struct iommu_fault f;
    struct p2m *d;

    rig_start(c);
    d = new_domain(3, 40);
    assert_int_equal(attach(0x100, 0xff, d), CORBEL_OK);
    assert_int_equal(reaches(0x142, NOWHERE, false), 0);
    assert_true(model_smmuv2_bank_irq(&model, 0));
    assert_int_equal(reaches(0x142, GUEST, true), p2m_pa[0].v); /* others go on meanwhile */
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_TRANSLATION);
    assert_true(f.has_stream && f.has_address);
    assert_false(f.write);
    assert_int_equal(f.stream, 0x142);
    assert_int_equal(f.ipa, NOWHERE);
    assert_int_equal(f.raw[0], SMMU_FSR_TF);
    assert_false(model_smmuv2_bank_irq(&model, 0));
    assert_no_fault();
    /* A page that may only be read. */
    assert_int_equal(p2m_map(d, IPA(0x9000000), PA(RAM_BASE), SZ_4K, S2_RAM_RO), CORBEL_OK);
    assert_int_equal(reaches(0x143, 0x9000010, false), RAM_BASE + 0x10);
    assert_int_equal(reaches(0x143, 0x9000010, true), 0);
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_PERMISSION);
    assert_true(f.write);
    assert_int_equal(f.stream, 0x143);
    assert_int_equal(f.ipa, 0x9000010);
}

static void faults(void **state)
{
    faults_of_a_domain(&model_mmu500);
}

static void faults_version_1(void **state)
{
    faults_of_a_domain(&model_mmu400);
}

static void lost_faults(void **state)
{
    struct iommu_fault f;

    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    for (u32 i = 0; i < 5; i++) {
        assert_int_equal(reaches(7, NOWHERE, true), 0);
        assert_int_equal(reaches(0x55, i, true), 0);
    }
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_STREAM);
    assert_int_equal(f.ipa, 0); /* the first is the one that is recorded */
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_LOST);
    assert_false(f.has_stream || f.has_address);
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_TRANSLATION);
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_LOST);
    assert_no_fault();
    assert_int_equal(smmu.stats.faults, 4);
    /* MULTI came in between the read and the clear: it stands alone, and is told alone. */
    model.bank[0].fsr = (u32)SMMU_FSR_MULTI;
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_LOST);
    assert_no_fault();
}

static void drop(void **state)
{
    struct iommu_fault f;

    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    assert_int_equal(smmuv2_ops.drop_faults(&smmu), 0);
    for (u32 i = 0; i < 5; i++) {
        assert_int_equal(reaches(7, NOWHERE, true), 0);
        assert_int_equal(reaches(0x55, 0, true), 0);
    }
    assert_true(take(&f)); /* leaves LOST waiting */
    assert_int_equal(smmuv2_ops.drop_faults(&smmu), 3);
    assert_no_fault();
    model.gfsr = (u32)SMMU_GFSR_EF; /* about itself: stays */
    assert_int_equal(smmuv2_ops.drop_faults(&smmu), 0);
    assert_true(take(&f));
    assert_int_equal(f.kind, IOMMU_FAULT_GLOBAL);
}

static void noisy_bank_does_not_hide_others(void **state)
{
    struct iommu_fault f;
    u32 seen[2] = { 0 };

    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    assert_int_equal(attach(9, 0, new_domain(4, 40)), CORBEL_OK);
    for (u32 i = 0; i < 4; i++) {
        if (!model.bank[0].fsr)
            assert_int_equal(reaches(7, NOWHERE, true), 0);
        if (!model.bank[1].fsr)
            assert_int_equal(reaches(9, NOWHERE, true), 0);
        assert_true(take(&f));
        seen[f.stream == 9]++;
    }
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 2);
}

static void interrupts_off_and_on(void **state)
{
    struct iommu_fault f;

    rig_start(&model_mmu500);
    assert_int_equal(attach(7, 0, new_domain(3, 40)), CORBEL_OK);
    smmuv2_ops.set_fault_irq(&smmu, false);
    assert_int_equal(reaches(7, NOWHERE, true), 0);
    assert_int_equal(reaches(8, NOWHERE, true), 0);
    assert_false(model_smmuv2_bank_irq(&model, 0));
    assert_false(model_smmuv2_global_irq(&model));
    assert_int_equal(attach(9, 0, new_domain(4, 40)), CORBEL_OK); /* starts silent, too */
    assert_int_equal(reaches(9, NOWHERE, true), 0);
    assert_false(model_smmuv2_bank_irq(&model, 1));
    smmuv2_ops.set_fault_irq(&smmu, true);
    assert_true(model_smmuv2_bank_irq(&model, 0));
    assert_true(model_smmuv2_bank_irq(&model, 1));
    assert_true(model_smmuv2_global_irq(&model));
    for (u32 i = 0; i < 3; i++)
        assert_true(take(&f));
    assert_no_fault();
}

/* Version 1 has fewer interrupts than banks. */
static void shared_interrupts_version_1(void **state)
{
    rig_start(&model_mmu400);
    for (u16 i = 0; i < 3; i++) {
        assert_int_equal(attach(i, 0, new_domain(i + 1, 40)), CORBEL_OK);
        assert_int_equal(FIELD_GET(SMMU_CBAR_IRPTNDX, model.bank[i].cbar), i % 2);
    }
}

#define RIG(t) cmocka_unit_test_setup_teardown(t, rig_setup, rig_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        RIG(caps_of_mmu500),
        RIG(other_parts_keep_their_own_registers),
        RIG(mmu500_r1),
        RIG(caps_of_version_1),
        RIG(version_1_has_40_bits),
        RIG(coherent_only_if_both_say_so),
        RIG(firmware_state_is_gone),
        RIG(refusals),
        RIG(version_2_without_aarch64),
        RIG(small_regs),
        RIG(bypass_and_back),
        RIG(start_needs_a_page),
        RIG(big_register_pages),
        RIG(two_domains),
        RIG(two_domains_version_1),
        RIG(shares_the_p2m),
        RIG(not_coherent_walks_uncached),
        RIG(one_bank_per_domain),
        RIG(detach_leaves_nothing),
        RIG(masks),
        RIG(ids_out_of_range),
        RIG(out_of_match_registers),
        RIG(out_of_banks),
        RIG(tables_that_it_cannot_walk),
        RIG(wide_vmids_and_streams),
        RIG(indexing),
        RIG(untranslated),
        RIG(quarantine),
        RIG(quarantine_within_a_mask),
        RIG(quarantine_without_a_bank),
        RIG(quarantine_version_1),
        RIG(unmap),
        RIG(unmap_version_1),
        RIG(unmap_unshared),
        RIG(what_is_not_invalidated_is_used),
        RIG(vmid_again),
        RIG(bank_begins_clean),
        RIG(tables_are_told_apart_by_root),
        RIG(many_ranges_and_all),
        RIG(timeout_of_unmap),
        RIG(timeout_of_detach),
        RIG(timeout_of_probe),
        RIG(fault_of_nobody),
        RIG(faults),
        RIG(faults_version_1),
        RIG(lost_faults),
        RIG(drop),
        RIG(noisy_bank_does_not_hide_others),
        RIG(interrupts_off_and_on),
        RIG(shared_interrupts_version_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
