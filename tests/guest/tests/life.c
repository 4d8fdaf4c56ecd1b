/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lives of a domain that restarts: at the start of each, memory is zero and everything that a
 * guest can change is as a board has it after power-on; at its end all of that is dirty. How it
 * ends says the boot argument life=reset|reset2|off|vectors|novectors|stack|watchdog|race.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

#define DIRT         0xd1d1d1d1d1d1d1d1UL
#define HOLE         0x30000000UL
#define UART_DR      0x00U
#define UART_CR      0x30U
#define UART_ICR     0x44U
#define UART_TXIM    BIT(5)
#define VIRTIO_MAGIC 0x74726976U
#define UART_IBRD    0x24U
#define UART_IFLS    0x34U
#define UART_IMSC    0x38U
#define IFLS_RESET   0x12U

static volatile bool race_ends;

static bool is_own(uintptr_t at)
{
    uintptr_t image = (uintptr_t)image_head;

    return (at >= (image & ~0xfffUL) && at < (uintptr_t)_image_end) ||
           (at >= (fdt_base() & ~0xfffUL) && at < fdt_base() + fdt_size());
}

/* All of RAM but this program and the tree, which has zeros up to its page's end: words that are
 * not zero; then, if asked, make them so. Modules are elsewhere, in the host's memory. */
static uint64_t all_ram(bool dirty)
{
    uint64_t wrong = 0;
    uint64_t base;
    uint64_t size;

    for (unsigned int i = 0; fdt_ram(i, &base, &size); i++) {
        for (uint64_t at = base; at < base + size; at += 512) {
            if (is_own(at)) {
                continue;
            }
            wrong += mmio_read64(at) != 0 ? 1 : 0;
            if (dirty) {
                mmio_write64(at, DIRT ^ at);
            }
        }
    }
    return wrong;
}

static void check_gic(unsigned int spi)
{
    static const unsigned int regs[] = { GICD_ISPENDR, GICD_ISACTIVER };
    unsigned int bad = 0;

    for (unsigned int r = 0; r < ARRAY_SIZE(regs); r++) {
        for (unsigned int intid = 0; intid < 64; intid++) {
            bad += gic_bit(regs[r], intid) ? 1 : 0;
        }
    }
    ok(bad == 0, "nothing is pending or active (%u)", bad);
    ok(!gic_bit(GICD_ISENABLER, spi), "the UART's interrupt is disabled");
    ok(!gic_bit(GICD_ISENABLER, timer_intid(TIMER_VIRTUAL)), "the timer's is, too");
    is_equal(gic_priority(spi), 0, "its priority");
}

/*
 * Devices of the host keep their state, as over any reset that is the CPU's alone: a driver
 * begins with silencing them. 0: none was given.
 */
static uintptr_t silence_given_uart(void)
{
    int node = fdt_compatible("arm,pl011");
    uint64_t base;
    uint64_t size;

    if (node < 0 || !fdt_reg(node, 0, &base, &size)) {
        return 0;
    }
    mmio_write32(base + UART_IMSC, 0);
    mmio_write32(base + UART_ICR, 0x7ff);
    return base;
}

/* Its interrupt works as on the first day. */
static void check_given_uart(void)
{
    unsigned int spi = fdt_intid(fdt_compatible("arm,pl011"), 0);
    uintptr_t base = silence_given_uart();

    if (base == 0) {
        return;
    }
    ok(!gic_bit(GICD_ISPENDR, spi) && !gic_bit(GICD_ISACTIVER, spi) &&
           !gic_bit(GICD_ISENABLER, spi),
       "the given UART's interrupt is quiet");
    mmio_write32(base + UART_CR, 0x301);
    mmio_write32(base + UART_IMSC, UART_TXIM);
    gic_set_priority(spi, 0x80);
    gic_route(spi, 0);
    gic_enable(spi);
    mmio_write32(base + UART_DR, 'x');
    is_equal(gic_intid(gic_ack_wait()), spi, "interrupt of the given UART");
    /* Neither ended here nor at the device: left for the next life. */
}

/* What is shared with others, or is memory of another kind, holds what the former life left. */
static void check_word(const char *compatible, const char *parent, uint64_t offset)
{
    int node = parent != NULL ? fdt_child(fdt_path(parent), -1) : fdt_compatible(compatible);
    uint64_t base;
    uint64_t size;

    if (node < 0 || !fdt_is_compatible(node, compatible) || !fdt_reg(node, 0, &base, &size)) {
        return;
    }
    print("HELD %s %lu\n", compatible, mmio_read64(base + offset));
    mmio_write64(base + offset, mmio_read64(base + offset) + 1);
}

static void check_held(void)
{
    int node = fdt_compatible("virtio,mmio");
    uint64_t base;
    uint64_t size;

    check_given_uart();
    check_word("xen,shared-memory-v1", "/reserved-memory", 64);
    check_word("mmio-sram", NULL, 64);
    if (node >= 0 && fdt_reg(node, 0, &base, &size)) {
        is_equal(mmio_read32(base), VIRTIO_MAGIC, "magic of the given virtio slot");
    }
}

