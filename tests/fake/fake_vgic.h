/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_VGIC_H
#define FAKE_VGIC_H

#include <corbel/domain.h>
#include <corbel/irq.h>
#include <corbel/types.h>

/*
 * A host GIC for tests of the virtual one: per CPU a virtual CPU interface with a
 * settable number of list registers that behaves as IHI 0069 / IHI 0048 say, and the
 * enable, pending and active state of physical interrupts. Plus a domain to use it.
 */
#define FAKE_CPUS 4u

struct fake_vif {
    u64 lr[16];
    u32 hcr;
    u64 vmcr;
    u32 apr; /* bit per priority / 8: preemption levels of both groups */
    u64 cntv_ctl, cntv_cval;
    u64 ich_accesses; /* calls of list-register operations */
};

struct fake_phys {
    bool enabled, pending, line, active, level;
    u32 routed;
    u32 routes, fired; /* how often */
};

extern struct fake_vif fake_vif[FAKE_CPUS];
extern struct fake_phys fake_ppi[FAKE_CPUS][32];
extern struct fake_phys fake_spi[1024];
extern struct domain *fake_owner[1024]; /* of physical SPIs */
#define FAKE_LINES 512u                 /* INTIDs of the host */
extern u32 fake_wakes;                  /* calls of vcpu_wake() */

/* gic points here: a test may set end_unseen; setup clears it. */
extern struct gic_ops fake_gic_ops;

/* One domain of vcpus vCPUs, version (enum gic_version), with so many list registers per CPU. */
struct domain *fake_vgic_setup(u8 version, u32 vcpus, u32 nr_spis, u32 lrs);
void fake_vgic_teardown(void);
extern struct domain *fake_vgic_domain; /* that one; NULL: none is set up */

/* Make v resident on CPU cpu, as the run loop does; whoever was there is saved. */
void fake_load(u32 cpu, struct vcpu *v);
void fake_save(struct vcpu *v);

/* Serve the requests of every resident vCPU until there are none; maintenance too. */
void fake_serve(struct domain *d);

/* Lists, list registers, physical states agree: after fake_serve(), when nothing is under way. */
void fake_vgic_check(void);

/* Guest on CPU cpu. Does its interface signal an interrupt? */
bool guest_is_signaled(u32 cpu);

/* Guest on CPU cpu. ack: INTID | source << 10, or 1023. */
u32 guest_ack(u32 cpu);
void guest_eoi(u32 cpu, u32 iar);
void guest_dir(u32 cpu, u32 iar);
u32 guest_running_priority(u32 cpu);

/* The physical interrupt fires where it can, and EL2 acknowledges and injects it. */
void fake_phys_deliver(struct domain *d);

/* The same, and fake_serve(), until what one causes of the other is done, too. */
void fake_quiesce(struct domain *d);

/* MMIO as the guest of v does it, on v's CPU; retried while others fold. */
u64 mmio_get(struct vcpu *v, u64 ipa, u8 size);
void mmio_set(struct vcpu *v, u64 ipa, u8 size, u64 value);

#define FAKE_GICD 0x08000000ull
#define FAKE_GICR 0x080a0000ull

#endif
