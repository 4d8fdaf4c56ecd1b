/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PCIe root complex that the domain was given, if any: configuration space by ECAM, BARs out
 * of the 32-bit window. Bus 0 only; the tree says where everything is.
 */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "lib.h"

#define PCI_ID      0x00U
#define PCI_COMMAND 0x04U
#define PCI_BAR0    0x10U

#define PCI_COMMAND_MEMORY  BIT(1)
#define PCI_COMMAND_MASTER  BIT(2)
#define PCI_COMMAND_NO_INTX BIT(10)

#define PCI_ID_EDU  0x11e81234U
#define PCI_ID_NVME 0x00101b36U

struct pci_device {
    unsigned int devfn; /* its requester ID, too: bus 0 */
    uintptr_t config;
    uintptr_t bar0; /* as the CPU sees it */
};

/*
 * Find a device by vendor (low half) and device ID, give it a megabyte of the 32-bit window as
 * BAR 0 and let it be a bus master, its INTx off. False: no root complex, or no such device.
 */
bool pci_open(uint32_t id, struct pci_device *out);

/* A device that writes memory: loads are its own business. */
struct master {
    const char *name;
    bool (*open)(void);
    /* Make it write its bytes to a page; false: not finished. Nothing says if they arrived. */
    bool (*write)(uint64_t address);
};

/*
 * edu.c: QEMU's edu. Each transfer of up to 4096 bytes takes 100 ms, and has no errors; its buffer
 * keeps what came last.
 */
bool edu_open(void);
bool edu_from_ram(uint64_t address, unsigned int size);
bool edu_to_ram(uint64_t address, unsigned int size);
/* Begin such a transfer and do not wait. */
void edu_begin_to_ram(uint64_t address, unsigned int size);
unsigned int edu_devfn(void);

/* nvme.c: Identify (4096 bytes), copied before the doorbell's write has had its effect. */
bool nvme_open(void);
bool nvme_identify(uint64_t address);

#endif
