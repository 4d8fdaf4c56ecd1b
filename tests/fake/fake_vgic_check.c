/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain of fake_vgic.c as its guest reaches it by MMIO, and what holds of its interrupts at
 * every moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

/* --- what holds at every moment --- */

static void check_irq(struct virq *irq)
{
    u64 lr = 0;

    if (irq->lr >= 0) {
        assert_non_null(irq->vcpu);
        assert_ptr_equal(irq->vcpu->vgic.lr_irq[irq->lr], irq);
        assert_true(irq->vcpu->vgic.lr_used & BIT(irq->lr));
        lr = fake_vif[irq->vcpu->resident->id].lr[irq->lr];
        if (irq->target != irq->vcpu) /* it only ends there */
            assert_false(lr & ICH_LR_PENDING);
    }
    if (!irq->vcpu)
        assert_true(list_empty(&irq->node));
    if (irq->hw && irq->intid >= 32) {
        bool held = irq->phys || ((lr & ICH_LR_HW) && (lr & ICH_LR_STATE));

        assert_int_equal(fake_spi[irq->pintid].active, held);
        assert_false(fake_gic_ops.end_unseen && irq->lr_hw);
        if (irq->phys)
            assert_true(irq->latch || irq->lr_latch || irq->active || irq->lr >= 0);
    }
}

static void check_vcpu(struct vcpu *v)
{
    struct list_head *pos;
    u32 used = 0;

    assert_ptr_equal(v->vgic.cpu, v->resident);
    for (u32 n = 0; n < 16; n++) {
        if (!v->vgic.lr_irq[n])
            continue;
        used |= 1u << n;
        assert_int_equal(v->vgic.lr_irq[n]->lr, n);
    }
    assert_int_equal(v->vgic.lr_used, used);
    list_for_each (pos, &v->vgic.list) {
        struct virq *irq = list_entry(pos, struct virq, node);

        assert_ptr_equal(irq->vcpu, v);
        assert_true(irq->lr < 0); /* no refresh left over */
    }
    if (!v->resident)
        return;
    for (u32 n = 0; n < 16; n++) {
        u64 lr = fake_vif[v->resident->id].lr[n];

        if (!(used & BIT(n)))
            assert_int_equal(lr & ICH_LR_STATE, 0);
        for (u32 k = 0; k < n; k++)
            if ((lr & ICH_LR_STATE) && (fake_vif[v->resident->id].lr[k] & ICH_LR_STATE))
                assert_int_not_equal((u32)lr, (u32)fake_vif[v->resident->id].lr[k]);
    }
}

void fake_vgic_check(void)
{
    for (u32 i = 0; i < fake_vgic_domain->vcpu_count; i++) {
        check_vcpu(fake_vgic_domain->vcpus[i]);
        for (u32 n = 0; n < 32; n++)
            check_irq(&fake_vgic_domain->vcpus[i]->vgic.private[n]);
    }
    for (u32 n = 0; n < fake_vgic_domain->vgic.nr_spis; n++)
        check_irq(&fake_vgic_domain->vgic.spis[n]);
}

/* --- the guest's MMIO --- */

static void mmio_do(struct vcpu *v, struct mmio_access *a)
{
    const struct mmio_region *r = mmio_find(&fake_vgic_domain->mmio, a->ipa);
    enum mmio_result result;
    u32 tries = 0;

    assert_non_null(r);
    a->offset = a->ipa.v - r->base;
    do {
        if (v->resident)
            fake_set_cpu(v->resident->id);
        result = r->ops->access(v, r->ctx, a);
        if (result == MMIO_RETRY)
            fake_serve(fake_vgic_domain);
        assert_true(tries++ < 4);
    } while (result == MMIO_RETRY);
    assert_int_equal(result, MMIO_OK);
}

u64 mmio_get(struct vcpu *v, u64 ipa, u8 size)
{
    struct mmio_access a = { .ipa = IPA(ipa), .size = size, .value = 0x5555555555555555ull };

    mmio_do(v, &a);
    return a.value;
}

void mmio_set(struct vcpu *v, u64 ipa, u8 size, u64 value)
{
    struct mmio_access a = { .ipa = IPA(ipa), .size = size, .value = value, .write = true };

    mmio_do(v, &a);
}
