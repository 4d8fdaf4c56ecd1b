/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI configuration space by ECAM (PCI Firmware Specification 3.2, 4.1) and a window for BARs.
 */
#include "pci.h"

#include "fdt.h"

#define RANGE_CELLS    7U /* 3 of the PCI address, 2 of the CPU's, 2 of the size */
#define RANGE_SPACE(x) ((x) >> 24 & 3U)
#define SPACE_MEMORY32 2U
#define BAR_SIZE       0x100000UL
#define BAR_IS_64      4U

static uint64_t next_bar; /* bytes of the window that are given */

static uint64_t cells(int node, const char *name, unsigned int index)
{
    return (uint64_t)fdt_cell(node, name, index, 0) << 32 | fdt_cell(node, name, index + 1, 0);
}

/* The 32-bit window of a host bridge: bus address, CPU address. */
static bool find_window(int node, uint64_t *bus, uint64_t *cpu)
{
    size_t size;

    if (fdt_prop(node, "ranges", &size) == NULL) {
        return false;
    }
    for (unsigned int i = 0; i * 4UL < size; i += RANGE_CELLS) {
        if (RANGE_SPACE(fdt_cell(node, "ranges", i, 0)) == SPACE_MEMORY32) {
            *bus = cells(node, "ranges", i + 1);
            *cpu = cells(node, "ranges", i + 3);
            return true;
        }
    }
    return false;
}

static void enable(struct pci_device *device, uint64_t bus, uint64_t cpu)
{
    uint32_t kind = mmio_read32(device->config + PCI_BAR0);

    mmio_write32(device->config + PCI_BAR0, (uint32_t)(bus + next_bar));
    if ((kind & BAR_IS_64) != 0) {
        mmio_write32(device->config + PCI_BAR0 + 4, 0);
    }
    mmio_write32(device->config + PCI_COMMAND,
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    device->bar0 = cpu + next_bar;
    next_bar += BAR_SIZE;
}

bool pci_open(uint32_t id, struct pci_device *out)
{
    int node = fdt_compatible("pci-host-ecam-generic");
    uint64_t ecam;
    uint64_t size;
    uint64_t bus;
    uint64_t cpu;

    if (node < 0 || !fdt_reg(node, 0, &ecam, &size) || !find_window(node, &bus, &cpu)) {
        return false;
    }
    for (unsigned int devfn = 0; devfn < 256; devfn += 8) {
        out->devfn = devfn;
        out->config = ecam + ((uint64_t)devfn << 12);
        if (mmio_read32(out->config + PCI_ID) == id) {
            enable(out, bus, cpu);
            return true;
        }
    }
    return false;
}
