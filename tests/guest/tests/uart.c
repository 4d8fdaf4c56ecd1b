/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PL011's registers: they read alike whether reads come to the hypervisor or not, which
 * changes when a character is received, and are written by any instruction. And it as an
 * interrupt source: the transmit interrupt is a level that stays until it is silenced. Its
 * wiring comes from the tree.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "timer.h"

#define UART_DR      0x00U
#define UART_FR      0x18U
#define UART_IBRD    0x24U
#define UART_FBRD    0x28U
#define UART_CR      0x30U
#define UART_IFLS    0x34U
#define UART_IMSC    0x38U
#define UART_RIS     0x3cU
#define UART_MIS     0x40U
#define UART_ICR     0x44U
#define UART_TX      BIT(5)
#define UART_FR_BUSY BIT(3)
#define UART_FR_TXFE BIT(7)
#define UART_FR_RXFE BIT(4)
#define UART_CR_LBE  BIT(7)
#define UART_ID      0xfe0U

/* More reads of FR than a hypervisor waits for after the last character. */
#define MANY_READS 200
/* All registers and holes between them but DR, and identification. */
#define WORDS      34U

static void drain(uintptr_t base)
{
    uint64_t start = timer_now();

    while ((mmio_read32(base + UART_FR) & UART_FR_TXFE) == 0 && timer_since_ms(start) < WAIT_MS) {}
}

/*
 * A character comes back to us, is seen and taken. Nothing else is written meanwhile. QEMU's own
 * UART sends it out, too: an empty line.
 */
static unsigned int loop_back(uintptr_t base)
{
    uint32_t control = mmio_read32(base + UART_CR);
    uint64_t start = timer_now();
    unsigned int got;

    drain(base);
    mmio_write32(base + UART_CR, control | UART_CR_LBE);
    mmio_write32(base + UART_DR, '\n');
    while ((mmio_read32(base + UART_FR) & UART_FR_RXFE) != 0 && timer_since_ms(start) < WAIT_MS) {}
    got = mmio_read32(base + UART_DR) & 0xff;
    mmio_write32(base + UART_CR, control);
    return got;
}

/* Long after the last character, if none comes meanwhile. */
static void wait_quiet(uintptr_t base)
{
    for (unsigned int i = 0; i < MANY_READS; i++) {
        (void)mmio_read32(base + UART_FR);
    }
}

static void read_all(uintptr_t base, uint32_t *words)
{
    for (unsigned int i = 0; i < WORDS; i++) {
        words[i] = mmio_read32(base + (i < WORDS - 8 ? 8 + 4 * i : UART_ID + 4 * (i - WORDS + 8)));
    }
}

/* Each kind of instruction writes, now and after the page has gone. */
static void check_writes(uintptr_t base, const char *when)
{
    uintptr_t next = base + UART_IFLS;
    struct fault fault;

    __asm__ volatile("stp %w1, %w2, [%0]" ::"r"(base + UART_IBRD), "r"(0x1234), "r"(0x2a)
                     : "memory");
    ok(mmio_read32(base + UART_IBRD) == 0x1234 && mmio_read32(base + UART_FBRD) == 0x2a,
       "%s: store pair", when);
    __asm__ volatile("str %w1, [%0], #4" : "+r"(next) : "r"(0x24) : "memory");
    ok(mmio_read32(base + UART_IFLS) == 0x24 && next == base + UART_IFLS + 4,
       "%s: store with write-back", when);
    __asm__ volatile("strh %w1, [%0]" ::"r"(base + UART_IBRD), "r"(0x4321) : "memory");
    ok(mmio_read32(base + UART_IBRD) == 0x4321, "%s: store of 16 bits", when);
    mmio_write8(base + UART_IFLS, 0x12);
    ok(mmio_read32(base + UART_IFLS) == 0x12 && mmio_read8(base + UART_IFLS) == 0x12,
       "%s: store of 8 bits", when);
    fault = guarded(__asm__ volatile("dc civac, %0" ::"r"(base) : "memory"));
    ok(!fault.taken, "%s: cache maintenance", when);
    fault = guarded(__asm__ volatile("dc ivac, %0" ::"r"(base) : "memory"));
    ok(!fault.taken, "%s: cache maintenance that wants to write", when);
    mmio_write32(base + UART_IBRD, 0);
    mmio_write32(base + UART_FBRD, 0);
}

