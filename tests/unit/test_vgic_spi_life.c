/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assigned SPIs: a random life of edge and level devices, host and guest in which nothing may get
 * lost, come endlessly or stay active (design decisions 24 and 34 c). The guest's handler quiets
 * the device as drivers do.
 */
#include "vgic_spi_rig.h"

/* --- a random life --- */

static struct {
    u32 raised, seen; /* edges of the device, and as of the guest's last acknowledge */
    u32 excuses;      /* for the source to fire once more */
    bool stacked;
    u32 fired;
} dev[COUNT];

static u32 stack[VCPUS][40], depth[VCPUS];
static u32 dropped[VCPUS][40], dropped_n[VCPUS];
static bool split;
static u64 seed;

static u32 rnd(u32 n)
{
    return (u32)(fake_random(&seed) >> 20) % n;
}

static u32 any(void)
{
    return FIRST + rnd(COUNT);
}

static bool is_level(u32 intid)
{
    return intid & 1;
}

static struct vcpu *somebody(void)
{
    struct vcpu *v = d->vcpus[rnd(VCPUS)];

    if (!v->resident)
        fake_load(v->id, v);
    fake_set_cpu(v->resident->id);
    return v;
}

static void device(void)
{
    u32 n = any();

    if (is_level(n)) {
        fake_spi[n].line = rnd(3) != 0;
        return;
    }
    fake_spi[n].pending = true;
    dev[n - FIRST].raised++;
}

static void ack(void)
{
    struct vcpu *v = somebody();
    u32 n, iar;

    if (depth[v->id] + dropped_n[v->id] >= 32)
        return;
    if (rnd(2))
        fake_quiesce(d);
    fake_set_cpu(v->resident->id);
    iar = guest_ack(v->resident->id);
    if (iar == 1023)
        return;
    n = iar - FIRST;
    assert_true(n < COUNT && !dev[n].stacked);
    dev[n].stacked = true;
    dev[n].seen = dev[n].raised;
    if (rnd(2))
        fake_spi[iar].line = false; /* served; else the handler has left it for later */
    stack[v->id][depth[v->id]++] = iar;
}

static void ended(u32 id, u32 iar)
{
    dev[iar - FIRST].stacked = false;
    dev[iar - FIRST].excuses++;
    fake_serve(d);
    assert_int_equal(d->vcpus[id]->domain->id, 1);
}

static void end(void)
{
    struct vcpu *v = somebody();
    u32 id = v->id, iar, i;

    if (depth[id] && (!split || rnd(2))) {
        iar = stack[id][--depth[id]];
        guest_eoi(v->resident->id, iar);
        if (split)
            dropped[id][dropped_n[id]++] = iar;
        else
            ended(id, iar);
    } else if (dropped_n[id]) {
        i = rnd(dropped_n[id]);
        iar = dropped[id][i];
        dropped[id][i] = dropped[id][--dropped_n[id]];
        guest_dir(v->resident->id, iar);
        ended(id, iar);
    }
}

static void enable(void)
{
    u32 n = any();

    write_bit(somebody(), rnd(3) ? GICD_ISENABLER : GICD_ICENABLER, n);
    dev[n - FIRST].excuses++; /* an acknowledged line may have gone meanwhile */
}

static void move(void)
{
    struct vcpu *v = d->vcpus[rnd(VCPUS)];

    if (rnd(3))
        fake_load(rnd(FAKE_CPUS), v);
    else
        fake_save(v);
}

static void retarget(void)
{
    target(somebody(), any(), rnd(VCPUS + 1));
}

static void registers(void)
{
    struct vcpu *v = somebody();
    u32 n = any();

    switch (rnd(5)) {
    case 0:
        write_bit(v, GICD_ISPENDR, n);
        break;
    case 1:
        write_bit(v, GICD_ICPENDR, n);
        dev[n - FIRST].seen = dev[n - FIRST].raised; /* as the guest wanted it */
        dev[n - FIRST].excuses++;
        break;
    case 2:
        if (!dev[n - FIRST].stacked)
            write_bit(v, rnd(2) ? GICD_ISACTIVER : GICD_ICACTIVER, n);
        dev[n - FIRST].excuses++;
        break;
    case 3:
        if (!dev[n - FIRST].stacked)
            mmio_set(v, FAKE_GICD + GICD_IPRIORITYR + n, 1, rnd(30) * 8);
        break;
    case 4:
        mmio_set(v, FAKE_GICD + GICD_CTLR, 4, rnd(3) ? 3 : 0);
        break;
    }
}

static void interface(void)
{
    struct vcpu *v = somebody();
    u64 *vmcr = &fake_vif[v->resident->id].vmcr;

    *vmcr &= ~(ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | ICH_VMCR_VPMR);
    if (rnd(4))
        *vmcr |= ICH_VMCR_VENG0 | ICH_VMCR_VENG1;
    *vmcr |= FIELD_PREP(ICH_VMCR_VPMR, rnd(3) ? 0xf8 : rnd(32) * 8);
}

