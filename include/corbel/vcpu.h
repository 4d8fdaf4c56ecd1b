/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VCPU_H
#define CORBEL_VCPU_H

#include <arch/regs.h>
#include <arch/vcpu.h>
#include <corbel/bits.h>
#include <corbel/sched.h>
#include <corbel/types.h>
#include <corbel/vgic.h>
#include <corbel/vtimer.h>

struct cpu;
struct domain;

/* vcpu->req bits: what this vCPU must do in EL2 before it enters the guest again. */
#define REQ_RESCHED BIT(0) /* look at the scheduler */
#define REQ_IRQ     BIT(1) /* vgic_flush */
#define REQ_FOLD    BIT(2) /* vgic_fold: somebody reads an irq that is live here */
#define REQ_SAVE    BIT(3) /* give up residency: another CPU wants to run it */
#define REQ_PAUSE   BIT(4) /* pause count went up, or the domain stops */

enum vcpu_power { VCPU_OFF, VCPU_ON_PENDING, VCPU_ON };

/* Aborts of EL1 at one address that its own handler comes from: see guest_abort.c. */
struct abort_run {
    u64 pc, since; /* since: ticks */
    u32 count;
    bool sampled; /* pc is a vector in which an interrupt found it */
};

/*
 * A virtual CPU. One or more heap pages of the domain's arena. Power, scheduling
 * state and pauses are three separate things (design decision 11).
 */
struct vcpu {
    struct guest_regs regs; /* first: assembly */
    u32 req;                /* REQ_*, atomic; assembly tests it */
    u32 id;
    struct domain *domain;
    u64 vmpidr;              /* what the guest reads in MPIDR_EL1 */
    struct cpu *resident;    /* CPU that holds its state, NULL: in memory (decision 10) */
    u8 power;                /* enum vcpu_power; domain lock (RANK_DOMAIN) */
    s32 pause_count;         /* domain lock */
    u64 entry, context_id;   /* CPU_ON: applied when it is first loaded in ON_PENDING */
    u64 clean_pos;           /* set/way request: bytes of RAM cleaned; its own CPU */
    u64 abort_gva;           /* address of the access that guest_exit_mmio() answers; its own CPU */
    struct abort_run aborts; /* its own CPU */
    const struct mmio_region *region; /* of its last access to one, at first any; its own CPU */
    struct sched_unit unit;
    struct vgic_cpu vgic;
    struct vtimer vtimer;
    bool pmu_line; /* level of the PMU's PPI, see vpmu.h; its own CPU */
    struct arch_vcpu arch;
};

/* Register number 31 reads as zero and ignores writes. */
static inline u64 vcpu_reg_get(const struct vcpu *v, u32 n)
{
    return n == 31 ? 0 : v->regs.x[n];
}

static inline void vcpu_reg_set(struct vcpu *v, u32 n, u64 value)
{
    v->regs.x[n] = value; /* 31: see regs.h */
}

/* Affinity of vCPU id: 16 per cluster (Aff0 0..15, then Aff1), as Xen numbers them. */
static inline u64 vcpu_mpidr_of(u32 id)
{
    return (u64)(id & 15) | ((u64)(id >> 4) << 8);
}

/*
 * Set request bits and, where the vCPU is loaded on another CPU, kick that CPU
 * (decision 15). Any CPU, any lock up to RANK_RUNQ held.
 */
void vcpu_kick(struct vcpu *v, u32 req);

/* As vcpu_kick, and make it runnable if it sleeps in WFI. */
void vcpu_wake(struct vcpu *v, u32 req);

static inline bool vcpu_is_off(const struct vcpu *v)
{
    return v->power == VCPU_OFF;
}

#endif
