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

struct cpu;
struct domain;
struct vcpu;

/*
 * The virtual GIC: one state machine per interrupt, front ends for GICv2 and
 * GICv3 registers, list-register packing. Design section 5, decisions 22 to 26, 33.
 *
 * Locks: vgic_cpu.lock (RANK_VCPU_IRQ_LIST) < virq.lock (RANK_IRQ). virq.lock guards
 * the fields of one interrupt; vcpu and node change only with the list's lock held
 * as well. List registers, lr_irq[] and lr_used belong to the CPU on which the vCPU
 * is resident. While lr >= 0 the list register is the truth for "active" and for
 * "still pending there" (lr_latch); the struct holds what was seen last.
 */
#define VGIC_PRIVATE    32u
#define VGIC_SPI_MAX    988u /* INTID 32..1019 */
#define VGIC_SPI_WORDS  16u  /* of 64 bits: one bit per SPI */
#define VGIC_LR_MAX     16u
#define VGIC_PPI_VTIMER 27u

struct virq {
    spinlock_t lock;
    u16 intid;
    s8 lr; /* list register of vcpu that holds it, -1: none (decision 22) */
    u8 priority;
    bool enabled;
    bool latch; /* pending by write, by edge, by SGI or by an acknowledged source */
    bool line;  /* input level of an emulated device's line */
    bool active;
    bool acked; /* active by acknowledge, not by a write to ISACTIVER */
    bool level; /* configuration */
    bool group1;
    bool hw;          /* linked to physical interrupt pintid */
    bool hw_level;    /* its trigger when it was linked: back to it at a reset */
    bool set;         /* linked: latch or lr_latch stem (also) from a write to ISPENDR */
    bool phys;        /* source is active (a PPI's: while loaded), no list register will end it */
    bool hw_line;     /* timer PPI: output when last folded */
    bool lr_latch;    /* latch that went into the list register */
    bool lr_hw;       /* list register was written with HW = 1 */
    bool lr_busy;     /* its state was not "inactive" when last read */
    u8 cmd;           /* enum virq_cmd: asked by another CPU while lr >= 0 (decision 25) */
    u8 sources;       /* GICv2 SGI: pending source CPUs */
    u8 active_source; /* GICv2 SGI: source in the list register or acknowledged */
    u8 targets;       /* GICv2 ITARGETSR byte */
    u16 pintid;
    u64 route;             /* GICv3 IROUTER */
    u64 lr_word;           /* as last written */
    struct vcpu *target;   /* who should get it; private: its vCPU; NULL: nobody */
    struct vcpu *vcpu;     /* on whose list or in whose list registers it is, NULL: idle */
    struct list_head node; /* on vcpu's list: waits for a list register or for a refresh */
};

struct vgic_cpu {
    spinlock_t lock;
    struct list_head list;
    struct virq private[VGIC_PRIVATE];
    struct virq *lr_irq[VGIC_LR_MAX]; /* which irq sits in which list register */
    u32 lr_used;                      /* bit per list register that has an lr_irq */
    u32 lr_mask;                      /* bit per list register of this CPU */
    u32 hw_ppis;                      /* bit per linked PPI; written before the first run */
    u32 hcr;                          /* ICH_HCR to run with */
    u32 posted;       /* GICv3 SGIs sent while it was loaded elsewhere: bit per INTID; atomic */
    struct cpu *cpu;  /* whose list registers are this vCPU's; NULL: all is in memory */
    struct cpu *seat; /* where it was loaded last: its linked SPIs fire there; atomic */
    u64 hw_spis[VGIC_SPI_WORDS]; /* bit per linked SPI whose target this is; atomic */
    u64 vmcr;                    /* saved while not loaded, like apr */
    u32 apr[2][4];
    bool apr_any;  /* not all of apr is zero */
    u32 rd_waker;  /* GICR_WAKER */
    u64 fold_key;  /* register access that waits for folds (decision 25), 0: none */
    u64 fold_time; /* when the last answer came; written by the answering CPU */
    u64 fold_wait; /* vCPUs whose answer is missing; atomic */
    u64 fold_for;  /* vCPUs that want an answer from here; atomic */
};

struct vgic {
    u8 version;  /* enum gic_version: what the guest sees */
    u32 nr_spis; /* a multiple of 32 not required; TYPER rounds up */
    struct virq *spis;
    u32 ctlr; /* GICD_CTLR group enables as the guest wrote them; atomic */
    u64 gicd_base, gicr_base, gicc_base; /* guest-physical */
    u32 dropped;                         /* software-generated requests to nowhere, for reports */
};

