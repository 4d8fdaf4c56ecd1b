/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random life of a whole virtual GIC against a reference model that knows nothing of
 * list registers: what a guest may acknowledge, what it reads, and after each step
 * that nothing is lost, doubled or left active (design decisions 22 to 25).
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
#include <hw/gicr.h>
#include <hw/ich_lr.h>

#define VCPUS    3u
#define IRQS     64u /* SPIs 32..63 */
#define STEPS    12000u
#define NOBODY   99u
#define IS_HW(n) ((n) >= 48 && (n) < 56) /* 48..51 edge, 52..55 level */

struct model_irq {
    bool enabled, group1, level, latch, line, active;
    u8 priority, sources;
    u32 target, holder; /* holder: vCPU where it is active */
    u32 stacked;        /* acknowledged and not ended yet */
};

static struct model_irq priv[VCPUS][32], spi[IRQS];
static u32 ctlr;
static bool group_on[VCPUS][2];                  /* at the guest's CPU interface */
static u32 mask[VCPUS];                          /* its priority mask */
static u32 stack[VCPUS][40], depth[VCPUS];       /* IARs to end, last first */
static u32 dropped[VCPUS][40], dropped_n[VCPUS]; /* EOImode 1: priority dropped, not deactivated */
static struct domain *d;
static u32 version;
static bool split;
static bool unlinked; /* the host's links cannot be used */
static u64 seed;

static u32 rnd(u32 n)
{
    return (u32)(fake_random(&seed) >> 20) % n;
}

static struct model_irq *model(u32 v, u32 intid)
{
    return intid < 32 ? &priv[v][intid] : &spi[intid];
}

static bool is_sgi2(u32 intid)
{
    return intid < 16 && version == GIC_V2;
}

static bool pending(const struct model_irq *m, u32 intid)
{
    return is_sgi2(intid) ? m->sources != 0 : m->latch || (m->level && m->line);
}

static bool deliverable(u32 v, u32 intid)
{
    const struct model_irq *m = model(v, intid);

    return pending(m, intid) && m->enabled && !m->active && m->target == v &&
           (ctlr & (m->group1 ? 2 : 1)) && group_on[v][m->group1] && m->priority < mask[v];
}

static u32 best_priority(u32 v, u32 limit)
{
    u32 best = limit;

    for (u32 n = 0; n < IRQS; n++)
        if (deliverable(v, n) && model(v, n)->priority < best)
            best = model(v, n)->priority;
    return best;
}

/* --- invariants --- */

static void check_all(void)
{
    fake_vgic_check();
    for (u32 i = 0; i < VCPUS; i++) {
        struct vcpu *v = d->vcpus[i];

        if (v->resident)
            fake_set_cpu(v->resident->id);
        assert_int_equal(vgic_pending(v), best_priority(i, 0xf8) != 0xf8);
    }
}

/* --- what may happen --- */

static struct vcpu *somebody(void)
{
    struct vcpu *v = d->vcpus[rnd(VCPUS)];

    if (!v->resident)
        fake_load(v->id, v);
    fake_set_cpu(v->resident->id);
    return v;
}

/* Where the registers of intid of vCPU v are. */
static u64 bank(u32 v, u32 intid)
{
    return intid < 32 && version == GIC_V3 ? FAKE_GICR + v * 0x20000ull + GICR_SGI : FAKE_GICD;
}

/* A vCPU that may access the private interrupts of some vCPU, and which. */
static struct vcpu *accessor(u32 *owner)
{
    struct vcpu *v = somebody();

    *owner = version == GIC_V3 ? rnd(VCPUS) : v->id;
    return v;
}

static u32 any_intid(void)
{
    static const u32 privates[] = { 0, 1, 2, 15, 20, 21 };

    return rnd(3) ? 32 + rnd(IRQS - 32) : privates[rnd(ARRAY_SIZE(privates))];
}

