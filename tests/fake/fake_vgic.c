/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of the virtual GIC: what hardware, scheduler and guest do. One domain
 * at a time, in static memory; CPU n is fake_vif[n].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <arch/cpu.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/ich_lr.h>

struct fake_vif fake_vif[FAKE_CPUS];
struct fake_phys fake_ppi[FAKE_CPUS][32];
struct fake_phys fake_spi[1024];
struct domain *fake_owner[1024];
u32 fake_wakes;
struct domain *fake_vgic_domain;

static u32 lr_total;
static u8 guest_version;

/* --- the seam that the virtual GIC stands on --- */

static struct fake_vif *vif(void)
{
    return &fake_vif[cpu_this()->id];
}

static struct fake_phys *phys(u32 intid)
{
    return intid < 32 ? &fake_ppi[cpu_this()->id][intid] : &fake_spi[intid];
}

static void op_enable(u32 intid)
{
    phys(intid)->enabled = true;
}

static void op_disable(u32 intid)
{
    phys(intid)->enabled = false;
}

static void op_configure(u32 intid, bool level)
{
    assert_false(phys(intid)->enabled);
    phys(intid)->level = level;
}

static void op_route(u32 intid, u64 mpidr, u32 cpu)
{
    assert_int_equal(mpidr, cpu);
    phys(intid)->routed = cpu;
    phys(intid)->routes++;
}

static void op_set_active(u32 intid, bool active)
{
    phys(intid)->active = active;
}

static void op_set_pending(u32 intid, bool pending)
{
    phys(intid)->pending = pending;
}

static bool op_is_pending(u32 intid)
{
    return phys(intid)->pending || (phys(intid)->level && phys(intid)->line);
}

static u32 op_lr_count(void)
{
    return lr_total;
}

static u64 op_lr_read(u32 n)
{
    assert_true(n < lr_total);
    vif()->ich_accesses++;
    return vif()->lr[n];
}

static void op_lr_write(u32 n, u64 lr)
{
    assert_true(n < lr_total);
    vif()->ich_accesses++;
    /* Pending and active with HW = 1 must never be written. */
    assert_false((lr & ICH_LR_HW) && (lr & ICH_LR_STATE) == ICH_LR_STATE);
    assert_false((lr & ICH_LR_HW) && fake_gic_ops.end_unseen);
    vif()->lr[n] = lr;
}

static bool lr_ended(u64 lr)
{
    return !(lr & ICH_LR_STATE) && !(lr & ICH_LR_HW) && (lr & ICH_LR_EOI);
}

static u64 op_lr_empty(void)
{
    u64 bits = 0;

    vif()->ich_accesses++;
    for (u32 n = 0; n < lr_total; n++)
        if (!(vif()->lr[n] & ICH_LR_STATE) && !lr_ended(vif()->lr[n]))
            bits |= BIT(n);
    return bits;
}

static u64 op_lr_eoi(void)
{
    u64 bits = 0;

    vif()->ich_accesses++;
    for (u32 n = 0; n < lr_total; n++)
        if (lr_ended(vif()->lr[n]))
            bits |= BIT(n);
    return bits;
}

static u32 op_hcr_read(void)
{
    vif()->ich_accesses++;
    return vif()->hcr;
}

static void op_hcr_write(u32 hcr)
{
    vif()->ich_accesses++;
    vif()->hcr = hcr;
}

static u64 op_vmcr_read(void)
{
    vif()->ich_accesses++;
    return vif()->vmcr;
}

static void op_vmcr_write(u64 vmcr)
{
    vif()->ich_accesses++;
    vif()->vmcr = vmcr;
}

static u32 op_apr_count(void)
{
    return 1;
}

static u32 op_apr_read(u32 group, u32 n)
{
    vif()->ich_accesses++;
    return group == 0 && n == 0 ? vif()->apr : 0;
}

static void op_apr_write(u32 group, u32 n, u32 value)
{
    vif()->ich_accesses++;
    if (group == 0 && n == 0)
        vif()->apr = value;
}

struct gic_ops fake_gic_ops = {
    .name = "fake",
    .enable = op_enable,
    .disable = op_disable,
    .configure = op_configure,
    .route = op_route,
    .set_active = op_set_active,
    .set_pending = op_set_pending,
    .is_pending = op_is_pending,
    .lr_count = op_lr_count,
    .lr_read = op_lr_read,
    .lr_write = op_lr_write,
    .lr_empty = op_lr_empty,
    .lr_eoi = op_lr_eoi,
    .hcr_read = op_hcr_read,
    .hcr_write = op_hcr_write,
    .vmcr_read = op_vmcr_read,
    .vmcr_write = op_vmcr_write,
    .apr_count = op_apr_count,
    .apr_read = op_apr_read,
    .apr_write = op_apr_write,
    .priority_bits = 5,
    .preemption_bits = 5,
};

