/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual GIC under a guest without manners: accesses of any size at any offset, SGIs, interrupts
 * acknowledged and ended in any order or not at all, lines and physical interrupts that come and
 * go, vCPUs that move and are reset. After each step lists, list registers and the physical GIC
 * agree (fake_vgic_check), a guest is signaled exactly what WFI would wake for, and registers that
 * show the same state read alike.
 */
#include "vgic_life.h"

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/gicr.h>
#include <hw/ich_lr.h>

#define VCPUS     3u
#define SPIS      40u
#define HW_FIRST  60u /* INTIDs of physical SPIs: two by edge, two by level */
#define HW_COUNT  4u
#define STEPS_MAX 400u
#define ENDS_MAX  16u

static struct domain *d;
static u8 version;
static u32 ends[VCPUS][ENDS_MAX], ends_count[VCPUS]; /* what was acknowledged and not ended */

static struct vcpu *somebody(struct fuzz_in *in)
{
    struct vcpu *v = d->vcpus[fuzz_below(in, VCPUS)];

    if (!v->resident)
        fake_load(v->id, v);
    fake_set_cpu(v->resident->id);
    return v;
}

static u32 any_intid(struct fuzz_in *in)
{
    /* Most often one of few: something happens to an interrupt only when all meets at it. */
    static const u8 favorites[] = { 0, 1, 20, 40, HW_FIRST, HW_FIRST + 1, HW_FIRST + 2 };
    u32 kind = fuzz_below(in, 32);

    if (kind == 0)
        return fuzz_below(in, 1024);
    if (kind < 8)
        return fuzz_below(in, 32 + SPIS);
    return favorites[kind % ARRAY_SIZE(favorites)];
}

/* --- registers -------------------------------------------------------------------------------- */

/* The frame of one vCPU's redistributor or of the distributor. */
static u64 any_frame(struct fuzz_in *in, bool *is_gicd)
{
    u32 where = version == GIC_V3 ? fuzz_below(in, VCPUS + 2) : VCPUS;

    *is_gicd = where >= VCPUS;
    return *is_gicd ? FAKE_GICD : FAKE_GICR + where * (u64)GICR_SIZE_V3;
}

/* Mostly where registers of interrupts are; seldom anywhere. */
static u64 any_register(struct fuzz_in *in)
{
    static const u16 banks[] = { GICD_IGROUPR,   GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
                                 GICD_ICPENDR,   GICD_ISACTIVER, GICD_ICACTIVER, GICD_IPRIORITYR,
                                 GICD_ITARGETSR, GICD_ICFGR,     GICD_SGIR,      GICD_CPENDSGIR,
                                 GICD_SPENDSGIR, GICD_IROUTER,   GICD_CTLR,      GICD_TYPER };
    static const u8 bits[] = { 1, 1, 1, 1, 1, 1, 1, 8, 8, 2, 0, 8, 8, 64, 0, 0 };
    u32 bank = fuzz_below(in, ARRAY_SIZE(banks) + 1);
    bool is_gicd;
    u64 frame = any_frame(in, &is_gicd);
    u32 limit = !is_gicd ? GICR_SIZE_V3 : version == GIC_V3 ? GICD_V3_SIZE : GICD_V2_SIZE;

    if (bank == ARRAY_SIZE(banks) || (version == GIC_V2 && banks[bank] == GICD_IROUTER))
        return frame + fuzz_take(in, 3) % limit;
    if (!is_gicd) {
        frame += GICR_SGI;
        limit -= GICR_SGI;
    }
    return frame + (banks[bank] + any_intid(in) * bits[bank] / 8) % limit;
}

static void step_write(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u64 at = any_register(in), value = fuzz_take(in, 4);
    u8 size = (u8)(1u << fuzz_below(in, 4));

    if (size == 8)
        value |= fuzz_take(in, 4) << 32;
    else
        value &= BIT(8 * size) - 1;
    mmio_set(v, ALIGN_DOWN(at, (u64)size), size, value);
}

static void step_read(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u64 at = any_register(in);
    u8 size = (u8)(1u << fuzz_below(in, 4));
    u64 value = mmio_get(v, ALIGN_DOWN(at, (u64)size), size);

    assert_true(size == 8 || !(value >> (8 * size)));
}

/* One interrupt made fit to be delivered: without that most inputs never see one. */
static void step_prepare(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u32 intid = any_intid(in) % (32 + SPIS);
    u64 bank = intid < 32 && version == GIC_V3 ? FAKE_GICR + v->id * (u64)GICR_SIZE_V3 + GICR_SGI
                                               : FAKE_GICD;

    mmio_set(v, FAKE_GICD + GICD_CTLR, 4, 3);
    mmio_set(v, bank + GICD_IPRIORITYR + intid, 1, fuzz_below(in, 256));
    mmio_set(v, bank + GICD_ISENABLER + intid / 32 * 4, 4, BIT(intid % 32));
    if (intid < 32)
        return;
    if (version == GIC_V3)
        mmio_set(v, FAKE_GICD + GICD_IROUTER + 8ull * intid, 8, fuzz_below(in, VCPUS));
    else
        mmio_set(v, FAKE_GICD + GICD_ITARGETSR + intid, 1, BIT(fuzz_below(in, VCPUS)));
}

