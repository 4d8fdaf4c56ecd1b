/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_PCI_H
#define CORBEL_IOMMU_PCI_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/passdt.h>
#include <corbel/types.h>

/*
 * Bus mastering off in every function behind the root complexes of pass that are given whole
 * (passdt_device.ecam): what the device has started is pushed out, and it starts nothing more,
 * DMA and MSI alike. *pos counts slots and begins with 0; ERR_AGAIN until all were looked at.
 * One step reads a few slots. Registers are those of PCI Local Bus 3.0 6.1, at the addresses of
 * PCIe's enhanced configuration access (PCI Express Base 7.2.2).
 */
enum corbel_err iommu_pci_quiet_step(const struct passdt *pass, u64 *pos) __must_check;

#endif
