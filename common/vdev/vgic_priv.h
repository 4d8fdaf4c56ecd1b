/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VDEV_VGIC_PRIV_H
#define CORBEL_VDEV_VGIC_PRIV_H

#include <arch/cpu.h>
#include <corbel/domain.h>
#include <corbel/types.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>
#include <corbel/vgic.h>
#include <hw/gicd.h>
#include <hw/ich_lr.h>

/*
 * Between the files of the virtual GIC, from the ground up:
 *   vgic_lr.c    one interrupt and its list register
 *   vgic.c       locks, injection: the state machine's transitions
 *   vgic_hw.c    links to physical interrupts: injection, routing, assignment
 *   vgic_pack.c  more than the list registers hold
 *   vgic_run.c   residency: folding, load and save, maintenance
 *   vgic_mmio.c  register engine, handlers common to both versions
 *   vgic_v2.c, vgic_v3.c  register tables, SGIs
 *   vgic_init.c  building and reset
 */

/* Wishes of another CPU about an interrupt whose truth is in a list register. */
enum virq_cmd { VIRQ_CLEAR_PENDING = 1, VIRQ_CLEAR_ACTIVE = 2, VIRQ_SET_ACTIVE = 4 };

/* What came of an attempt to bring an interrupt where it belongs. */
enum virq_place {
    PLACE_IDLE, /* neither pending nor active: off the list */
    PLACE_LR,   /* in a list register */
    PLACE_WAIT, /* on the list of its vCPU */
    PLACE_MOVE, /* on the list of a vCPU that is no longer its target */
};

/* --- vgic_lr.c: virq.lock held; "home" functions also the lock of home's list --- */

/* Pending as seen last: latch, list register or line. Enables do not count. */
static inline bool virq_pending(const struct virq *irq)
{
    return irq->latch || irq->lr_latch || (irq->level && irq->line);
}

/* Pending, enabled, its group enabled in the distributor, and with a target. */
static inline bool virq_forwarded(const struct domain *d, const struct virq *irq)
{
    u32 group = irq->group1 ? (u32)GICD_CTLR_ENABLE_GRP1 : (u32)GICD_CTLR_ENABLE_GRP0;

    return irq->enabled && virq_pending(irq) && irq->target && (read_once(d->vgic.ctlr) & group);
}

/* Active or forwarded: must be on the list or in a list register. */
static inline bool virq_due(const struct domain *d, const struct virq *irq)
{
    return irq->active || virq_forwarded(d, irq);
}

/* v's list registers are in this CPU. */
static inline bool vgic_is_here(const struct vcpu *v)
{
    return read_once(v->vgic.cpu) == cpu_this();
}

/*
 * An SGI of v is posted: pending, though its struct does not say so yet. Under virq.lock together
 * with virq_pending(): who takes it from here sets the latch first.
 */
static inline bool virq_posted(const struct vcpu *v, u32 intid)
{
    return (__atomic_load_n(&v->vgic.posted, __ATOMIC_RELAXED) >> intid & 1) != 0;
}

/* Output of v's virtual timer: v is resident here, or its state is in memory. */
bool vgic_timer_output(const struct vcpu *v);

/* irq's truth is on another CPU than this one: its struct is only what was seen last. */
bool virq_is_remote(const struct vcpu *home, const struct virq *irq);

/* irq->lr >= 0, home loaded here: read the list register into the struct. */
void lr_sync(struct vcpu *home, struct virq *irq);

/* Take irq out of its list register (synced before), which becomes empty. */
void lr_clear(struct vcpu *home, struct virq *irq);

/* home loaded here, irq synced: carry out cmd, then list register, list or idle. */
enum virq_place virq_place(struct vcpu *home, struct virq *irq);

/* The same while home is not loaded here: only the list. */
enum virq_place virq_park(struct vcpu *home, struct virq *irq);

/* home loaded here, list lock held, no virq.lock: make one list register free if one is idle. */
void lr_reclaim(struct vcpu *home);