/* What is no plain access is refused as the architecture has it, or done; the guest goes on. */
static void check_odd(uintptr_t base)
{
    uintptr_t va = 0xffffff8000001000UL;
    uint64_t saved = read_sysreg(ttbr1_el1);
    uint32_t value = 0;
    struct fault fault;

    (void)guarded(__asm__ volatile("dc zva, %0" ::"r"(base) : "memory"));
    (void)guarded(__asm__ volatile("ldxr w0, [%0]; stxr w1, w0, [%0]" ::"r"(base + UART_IBRD)
                                   : "w0", "w1", "memory"));
    (void)guarded(
        __asm__ volatile(".arch_extension lse; ldadd %w1, wzr, [%0]" ::"r"(base + UART_IBRD), "r"(0)
                         : "memory"));
    write_sysreg(base & ~0xfffUL, ttbr1_el1);
    __asm__ volatile("isb; tlbi vmalle1; dsb sy; isb");
    fault = guarded_read32(va, &value);
    write_sysreg(saved, ttbr1_el1);
    __asm__ volatile("isb; tlbi vmalle1; dsb sy; isb");
    console_putc('\n'); /* where DC ZVA writes to DR */
    ok(fault.taken, "a stage-1 table in the registers: aborts");
    is_equal(mmio_read32(base + UART_IBRD), 0, "and nothing was written there");
}

static void test_registers(uintptr_t base)
{
    static uint32_t quiet[WORDS];
    static uint32_t trapped[WORDS];
    unsigned int same = 0;

    drain(base);
    wait_quiet(base);
    check_writes(base, "quiet");
    check_odd(base);
    drain(base);
    read_all(base, quiet);
    is_equal(loop_back(base), '\n', "a character by loopback");
    drain(base);
    (void)loop_back(base);
    read_all(base, trapped);
    for (unsigned int i = 0; i < WORDS; i++) {
        if (quiet[i] == trapped[i]) {
            same++;
        } else {
            diag("word %u: 0x%x, then 0x%x", i, quiet[i], trapped[i]);
        }
    }
    is_equal(same, WORDS, "registers read the same after input");
    (void)loop_back(base);
    check_writes(base, "after input");
    (void)loop_back(base);
    check_odd(base);
    wait_quiet(base);
    is_equal(loop_back(base), '\n', "and another character after a quiet time");
}

static unsigned int uart_intid(void)
{
    int node = fdt_compatible("arm,sbsa-uart");

    node = node >= 0 ? node : fdt_compatible("arm,pl011");
    return fdt_intid(node, 0);
}

void test_uart(void)
{
    uintptr_t base = console_base();
    unsigned int intid = uart_intid();
    uint32_t iar;

    if (!ok(intid >= 32, "UART interrupt %u", intid)) {
        return;
    }
    test_registers(base);
    drain(base);
    ok((mmio_read32(base + UART_FR) & UART_FR_TXFE) != 0, "FIFO drains");
    gic_set_edge(intid, false);
    gic_set_priority(intid, 0x80);
    gic_route(intid, 0);
    mmio_write32(base + UART_ICR, 0x7ff);
    gic_enable(intid);
    mmio_write32(base + UART_IMSC, UART_TX);
    console_putc('#');
    console_putc('\r');
    console_putc('\n');
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), intid, "transmit interrupt");
    ok((mmio_read32(base + UART_MIS) & UART_TX) != 0, "MIS says transmit");
    gic_eoi(iar);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), intid, "level stays: again after EOI");
    mmio_write32(base + UART_IMSC, 0);
    gic_eoi(iar);
    timer_delay_us(500);
    iar = gic_ack();
    ok(gic_intid(iar) >= GIC_SPURIOUS, "masked in the UART: no more");
    ok(!gic_bit(GICD_ISPENDR, intid), "masked in the UART: does not pend");
    gic_disable(intid);
}