const struct gic_ops *gic = &fake_gic_ops;

/* --- owners of physical SPIs, as irq.c keeps them --- */

enum corbel_err irq_assign(u32 intid, struct domain *d, bool level)
{
    if (intid < 32 || intid >= FAKE_LINES)
        return ERR_RANGE;
    if (fake_owner[intid])
        return ERR_BUSY;
    fake_owner[intid] = d;
    fake_spi[intid] = (struct fake_phys){ .level = level, .line = fake_spi[intid].line };
    return CORBEL_OK;
}

void irq_release(u32 intid)
{
    assert_non_null(fake_owner[intid]);
    fake_owner[intid] = NULL;
    fake_spi[intid].enabled = fake_spi[intid].pending = fake_spi[intid].active = false;
}

void irq_set_trigger(u32 intid, bool level, bool enable)
{
    phys(intid)->level = level;
    phys(intid)->enabled = enable;
}

u64 arch_cntv_ctl_read(void)
{
    return vif()->cntv_ctl;
}

void *arena_alloc(struct arena *arena, u64 size)
{
    void *p = NULL;

    if (size <= arena->size - arena->used) {
        p = arena->base + arena->used;
        arena->used += ALIGN_UP(size, 16ull);
    }
    return p;
}

void vcpu_kick(struct vcpu *v, u32 req)
{
    __atomic_fetch_or(&v->req, req, __ATOMIC_ACQ_REL);
    if (v->resident && v->resident != cpu_this())
        fake_kicks[v->resident->id]++;
}

void vcpu_wake(struct vcpu *v, u32 req)
{
    vcpu_kick(v, req);
    fake_wakes++;
}

/* --- a domain --- */

struct domain *fake_vgic_setup(u8 version, u32 vcpus, u32 nr_spis, u32 lrs)
{
    fake_reset(FAKE_CPUS);
    memset(fake_vif, 0, sizeof(fake_vif));
    memset(fake_ppi, 0, sizeof(fake_ppi));
    memset(fake_spi, 0, sizeof(fake_spi));
    memset(fake_owner, 0, sizeof(fake_owner));
    fake_wakes = 0;
    fake_gic_ops.end_unseen = false;
    fake_gic_ops.dir_traps = version == GIC_V3;
    lr_total = lrs;
    guest_version = version;
    fake_vgic_domain = calloc(1, sizeof(*fake_vgic_domain));
    fake_vgic_domain->id = 1;
    fake_vgic_domain->arena.size = 1 << 20;
    fake_vgic_domain->arena.base = calloc(1, fake_vgic_domain->arena.size);
    fake_vgic_domain->vgic.gicd_base = FAKE_GICD;
    fake_vgic_domain->vgic.gicr_base = FAKE_GICR;
    for (u32 i = 0; i < vcpus; i++) {
        struct vcpu *v = calloc(1, sizeof(*v));

        v->id = i;
        v->domain = fake_vgic_domain;
        v->vmpidr = vcpu_mpidr_of(i) | BIT(31);
        v->unit.state = UNIT_RUNNING;
        v->power = VCPU_ON;
        fake_vgic_domain->vcpus[i] = v;
        fake_vgic_domain->vcpu_count++;
        vgic_vcpu_init(v);
    }
    assert_int_equal(vgic_init(fake_vgic_domain, version, nr_spis), CORBEL_OK);
    for (u32 i = 0; i < vcpus; i++)
        fake_vgic_domain->vcpus[i]->vgic.vmcr |=
            ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | FIELD_PREP(ICH_VMCR_VPMR, 0xf8);
    return fake_vgic_domain;
}

void fake_vgic_teardown(void)
{
    for (u32 i = 0; i < fake_vgic_domain->vcpu_count; i++)
        free(fake_vgic_domain->vcpus[i]);
    free(fake_vgic_domain->arena.base);
    free(fake_vgic_domain);
    fake_vgic_domain = NULL;
}

