/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Micro benchmarks. Each region is bracketed by hint #0x70 (w0 = region, w1 = operations) and
 * hint #0x71, which a QEMU plugin counts between; the guest also prints the region's virtual time,
 * which under -icount shift=0 is the count of all instructions, guest and hypervisor together.
 */
#include "cpu.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

struct region {
    const char *name;
    void (*run)(unsigned int count);
    unsigned int count;
    void (*prepare)(void); /* before the region, or NULL */
};

#define EOI_COUNT 4U /* interrupts that surely fit into the list registers */

static volatile uint32_t ticks;
static uint64_t tick_step;

static void nothing(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        __asm__ volatile("" ::: "memory");
    }
}

static void null_call(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        hvc_call(PSCI_VERSION, 0, 0, 0);
    }
}

static void smccc_version(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        hvc_call(SMCCC_VERSION, 0, 0, 0);
    }
}

static void vgic_read(unsigned int count)
{
    uintptr_t at = gic_dist() + GICD_IIDR;

    for (unsigned int i = 0; i < count; i++) {
        mmio_read32(at);
    }
}

static void vgic_enable_write(unsigned int count)
{
    uintptr_t at = gic_word(GICD_ISENABLER, 40);

    for (unsigned int i = 0; i < count; i++) {
        mmio_write32(at, 1U << 8);
    }
    gic_disable(40);
}

static void uart_flag_read(unsigned int count)
{
    uintptr_t at = console_base() + 0x18;

    for (unsigned int i = 0; i < count; i++) {
        mmio_read32(at);
    }
}

/* Characters as printk writes them, in lines of 64. */
static void console_chars(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (i % 64 == 63) {
            console_putc('\n');
        } else {
            console_putc((char)('a' + i % 26));
        }
    }
}

static void on_tick(uint32_t iar)
{
    if (gic_intid(iar) == timer_intid(TIMER_VIRTUAL)) {
        ticks++;
        write_sysreg(read_sysreg(cntv_cval_el0) + tick_step, cntv_cval_el0);
        /* Xen 4.20 masks the timer behind the guest's back. */
        write_sysreg(TIMER_ENABLE, cntv_ctl_el0);
    }
}

static void run_ticks(unsigned int count, unsigned int step_us, bool idle)
{
    ticks = 0;
    tick_step = timer_ticks_of_us(step_us);
    irq_set_hook(on_tick);
    gic_set_priority(timer_intid(TIMER_VIRTUAL), 0x80);
    gic_enable(timer_intid(TIMER_VIRTUAL));
    timer_arm_us(TIMER_VIRTUAL, step_us);
    irq_enable();
    while (ticks < count) {
        if (idle) {
            wfi();
        }
    }
    irq_disable();
    timer_set_ctl(TIMER_VIRTUAL, 0);
    irq_set_hook(NULL);
}

static void ticks_spinning(unsigned int count)
{
    run_ticks(count, 1000, false);
}

static void ticks_idle(unsigned int count)
{
    run_ticks(count, 1000, true);
}

/* So fast that none of the hypervisor's own ticks, each 10 ms, comes between. */
static void ticks_spinning_fast(unsigned int count)
{
    run_ticks(count, 25, false);
}

static void ticks_idle_fast(unsigned int count)
{
    run_ticks(count, 25, true);
}

/* Wait until the hypervisor has taken the CPU away for a moment, but not for long: it may not. */
static void behind_a_host_tick(void)
{
    uint64_t begin = timer_now();
    uint64_t last = begin;
    uint64_t now = begin;

    while (now - last < timer_ticks_of_us(1) && now - begin < timer_ticks_of_us(15000)) {
        last = now;
        now = timer_now();
    }
}

/* Nothing at all for COUNT milliseconds. */
static void quiet(unsigned int count)
{
    uint64_t end = timer_now() + timer_ticks_of_us(1000UL * count);

    while (timer_now() < end) {}
}

