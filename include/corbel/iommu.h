/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_H
#define CORBEL_IOMMU_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/iommu_ops.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * The SMMUs of the machine: who may do DMA to what. iommu_boot.c finds and starts them, iommu.c
 * attaches domains, iommu_inval.c invalidates, iommu_fault.c reports, iommu_report.c counts for
 * debug keys.
 */
struct boot_options;
struct domain;

/*
 * Find a driver for every SMMU of p, make all streams abort, start what can be started, and
 * write p->iommus[].driven and .why; limits stage 2 to what every driven SMMU walks
 * (stage2_limit()). iommu=off: nothing is touched, with a warning. Boot CPU, after irq_init():
 * this CPU takes the SMMUs' interrupts from then on.
 */
void iommu_init(struct platform *p, const struct boot_options *options);

/* iommu=no-sharept: domains with protected devices get tables for SMMUs beside the CPUs'. */
bool iommu_unshared(void);

/* Has d streams that walk its tables? Once its plan is made. */
bool iommu_protects(const struct domain *d);

/*
 * Attach all streams of d's plan to its tables (p2m_io_tables()); before its first
 * instruction, from its task. When it fails nothing is attached, and why (of size bytes) says
 * "property = value: expected what".
 */
enum corbel_err iommu_attach(struct domain *d, char *why, u32 size) __must_check;

/*
 * Every stream of d aborts; done when it returns. The first thing when d stops, from its task;
 * d need not be attached. An error means that devices may still write: d's p2m is lost
 * (p2m_set_lost()), its frames are never used again.
 */
enum corbel_err iommu_detach(struct domain *d) __must_check;

/*
 * Tell the SMMUs in mask (bit: index in platform.iommus) to forget part of a VMID. Called
 * inside the break-before-make window, under the p2m lock. Stops at the first error; the
 * domain with that VMID is then stopped by its task, see iommu_has_failed().
 */
enum corbel_err iommu_invalidate(u32 mask, u16 vmid, const struct stage2_inval *inv) __must_check;

/* An SMMU did not do what keeps devices from d's old frames: d must be stopped (crash). */
bool iommu_has_failed(const struct domain *d);

/* intid is an SMMU's: take what it reports. False: it is nobody's here. From irq_dispatch.c. */
bool iommu_irq(u32 intid);

/* A pause after a burst of faults is over, or a count of repeated ones is due (TIMER_IOMMU). */
void iommu_timer(void);

/* For key_iommu(): one line per SMMU, some per domain with streams. */
void iommu_report(void);

/* Lowest BBM level of all SMMUs driven; 2 when there is none. */
u8 iommu_bbm_level(void);

/* Does an SMMU that is driven walk tables past the caches? Then tables are cleaned. */
bool iommu_needs_clean(void);

#endif
