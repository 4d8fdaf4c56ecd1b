/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SMMUs report.
 */
#include <corbel/iommu.h>

#include <corbel/iommu_parts.h>

void iommu_fault_init(void)
{
}

bool iommu_irq(u32 intid)
{
    (void)intid;
    return false;
}

void iommu_timer(void)
{
}

void iommu_report(void)
{
}
