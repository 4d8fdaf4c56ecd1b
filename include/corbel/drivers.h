/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DRIVERS_H
#define CORBEL_DRIVERS_H

#include <corbel/console.h>
#include <corbel/iommu_ops.h>
#include <corbel/irq.h>
#include <corbel/platform.h>

/*
 * The explicit list of drivers (drivers/drivers.c): what the platform found -> the
 * table of functions that drives it. NULL when this build has no driver for it.
 */
const struct uart_ops *driver_uart(u8 kind);  /* enum uart_kind */
const struct gic_ops *driver_gic(u8 version); /* enum gic_version */

const struct iommu_ops *driver_iommu(u8 kind); /* enum iommu_kind */

/* What the list is made of; only drivers.c and tests name these. */
extern const struct uart_ops pl011_ops, sbsa_uart_ops;
extern struct gic_ops gicv2_ops, gicv3_ops;
extern const struct iommu_ops smmuv2_ops, smmuv3_ops;

#endif
