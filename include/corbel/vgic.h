/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VGIC_H
#define CORBEL_VGIC_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/list.h>
#include <corbel/page.h>
#include <corbel/types.h>
#include <corbel/vdev.h>

struct domain;
struct vcpu;

/*
 * The virtual GIC: one state machine per interrupt, front ends for GICv2 and
 * GICv3 registers, list-register packing. Design section 5, decisions 22 to 26, 33.
 * Locks: vgic_cpu.lock (RANK_VCPU_IRQ_LIST) < virq.lock (RANK_IRQ).
 */
#define VGIC_PRIVATE  32u
#define VGIC_SPI_MAX  988u /* INTID 32..1019 */
#define VGIC_LR_MAX   16u

struct virq {
    spinlock_t lock;
    u16 intid;
    s8 lr;              /* list register of vcpu that holds it, -1: none (decision 22) */
    u8 priority;
    bool enabled;
    bool latch;         /* pending by write, by edge, or by SGI */
    bool line;          /* input level of a level-sensitive interrupt */
    bool active;
    bool level;         /* configuration */
    bool group1;
    bool hw;            /* linked to physical interrupt pintid */
    u16 pintid;
    u8 sources;         /* GICv2 SGI: pending source CPUs */
    u8 active_source;   /* GICv2 SGI: source that was acknowledged */
    u8 targets;         /* GICv2 ITARGETSR byte */
    u64 route;          /* GICv3 IROUTER */
    struct vcpu *target; /* who should get it; private: its vCPU */
    struct vcpu *vcpu;  /* whose list it is on, NULL: none. Changes as decision 33 says */
    struct list_head node;
};

struct vgic_cpu {
    spinlock_t lock;
    struct list_head list; /* every irq pending and enabled, or active, of this vCPU */
    struct virq private[VGIC_PRIVATE];
    struct virq *lr_irq[VGIC_LR_MAX]; /* which irq sits in which list register */
    u64 lr_used;           /* bit per list register in use */
    u64 lr[VGIC_LR_MAX];   /* saved while not resident */
    u32 hcr;               /* ICH_HCR to run with */
    u64 vmcr;
    u32 apr[2][4];
    u32 rd_ctlr;           /* GICR_CTLR, GICR_WAKER */
    u32 rd_waker;
    bool loaded;           /* list registers of the CPU belong to this vCPU */
};

struct vgic {
    u8 version;            /* 2 or 3: what the guest sees (enum gic_version) */
    u32 nr_spis;           /* a multiple of 32 not required; TYPER rounds up */
    struct virq *spis;
    u32 ctlr;              /* GICD_CTLR as the guest wrote it */
    spinlock_t lock;       /* ctlr; RANK_IRQ */
    u64 gicd_base, gicr_base, gicc_base; /* guest-physical */
    u32 dropped;           /* software-generated requests to nowhere, for reports */
};

/* Bytes the SPIs take from the domain's arena. */
u64 vgic_arena_size(u32 nr_spis);

/*
 * Build the vGIC of d (d->vgic) and register its MMIO regions (GICD, and for v3
 * one GICR region over all vCPUs; v2's GICC is the host's GICV, mapped by the
 * builder). v2: at most 8 vCPUs (ERR_RANGE).
 */
enum corbel_err vgic_init(struct domain *d, u8 version, u32 nr_spis) __must_check;
void vgic_vcpu_init(struct vcpu *v);

/* Back to the architecture's reset state (domain restart). No vCPU of d is resident. */
void vgic_reset(struct domain *d);

/* Level of an emulated device's line (SPI), any CPU. Unknown INTIDs are ignored and counted. */
void vgic_set_line(struct domain *d, u32 intid, bool level);
/* Same for a PPI of one vCPU. */
void vgic_set_ppi(struct vcpu *v, u32 intid, bool level);
/* Edge: make it pending once. */
void vgic_pulse(struct domain *d, u32 intid);

/* A physical interrupt that is linked to a virtual one was acknowledged (and is active now). */
void vgic_inject_hw(struct domain *d, u32 intid);
/* PPI of the loaded vCPU: the timer's fast path. */
void vgic_inject_hw_ppi(struct vcpu *v, u32 intid);

/* Link / unlink intid with the physical pintid (HW bit). Private: v given; SPI: v NULL. */
enum corbel_err vgic_link(struct domain *d, struct vcpu *v, u32 intid, u32 pintid) __must_check;

/*
 * Residency (guest_exit.c only, on the CPU concerned): load writes the virtual
 * interface, save folds everything and leaves the list registers empty.
 */
void vgic_load(struct vcpu *v);
void vgic_save(struct vcpu *v);

/* REQ_IRQ / REQ_FOLD was set: put what is due into free list registers, fold first if asked. */
void vgic_flush(struct vcpu *v);
void vgic_fold(struct vcpu *v);

/* Maintenance interrupt of this CPU. */
void vgic_maintenance(struct vcpu *v);

/* Would this vCPU take an interrupt now (WFI)? Looks at enables, priority mask, groups. */
bool vgic_pending(struct vcpu *v);

/* ICC_SGI1R_EL1 / SGI0R / ASGI1R writes; ICC_DIR under TDIR. */
void vgic_write_sgi(struct vcpu *v, u64 value, bool group1);
void vgic_write_dir(struct vcpu *v, u32 intid);

/* State of one interrupt for reports and tests: true when pending / active. */
bool vgic_is_pending(struct domain *d, struct vcpu *v, u32 intid);

#endif