static void pend_some(void)
{
    for (unsigned int sgi = 0; sgi < EOI_COUNT; sgi++) {
        gic_enable(sgi);
        gic_send_sgi(sgi, 0);
    }
}

static void end_some(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        gic_eoi(gic_ack());
    }
}

static void program_timer(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        write_sysreg(~0UL >> 1, cntv_cval_el0);
        write_sysreg(TIMER_ENABLE, cntv_ctl_el0);
    }
    timer_set_ctl(TIMER_VIRTUAL, 0);
}

static void physical_counter(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        read_sysreg(cntpct_el0);
    }
}

static void invalidate_tlb(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        __asm__ volatile("tlbi vmalle1is\n dsb ish\n isb" ::: "memory");
    }
}

static void write_sctlr(unsigned int count)
{
    uint64_t value = read_sysreg(sctlr_el1);

    for (unsigned int i = 0; i < count; i++) {
        write_sysreg(value, sctlr_el1);
        isb();
    }
}

static void self_ipi(unsigned int count)
{
    gic_enable(3);
    irq_enable();
    for (unsigned int i = 0; i < count; i++) {
        uint32_t before = this_cpu()->irq_count;

        gic_send_sgi(3, 0);
        while (this_cpu()->irq_count == before) {}
    }
    irq_disable();
}

static void id_register(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        read_sysreg(id_aa64isar0_el1);
    }
}

static void answer(struct cpu *cpu)
{
    gic_enable(3);
    irq_enable();
    while (cpu->irq_count < cpu->context) {}
    irq_disable();
}

static void other_ipi(unsigned int count)
{
    if (smp_count() < 2) {
        return;
    }
    cpus[1].irq_count = 0;
    smp_start(1, answer, count);
    for (unsigned int i = 0; i < count; i++) {
        gic_send_sgi(3, 1);
        while (cpus[1].irq_count == i) {}
    }
    smp_wait_off(1);
}

static const struct region regions[] = {
    { "empty", nothing, 4096, NULL },
    { "hvc_psci_version", null_call, 4096, NULL },
    { "hvc_smccc_version", smccc_version, 4096, NULL },
    { "gicd_iidr_read", vgic_read, 4096, NULL },
    { "gicd_isenabler_write", vgic_enable_write, 4096, NULL },
    { "uart_fr_read", uart_flag_read, 4096, NULL },
    { "id_register_read", id_register, 4096, NULL },
    { "timer_tick_spin", ticks_spinning, 200, NULL },
    { "timer_tick_wfi", ticks_idle, 200, NULL },
    { "ipi_self", self_ipi, 1024, NULL },
    { "console_char", console_chars, 1024, NULL },
    { "ipi_other", other_ipi, 64, NULL },
    { "eoi", end_some, EOI_COUNT, pend_some },
    { "cntv_write", program_timer, 1024, NULL },
    { "cntpct_read", physical_counter, 1024, NULL },
    { "tlbi", invalidate_tlb, 1024, NULL },
    { "sctlr_write", write_sctlr, 1024, NULL },
    { "quiet_ms", quiet, 100, behind_a_host_tick },
    { "timer_tick_fast", ticks_spinning_fast, 200, behind_a_host_tick },
    { "timer_tick_wfi_fast", ticks_idle_fast, 200, behind_a_host_tick },
};

static void run_region(unsigned int number)
{
    const struct region *region = &regions[number];
    uint64_t start;
    uint64_t end;

    if (region->prepare != NULL) {
        region->prepare();
    }
    start = timer_now();
    __asm__ volatile("mov w0, %w0\n mov w1, %w1\n hint #0x70" ::"r"(number), "r"(region->count)
                     : "x0", "x1", "memory");
    region->run(region->count);
    __asm__ volatile("hint #0x71" ::: "memory");
    end = timer_now();
    print("BENCH %u %s count %u ticks %lu hz %lu\n", number, region->name, region->count,
          end - start, timer_hz());
}

void test_bench(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(regions); i++) {
        run_region(i);
    }
    ok(true, "all regions ran");
}