void fake_save(struct vcpu *v)
{
    struct cpu *cpu = v->resident;

    if (!cpu)
        return;
    fake_set_cpu(cpu->id);
    assert_int_equal(phys(27)->active, vgic_ppi_busy(v, 27));
    v->vtimer.cntv_ctl = vif()->cntv_ctl;
    v->vtimer.cntv_cval = vif()->cntv_cval;
    vif()->cntv_ctl = 0;
    vgic_save(v);
    assert_false(phys(27)->active);
    assert_int_equal(vif()->hcr, 0);
    assert_int_equal(vif()->apr, 0);
    for (u32 n = 0; n < lr_total; n++)
        assert_int_equal(vif()->lr[n], 0);
    cpu->resident = NULL;
    cpu->current = NULL;
    v->resident = NULL;
}

void fake_load(u32 cpu, struct vcpu *v)
{
    if (v->resident == cpu_get(cpu))
        return;
    fake_save(v);
    if (cpu_get(cpu)->resident)
        fake_save(cpu_get(cpu)->resident);
    fake_set_cpu(cpu);
    assert_false(phys(27)->active);
    vgic_load(v);
    assert_int_equal(phys(27)->active, vgic_ppi_busy(v, 27));
    vif()->cntv_cval = v->vtimer.cntv_cval;
    vif()->cntv_ctl = v->vtimer.cntv_ctl;
    cpu_this()->resident = v;
    cpu_this()->current = v;
    v->resident = cpu_this();
    v->req |= REQ_IRQ;
}

/* --- what the virtual CPU interface does --- */

/* As the architecture has it, and also as QEMU has it, whose VGRP0D looks at VENG1 (10.0). */
static bool group_changed(u32 hcr)
{
    bool group0 = vif()->vmcr & ICH_VMCR_VENG0, group1 = vif()->vmcr & ICH_VMCR_VENG1;

    return (hcr & (group0 ? ICH_HCR_VGRP0EIE : ICH_HCR_VGRP0DIE)) ||
           (hcr & (group1 ? ICH_HCR_VGRP1EIE : ICH_HCR_VGRP1DIE)) ||
           ((hcr & ICH_HCR_VGRP0DIE) && !group1);
}

static bool maintenance_due(void)
{
    u32 hcr = vif()->hcr, valid = 0;
    bool pending = false, ended = false;

    if (!(hcr & ICH_HCR_EN))
        return false;
    for (u32 n = 0; n < lr_total; n++) {
        valid += (vif()->lr[n] & ICH_LR_STATE) != 0;
        pending |= (vif()->lr[n] & ICH_LR_STATE) == ICH_LR_PENDING;
        ended |= lr_ended(vif()->lr[n]);
    }
    return ended || ((hcr & ICH_HCR_UIE) && valid <= 1) || ((hcr & ICH_HCR_NPIE) && !pending) ||
           ((hcr & ICH_HCR_LRENPIE) && FIELD_GET(ICH_HCR_EOICOUNT, hcr)) || group_changed(hcr);
}

static bool serve_cpu(u32 cpu)
{
    struct vcpu *v = cpu_get(cpu)->resident;
    u32 req;

    if (!v)
        return false;
    fake_set_cpu(cpu);
    /* As run.c: an idle CPU whose vCPU is off answers folds only. */
    req = __atomic_fetch_and(&v->req, vcpu_is_off(v) ? (u32)REQ_IRQ : 0, __ATOMIC_ACQ_REL);
    req &= vcpu_is_off(v) ? REQ_FOLD : ~0ull;
    if (req & REQ_FOLD)
        vgic_fold(v);
    if (req & REQ_IRQ)
        vgic_flush(v);
    if (maintenance_due()) {
        vgic_maintenance(v);
        return true;
    }
    return (req & (REQ_FOLD | REQ_IRQ)) != 0;
}

void fake_serve(struct domain *d)
{
    u32 here = cpu_this()->id, rounds = 0;
    bool more = true;

    (void)d;
    while (more) {
        more = false;
        for (u32 cpu = 0; cpu < FAKE_CPUS; cpu++)
            more |= serve_cpu(cpu);
        assert_true(rounds++ < 100); /* no storm */
    }
    fake_set_cpu(here);
}

u32 guest_running_priority(u32 cpu)
{
    return fake_vif[cpu].apr ? (u32)__builtin_ctz(fake_vif[cpu].apr) * 8 : 0x100;
}

