/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical SPIs of given devices: assignment, routing, and a random life of edge and level
 * devices, host and guest in which nothing may get lost, come endlessly or stay active
 * (design decisions 24 and 34 c). The guest's handler quiets the device as drivers do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/ich_lr.h>

#define VCPUS 3u
#define SPIS  64u
#define FIRST 40u /* of the assigned ones: edge, level, edge ... */
#define COUNT 8u
#define STEPS 30000u

static struct domain *d;
static struct vcpu *v0, *v1;

static void start(u8 version, u32 lrs)
{
    d = fake_vgic_setup(version, VCPUS, SPIS, lrs);
    v0 = d->vcpus[0];
    v1 = d->vcpus[1];
    fake_load(0, v0);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 3);
}

static int teardown(void **state)
{
    if (d)
        fake_vgic_teardown();
    d = NULL;
    return 0;
}

static void write_bit(struct vcpu *v, u32 reg, u32 intid)
{
    mmio_set(v, FAKE_GICD + reg + intid / 32 * 4, 4, BIT(intid % 32));
}

static bool read_bit(struct vcpu *v, u32 reg, u32 intid)
{
    return mmio_get(v, FAKE_GICD + reg + intid / 32 * 4, 4) >> intid % 32 & 1;
}

static void target(struct vcpu *v, u32 intid, u32 to)
{
    if (d->vgic.version == GIC_V3)
        mmio_set(v, FAKE_GICD + GICD_IROUTER + 8 * intid, 8, to < VCPUS ? to : 0x101);
    else
        mmio_set(v, FAKE_GICD + GICD_ITARGETSR + intid, 1, to < VCPUS ? 1u << to : 0x80);
}

static struct virq *spi(u32 intid)
{
    return &d->vgic.spis[intid - 32];
}

/* --- assignment --- */

static void assignment(void **state)
{
    static struct domain other = { .id = 2 };

    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 40, true), CORBEL_OK);
    assert_ptr_equal(fake_owner[40], d);
    assert_false(fake_spi[40].enabled);
    assert_int_equal(vgic_assign_spi(d, 40, true), ERR_BUSY);
    assert_int_equal(vgic_assign_spi(d, 27, true), ERR_RANGE);
    assert_int_equal(vgic_assign_spi(d, 32 + SPIS, true), ERR_RANGE); /* not in the guest's GIC */
    assert_int_equal(vgic_assign_spi(d, ~0u, true), ERR_RANGE);
    fake_owner[41] = &other;
    assert_int_equal(vgic_assign_spi(d, 41, true), ERR_BUSY);
    assert_ptr_equal(fake_owner[41], &other);
    assert_false(spi(41)->hw);
    /* Linked without an owner: nobody does that, but nothing may stay behind. */
    assert_int_equal(vgic_link(d, NULL, 42, 42), CORBEL_OK);
    assert_int_equal(vgic_assign_spi(d, 42, true), ERR_BUSY);
    assert_null(fake_owner[42]);
    assert_int_equal(vgic_link(d, NULL, 43, 44), ERR_RANGE); /* numbers are the same */
}

static void host_has_fewer(void **state)
{
    d = fake_vgic_setup(GIC_V3, 1, 988, 4);
    assert_int_equal(vgic_assign_spi(d, FAKE_LINES, true), ERR_RANGE);
    assert_false(spi(FAKE_LINES)->hw);
    assert_int_equal(vgic_assign_spi(d, FAKE_LINES - 1, true), CORBEL_OK);
}

static void unlinked(void **state)
{
    start(GIC_V3, 4);
    assert_false(vgic_inject_hw(d, 50));
    assert_false(vgic_inject_hw(d, 4000));
    assert_int_equal(d->vgic.dropped, 2);
}