/*
 * Posted SGIs (bit per INTID) become pending like others; home's list lock held, no virq.lock. A
 * bit is cleared after its latch is set, so that who reads both sees one; what is sent in
 * between is still the same interrupt.
 */
void list_posted(struct vcpu *home, u32 posted);

static inline void take_posted(struct vcpu *home, u32 posted)
{
    if (unlikely(posted))
        list_posted(home, posted);
}

/* --- vgic_pack.c: v is loaded here; its list lock is held but for vgic_move_strays() --- */

/* The guest has v's interrupts of that group on (ICH_VMCR). */
static inline bool vgic_group_on(u64 vmcr, bool group1)
{
    return (vmcr & (group1 ? ICH_VMCR_VENG1 : ICH_VMCR_VENG0)) != 0;
}

/* LRENPIE is set: take what ICH_HCR.EOIcount says, ended without a list register. */
void vgic_end_by_count(struct vcpu *v);

/* The best of list and list registers into the list registers (decision 23). */
void vgic_repack(struct vcpu *v);

/* ICH_HCR for what is left on the list. */
u32 vgic_wanted_hcr(struct vcpu *v);

/* No locks held: hand over what belongs to another vCPU. */
void vgic_move_strays(struct vcpu *v);

/* --- vgic.c --- */

/* intid of d, private ones of v; NULL when there is none. */
struct virq *virq_get(struct domain *d, struct vcpu *v, u32 intid);

/*
 * The one way to both locks: the list irq is on (or would be on), then irq. Synced when
 * it is in a list register here. Returns home, to be handed to virq_unlock(), which
 * puts irq where its new state wants it and wakes or kicks who must know.
 */
struct vcpu *virq_lock(struct domain *d, struct virq *irq);
void virq_unlock(struct virq *irq, struct vcpu *home);

/* irq->target changed while irq waits on another list (decision 33). No locks held. */
void virq_move(struct virq *irq);

/* A group enable of the distributor changed: look at every interrupt of d again. */
void vgic_update_all(struct domain *d);

/* --- vgic_hw.c --- */

/* irq gets another target (NULL: nobody), its source with it. virq.lock held, or building. */
void virq_set_seat(struct virq *irq, struct vcpu *target);

/* v is about to be loaded here, and was loaded elsewhere before: its SPIs follow. */
void vgic_take_seat(struct vcpu *v);

/* --- vgic_mmio.c --- */

struct vgic_access {
    struct vcpu *v;     /* who accesses */
    struct vcpu *owner; /* whose private interrupts the frame shows; NULL: none */
    struct domain *d;
    u32 offset; /* from the start of the register bank */
    bool final; /* asked for folds before, all answered */
    u64 ask;    /* out: vCPUs (bit = id) that must fold first */
};

/*
 * A register or a bank; a table is sorted by offset and ends with VGIC_REGS_END. bits > 0:
 * that many bits per INTID, get and set handle one interrupt (bits 1: set is called for bits
 * written as 1 where write_ones is true). bits = 0: read (offset: from its start) and
 * write handle the register; write NULL: WI.
 */
struct vgic_reg {
    u32 offset, end; /* end: behind it */
    u8 bits;
    u8 widths; /* sizes of access allowed, or-ed */
    bool write_ones;
    bool plain; /* 32 bits, no bank */
    u64 (*get)(struct vgic_access *acc, struct virq *irq);
    void (*set)(struct vgic_access *acc, struct virq *irq, u64 value);
    u64 (*read)(struct vcpu *v, struct vcpu *owner, u32 offset);
    void (*write)(struct vgic_access *acc, u64 value);
};

/*
 * v's access at offset of a frame, aligned to its size. owner: whose private interrupts the
 * frame shows, NULL: none.
 */
enum mmio_result vgic_frame_access(struct vcpu *v, const struct vgic_reg *table,
                                   struct mmio_access *a, struct vcpu *owner, u32 offset);

