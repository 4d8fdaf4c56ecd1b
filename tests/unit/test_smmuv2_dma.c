/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver of SMMUv1 and v2 on its register model while devices do DMA: quarantine, what is
 * unmapped is forgotten in time, syncs that do not end, faults.
 */
#include "smmuv2_rig.h"

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