static void write_bit(struct vcpu *v, u32 owner, u32 reg, u32 intid)
{
    mmio_set(v, bank(owner, intid) + reg + intid / 32 * 4, 4, BIT(intid % 32));
}

static void step_enable(void)
{
    u32 owner, intid = any_intid();
    struct vcpu *v = accessor(&owner);
    bool on = rnd(3) != 0;

    write_bit(v, owner, on ? GICD_ISENABLER : GICD_ICENABLER, intid);
    model(owner, intid)->enabled = on;
}

static void step_pending(void)
{
    u32 owner, intid = any_intid();
    struct vcpu *v = accessor(&owner);
    bool on = rnd(2);

    /* As in step_hw(); and one latch serves software and a linked level source. */
    if (IS_HW(intid) && on && (fake_spi[intid].pending || intid >= 52))
        return;
    write_bit(v, owner, on ? GICD_ISPENDR : GICD_ICPENDR, intid);
    if (is_sgi2(intid))
        return;
    model(owner, intid)->latch = on;
}

static void step_active(void)
{
    u32 owner, intid = any_intid();
    struct vcpu *v = accessor(&owner);
    struct model_irq *m = model(owner, intid);
    bool on = rnd(2);

    if (m->stacked)
        return;
    write_bit(v, owner, on ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
    if (on && !m->active)
        m->holder = m->target;
    m->active = on;
}

static void step_priority(void)
{
    u32 owner, intid = any_intid();
    struct vcpu *v = accessor(&owner);
    struct model_irq *m = model(owner, intid);
    u8 value = (u8)rnd(256);

    if (m->active)
        return;
    mmio_set(v, bank(owner, intid) + GICD_IPRIORITYR + intid, 1, value);
    m->priority = value & 0xf8;
}

static void step_group(void)
{
    u32 owner, intid = any_intid() & ~31u;
    struct vcpu *v = accessor(&owner);
    u32 value = rnd(1 << 16) << 16 | rnd(1 << 16);

    mmio_set(v, bank(owner, intid) + GICD_IGROUPR + intid / 32 * 4, 4, value);
    for (u32 i = 0; i < 32; i++)
        model(owner, intid + i)->group1 = value >> i & 1;
}

static void step_target(void)
{
    u32 intid = 32 + rnd(IRQS - 32), to = rnd(VCPUS + 1);
    struct vcpu *v = somebody();

    if (version == GIC_V3)
        mmio_set(v, FAKE_GICD + GICD_IROUTER + 8 * intid, 8, to < VCPUS ? to : 0x101);
    else
        mmio_set(v, FAKE_GICD + GICD_ITARGETSR + intid, 1, to < VCPUS ? 1u << to : 0x80);
    spi[intid].target = to < VCPUS ? to : NOBODY;
}

static void step_line(void)
{
    u32 intid = rnd(4) ? 32 + rnd(16) : 20 + rnd(2), owner = rnd(VCPUS);
    struct model_irq *m = model(owner, intid);
    bool level = rnd(2);

    (void)somebody();
    if (intid < 32)
        vgic_set_ppi(d->vcpus[owner], intid, level);
    else
        vgic_set_line(d, intid, level);
    if (level && !m->line && !m->level)
        m->latch = true;
    m->line = level;
}

static void step_hw(void)
{
    u32 intid = 48 + rnd(8);
    struct virq *irq = &d->vgic.spis[intid - 32];
    struct model_irq *m = &spi[intid];

    if (!m->level) {
        /* A second edge before the first is taken would come on its own: it waits outside. */
        if (!m->latch)
            fake_spi[intid].pending = m->latch = true;
    } else if (rnd(2)) {
        fake_spi[intid].line = m->line = true;
    } else if (m->active && !irq->latch && !irq->lr_latch) {
        /* Dropped while acknowledged, as drivers do; earlier it would come once too often. */
        fake_spi[intid].line = m->line = false;
    }
}

static void step_sgi(void)
{
    u32 intid = rnd(3), to = rnd(VCPUS);
    struct vcpu *v = somebody();

    if (version == GIC_V2) {
        mmio_set(v, FAKE_GICD + GICD_SGIR, 4, 1u << (16 + to) | intid);
        priv[to][intid].sources |= (u8)BIT(v->id);
        return;
    }
    vgic_write_sgi(v, (u64)intid << 24 | BIT(to), true);
    priv[to][intid].latch = true;
}

static void step_ctlr(void)
{
    u32 value = rnd(4) ? 3 : rnd(4);

    mmio_set(somebody(), FAKE_GICD + GICD_CTLR, 4, value);
    ctlr = value;
}

/* The guest changes group enables or priority mask at its CPU interface: no trap. */
static void step_interface(void)
{
    struct vcpu *v = somebody();
    u64 *vmcr = &fake_vif[v->resident->id].vmcr;

    for (u32 group = 0; group < 2; group++)
        group_on[v->id][group] = rnd(4) != 0;
    mask[v->id] = rnd(3) ? 0xf8 : rnd(32) * 8;
    *vmcr &= ~(ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | ICH_VMCR_VPMR);
    *vmcr |= (group_on[v->id][0] ? ICH_VMCR_VENG0 : 0) | (group_on[v->id][1] ? ICH_VMCR_VENG1 : 0) |
             FIELD_PREP(ICH_VMCR_VPMR, mask[v->id]);
}

static void step_move(void)
{
    struct vcpu *v = d->vcpus[rnd(VCPUS)];

    if (rnd(3))
        fake_load(rnd(FAKE_CPUS), v);
    else
        fake_save(v);
}

static void step_ack(void)
{
    struct vcpu *v = somebody();
    u32 limit, best, iar, intid;
    struct model_irq *m;

    if (depth[v->id] + dropped_n[v->id] >= 32)
        return;
    fake_quiesce(d);
    limit = MIN(guest_running_priority(v->resident->id), 0xf8u);
    best = best_priority(v->id, limit);
    iar = guest_ack(v->resident->id);
    if (best == limit) {
        assert_int_equal(iar, 1023);
        return;
    }
    intid = iar & 0x3ff;
    assert_true(intid < IRQS);
    assert_true(deliverable(v->id, intid));
    m = model(v->id, intid);
    assert_int_equal(m->priority, best);
    if (is_sgi2(intid)) {
        assert_true(m->sources & BIT(iar >> 10));
        m->sources &= (u8)~BIT(iar >> 10);
    }
    m->latch = false;
    m->active = true;
    m->holder = v->id;
    m->stacked = 1;
    stack[v->id][depth[v->id]++] = iar;
}

static void step_end(void)
{
    struct vcpu *v = somebody();
    u32 id = v->id, iar, i;

    if (depth[id] && (!split || rnd(2))) {
        iar = stack[id][--depth[id]];
        guest_eoi(v->resident->id, iar);
        if (split) {
            dropped[id][dropped_n[id]++] = iar;
            return;
        }
    } else if (dropped_n[id]) {
        i = rnd(dropped_n[id]);
        iar = dropped[id][i];
        dropped[id][i] = dropped[id][--dropped_n[id]];
        guest_dir(v->resident->id, iar);
    } else {
        return;
    }
    model(id, iar & 0x3ff)->active = false;
    model(id, iar & 0x3ff)->stacked = 0;
    fake_serve(d);
}

static void step_read(void)
{
    static const u32 regs[] = { GICD_ISPENDR,   GICD_ICPENDR,   GICD_ISACTIVER,
                                GICD_ICACTIVER, GICD_ISENABLER, GICD_IGROUPR };
    u32 reg = regs[rnd(ARRAY_SIZE(regs))], owner, base = rnd(2) * 32;
    struct vcpu *v = accessor(&owner);
    u64 value;

    fake_quiesce(d);
    value = mmio_get(v, bank(owner, base) + reg + base / 32 * 4, 4);
    for (u32 i = 0; i < 32; i++) {
        const struct model_irq *m = model(owner, base + i);
        bool want = reg == GICD_ISENABLER   ? m->enabled
                    : reg == GICD_IGROUPR   ? m->group1
                    : reg >= GICD_ISACTIVER ? m->active
                                            : pending(m, base + i);

        assert_int_equal(value >> i & 1, want);
    }
}

/* --- the run --- */

static void model_start(u32 lrs)
{
    d = fake_vgic_setup((u8)version, VCPUS, IRQS - 32, lrs);
    memset(priv, 0, sizeof(priv));
    memset(spi, 0, sizeof(spi));
    memset(depth, 0, sizeof(depth));
    memset(dropped_n, 0, sizeof(dropped_n));
    ctlr = 0;
    for (u32 v = 0; v < VCPUS; v++) {
        group_on[v][0] = group_on[v][1] = true;
        mask[v] = 0xf8;
        if (split)
            d->vcpus[v]->vgic.vmcr |= ICH_VMCR_VEOIM;
        for (u32 n = 0; n < 32; n++)
            priv[v][n] = (struct model_irq){
                .enabled = n < 16, .level = n >= 16, .group1 = version == GIC_V3, .target = v
            };
    }
    for (u32 n = 32; n < IRQS; n++) {
        u32 cfg;

        spi[n] = (struct model_irq){ .group1 = version == GIC_V3, .level = n % 8 >= 4 };
        fake_load(0, d->vcpus[0]);
        cfg = (u32)mmio_get(d->vcpus[0], FAKE_GICD + GICD_ICFGR + n / 16 * 4, 4);
        cfg = spi[n].level ? cfg : cfg | 2u << n % 16 * 2;
        mmio_set(d->vcpus[0], FAKE_GICD + GICD_ICFGR + n / 16 * 4, 4, cfg);
        if (IS_HW(n)) {
            fake_spi[n].level = spi[n].level;
            assert_int_equal(vgic_link(d, NULL, n, n), CORBEL_OK);
        }
    }
}

static void run(u32 ver, u32 lrs, bool eoi_mode)
{
    static void (*const steps[])(void) = {
        step_enable, step_enable, step_pending, step_active,    step_priority, step_group,
        step_target, step_line,   step_line,    step_hw,        step_hw,       step_sgi,
        step_sgi,    step_ack,    step_ack,     step_ack,       step_end,      step_end,
        step_end,    step_read,   step_move,    step_interface, step_ctlr,
    };

    version = ver;
    split = eoi_mode;
    seed = 0x9e3779b97f4a7c15ull + lrs * 977 + ver * 31 + eoi_mode;
    model_start(lrs);
    fake_gic_ops.end_unseen = unlinked;
    for (u32 i = 0; i < STEPS; i++) {
        steps[rnd(ARRAY_SIZE(steps))]();
        if (rnd(2))
            continue; /* let changes pile up */
        fake_quiesce(d);
        check_all();
    }
    fake_vgic_teardown();
}

static void test_v3(void **state)
{
    (void)state;
    run(GIC_V3, 4, false);
    run(GIC_V3, 16, false);
}

static void test_v3_few(void **state)
{
    (void)state;
    run(GIC_V3, 1, false);
    run(GIC_V3, 2, false);
}

static void test_v3_split(void **state)
{
    (void)state;
    run(GIC_V3, 4, true);
    run(GIC_V3, 16, true);
    run(GIC_V3, 2, true);
}

static void test_v2(void **state)
{
    (void)state;
    run(GIC_V2, 4, false);
    run(GIC_V2, 16, false);
    run(GIC_V2, 2, false);
}

static void test_unlinked(void **state)
{
    (void)state;
    unlinked = true;
    run(GIC_V2, 4, false);
    run(GIC_V3, 4, true);
    unlinked = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v3), cmocka_unit_test(test_v3_few),   cmocka_unit_test(test_v3_split),
        cmocka_unit_test(test_v2), cmocka_unit_test(test_unlinked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