u64 virq_get_group(struct vgic_access *acc, struct virq *irq);
void virq_set_group(struct vgic_access *acc, struct virq *irq, u64 value);
u64 virq_get_enable(struct vgic_access *acc, struct virq *irq);
void virq_set_enable(struct vgic_access *acc, struct virq *irq, u64 value);
void virq_clear_enable(struct vgic_access *acc, struct virq *irq, u64 value);
u64 virq_get_pending(struct vgic_access *acc, struct virq *irq);
void virq_set_pending(struct vgic_access *acc, struct virq *irq, u64 value);
void virq_clear_pending(struct vgic_access *acc, struct virq *irq, u64 value);
u64 virq_get_active(struct vgic_access *acc, struct virq *irq);
void virq_set_active(struct vgic_access *acc, struct virq *irq, u64 value);
void virq_clear_active(struct vgic_access *acc, struct virq *irq, u64 value);
u64 virq_get_priority(struct vgic_access *acc, struct virq *irq);
void virq_set_priority(struct vgic_access *acc, struct virq *irq, u64 value);
u64 virq_get_config(struct vgic_access *acc, struct virq *irq);
void virq_set_config(struct vgic_access *acc, struct virq *irq, u64 value);
/* Give an SPI another target (NULL: nobody). */
void virq_set_target(struct vgic_access *acc, struct virq *irq, struct vcpu *target);

/* The rows that GICD and GICR's SGI frame share; irqs: how many INTIDs the bank shows. */
#define VGIC_BANK_1(off, irqs, get_, set_, ones)                                                  \
    {                                                                                             \
        .offset = (off), .end = (off) + (irqs) / 8, .bits = 1, .widths = 4, .write_ones = (ones), \
        .get = (get_), .set = (set_)                                                              \
    }
#define VGIC_BANK_N(off, irqs, bits_, widths_, get_, set_)                     \
    {                                                                          \
        .offset = (off), .end = (off) + (irqs) * (bits_) / 8, .bits = (bits_), \
        .widths = (widths_), .get = (get_), .set = (set_)                      \
    }
#define VGIC_REG(off, size_, widths_, read_, write_)                                           \
    {                                                                                          \
        .offset = (off), .end = (off) + (size_), .widths = (widths_), .plain = (widths_) == 4, \
        .read = (read_), .write = (write_)                                                     \
    }
#define VGIC_REGS_END             \
    {                             \
        .offset = ~0u, .end = ~0u \
    }
#define VGIC_COMMON_BANKS(base, irqs)                                                         \
    VGIC_BANK_1((base) + GICD_IGROUPR, irqs, virq_get_group, virq_set_group, false),          \
        VGIC_BANK_1((base) + GICD_ISENABLER, irqs, virq_get_enable, virq_set_enable, true),   \
        VGIC_BANK_1((base) + GICD_ICENABLER, irqs, virq_get_enable, virq_clear_enable, true), \
        VGIC_BANK_1((base) + GICD_ISPENDR, irqs, virq_get_pending, virq_set_pending, true),   \
        VGIC_BANK_1((base) + GICD_ICPENDR, irqs, virq_get_pending, virq_clear_pending, true), \
        VGIC_BANK_1((base) + GICD_ISACTIVER, irqs, virq_get_active, virq_set_active, true),   \
        VGIC_BANK_1((base) + GICD_ICACTIVER, irqs, virq_get_active, virq_clear_active, true), \
        VGIC_BANK_N((base) + GICD_IPRIORITYR, irqs, 8, 1 | 4, virq_get_priority,              \
                    virq_set_priority)

/* GICD_CTLR's group enables, common to both. */
void vgic_set_ctlr(struct vgic_access *acc, u32 enables);
u32 vgic_get_ctlr(const struct domain *d);
u64 vgic_read_zero(struct vcpu *v, struct vcpu *owner, u32 offset);
u64 vgic_read_iidr(struct vcpu *v, struct vcpu *owner, u32 offset);

/* --- vgic_v2.c, vgic_v3.c: register the MMIO regions of d --- */
enum corbel_err vgic_v2_init(struct domain *d) __must_check;
enum corbel_err vgic_v3_init(struct domain *d) __must_check;

#endif