static void check(void)
{
    for (u32 n = FIRST; n < FIRST + COUNT; n++) {
        const struct virq *irq = spi(n);
        u64 lr = irq->lr >= 0 ? fake_vif[irq->vcpu->resident->id].lr[irq->lr] : 0;
        bool linked = (lr & ICH_LR_HW) && (lr & ICH_LR_STATE);

        assert_int_equal(fake_spi[n].active, irq->phys || linked);
        if (irq->phys)
            assert_true(irq->latch || irq->lr_latch || irq->active || irq->lr >= 0);
        assert_int_equal(fake_spi[n].enabled, irq->enabled);
        assert_int_equal(fake_spi[n].level, is_level(n));
        if (irq->target && irq->target->vgic.seat)
            assert_int_equal(fake_spi[n].routed, irq->target->vgic.seat->id);
        for (u32 i = 0; i < VCPUS; i++)
            assert_int_equal(d->vcpus[i]->vgic.hw_spis[(n - 32) / 64] >> (n - 32) % 64 & 1,
                             irq->target == d->vcpus[i]);
        assert_true(fake_spi[n].fired <= dev[n - FIRST].excuses + 1); /* no storm */
    }
}

/* The guest does everything right for a while: all comes, and then it is quiet. */
static void settle(void)
{
    u32 idle = 0;

    for (u32 i = 0; i < VCPUS; i++) {
        fake_load(i, d->vcpus[i]);
        fake_vif[i].vmcr |= ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | FIELD_PREP(ICH_VMCR_VPMR, 0xf8);
        while (depth[i] + dropped_n[i]) {
            u32 iar;

            if (depth[i]) {
                iar = stack[i][--depth[i]];
                guest_eoi(i, iar);
                if (split)
                    dropped[i][dropped_n[i]++] = iar;
            } else {
                iar = dropped[i][--dropped_n[i]];
                guest_dir(i, iar);
            }
            if (!split || !depth[i])
                fake_serve(d);
            dev[iar - FIRST].stacked = false;
        }
    }
    fake_set_cpu(0);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 3);
    for (u32 n = FIRST; n < FIRST + COUNT; n++) {
        fake_set_cpu(0);
        target(v0, n, n % VCPUS);
        write_bit(v0, GICD_ICACTIVER, n);
        mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + n, 1, (n - FIRST) * 8);
        write_bit(v0, GICD_ISENABLER, n);
    }
    for (u32 rounds = 0; idle < 2; rounds++) {
        bool any_ack = false;

        assert_true(rounds < 6 * COUNT);
        fake_quiesce(d);
        for (u32 i = 0; i < VCPUS; i++) {
            u32 iar = guest_ack(i);

            if (iar == 1023)
                continue;
            any_ack = true;
            fake_spi[iar].line = false;
            dev[iar - FIRST].seen = dev[iar - FIRST].raised;
            guest_eoi(i, iar);
            if (split)
                guest_dir(i, iar);
        }
        idle = any_ack ? 0 : idle + 1;
    }
    for (u32 n = FIRST; n < FIRST + COUNT; n++) {
        assert_false(fake_spi[n].active || fake_spi[n].pending || fake_spi[n].line);
        assert_int_equal(dev[n - FIRST].seen, dev[n - FIRST].raised);
        fake_set_cpu(0);
        assert_false(read_bit(v0, GICD_ISPENDR, n) || read_bit(v0, GICD_ISACTIVER, n));
        dev[n - FIRST].excuses = fake_spi[n].fired + 1;
    }
}

static void live(u8 version, u32 lrs, bool eoi_mode, bool end_unseen)
{
    static void (*const steps[])(void) = {
        device, device, device, ack,  ack,      ack,       end,
        end,    end,    enable, move, retarget, registers, interface,
    };

    start(version, lrs);
    split = eoi_mode;
    seed = 0x2545f4914f6cdd1dull + lrs * 977 + version * 31 + eoi_mode * 7 + end_unseen;
    memset(dev, 0, sizeof(dev));
    memset(depth, 0, sizeof(depth));
    memset(dropped_n, 0, sizeof(dropped_n));
    fake_gic_ops.end_unseen = end_unseen;
    for (u32 i = 0; i < VCPUS && split; i++)
        (i ? &d->vcpus[i]->vgic.vmcr : &fake_vif[0].vmcr)[0] |= ICH_VMCR_VEOIM;
    for (u32 n = FIRST; n < FIRST + COUNT; n++)
        assert_int_equal(vgic_assign_spi(d, n, is_level(n)), CORBEL_OK);
    for (u32 i = 0; i < STEPS; i++) {
        steps[rnd(ARRAY_SIZE(steps))]();
        if (rnd(2))
            continue;
        fake_quiesce(d);
        check();
        if (!rnd(40))
            settle();
    }
    for (u32 i = 0; i < VCPUS; i++)
        fake_save(d->vcpus[i]);
    vgic_release_spis(d);
    for (u32 n = FIRST; n < FIRST + COUNT; n++)
        assert_false(fake_spi[n].active || fake_spi[n].enabled || fake_owner[n]);
    fake_vgic_teardown();
    d = NULL;
}

static void life_v3(void **state)
{
    live(GIC_V3, 4, false, false);
    live(GIC_V3, 16, false, false);
    live(GIC_V3, 2, false, false);
    live(GIC_V3, 1, false, false);
}

static void life_v3_split(void **state)
{
    live(GIC_V3, 4, true, false);
    live(GIC_V3, 16, true, false);
}

static void life_v2(void **state)
{
    live(GIC_V2, 4, false, false);
    live(GIC_V2, 2, false, false);
}

static void life_unseen(void **state)
{
    live(GIC_V2, 4, false, true);
    live(GIC_V2, 2, false, true);
    live(GIC_V2, 4, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(life_v3, teardown),
        cmocka_unit_test_teardown(life_v3_split, teardown),
        cmocka_unit_test_teardown(life_v2, teardown),
        cmocka_unit_test_teardown(life_unseen, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
