/* SPDX-License-Identifier: Apache-2.0 */
/* The core of the SMMUs, as far as a p2m needs it. */
#include "fake_p2m_iommu.h"

#include <corbel/iommu.h>

u8 fake_iommu_bbm = 2;
bool fake_iommu_clean;
enum corbel_err (*fake_iommu_hook)(u32 mask, u16 vmid, const struct stage2_inval *inv);

enum corbel_err iommu_invalidate(u32 mask, u16 vmid, const struct stage2_inval *inv)
{
    return fake_iommu_hook ? fake_iommu_hook(mask, vmid, inv) : CORBEL_OK;
}

u8 iommu_bbm_level(void)
{
    return fake_iommu_bbm;
}

bool iommu_needs_clean(void)
{
    return fake_iommu_clean;
}
