/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_P2M_IOMMU_H
#define FAKE_P2M_IOMMU_H

#include <corbel/err.h>
#include <corbel/types.h>

struct stage2_inval;

/* What the p2m asks of iommu.c: without a hook every invalidation succeeds. */
extern u8 fake_iommu_bbm;
extern bool fake_iommu_clean;
extern enum corbel_err (*fake_iommu_hook)(u32 mask, u16 vmid, const struct stage2_inval *inv);

#endif
