/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_H
#define CORBEL_IOMMU_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/iommu_ops.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/* The SMMUs of the machine: who may do DMA to what. common/iommu.c, iommu_fault.c. */
struct boot_options;
struct domain;

/*
 * Find a driver for every SMMU of p, make all streams abort, start what can be started, and
 * write p->iommus[].driven and .why; limits stage 2 to what every driven SMMU walks
 * (stage2_limit()). iommu=off: nothing is touched, with a warning. Boot CPU, after irq_init().
 */
void iommu_init(struct platform *p, const struct boot_options *options);

/*
 * Attach all streams of d's plan to its tables (p2m_io_tables()); before its first
 * instruction, from its task. One line in the log when it fails; then nothing is attached.
 */
enum corbel_err iommu_attach(struct domain *d) __must_check;

/*
 * Every stream of d aborts; done when it returns. The first thing when d stops, from its task.
 * An error means that devices may still write: d's frames must never be used again.
 */
enum corbel_err iommu_detach(struct domain *d) __must_check;

/*
 * Tell the SMMUs in mask (bit: index in platform.iommus) to forget part of a VMID. Called
 * inside the break-before-make window, under the p2m lock. Stops at the first error.
 */
enum corbel_err iommu_invalidate(u32 mask, u16 vmid, const struct stage2_inval *inv) __must_check;

/* intid is an SMMU's: take what it reports. False: it is nobody's here. From irq_dispatch.c. */
bool iommu_irq(u32 intid);

/* The pause after a burst of faults is over (TIMER_IOMMU). */
void iommu_timer(void);

/* For key_iommu(): one line per SMMU, one per domain with streams. */
void iommu_report(void);

/* Lowest BBM level of all SMMUs driven; 2 when there is none. */
u8 iommu_bbm_level(void);

/* Does an SMMU that is driven walk tables past the caches? Then tables are cleaned. */
bool iommu_needs_clean(void);

#endif