/* As an operating system begins: everything on, at one priority, SPIs in turn to each vCPU. */
static void prepare_all(void)
{
    fake_load(0, d->vcpus[0]);
    mmio_set(d->vcpus[0], FAKE_GICD + GICD_CTLR, 4, 3);
    for (u32 i = 32; i < 32 + SPIS; i++) {
        mmio_set(d->vcpus[0], FAKE_GICD + GICD_IPRIORITYR + i, 1, 0xa0);
        mmio_set(d->vcpus[0], FAKE_GICD + GICD_ISENABLER + i / 32 * 4, 4, BIT(i % 32));
        if (version == GIC_V3)
            mmio_set(d->vcpus[0], FAKE_GICD + GICD_IROUTER + 8ull * i, 8, i % VCPUS);
        else
            mmio_set(d->vcpus[0], FAKE_GICD + GICD_ITARGETSR + i, 1, BIT(i % VCPUS));
    }
    for (u32 i = 0; i < VCPUS; i++) {
        u64 bank = version == GIC_V3 ? FAKE_GICR + i * (u64)GICR_SIZE_V3 + GICR_SGI : FAKE_GICD;

        fake_load(i, d->vcpus[i]);
        mmio_set(d->vcpus[i], bank + GICD_ISENABLER, 4, 0xffffffff);
    }
}

static void step_sgi(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u64 value = fuzz_take(in, 4);

    if (version == GIC_V2)
        mmio_set(v, FAKE_GICD + GICD_SGIR, 4, value);
    else
        vgic_write_sgi(v, (value & 0xff) | (value >> 8 & 0xff) << 24 | (value >> 16) << 32,
                       fuzz_below(in, 2));
}

/* What is cleared is clear: an SGI has no line that would set it again. */
static void step_clear_sgi(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u32 intid = fuzz_below(in, 16);
    u64 bank = version == GIC_V3 ? FAKE_GICR + v->id * (u64)GICR_SIZE_V3 + GICR_SGI : FAKE_GICD;

    if (version == GIC_V3)
        mmio_set(v, bank + GICD_ICPENDR, 4, BIT(intid));
    else
        mmio_set(v, bank + GICD_CPENDSGIR + intid, 1, 0xff);
    assert_int_equal(mmio_get(v, bank + GICD_ISPENDR, 4) & BIT(intid), 0);
    if (version == GIC_V2)
        assert_int_equal(mmio_get(v, bank + GICD_SPENDSGIR + intid, 1), 0);
}

/* --- the guest's CPU interface, which does not trap ------------------------------------------- */

static void step_ack(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u32 iar = guest_ack(v->resident->id);

    if (iar == 1023)
        return;
    assert_true((iar & 0x3ff) < 32 + SPIS);
    if (ends_count[v->id] < ENDS_MAX)
        ends[v->id][ends_count[v->id]++] = iar;
}

/* The last acknowledged, any one of them, or a number that the guest makes up. */
static u32 pick_end(struct fuzz_in *in, u32 vcpu)
{
    u32 kind = fuzz_below(in, 8), i = ends_count[vcpu] - 1, iar;

    if (kind == 7 || !ends_count[vcpu])
        return any_intid(in);
    if (kind > 4)
        i = fuzz_below(in, ends_count[vcpu]);
    iar = ends[vcpu][i];
    ends[vcpu][i] = ends[vcpu][--ends_count[vcpu]];
    return iar;
}

static void step_end(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);

    if (fake_vif[v->resident->id].apr)
        guest_eoi(v->resident->id, pick_end(in, v->id));
}

static void step_dir(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);

    guest_dir(v->resident->id, pick_end(in, v->id));
}

static void step_interface(struct fuzz_in *in)
{
    struct vcpu *v = somebody(in);
    u32 flags = (u32)fuzz_take(in, 1);
    u64 *vmcr = &fake_vif[v->resident->id].vmcr;

    *vmcr &= ~(ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | ICH_VMCR_VPMR | ICH_VMCR_VEOIM);
    *vmcr |= (flags & 3 ? ICH_VMCR_VENG0 : 0) | (flags & 12 ? ICH_VMCR_VENG1 : 0) |
             (flags & 16 ? ICH_VMCR_VEOIM : 0) |
             FIELD_PREP(ICH_VMCR_VPMR, flags & 32 ? fuzz_below(in, 32) * 8 : 0xf8);
}

/* --- the world -------------------------------------------------------------------------------- */

static void step_line(struct fuzz_in *in)
{
    u32 intid = any_intid(in);
    bool level = fuzz_below(in, 2);

    (void)somebody(in);
    if (intid >= HW_FIRST && intid < HW_FIRST + HW_COUNT)
        return;
    if (intid < 32)
        vgic_set_ppi(d->vcpus[fuzz_below(in, VCPUS)], intid, level);
    else if (fuzz_below(in, 4))
        vgic_set_line(d, intid, level);
    else
        vgic_pulse(d, intid);
}

