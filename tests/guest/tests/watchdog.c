/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain's watchdog, of whichever kind the tree says: it begins as after power-on, its first
 * timeout is an interrupt (generic watchdog only), who refreshes it lives. test=watchdog,life with
 * life=watchdog ends by letting it expire.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "timer.h"

#define WRR         0x000U
#define WCS         0x000U
#define WOR         0x008U
#define WCV         0x010U
#define W_IIDR      0xfccU
#define LAST        0xffcU
#define WCS_EN      BIT(0)
#define WCS_WS0     BIT(1)
#define SHORT_US    20000UL
#define LONG_US     5000000UL /* nobody is away that long */
#define EXPIRE_US   300000UL  /* time enough to say that WS0 came */
#define SMC_INIT    0U
#define SMC_TIMEOUT 1U
#define SMC_ENABLE  2U
#define SMC_PET     3U
#define SMC_LEFT    4U
#define SMC_MAX     86400U

static uintptr_t control;
static uintptr_t other;
static unsigned int spi;
static uint32_t smc_id;

/* False: the domain has none. */
static bool find(void)
{
    int node = fdt_compatible("arm,sbsa-gwdt");
    uint64_t bases[2];
    uint64_t size;

    if (node < 0) {
        smc_id = fdt_cell(fdt_compatible("arm,smc-wdt"), "arm,smc-id", 0, 0);
        return smc_id != 0;
    }
    if (!fdt_reg(node, 0, &bases[0], &size) || !fdt_reg(node, 1, &bases[1], &size)) {
        return false;
    }
    control = bases[0];
    other = bases[1];
    spi = fdt_intid(node, 0);
    return true;
}

/* --- the generic watchdog --------------------------------------------------------------------- */

static void start(uint64_t us)
{
    mmio_write32(control + WOR, (uint32_t)timer_ticks_of_us(us));
    mmio_write32(control + WCS, WCS_EN);
}

static void check_frames(void)
{
    uint32_t value = 0;
    struct fault fault;

    ok(spi >= 32, "watchdog interrupt %u", spi);
    is_equal(mmio_read32(control + WCS), 0, "WCS after power-on");
    is_equal(mmio_read64(control + WOR), 0, "WOR after power-on");
    is_equal(mmio_read32(control + W_IIDR) >> 16 & 15, 1, "W_IIDR: revision of the architecture");
    is_equal(mmio_read32(other + W_IIDR), mmio_read32(control + W_IIDR), "W_IIDR, both frames");
    is_equal(mmio_read32(other + WRR), 0, "WRR reads as zero");
    mmio_write32(control + LAST, ~0U);
    is_equal(mmio_read32(control + LAST) | mmio_read32(other + LAST), 0, "the ends of the frames");
    fault = guarded_read32(control + 0x1000, &value);
    ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "nothing behind the control frame");
    fault = guarded(mmio_write8(control + WCS, WCS_EN));
    ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "a byte of a register: external abort");
    is_equal(mmio_read32(control + WCS), 0, "WCS after that");
}

static void check_refresh(void)
{
    uint64_t begin = timer_now();
    uint64_t left;

    start(LONG_US);
    left = mmio_read64(control + WCV) - begin;
    ok(left >= timer_ticks_of_us(LONG_US) && left <= 2 * timer_ticks_of_us(LONG_US),
       "WCV is WOR from now in CNTVCT's ticks (%lu)", left);
    for (unsigned int i = 0; i < 10; i++) {
        timer_delay_us(1000);
        mmio_write32(other + WRR, i);
    }
    ok(mmio_read64(control + WCV) >= left + begin + 10 * timer_ticks_of_us(1000),
       "each refresh moves it");
    is_equal(mmio_read32(control + WCS), WCS_EN, "WCS: enabled, in time");
}

