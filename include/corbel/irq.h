/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IRQ_H
#define CORBEL_IRQ_H

#include <arch/spinlock.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/platform.h>
#include <corbel/types.h>

struct cpu;
struct domain;

/*
 * Host interrupts. irq.c keeps one descriptor per INTID and talks to the host GIC
 * through gic_ops (the one place where GICv2 and GICv3 differ at run time). It
 * knows owners but calls nobody: guest_exit.c acknowledges and dispatches.
 */
#define IRQ_SPURIOUS 1023u
#define IRQ_COUNT    1020u

/* Host SGIs (design decision 15): KICK does nothing itself; STOP halts for panic. */
enum host_sgi { SGI_KICK = 0, SGI_STOP = 1 };

enum irq_owner { IRQ_FREE, IRQ_HYPERVISOR, IRQ_GUEST };

/*
 * Host GIC. cpu_init runs on each CPU; the rest from any CPU unless stated.
 * EOImode = 1: eoi is the priority drop, deactivate ends the interrupt.
 * List-register part (ICH_* / GICH): always this CPU's. LRs are passed in the layout of
 * ICH_LR<n>_EL2 (hw/ich_lr.h); the GICv2 driver converts.
 */
struct gic_ops {
    const char *name;
    enum corbel_err (*init)(const struct platform *p);
    enum corbel_err (*cpu_init)(void);
    u32 (*ack)(void); /* INTID | source CPU << 10 for GICv2 SGIs; INTID >= IRQ_COUNT: none */
    void (*eoi)(u32 iar);
    void (*deactivate)(u32 iar);
    void (*enable)(u32 intid); /* PPIs: this CPU's */
    void (*disable)(u32 intid);
    void (*configure)(u32 intid, bool level);
    void (*set_priority)(u32 intid, u8 priority);
    void (*route)(u32 intid, u64 mpidr, u32 cpu); /* SPI -> one CPU */
    void (*set_active)(u32 intid, bool active);
    void (*set_pending)(u32 intid, bool pending);
    bool (*is_pending)(u32 intid);
    void (*send_sgi)(u32 cpu, u64 mpidr, u32 sgi);
    u32 (*line_count)(void); /* INTIDs implemented: 32 * (ITLinesNumber + 1), at most 1020 */
    /* virtual interface of this CPU */
    u32 (*lr_count)(void);
    u64 (*lr_read)(u32 index);
    void (*lr_write)(u32 index, u64 lr);
    u64 (*lr_empty)(void); /* ELRSR: bit n set = list register n holds nothing */
    u64 (*lr_eoi)(void);   /* EISR */
    u32 (*misr)(void);
    u32 (*hcr_read)(void);
    void (*hcr_write)(u32 hcr); /* ICH_HCR layout; low 12 bits are GICH_HCR's too */
    u64 (*vmcr_read)(void);     /* always in ICH_VMCR_EL2 layout */
    void (*vmcr_write)(u64 vmcr);
    u32 (*apr_count)(void); /* active-priority words per group */
    u32 (*apr_read)(u32 group, u32 index);
    void (*apr_write)(u32 group, u32 index, u32 value);
    /* set by init / the first cpu_init */
    u32 priority_bits, preemption_bits; /* of the virtual interface */
    struct mem_range guest_gicc;        /* v2: the 8 KiB of GICV that a guest gets as its GICC */
    /*
     * A guest's end of a linked interrupt (HW = 1) makes nobody look at its source again, so
     * that a line still asserted is lost: links must not be used (QEMU's GICv2).
     */
    bool end_unseen;
    bool dir_traps; /* ICH_HCR.TDIR works: v3 with ICH_VTR.TDS */
};

/* The driver in use, set by irq_init(); NULL before. */
extern const struct gic_ops *gic;

/* Choose and start the driver. Boot CPU. ERR_NOTSUP: no supported interrupt controller. */
enum corbel_err irq_init(const struct platform *p) __must_check;
enum corbel_err irq_init_cpu(void) __must_check;

/* The hypervisor takes intid for itself (PPI or SPI), enabled, on this CPU. ERR_BUSY if owned. */
enum corbel_err irq_request(u32 intid, bool level) __must_check;

/*
 * An SPI that the hypervisor has requested is not delivered, or is again; what comes meanwhile
 * stays pending. Others are left alone. Takes host_lock.
 */
void irq_mask(u32 intid, bool masked);

/*
 * A guest takes an SPI: owner recorded, quiet, not enabled yet. Its vGIC has it under the
 * same number, so that an acknowledge needs no translation. ERR_BUSY: somebody has it.
 * ERR_RANGE: the host has no such SPI. Used by vgic_assign_spi() only.
 */
enum corbel_err irq_assign(u32 intid, struct domain *d, bool level) __must_check;
/* Disabled, unpended, deactivated, free again. */
void irq_release(u32 intid);

/* Another trigger for a guest's SPI; enable: it is enabled after that. Lock: host_lock. */
void irq_set_trigger(u32 intid, bool level, bool enable);

enum irq_owner irq_owner_of(u32 intid, struct domain **d);

/* SGI to one CPU (NULL: none); DSB ISHST before it. Nothing before irq_init(). */
void irq_send_sgi(const struct cpu *target, enum host_sgi sgi);

#endif
