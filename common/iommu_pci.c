/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI functions of a domain that ended start no more DMA. Only Bus Master Enable is cleared: it
 * stops MSIs as well, which are memory writes, and what else the guest set up (MSI addresses,
 * BARs, interrupt disable) is overwritten by whoever drives the device next before it sets the
 * bit again. All slots of all buses are looked at, not only those that bridges lead to: bus
 * numbers of bridges are the guest's to write. Accesses are guarded, since a host bridge may
 * answer for an absent device with a bus error instead of all ones.
 */
#include <corbel/iommu_pci.h>

#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>

#define SLOTS_STEP    8u
#define SLOTS_PER_BUS 32u
#define FUNCTIONS     8u

#define PCI_VENDOR_ID            0x00u
#define PCI_COMMAND              0x04u
#define PCI_COMMAND_MASTER       BIT(2)
#define PCI_HEADER_TYPE          0x0eu
#define PCI_HEADER_MULTIFUNCTION BIT(7)
#define PCI_ABSENT               0xffffu

static bool read_register(u64 config, u32 offset, u32 size, u64 *value)
{
    uintptr_t va = (uintptr_t)arch_window_open(WINDOW_SMALL_1, PA(config), EL2_DEVICE);
    bool done = arch_io_try_read(va + offset, size, value);

    arch_window_close(WINDOW_SMALL_1);
    return done;
}

static void write_register(u64 config, u32 offset, u32 size, u64 value)
{
    uintptr_t va = (uintptr_t)arch_window_open(WINDOW_SMALL_1, PA(config), EL2_DEVICE);

    (void)arch_io_try_write(va + offset, size, value);
    arch_window_close(WINDOW_SMALL_1);
}

/* config: its 4 KiB of configuration space. False: there is no such function. */
static bool quiet_function(u64 config)
{
    u64 vendor = PCI_ABSENT, command = 0;

    if (!read_register(config, PCI_VENDOR_ID, 2, &vendor) || vendor == PCI_ABSENT)
        return false;
    if (!read_register(config, PCI_COMMAND, 2, &command) || !(command & PCI_COMMAND_MASTER))
        return true;
    write_register(config, PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
    /* The answer of a read comes after all that the function wrote before (PCIe 2.4.1). */
    (void)read_register(config, PCI_COMMAND, 2, &command);
    return true;
}

static void quiet_slot(u64 config)
{
    u64 header = 0;

    if (!quiet_function(config) || !read_register(config, PCI_HEADER_TYPE, 1, &header) ||
        !(header & PCI_HEADER_MULTIFUNCTION))
        return;
    for (u32 i = 1; i < FUNCTIONS; i++)
        (void)quiet_function(config + i * PAGE_SIZE);
}

/* Slots whose registers the window really has. */
static u64 slots_of(const struct passdt_device *device)
{
    u64 buses =
        device->last_bus >= device->first_bus ? (u64)device->last_bus - device->first_bus + 1 : 0;

    return MIN(buses * SLOTS_PER_BUS, device->ecam.size / (FUNCTIONS * PAGE_SIZE));
}

enum corbel_err iommu_pci_quiet_step(const struct passdt *pass, u64 *pos)
{
    u64 at = *pos;

    for (u32 i = 0; i < pass->device_count; i++) {
        const struct passdt_device *device = &pass->devices[i];
        u64 slots = slots_of(device), end = MIN(slots, at + SLOTS_STEP);

        if (at >= slots) {
            at -= slots;
            continue;
        }
        *pos += end - at;
        for (; at < end; at++)
            quiet_slot(device->ecam.base + at * FUNCTIONS * PAGE_SIZE);
        return ERR_AGAIN;
    }
    return CORBEL_OK;
}