static void released(void **state)
{
    start(GIC_V3, 4);
    for (u32 n = 40; n < 46; n++) {
        assert_int_equal(vgic_assign_spi(d, n, n % 2), CORBEL_OK);
        write_bit(v0, GICD_ISENABLER, n);
        mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + n, 1, 0x40);
    }
    fake_spi[41].line = true; /* will be acknowledged by the guest */
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    fake_spi[40].pending = true; /* pending in a list register */
    fake_phys_deliver(d);
    fake_serve(d);
    fake_spi[40].pending = true; /* and once more at the host */
    target(v0, 42, 2);           /* waits for a vCPU that never ran */
    fake_spi[42].pending = true;
    target(v0, 43, 99); /* waits for nobody */
    fake_spi[43].line = true;
    fake_phys_deliver(d);
    write_bit(v0, GICD_ICENABLER, 44);
    fake_save(v0);
    for (u32 n = 40; n < 44; n++)
        assert_true(fake_spi[n].active);
    vgic_release_spis(d);
    for (u32 n = 40; n < 46; n++) {
        assert_null(fake_owner[n]);
        assert_false(fake_spi[n].enabled || fake_spi[n].active || fake_spi[n].pending);
        assert_false(spi(n)->hw || spi(n)->phys);
    }
    for (u32 i = 0; i < VCPUS; i++)
        for (u32 w = 0; w < VGIC_SPI_WORDS; w++)
            assert_int_equal(d->vcpus[i]->vgic.hw_spis[w], 0);
    fake_phys_deliver(d); /* a line that is still high bothers nobody */
    assert_false(fake_spi[41].active);
    vgic_release_spis(d);
}

/* Between two lives of a domain: the links stay, and nothing fires before the guest says so. */
static void masked(void **state)
{
    start(GIC_V3, 4);
    for (u32 n = 40; n < 44; n++) {
        assert_int_equal(vgic_assign_spi(d, n, n % 2), CORBEL_OK);
        write_bit(v0, GICD_ISENABLER, n);
    }
    fake_spi[41].line = true;
    fake_spi[42].pending = true;
    fake_phys_deliver(d);
    fake_serve(d);
    for (u32 i = 0; i < VCPUS; i++)
        fake_save(d->vcpus[i]);
    vgic_mask_spis(d);
    fake_spi[40].pending = true; /* an edge after that is nobody's */
    fake_phys_deliver(d);
    vgic_reset(d);
    for (u32 n = 40; n < 44; n++) {
        assert_ptr_equal(fake_owner[n], d);
        assert_true(spi(n)->hw);
        assert_false(spi(n)->phys || spi(n)->enabled || spi(n)->latch);
        assert_false(fake_spi[n].enabled || fake_spi[n].active || fake_spi[n].pending);
    }
    fake_phys_deliver(d);
    assert_false(spi(41)->phys);
    write_bit(v0, GICD_ISENABLER, 41);
    assert_true(fake_spi[41].enabled);
    fake_phys_deliver(d); /* the level is still there */
    assert_true(spi(41)->latch);
}

/* --- routing --- */

static void follows(void **state)
{
    u32 before;

    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 40, true), CORBEL_OK);
    assert_int_equal(vgic_assign_spi(d, 70, false), CORBEL_OK);
    assert_int_equal(fake_spi[40].routed, 0);
    fake_load(2, v0);
    assert_int_equal(fake_spi[40].routed, 2);
    assert_int_equal(fake_spi[70].routed, 2);
    /* Away and back to the same CPU: nothing to do. */
    before = fake_spi[40].routes;
    fake_load(2, v1);
    fake_load(2, v0);
    assert_int_equal(fake_spi[40].routes, before);
    /* v1's now, which moves; v0's do not care. */
    target(v0, 40, 1);
    assert_int_equal(fake_spi[40].routed, 2);
    fake_load(3, v1);
    assert_int_equal(fake_spi[40].routed, 3);
    assert_int_equal(fake_spi[70].routed, 2);
    before = fake_spi[40].routes;
    fake_load(1, v0);
    assert_int_equal(fake_spi[70].routed, 1);
    assert_int_equal(fake_spi[40].routes, before);
    /* To a vCPU that never ran: where it fires is of no interest before. */
    target(v0, 40, 2);
    assert_int_equal(fake_spi[40].routed, 3);
    fake_load(0, d->vcpus[2]);
    assert_int_equal(fake_spi[40].routed, 0);
    target(v0, 40, 99);
    fake_load(3, d->vcpus[2]);
    assert_int_equal(fake_spi[40].routed, 0);
    target(v0, 40, 1);
    assert_int_equal(fake_spi[40].routed, 3); /* where v1 was last */
}

