/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin queue of an NVMe controller (NVM Express Base Specification 1.4, 3.1 and 5.15), and of
 * its commands Identify only.
 */
#include "pci.h"
#include "timer.h"

#define NVME_CAP  0x00U
#define NVME_CC   0x14U
#define NVME_CSTS 0x1cU
#define NVME_AQA  0x24U
#define NVME_ASQ  0x28U
#define NVME_ACQ  0x30U
#define NVME_SQ0  0x1000U

#define CC_ENABLE  (1U | 6U << 16 | 4U << 20) /* entries of 64 and 16 bytes */
#define CSTS_READY 1U
#define ENTRIES    16U
#define IDENTIFY   0x06U
#define CONTROLLER 1U
#define CQE_PHASE  BIT(16)

struct submission {
    uint32_t word[16];
};

struct completion {
    volatile uint32_t word[4];
};

static _Alignas(4096) struct submission submissions[ENTRIES];
static _Alignas(4096) struct completion completions[ENTRIES];
static struct pci_device nvme;
static unsigned int tail;
static unsigned int head;
static uint32_t phase = CQE_PHASE;
static unsigned int stride;

static bool wait_ready(uint32_t ready)
{
    uint64_t start = timer_now();

    while ((mmio_read32(nvme.bar0 + NVME_CSTS) & CSTS_READY) != ready) {
        if (timer_since_ms(start) > WAIT_MS) {
            return false;
        }
    }
    return true;
}

bool nvme_open(void)
{
    if (nvme.bar0 != 0) {
        return true;
    }
    if (!pci_open(PCI_ID_NVME, &nvme)) {
        return false;
    }
    stride = 4U << (mmio_read64(nvme.bar0 + NVME_CAP) >> 32 & 15U);
    mmio_write32(nvme.bar0 + NVME_CC, 0);
    if (!wait_ready(0)) {
        return false;
    }
    mmio_write32(nvme.bar0 + NVME_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    mmio_write64(nvme.bar0 + NVME_ASQ, (uintptr_t)submissions);
    mmio_write64(nvme.bar0 + NVME_ACQ, (uintptr_t)completions);
    mmio_write32(nvme.bar0 + NVME_CC, CC_ENABLE);
    return wait_ready(CSTS_READY);
}

static bool wait_completion(void)
{
    uint64_t start = timer_now();

    while ((completions[head].word[3] & CQE_PHASE) != phase) {
        if (timer_since_ms(start) > WAIT_MS) {
            return false;
        }
    }
    head = (head + 1) % ENTRIES;
    phase ^= head == 0 ? CQE_PHASE : 0;
    mmio_write32(nvme.bar0 + NVME_SQ0 + stride, head);
    return true;
}

bool nvme_identify(uint64_t address)
{
    struct submission *command = &submissions[tail];

    memset(command, 0, sizeof(*command));
    command->word[0] = IDENTIFY | tail << 16;
    command->word[6] = (uint32_t)address;
    command->word[7] = (uint32_t)(address >> 32);
    command->word[10] = CONTROLLER;
    tail = (tail + 1) % ENTRIES;
    dsb();
    mmio_write32(nvme.bar0 + NVME_SQ0, tail);
    return wait_completion();
}
