/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of drivers in this build: kinds of hardware that the platform code found,
 * and who drives them. New drivers are entered here and nowhere else; one that Kconfig
 * leaves out is not named, and the linker drops it.
 */
#include <corbel/drivers.h>

#include <corbel/compiler.h>

__init const struct uart_ops *driver_uart(u8 kind)
{
    static const struct uart_ops *const list[] = {
        [UART_PL011] = IS_ENABLED(CONFIG_PL011) ? &pl011_ops : NULL,
        [UART_SBSA] = IS_ENABLED(CONFIG_PL011) ? &sbsa_uart_ops : NULL,
    };

    return kind < ARRAY_SIZE(list) ? list[kind] : NULL;
}

__init const struct gic_ops *driver_gic(u8 version)
{
    static const struct gic_ops *const list[] = {
        [GIC_V2] = IS_ENABLED(CONFIG_GICV2) ? &gicv2_ops : NULL,
        [GIC_V3] = IS_ENABLED(CONFIG_GICV3) ? &gicv3_ops : NULL,
    };

    return version < ARRAY_SIZE(list) ? list[version] : NULL;
}

__init const struct iommu_ops *driver_iommu(u8 kind)
{
    static const struct iommu_ops *const list[] = {
        [IOMMU_SMMU_V1] = IS_ENABLED(CONFIG_SMMUV2) ? &smmuv2_ops : NULL,
        [IOMMU_SMMU_V2] = IS_ENABLED(CONFIG_SMMUV2) ? &smmuv2_ops : NULL,
        [IOMMU_SMMU_V3] = IS_ENABLED(CONFIG_SMMUV3) ? &smmuv3_ops : NULL,
    };

    return kind < ARRAY_SIZE(list) ? list[kind] : NULL;
}