static void check_interrupt(void)
{
    uint64_t due;
    uint64_t begin = timer_now();
    uint32_t iar;

    gic_set_edge(spi, false);
    gic_set_priority(spi, 0x80);
    gic_route(spi, 0);
    gic_enable(spi);
    start(LONG_US);
    due = timer_now() + timer_ticks_of_us(SHORT_US);
    mmio_write64(control + WCV, due);
    do {
        wfi();
        iar = gic_ack();
    } while (gic_intid(iar) >= GIC_SPURIOUS && timer_since_ms(begin) < WAIT_MS);
    is_equal(gic_intid(iar), spi, "the first timeout wakes WFI");
    ok(timer_now() > due, "not early");
    is_equal(mmio_read32(control + WCS), WCS_EN | WCS_WS0, "WCS: enabled, WS0");
    mmio_write32(other + WRR, 0);
    is_equal(mmio_read32(control + WCS), WCS_EN, "WCS: refreshed");
    gic_eoi(iar);
    timer_delay_us(300);
    ok(!gic_bit(GICD_ISPENDR, spi) && gic_intid(gic_ack()) >= GIC_SPURIOUS, "and quiet");
    mmio_write32(control + WCS, 0);
    mmio_write64(control + WOR, 0);
    gic_disable(spi);
}

static void expire_frames(void)
{
    uint64_t begin = timer_now();
    uint32_t iar;

    gic_enable(spi);
    start(EXPIRE_US);
    do {
        iar = gic_ack();
        if (gic_intid(iar) < GIC_SPURIOUS && gic_intid(iar) != spi) { /* left by the life before */
            gic_disable(gic_intid(iar));
            gic_eoi(iar);
        }
    } while (gic_intid(iar) != spi && timer_since_ms(begin) < WAIT_MS);
    print("\nWS0-SEEN %u of %u\n", gic_intid(iar), spi);
    /* Neither refreshed nor ended: hung in the handler. */
}

/* --- calls of the firmware -------------------------------------------------------------------- */

static uint64_t second;

/* x1 is left in SECOND. */
static int32_t call(uint32_t command, uint64_t argument)
{
    register uint64_t x0 __asm__("x0") = smc_id;
    register uint64_t x1 __asm__("x1") = command;
    register uint64_t x2 __asm__("x2") = argument;
    register uint64_t x3 __asm__("x3") = 0;

    __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
    second = x1;
    return (int32_t)x0;
}

static void check_calls(void)
{
    ok(call(SMC_INIT, 0) == 0 && second == 1, "calls: initialized, at least %lu s", second);
    ok(call(SMC_LEFT, 0) == 0 && second == 0, "calls: it does not run");
    ok(call(SMC_TIMEOUT, 0) == -2, "calls: no timeout of 0 s");
    ok(call(SMC_TIMEOUT, SMC_MAX + 1) == -2, "calls: none of more than a day");
    ok(call(SMC_ENABLE, 2) == -2 && call(77, 0) == -1, "calls: unknown ones");
    ok(call(SMC_TIMEOUT, 1) == 0 && call(SMC_ENABLE, 1) == 0, "calls: 1 s, started");
    for (unsigned int i = 0; i < 4; i++) {
        timer_delay_us(300000);
        call(SMC_PET, 0);
    }
    ok(call(SMC_ENABLE, 0) == 0, "calls: alive after 1.2 s, stopped");
}

static void expire_calls(void)
{
    call(SMC_TIMEOUT, 2);
    call(SMC_ENABLE, 1);
    timer_delay_us(1000000);
    print("\nALIVE after a second\n");
}

void watchdog_expire(void)
{
    if (smc_id != 0) {
        expire_calls();
    } else {
        expire_frames();
    }
    for (;;) {}
}

void test_watchdog(void)
{
    if (!ok(find(), "the tree has a watchdog")) {
        return;
    }
    if (smc_id != 0) {
        check_calls();
        return;
    }
    check_frames();
    check_refresh();
    check_interrupt();
}
