/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose device does what it is told from outside: DMA to any address. Lines on the console:
 *   w ADDRESS        edu writes 8 bytes there: DMA-WROTE address value
 *   r ADDRESS        edu reads 8 bytes there: DMA-READ address value
 *   p                what is in the page of DMA-OWN (page=, or one of this image): DMA-PAGE value
 *   s MS ADDRESS     edu writes 4 KiB there, again and again: DMA-STORM transfers
 *   h ROUNDS MASTER  a page goes from the map and comes back while MASTER (edu, nvme) writes to it:
 *                    DMA-HOOK rounds arrived escaped
 *   x ADDRESS        edu begins to write 8 bytes there, and the domain powers off: DMA-LAST value
 *   v ADDRESS        this CPU reads there: DMA-VALUE value
 *   q                the end
 * Whether a write arrived, and whether a value is a secret, is for the one outside to say.
 */
#include "cpu.h"
#include "fdt.h"
#include "pci.h"
#include "psci.h"
#include "timer.h"

#define PAGE_SIZE  4096U
#define STORM_SIZE 4096U
#define HOOK_UNMAP 0xc6000100U
#define HOOK_REMAP 0xc6000101U
#define OLD        0x01d01d01d01d01d0UL
#define PATTERN    0xd0d0cafe00000000UL
#define UNTOUCHED  0x1111111111111111UL

static _Alignas(4096) volatile uint64_t source[PAGE_SIZE / 8];
static _Alignas(4096) volatile uint64_t own_page[PAGE_SIZE / 8];
static volatile uint64_t *page;
static uint32_t serial;

/* Another value each time, so that an old write is not taken for a new one. */
static bool do_write(uint64_t address)
{
    source[0] = PATTERN | ++serial;
    if (!edu_from_ram((uintptr_t)source, 8) || !edu_to_ram(address, 8)) {
        return false;
    }
    print("DMA-WROTE 0x%lx 0x%lx\n", address, source[0]);
    return true;
}

static bool do_read(uint64_t address)
{
    source[0] = UNTOUCHED;
    if (!edu_from_ram((uintptr_t)source, 8) || !edu_from_ram(address, 8) ||
        !edu_to_ram((uintptr_t)source, 8)) {
        return false;
    }
    print("DMA-READ 0x%lx 0x%lx\n", address, source[0]);
    return true;
}

/* Between the hints a plugin of QEMU's counts instructions. */
static bool do_storm(uint64_t ms, uint64_t address)
{
    uint64_t start = timer_now();
    uint32_t count = 0;

    __asm__ volatile("hint #0x70" ::: "memory");
    for (; timer_since_ms(start) < ms; count++) {
        if (!edu_to_ram(address, STORM_SIZE)) {
            return false;
        }
    }
    __asm__ volatile("hint #0x71" ::: "memory");
    print("DMA-STORM %u\n", count);
    return true;
}

/* The transfer is under way for another 100 ms. */
static bool do_last(uint64_t address)
{
    source[0] = PATTERN | ++serial;
    if (!edu_from_ram((uintptr_t)source, 8)) {
        return false;
    }
    print("DMA-LAST 0x%lx\n", source[0]);
    edu_begin_to_ram(address, 8);
    psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    return false;
}

static bool edu_write_page(uint64_t address)
{
    return edu_to_ram(address, 64);
}

static bool edu_prepare(void)
{
    source[0] = PATTERN;
    return edu_open() && edu_from_ram((uintptr_t)source, 64);
}

static const struct master masters[] = {
    { "edu", edu_prepare, edu_write_page },
    { "nvme", nvme_open, nvme_identify },
};

/* 1 if the master's bytes are in the page, 0 if the old ones are, -1 if it did not finish. */
static int write_once(const struct master *master, bool mapped)
{
    uint64_t ipa = (uintptr_t)page;

    page[0] = OLD;
    dsb();
    if (!mapped && hvc_call(HOOK_UNMAP, ipa, 0, 0) != 0) {
        return -1;
    }
    if (!master->write(ipa)) {
        return -1;
    }
    if (!mapped && hvc_call(HOOK_REMAP, ipa, 0, 0) != 0) {
        return -1;
    }
    dsb();
    return page[0] != OLD ? 1 : 0;
}

/* Each round twice: mapped, which must arrive and leaves a translation behind, and not mapped. */
static bool do_hook(uint64_t rounds, const struct master *master)
{
    uint32_t arrived = 0;
    uint32_t escaped = 0;
    uint32_t done;

    if (!master->open()) {
        return false;
    }
    for (done = 0; done < rounds; done++) {
        int result = write_once(master, true);

        arrived += result > 0 ? 1 : 0;
        result = result < 0 ? result : write_once(master, false);
        if (result < 0) {
            break;
        }
        escaped += (uint32_t)result;
    }
    print("DMA-HOOK %u %u %u\n", done, arrived, escaped);
    return done == rounds;
}

static const struct master *find_master(const char *name)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(masters); i++) {
        if (strcmp(name, masters[i].name) == 0) {
            return &masters[i];
        }
    }
    return &masters[0];
}

static bool obey(const char *line)
{
    const char *rest = line[0] != '\0' ? line + 1 : line;
    uint64_t first = read_number(&rest);

    rest += *rest == ' ' ? 1 : 0;
    switch (line[0]) {
    case 'w':
        return do_write(first);
    case 'r':
        return do_read(first);
    case 's':
        return do_storm(first, read_number(&rest));
    case 'x':
        return do_last(first);
    case 'h':
        return do_hook(first, find_master(rest));
    case 'p':
        print("DMA-PAGE 0x%lx\n", page[0]);
        return true;
    case 'v':
        print("DMA-VALUE 0x%x\n", mmio_read32(first));
        return true;
    default:
        return true;
    }
}

static void read_line(char *line, size_t size)
{
    size_t used = 0;

    for (;;) {
        char c = console_getc();

        if (c == '\r' || c == '\n') {
            break;
        }
        line[used] = c;
        used += used < size - 1 ? 1 : 0;
    }
    line[used] = '\0';
}

void test_dma(void)
{
    char line[64];

    if (!ok(edu_open(), "there is an edu")) {
        return;
    }
    page = (volatile uint64_t *)arg_number("page", (uintptr_t)own_page);
    page[0] = OLD;
    print("DMA-READY stream 0x%x\n", edu_devfn());
    print("DMA-OWN 0x%lx\n", (uintptr_t)page);
    do {
        read_line(line, sizeof(line));
        if (!obey(line)) {
            ok(false, "did not finish: %s", line);
        }
    } while (line[0] != 'q');
    ok(true, "told to end");
}