static void step_hw(struct fuzz_in *in)
{
    struct fake_phys *phys = &fake_spi[HW_FIRST + fuzz_below(in, HW_COUNT)];

    if (phys->level)
        phys->line = fuzz_below(in, 2);
    else
        phys->pending = true;
}

static void step_move(struct fuzz_in *in)
{
    struct vcpu *v = d->vcpus[fuzz_below(in, VCPUS)];

    if (fuzz_below(in, 3))
        fake_load(fuzz_below(in, FAKE_CPUS), v);
    else
        fake_save(v);
}

static void save_all(void)
{
    for (u32 i = 0; i < VCPUS; i++)
        fake_save(d->vcpus[i]);
}

static void open_interface(void)
{
    for (u32 i = 0; i < VCPUS; i++)
        d->vcpus[i]->vgic.vmcr |= ICH_VMCR_VENG0 | ICH_VMCR_VENG1 | FIELD_PREP(ICH_VMCR_VPMR, 0xf8);
}

/* The domain is restarted: as after vgic_init(), but for what is linked. */
static void step_reset(struct fuzz_in *in)
{
    (void)in;
    save_all();
    vgic_mask_spis(d);
    vgic_reset(d);
    memset(ends_count, 0, sizeof(ends_count));
    for (u32 i = 0; i < VCPUS; i++)
        assert_false(vgic_pending(d->vcpus[i]));
    open_interface();
}

/* --- what must hold --------------------------------------------------------------------------- */

static void quiesce(void)
{
    for (u32 i = 0; i < 3; i++) {
        fake_phys_deliver(d);
        fake_serve(d);
    }
}

static void check_signal(struct vcpu *v)
{
    u32 cpu;

    if (!v->resident)
        return;
    cpu = v->resident->id;
    fake_set_cpu(cpu);
    if (!fake_vif[cpu].apr)
        assert_int_equal(vgic_pending(v), guest_is_signaled(cpu));
    else if (guest_is_signaled(cpu))
        assert_true(vgic_pending(v));
}

/* Set and clear registers are two views of one state; there is nothing behind the last SPI. */
static void check_registers(struct fuzz_in *in)
{
    static const u16 pairs[] = { GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER };
    struct vcpu *v = somebody(in);
    u32 word = fuzz_below(in, 4) * 4;
    u64 bank = word || version == GIC_V2 ? FAKE_GICD : FAKE_GICR + GICR_SGI;

    for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
        u64 set = mmio_get(v, bank + pairs[i] + word, 4);

        assert_int_equal(set, mmio_get(v, bank + pairs[i] + 0x80 + word, 4));
        if (word == 8)
            assert_int_equal(set >> (SPIS - 32), 0);
        if (word == 12)
            assert_int_equal(set, 0);
    }
}

static void check_all(struct fuzz_in *in)
{
    quiesce();
    fake_vgic_check();
    for (u32 i = 0; i < VCPUS; i++)
        check_signal(d->vcpus[i]);
    if (fuzz_below(in, 4) == 0)
        check_registers(in);
}

static void check_end(void)
{
    save_all();
    vgic_release_spis(d);
    for (u32 i = HW_FIRST; i < HW_FIRST + HW_COUNT; i++) {
        assert_null(fake_owner[i]);
        assert_false(fake_spi[i].enabled || fake_spi[i].active);
    }
}

void vgic_life(u8 guest_version, const u8 *data, size_t size)
{
    static void (*const steps[])(struct fuzz_in *) = {
        step_write,     step_write, step_write,     step_read, step_prepare,
        step_prepare,   step_sgi,   step_clear_sgi, step_ack,  step_ack,
        step_end,       step_end,   step_dir,       step_line, step_line,
        step_interface, step_hw,    step_hw,        step_move,
    };
    static const u8 lrs[] = { 4, 1, 2, 16 };
    struct fuzz_in in = { data, size };

    version = guest_version;
    d = fake_vgic_setup(version, VCPUS, SPIS, lrs[fuzz_below(&in, ARRAY_SIZE(lrs))]);
    fake_gic_ops.end_unseen = fuzz_below(&in, 4) == 3;
    memset(ends_count, 0, sizeof(ends_count));
    for (u32 i = 0; i < HW_COUNT; i++)
        assert_int_equal(vgic_assign_spi(d, HW_FIRST + i, i >= 2), CORBEL_OK);
    if (fuzz_below(&in, 8))
        prepare_all();
    for (u32 i = 0; in.left && i < STEPS_MAX; i++) {
        u32 kind = fuzz_below(&in, 128);

        if (kind == 127)
            step_reset(&in);
        else
            steps[kind % ARRAY_SIZE(steps)](&in);
        if (kind < 64) /* let changes pile up */
            check_all(&in);
    }
    quiesce();
    check_end();
    fake_vgic_teardown();
}