static void check_rest(void)
{
    is_equal(timer_ctl(TIMER_VIRTUAL), 0, "CNTV_CTL");
    is_equal(timer_ctl(TIMER_PHYSICAL), 0, "CNTP_CTL");
    is_equal(mmio_read32(console_base() + UART_IMSC), 0, "UARTIMSC");
    is_equal(mmio_read32(console_base() + UART_IBRD), 0, "UARTIBRD");
    is_equal(mmio_read32(console_base() + UART_IFLS), IFLS_RESET, "UARTIFLS");
    for (unsigned int i = 1; i < smp_count(); i++) {
        is_equal((uint64_t)psci_call(PSCI_AFFINITY_INFO, cpus[i].mpidr, 0, 0), 1, "vCPU is off");
    }
}

static void spin(struct cpu *cpu)
{
    for (;;) {
        cpu->counter++;
    }
}

/*
 * Nothing waits for anything: vCPUs go off and are switched on, SGIs are under way, and once the
 * end has begun all that run ask for a reset at about the same time.
 */
static void race(struct cpu *cpu)
{
    uint64_t seed = timer_now() ^ (uint64_t)cpu->index << 32;

    for (;;) {
        unsigned int other;

        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        other = (unsigned int)(seed >> 32) % smp_count();
        switch (seed >> 61) {
        case 0:
            if (cpu->index != 0) {
                psci_call(PSCI_CPU_OFF, 0, 0, 0);
            }
            break;
        case 1:
        case 2:
            cpus[other].entry = race;
            psci_call(PSCI_CPU_ON, cpus[other].mpidr, (uintptr_t)secondary_entry,
                      (uintptr_t)&cpus[other]);
            break;
        case 3:
            if (race_ends) {
                psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
                print("STILL ALIVE\n");
            }
            break;
        default:
            gic_send_sgi(seed >> 40 & 15, other);
        }
    }
}

/* What must be gone in the next life. Interrupts stay masked, so that all of them are left. */
static void make_dirty(unsigned int spi)
{
    for (unsigned int i = 1; i < smp_count(); i++) {
        smp_start(i, arg_is("life", "race") ? race : spin, 0);
    }
    gic_set_priority(spi, 0x40);
    gic_enable(spi);
    gic_enable(timer_intid(TIMER_VIRTUAL));
    gic_enable(timer_intid(TIMER_PHYSICAL));
    gic_write_bit(GICD_ISPENDR, spi);
    gic_write_bit(GICD_ISACTIVER, spi);
    gic_send_sgi(5, 0);
    timer_arm_us(TIMER_VIRTUAL, 0);
    timer_arm_us(TIMER_PHYSICAL, 0);
    mmio_write32(console_base() + UART_IBRD, 7);
    mmio_write32(console_base() + UART_IFLS, 0);
    mmio_write32(console_base() + UART_IMSC, 0xff);
    all_ram(true);
}

/* wait=1: until somebody types. The interrupt of the UART stays pending. */
static void wait_for_go(void)
{
    while (arg_number("wait", 0) != 0 && !console_has_input()) {}
}

/*
 * No handler ever gets going: nothing answers where the vectors are (vectors), stage 1 forbids to
 * run what is there (novectors: no exit shows it to a hypervisor), or the first
 * thing that the handler does, saving registers, faults as well (stack).
 */
static void fall(void)
{
    if (arg_is("life", "stack")) {
        __asm__ volatile("mov sp, %0; str xzr, [%0]" ::"r"(HOLE) : "memory");
    }
    if (arg_is("life", "vectors")) {
        mmu_map_normal(HOLE);
    }
    write_sysreg(HOLE, vbar_el1);
    isb();
    mmio_write32(HOLE, 1);
}

static void end_life(void)
{
    if (arg_is("life", "reset")) {
        psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    } else if (arg_is("life", "reset2")) {
        psci_call(PSCI_SYSTEM_RESET2, 0, 0, 0);
    } else if (arg_is("life", "off")) {
        psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    } else if (arg_is("life", "watchdog")) {
        watchdog_expire();
    } else if (arg_is("life", "race")) {
        race_ends = true;
        race(&cpus[0]);
    } else {
        fall();
    }
}

void test_life(void)
{
    unsigned int spi = fdt_intid(fdt_compatible("arm,sbsa-uart"), 0);
    size_t size = 0;
    const uint64_t *seed = fdt_prop(fdt_path("/chosen"), "rng-seed", &size);

    print("LIFE at %lu ms, seed %lx\n", timer_since_ms(0), seed != NULL ? *seed : 0);
    is_equal(all_ram(false), 0, "words of RAM that are not zero");
    silence_given_uart();
    check_gic(spi);
    check_rest();
    check_held();
    tap_end();
    make_dirty(spi);
    print("LIFE-END %u failed", tap_failed());
    wait_for_go();
    end_life();
    print("STILL ALIVE\n");
}
