/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of SMMUv1 and v2 on its register model: what a firmware left is gone, streams walk
 * the very tables of the p2m and nothing else, and every shortage and refusal.
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

static void check_sizes(const struct model_smmuv2_config *c, const u8 *sizes, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        rig_start(c);
        check_attach(sizes[i]);
        assert_int_equal(rig_teardown(NULL), 0);
        assert_int_equal(rig_setup(NULL), 0);
    }
    rig_start(c);
}

static void two_domains(void **state)
{
    static const u8 sizes[] = { 32, 36, 39, 40, 42, 43, 44, 48 };

    check_sizes(&model_mmu500, sizes, ARRAY_SIZE(sizes));
}

static void two_domains_version_1(void **state)
{
    static const u8 sizes[] = { 32, 33, 36, 39, 40 };

    check_sizes(&model_mmu400, sizes, ARRAY_SIZE(sizes));
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
