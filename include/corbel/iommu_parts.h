/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_PARTS_H
#define CORBEL_IOMMU_PARTS_H

#include <corbel/iommu_ops.h>
#include <corbel/passdt.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/* Between common/iommu*.c, less iommu_pci.c and iommu_map.c, only. */
struct domain;

/* All SMMUs of the machine, by index in platform->iommus; written while booting. */
struct iommu_set {
    const struct platform *platform; /* NULL: iommu_init() was not called */
    struct iommu iommus[PLATFORM_IOMMU_MAX];
    u32 count; /* 0 with iommu=off */
    bool unshared;
    bool no_inval; /* iommu=debug-no-inval */
};

struct iommu_set *iommu_all(void);

/* iommu_invalidate() whatever the options say. Without the p2m lock only before it is walked. */
enum corbel_err iommu_forget(u32 mask, u16 vmid, const struct stage2_inval *inv) __must_check;

/* Throw away what waits in u's queue of faults: how many records. Caller holds u->lock. */
u32 iommu_drop_faults(struct iommu *u);

/* Make the fault side ready: this CPU takes the SMMUs' interrupts. Boot. */
void iommu_fault_init(void);

/* Faults of SMMU index that were thrown away unseen because there were too many; is it paused? */
u64 iommu_faults_dropped(u32 index, bool *paused);

/*
 * Repeated faults are counted, not printed. All of it belongs to the CPU that takes the SMMUs'
 * interrupts (iommu_fold.c).
 */
#define IOMMU_FOLD_DROPPED IOMMU_FAULT_KINDS /* a kind of its own: thrown away unseen */

struct iommu_fold {
    u32 domain; /* id; 0: nobody's stream, or the SMMU's own error */
    u32 stream;
    u64 page; /* input address without its lowest 12 bits */
    u8 iommu, kind;
    bool write, has_address;
    bool used;  /* from here on the fold's own */
    bool seen;  /* since the last due */
    u64 count;  /* not printed yet */
    u64 window; /* ticks between two lines; doubles while it goes on */
    u64 due;    /* of the next line, or of being forgotten */
};

/* Forget all of them. Boot. */
void iommu_fold_init(void);

/*
 * Count n more of what key names. True: it is new, and the caller prints a line; its own count
 * starts with 0. What had to make room for it is in *evicted (used: its count was not printed).
 */
bool iommu_fold_add(const struct iommu_fold *key, u64 n, u64 now, struct iommu_fold *evicted);

/* The next one whose line is due, with its count; false: none. */
bool iommu_fold_due(u64 now, struct iommu_fold *out);

/* Earliest time at which iommu_fold_due() has something to do; ~0: never. */
u64 iommu_fold_deadline(void);

#endif
