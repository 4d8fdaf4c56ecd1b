/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's edu device as a master of DMA (its documentation: docs/specs/edu.rst).
 */
#include "pci.h"
#include "timer.h"

#define EDU_SOURCE  0x80U
#define EDU_TARGET  0x88U
#define EDU_COUNT   0x90U
#define EDU_COMMAND 0x98U
#define EDU_BUFFER  0x40000U

#define EDU_RUN    1U
#define EDU_TO_RAM 2U
#define POLL_US    200U

static struct pci_device edu;

bool edu_open(void)
{
    return edu.bar0 != 0 || pci_open(PCI_ID_EDU, &edu);
}

unsigned int edu_devfn(void)
{
    return edu.devfn;
}

static void begin(uint64_t from, uint64_t to, unsigned int size, uint32_t command)
{
    mmio_write64(edu.bar0 + EDU_SOURCE, from);
    mmio_write64(edu.bar0 + EDU_TARGET, to);
    mmio_write64(edu.bar0 + EDU_COUNT, size);
    dsb();
    mmio_write64(edu.bar0 + EDU_COMMAND, command | EDU_RUN);
}

static bool transfer(uint64_t from, uint64_t to, unsigned int size, uint32_t command)
{
    uint64_t start = timer_now();

    begin(from, to, size, command);
    while ((mmio_read64(edu.bar0 + EDU_COMMAND) & EDU_RUN) != 0) {
        if (timer_since_ms(start) > WAIT_MS) {
            return false;
        }
        timer_delay_us(POLL_US); /* each look takes the emulator's lock */
    }
    dsb();
    return true;
}

bool edu_from_ram(uint64_t address, unsigned int size)
{
    return transfer(address, EDU_BUFFER, size, 0);
}

bool edu_to_ram(uint64_t address, unsigned int size)
{
    return transfer(EDU_BUFFER, address, size, EDU_TO_RAM);
}

void edu_begin_to_ram(uint64_t address, unsigned int size)
{
    begin(EDU_BUFFER, address, size, EDU_TO_RAM);
}