/* Bytes the SPIs take from the domain's arena. */
u64 vgic_arena_size(u32 nr_spis);

/*
 * Build the vGIC of d (d->vgic) and register its MMIO regions (GICD, and for v3
 * one GICR region over all vCPUs; v2's GICC is the host's GICV, mapped by the
 * builder). v2: at most 8 vCPUs (ERR_RANGE). Before the call: d->vcpu_count and the
 * guest-physical bases in d->vgic. vgic_vcpu_init() for each vCPU comes before or after,
 * once its id, domain and vmpidr are set and it stands in d->vcpus[].
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

/*
 * Physical SPI intid, owned by d, was acknowledged and is active now; the virtual one has the
 * same number. From here on it is ended with the guest's. False: not linked, the caller ends it.
 */
bool vgic_inject_hw(struct domain *d, u32 intid);
/* PPI of the loaded vCPU: the timer's fast path. The caller wakes v if it does not run. */
void vgic_inject_hw_ppi(struct vcpu *v, u32 intid);

/*
 * Link intid with the physical pintid (HW bit), or undo it (then no vCPU of d is resident).
 * Private: v given; SPI: v NULL, pintid = intid. The link outlives vgic_reset(). ERR_RANGE:
 * no such INTID. ERR_BUSY: it is linked.
 */
enum corbel_err vgic_link(struct domain *d, struct vcpu *v, u32 intid, u32 pintid) __must_check;
void vgic_unlink(struct domain *d, struct vcpu *v, u32 intid);

/*
 * Give d the physical SPI intid, which is the guest's SPI intid then: taken from the host
 * (irq.h) and linked. It is enabled with the guest's, fires where its target was loaded last,
 * and has the trigger of the host's tree until the guest writes ICFGR. After vgic_init(), with
 * the vCPUs in d->vcpus[]. ERR_RANGE: the host or d's vGIC has no such SPI. ERR_BUSY: somebody
 * has it. Nothing is changed on failure.
 */
enum corbel_err vgic_assign_spi(struct domain *d, u32 intid, bool level) __must_check;

/* None of d's linked SPIs fires until the guest enables it anew. No vCPU of d is resident. */
void vgic_mask_spis(struct domain *d);

/*
 * All SPIs of d back to the host: disabled, unpended, deactivated, unlinked, free (decision
 * 34 c). No vCPU of d is resident any more. An acknowledge under way on another CPU may still
 * look at d: free it only after a quiet round (quiet.h) that begins later.
 */
void vgic_release_spis(struct domain *d);

/*
 * Is the physical source of v's PPI intid active on v's CPU, or will it be when v is loaded
 * (decision 24)? On v's CPU, or on the one that has just saved it.
 */
bool vgic_ppi_busy(struct vcpu *v, u32 intid);

/*
 * Residency (guest_exit.c only, on the CPU concerned): load writes the virtual
 * interface, save folds everything and leaves the list registers empty.
 */
void vgic_load(struct vcpu *v);
void vgic_save(struct vcpu *v);

/*
 * On the CPU where v is resident. flush (REQ_IRQ): put what is due into list registers.
 * fold (REQ_FOLD): bring the structs up to date for another CPU that asked, then flush.
 * A CPU that idles with a resident vCPU answers REQ_FOLD too: its asker re-executes
 * one instruction until it does.
 */
void vgic_flush(struct vcpu *v);
void vgic_fold(struct vcpu *v);

/* Maintenance interrupt of this CPU. */
void vgic_maintenance(struct vcpu *v);

/* Would this vCPU take an interrupt now (WFI)? Looks at enables, priority mask, groups. */
bool vgic_pending(struct vcpu *v);

/* Is something on the list of v, loaded here, that is not in its list registers? */
static inline bool vgic_has_waiting(const struct vgic_cpu *vc)
{
    return __atomic_load_n(&vc->list.next, __ATOMIC_ACQUIRE) != &vc->list;
}

/* ICC_SGI1R_EL1 (group1), SGI0R / ASGI1R (not group1) writes; ICC_DIR under TDIR. */
void vgic_write_sgi(struct vcpu *v, u64 value, bool group1);
void vgic_write_dir(struct vcpu *v, u32 intid);

/* State of one interrupt for reports and tests, as last folded. v: for private INTIDs. */
bool vgic_is_pending(struct domain *d, struct vcpu *v, u32 intid);

#endif