static void trigger(void **state)
{
    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 40, false), CORBEL_OK);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_ICFGR + 8, 4), 2u << 16);
    write_bit(v0, GICD_ISENABLER, 41);
    mmio_set(v0, FAKE_GICD + GICD_ICFGR + 8, 4, 2u << 18);
    assert_true(fake_spi[40].level && !fake_spi[40].enabled);
    assert_true(!fake_spi[41].level && fake_spi[41].enabled);
    fake_save(v0);
    vgic_reset(d);
    assert_true(!fake_spi[40].level && !fake_spi[40].enabled);
    assert_true(fake_spi[41].level && !fake_spi[41].enabled);
    fake_load(1, v0);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_ICFGR + 8, 4), 2u << 16);
    assert_int_equal(fake_spi[41].routed, 1); /* still linked */
}

/* --- single lives --- */

/* A line that is high costs one acknowledge until the guest acts, whatever it does meanwhile. */
static void no_storm(void **state)
{
    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    fake_spi[41].line = true;
    fake_phys_deliver(d);
    assert_int_equal(fake_spi[41].fired, 0); /* disabled */
    write_bit(v0, GICD_ISENABLER, 41);
    for (u32 i = 0; i < 5; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
    assert_int_equal(fake_spi[41].fired, 1);
    write_bit(v0, GICD_ICENABLER, 41); /* held back: active at the host, still pending */
    fake_phys_deliver(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_true(fake_spi[41].active);
    fake_save(v0); /* vCPU off, blocked on another CPU ... */
    fake_phys_deliver(d);
    fake_load(3, v0);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(fake_spi[41].fired, 1);
    assert_int_equal(guest_ack(3), 41);
    fake_phys_deliver(d);
    assert_int_equal(fake_spi[41].fired, 1);
    guest_eoi(3, 41); /* and the device is not served: once more */
    for (u32 i = 0; i < 5; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
    assert_int_equal(fake_spi[41].fired, 2);
    assert_int_equal(guest_ack(3), 41);
    fake_spi[41].line = false;
    guest_eoi(3, 41);
    fake_serve(d);
    assert_false(fake_spi[41].active);
    assert_int_equal(guest_ack(3), 1023);
}

static void second_edge(bool end_unseen)
{
    start(GIC_V2, 4);
    fake_gic_ops.end_unseen = end_unseen;
    assert_int_equal(vgic_assign_spi(d, 40, false), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 40, 1, 0x40);
    write_bit(v0, GICD_ISENABLER, 40);
    for (u32 i = 0; i < 4; i++) {
        fake_spi[40].pending = true;
        fake_phys_deliver(d);
        fake_serve(d);
        assert_int_equal(guest_ack(0), 40);
        fake_spi[40].pending = true; /* while the first is handled: waits at the host */
        fake_phys_deliver(d);
        fake_serve(d);
        assert_true(read_bit(v0, GICD_ISPENDR, 40));
        assert_int_equal(guest_ack(0), 1023);
        guest_eoi(0, 40);
        fake_serve(d);
        assert_false(fake_spi[40].active);
        fake_phys_deliver(d);
        fake_serve(d);
        assert_int_equal(guest_ack(0), 40);
        guest_eoi(0, 40);
        fake_serve(d);
        assert_false(fake_spi[40].active);
    }
    fake_vgic_teardown();
    d = NULL;
}

static void edges(void **state)
{
    second_edge(false);
    second_edge(true);
}

/* The vCPU sleeps or is away: it is woken, and finds the interrupt wherever it comes back. */
static void wakes(void **state)
{
    start(GIC_V3, 4);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    write_bit(v0, GICD_ISENABLER, 41);
    v0->unit.state = UNIT_BLOCKED;
    fake_wakes = 0;
    fake_spi[41].line = true;
    fake_phys_deliver(d); /* resident here, idle */
    assert_int_equal(fake_wakes, 1);
    assert_true(vgic_pending(v0));
    assert_int_equal(guest_ack(0), 41);
    fake_spi[41].line = false;
    guest_eoi(0, 41);
    fake_save(v0);
    fake_spi[41].line = true;
    fake_load(0, v1);
    fake_phys_deliver(d); /* another vCPU runs where it fires */
    assert_int_equal(fake_wakes, 2);
    fake_load(2, v0);
    assert_int_equal(guest_ack(2), 41);
    fake_spi[41].line = false;
    guest_eoi(2, 41);
    assert_false(fake_spi[41].active);
}

/* Its target has gone off with it in a list register; another one takes it over. */
static void off_and_away(bool acked)
{
    start(GIC_V3, 4);
    fake_load(1, v1);
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    target(v0, 41, 1);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_spi[41].line = true;
    fake_phys_deliver(d);
    if (acked) { /* ended here after the change, and once more from the device */
        fake_serve(d);
        assert_int_equal(guest_ack(1), 41);
        target(v0, 41, 0);
        guest_eoi(1, 41);
    }
    v1->power = VCPU_OFF;
    if (!acked)
        target(v0, 41, 0);
    assert_int_equal(fake_spi[41].routed, 0);
    fake_phys_deliver(d);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    fake_spi[41].line = false;
    guest_eoi(0, 41);
    fake_serve(d);
    assert_false(fake_spi[41].active);
    fake_vgic_teardown();
    d = NULL;
}

static void target_off(void **state)
{
    off_and_away(false);
    off_and_away(true);
}

/* What the guest wrote to ISPENDR and what the source left behind are two things. */
static void set_by_software(bool end_unseen)
{
    start(GIC_V3, 4);
    fake_gic_ops.end_unseen = end_unseen;
    assert_int_equal(vgic_assign_spi(d, 41, true), CORBEL_OK);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 41, 1, 0x40);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_spi[41].line = true;
    fake_phys_deliver(d);
    fake_serve(d);
    assert_true(read_bit(v0, GICD_ISPENDR, 41));
    fake_spi[41].line = false;
    assert_false(read_bit(v0, GICD_ISPENDR, 41));
    write_bit(v0, GICD_ISPENDR, 41);
    assert_true(read_bit(v0, GICD_ISPENDR, 41));
    assert_int_equal(guest_ack(0), 41);
    assert_false(read_bit(v0, GICD_ISPENDR, 41));
    write_bit(v0, GICD_ISPENDR, 41); /* while active: once more */
    guest_eoi(0, 41);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    guest_eoi(0, 41);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    assert_false(fake_spi[41].active);
    /* Set while disabled: an enable does not forget it as it forgets a line that went. */
    write_bit(v0, GICD_ICENABLER, 41);
    write_bit(v0, GICD_ISPENDR, 41);
    write_bit(v0, GICD_ISENABLER, 41);
    fake_serve(d);
    assert_int_equal(guest_ack(0), 41);
    guest_eoi(0, 41);
    fake_serve(d);
    write_bit(v0, GICD_ISPENDR, 41);
    write_bit(v0, GICD_ICPENDR, 41);
    assert_false(read_bit(v0, GICD_ISPENDR, 41));
    fake_serve(d);
    assert_int_equal(guest_ack(0), 1023);
    fake_vgic_teardown();
    d = NULL;
}

static void software(void **state)
{
    set_by_software(false);
    set_by_software(true);
}

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
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (u32)(seed >> 20) % n;
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

static void quiesce(void)
{
    for (u32 i = 0; i < 3; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
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
        quiesce();
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
        quiesce();
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
        quiesce();
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
        cmocka_unit_test_teardown(assignment, teardown),
        cmocka_unit_test_teardown(host_has_fewer, teardown),
        cmocka_unit_test_teardown(unlinked, teardown),
        cmocka_unit_test_teardown(released, teardown),
        cmocka_unit_test_teardown(masked, teardown),
        cmocka_unit_test_teardown(follows, teardown),
        cmocka_unit_test_teardown(trigger, teardown),
        cmocka_unit_test_teardown(no_storm, teardown),
        cmocka_unit_test_teardown(edges, teardown),
        cmocka_unit_test_teardown(wakes, teardown),
        cmocka_unit_test_teardown(target_off, teardown),
        cmocka_unit_test_teardown(software, teardown),
        cmocka_unit_test_teardown(life_v3, teardown),
        cmocka_unit_test_teardown(life_v3_split, teardown),
        cmocka_unit_test_teardown(life_v2, teardown),
        cmocka_unit_test_teardown(life_unseen, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
