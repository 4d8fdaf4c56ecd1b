/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_PARTS_H
#define CORBEL_IOMMU_PARTS_H

#include <corbel/iommu_ops.h>
#include <corbel/passdt.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/* Between iommu.c, iommu_boot.c, iommu_fault.c and iommu_report.c only. */

/* All SMMUs of the machine, by index in platform->iommus; written while booting. */
struct iommu_set {
    const struct platform *platform; /* NULL: iommu_init() was not called */
    struct iommu iommus[PLATFORM_IOMMU_MAX];
    u32 count; /* 0 with iommu=off */
    bool unshared;
    bool no_inval; /* iommu=debug-no-inval */
};

struct iommu_set *iommu_all(void);

/* Host path of a given device for messages; its name in the partial tree when it has none. */
const char *iommu_device_path(const struct passdt_device *device, char *buf, u32 size);

/* Drop what waits in u's queue of faults: how many records. Caller holds u->lock. */
u32 iommu_drop_faults(struct iommu *u);

/* Make the fault side ready. Boot. */
void iommu_fault_init(void);

#endif