static s32 best_lr(const struct fake_vif *f, u32 running)
{
    s32 best = -1;

    if (!(f->hcr & ICH_HCR_EN))
        return -1;
    for (u32 n = 0; n < lr_total; n++) {
        u64 lr = f->lr[n];
        u32 priority = (u32)FIELD_GET(ICH_LR_PRIORITY, lr);

        if ((lr & ICH_LR_STATE) != ICH_LR_PENDING ||
            !(f->vmcr & (lr & ICH_LR_GROUP1 ? ICH_VMCR_VENG1 : ICH_VMCR_VENG0)) ||
            priority >= FIELD_GET(ICH_VMCR_VPMR, f->vmcr) || priority >= running)
            continue;
        if (best < 0 || priority < FIELD_GET(ICH_LR_PRIORITY, f->lr[best]))
            best = (s32)n;
    }
    return best;
}

bool guest_is_signaled(u32 cpu)
{
    return best_lr(&fake_vif[cpu], guest_running_priority(cpu)) >= 0;
}

u32 guest_ack(u32 cpu)
{
    struct fake_vif *f = &fake_vif[cpu];
    s32 n = best_lr(f, guest_running_priority(cpu));
    u32 iar;

    fake_set_cpu(cpu);
    if (n < 0)
        return 1023;
    f->lr[n] = (f->lr[n] & ~ICH_LR_STATE) | ICH_LR_ACTIVE;
    f->apr |= 1u << (FIELD_GET(ICH_LR_PRIORITY, f->lr[n]) / 8);
    iar = (u32)FIELD_GET(ICH_LR_VINTID, f->lr[n]);
    if (guest_version == GIC_V2 && iar < 16)
        iar |= (u32)FIELD_GET(ICH_LR_SOURCE, f->lr[n]) << 10;
    return iar;
}

static bool lr_deactivate(struct fake_vif *f, u32 intid)
{
    for (u32 n = 0; n < lr_total; n++) {
        u64 lr = f->lr[n];

        if (FIELD_GET(ICH_LR_VINTID, lr) != intid || !(lr & ICH_LR_ACTIVE))
            continue;
        f->lr[n] = lr & ~ICH_LR_ACTIVE;
        if (lr & ICH_LR_HW) {
            struct fake_phys *p = phys((u32)FIELD_GET(ICH_LR_PINTID, lr));

            assert_true(p->active); /* decision 24 */
            p->active = false;
        }
        return true;
    }
    return false;
}

static void count_eoi(struct fake_vif *f)
{
    f->hcr = (f->hcr & ~(u32)ICH_HCR_EOICOUNT) |
             (u32)FIELD_PREP(ICH_HCR_EOICOUNT, FIELD_GET(ICH_HCR_EOICOUNT, f->hcr) + 1);
}

void guest_eoi(u32 cpu, u32 iar)
{
    struct fake_vif *f = &fake_vif[cpu];

    fake_set_cpu(cpu);
    assert_true(f->apr != 0);
    f->apr &= f->apr - 1;
    if (!(f->vmcr & ICH_VMCR_VEOIM) && !lr_deactivate(f, iar & 0x3ff))
        count_eoi(f);
}

void guest_dir(u32 cpu, u32 iar)
{
    struct fake_vif *f = &fake_vif[cpu];

    fake_set_cpu(cpu);
    if (f->hcr & ICH_HCR_TDIR)
        vgic_write_dir(cpu_this()->resident, iar & 0x3ff);
    else if (!lr_deactivate(f, iar & 0x3ff))
        count_eoi(f);
}

/* --- physical interrupts --- */

static bool fires(struct fake_phys *p)
{
    if (!p->enabled || p->active || !(p->pending || (p->level && p->line)))
        return false;
    p->pending = false;
    p->active = true;
    p->fired++;
    return true;
}

void fake_phys_deliver(struct domain *d)
{
    u32 here = cpu_this()->id;

    for (u32 cpu = 0; cpu < FAKE_CPUS; cpu++) {
        struct fake_phys *timer = &fake_ppi[cpu][27];
        struct vcpu *v = cpu_get(cpu)->resident;

        fake_set_cpu(cpu);
        timer->enabled = timer->level = true;
        timer->line = (vif()->cntv_ctl & 7) == 5;
        if (v && fires(timer))
            vgic_inject_hw_ppi(v, 27);
    }
    for (u32 i = 32; i < ARRAY_SIZE(fake_spi); i++) {
        fake_set_cpu(fake_spi[i].routed);
        if (fires(&fake_spi[i]))
            vgic_inject_hw(d, i);
    }
    fake_set_cpu(here);
}

void fake_quiesce(struct domain *d)
{
    for (u32 i = 0; i < 3; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
}
