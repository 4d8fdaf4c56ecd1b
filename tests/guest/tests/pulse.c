/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that must not notice its neighbours: its timer's interrupt comes each 10 ms, never later
 * than bound_ms= (2000), and whatever it has written stays: memory, GIC, system registers, SIMD.
 * A line a second; it ends when somebody types, or after seconds=.
 */
#include "cpu.h"
#include "gic.h"
#include "timer.h"

#define TICK_US      10000U
#define PATTERN_SIZE 0x8000U /* words: 256 KiB */
#define SLICE        0x800U
#define KEPT_SPIS    32U
#define MARK         0x5eed5eed00000000UL

static uint64_t pattern[PATTERN_SIZE];
static volatile uint64_t ticks;
static uint64_t longest; /* timer ticks between two interrupts */
static uint64_t last;
static unsigned int misses;

static void check(bool condition, const char *what, uint64_t value)
{
    if (!condition && misses++ < 20) {
        ok(false, "beat %lu: %s 0x%lx", ticks, what, value);
    }
}

static void on_tick(uint32_t iar)
{
    uint64_t now = timer_now();

    check(gic_intid(iar) == timer_intid(TIMER_VIRTUAL), "an interrupt of nobody", iar);
    longest = now - last > longest ? now - last : longest;
    last = now;
    ticks++;
    timer_arm_us(TIMER_VIRTUAL, TICK_US);
}

static uint64_t word_of(uint64_t index)
{
    return MARK ^ index * 0x9e3779b97f4a7c15UL;
}

static void check_memory(uint64_t slice)
{
    uint64_t first = slice * SLICE % PATTERN_SIZE;

    for (uint64_t i = first; i < first + SLICE; i++) {
        if (pattern[i] != word_of(i)) {
            check(false, "memory has changed at", (uintptr_t)&pattern[i]);
            return;
        }
    }
}

/* Interrupts 32 to 63: enabled in turn, each of its own priority, none of them ever pending. */
static void set_interrupts(void)
{
    for (unsigned int i = 32; i < 32 + KEPT_SPIS; i++) {
        gic_set_priority(i, (uint8_t)(i << 3));
        gic_set_edge(i, i % 3 == 0);
        gic_route(i, 0);
    }
    mmio_write32(gic_word(GICD_ISENABLER, 32), 0x55555554U);
}

static void check_interrupts(void)
{
    check(mmio_read32(gic_word(GICD_ISENABLER, 32)) == 0x55555554U, "SPIs enabled",
          mmio_read32(gic_word(GICD_ISENABLER, 32)));
    check(mmio_read32(gic_word(GICD_ISPENDR, 32)) == 0, "SPIs pending",
          mmio_read32(gic_word(GICD_ISPENDR, 32)));
    check(mmio_read32(gic_word(GICD_ISACTIVER, 32)) == 0, "SPIs active",
          mmio_read32(gic_word(GICD_ISACTIVER, 32)));
    for (unsigned int i = 32; i < 32 + KEPT_SPIS; i++) {
        check(gic_priority(i) == (i << 3 & 0xf8U), "priority of an SPI", i);
        check(gic_is_edge(i) == (i % 3 == 0), "trigger of an SPI", i);
    }
    check((gic_bit(GICD_ISENABLER, timer_intid(TIMER_VIRTUAL))), "the timer's interrupt is off", 0);
}

#define KEPT(name, value)                                              \
    do {                                                               \
        if (set) {                                                     \
            write_sysreg(value, name);                                 \
        }                                                              \
        check(read_sysreg(name) == (value), #name, read_sysreg(name)); \
    } while (0)

static void registers(bool set)
{
    KEPT(tpidr_el0, 0x1111222233334444UL);
    KEPT(tpidrro_el0, 0x5555666677778888UL);
    KEPT(contextidr_el1, 0xabcdU);
    KEPT(cntkctl_el1, 0x3U);
    KEPT(par_el1, 0x1000U);
    KEPT(afsr0_el1, 0U);
    KEPT(cntp_cval_el0, 0x123456789abcUL);
    KEPT(dbgbvr0_el1, 0x40001000UL);
    KEPT(dbgwvr0_el1, 0x40002000UL);
    KEPT(mdscr_el1, 0U);
}

/* All of v0 to v31 hold their number, doubled in the upper half. */
static void vectors(bool set)
{
    static _Alignas(16) uint64_t v[64];

    if (set) {
        for (unsigned int i = 0; i < 64; i++) {
            v[i] = MARK + i;
        }
        __asm__ volatile(".arch_extension simd\n"
                         "ld1 {v0.2d-v3.2d}, [%0], #64; ld1 {v4.2d-v7.2d}, [%0], #64\n"
                         "ld1 {v8.2d-v11.2d}, [%0], #64; ld1 {v12.2d-v15.2d}, [%0], #64\n"
                         "ld1 {v16.2d-v19.2d}, [%0], #64; ld1 {v20.2d-v23.2d}, [%0], #64\n"
                         "ld1 {v24.2d-v27.2d}, [%0], #64; ld1 {v28.2d-v31.2d}, [%0]\n"
                         : "+r"((uint64_t *){ v })
                         :
                         : "memory");
        return;
    }
    __asm__ volatile(".arch_extension simd\n"
                     "st1 {v0.2d-v3.2d}, [%0], #64; st1 {v4.2d-v7.2d}, [%0], #64\n"
                     "st1 {v8.2d-v11.2d}, [%0], #64; st1 {v12.2d-v15.2d}, [%0], #64\n"
                     "st1 {v16.2d-v19.2d}, [%0], #64; st1 {v20.2d-v23.2d}, [%0], #64\n"
                     "st1 {v24.2d-v27.2d}, [%0], #64; st1 {v28.2d-v31.2d}, [%0]\n"
                     : "+r"((uint64_t *){ v })
                     :
                     : "memory");
    for (unsigned int i = 0; i < 64; i++) {
        check(v[i] == MARK + i, "a SIMD register's half", i);
    }
}

static void prepare(void)
{
    for (uint64_t i = 0; i < PATTERN_SIZE; i++) {
        pattern[i] = word_of(i);
    }
    set_interrupts();
    registers(true);
    vectors(true);
    irq_set_hook(on_tick);
    gic_enable(timer_intid(TIMER_VIRTUAL));
    last = timer_now();
    timer_arm_us(TIMER_VIRTUAL, TICK_US);
    irq_enable();
}

void test_pulse(void)
{
    uint64_t bound = arg_number("bound_ms", 2000) * timer_hz() / 1000;
    uint64_t seconds = arg_number("seconds", 0);
    uint64_t start = timer_now();
    uint64_t next = start + timer_hz();
    uint64_t beat = 0;

    prepare();
    print("PULSE-READY\n");
    while (!console_has_input() && (seconds == 0 || timer_since_ms(start) < seconds * 1000)) {
        wfi();
        check_memory(ticks);
        registers(false);
        vectors(false);
        check(longest <= bound, "the timer was late by ticks", longest);
        if (timer_now() < next) {
            continue;
        }
        next += timer_hz();
        irq_disable();
        check_interrupts();
        irq_enable();
        print("PULSE %lu longest %lu us, %u misses\n", ++beat, longest * 1000000 / timer_hz(),
              misses);
    }
    irq_disable();
    ok(misses == 0, "%lu beats without a miss, longest %lu us", ticks,
       longest * 1000000 / timer_hz());
}
