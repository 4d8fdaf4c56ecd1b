/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_DOMAIN_H
#define CORBEL_IOMMU_DOMAIN_H

#include <corbel/iommu_ops.h>
#include <corbel/log.h>
#include <corbel/passdt.h>
#include <corbel/types.h>

/* What the SMMUs' side keeps for each domain. */
struct iommu_domain {
    bool attached; /* its streams walk; its task writes, release; faults read, acquire */
    bool failed;   /* an invalidation failed: it must not run on; any CPU writes, never cleared */
    /* Faults: written by the CPU that takes the SMMUs' interrupts, read by debug keys. */
    u64 kinds[IOMMU_FAULT_KINDS];
    u32 devices[PASSDT_DEVICES_MAX]; /* by index in the plan's devices[] */
    struct iommu_fault last;
    u8 last_device;
    u8 quiet_iommu; /* the stream put into quarantine last, while quiet_count is not 0 */
    u32 quiet_stream, quiet_count;
    struct log_limit limit;
};

#endif
