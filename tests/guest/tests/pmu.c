/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's performance monitors: what counts, what does not, the overflow interrupt, and that
 * nothing of anybody else shows. SW_INCR counts exactly; cycles are time under an emulator.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

#define PMCR_E      BIT(0)
#define PMCR_P      BIT(1)
#define PMCR_C      BIT(2)
#define CYCLES      BIT(31)
#define FILTER_P    BIT(31)
#define FILTER_U    BIT(30)
#define FILTER_NSH  BIT(27)
#define TYPE_MT     BIT(25)
#define EVENT_SW    0x00UL
#define EVENT_CYCLE 0x11UL
#define PPI_PMU     23U

#define ROUNDS_LEAST 10U
#define SLEEP_MS     200U

static bool has_hypervisor(void)
{
    return fdt_is_compatible(0, "corbel,domu");
}

static unsigned int counters(void)
{
    return (unsigned int)(read_sysreg(pmcr_el0) >> 11) & 31U;
}

static void work(void)
{
    for (volatile unsigned int i = 0; i < 10000; i++) {}
}

/* All off and zero, as the architecture leaves it to software. */
static void clear(void)
{
    write_sysreg(PMCR_P | PMCR_C, pmcr_el0);
    write_sysreg(UINT32_MAX, pmcntenclr_el0);
    write_sysreg(UINT32_MAX, pmintenclr_el1);
    write_sysreg(UINT32_MAX, pmovsclr_el0);
    write_sysreg(0, pmccfiltr_el0);
    write_sysreg(0, pmevtyper0_el0);
    write_sysreg(0, pmevtyper1_el0);
    isb();
}

/* Before anything was written. */
static bool is_untouched(void)
{
    uint64_t any = read_sysreg(pmcntenset_el0) | read_sysreg(pmintenset_el1) |
                   read_sysreg(pmovsset_el0) | read_sysreg(pmuserenr_el0) |
                   read_sysreg(pmccntr_el0) | read_sysreg(pmccfiltr_el0) |
                   (read_sysreg(pmcr_el0) & PMCR_E);

    for (unsigned int i = 0; i < counters(); i++) {
        write_sysreg(i, pmselr_el0);
        isb();
        any |= read_sysreg(pmxevcntr_el0) | read_sysreg(pmxevtyper_el0);
    }
    return any == 0;
}

static void test_tree_node(void)
{
    int node = fdt_path("/pmu");

    if (ok(node >= 0, "the tree has a node")) {
        ok(fdt_is_compatible(node, "arm,armv8-pmuv3"), "compatible: %s",
           fdt_text(node, "compatible"));
        is_equal(fdt_intid(node, 0), arg_is("irq", "none") ? 0 : PPI_PMU, "interrupt");
    }
}

static void test_registers(void)
{
    unsigned int n = counters();

    ok(n > 0 && n < 31, "%u counters", n);
    write_sysreg(n, pmselr_el0);
    isb();
    write_sysreg(3, pmxevcntr_el0);
    write_sysreg(3, pmxevtyper_el0);
    ok(read_sysreg(pmxevcntr_el0) == 0 && read_sysreg(pmxevtyper_el0) == 0, "no counter %u", n);
    write_sysreg(UINT32_MAX, pmcntenset_el0);
    is_equal(read_sysreg(pmcntenset_el0), CYCLES | (BIT(n) - 1), "counters that can be enabled");
    write_sysreg(31, pmselr_el0);
    isb();
    write_sysreg(FILTER_U, pmxevtyper_el0);
    is_equal(read_sysreg(pmccfiltr_el0), FILTER_U, "PMXEVTYPER of the cycle counter");
    clear();
    write_sysreg(0x1234, pmevcntr1_el0);
    write_sysreg(1, pmselr_el0);
    isb();
    is_equal(read_sysreg(pmxevcntr_el0), 0x1234, "PMXEVCNTR is what PMSELR says");
    ok((read_sysreg(pmceid0_el0) & BIT(EVENT_CYCLE)) != 0, "PMCEID0 knows cycles");
    ok(guarded(__asm__ volatile("msr s3_3_c9_c12_6, xzr")).taken, "PMCEID0 cannot be written");
    clear();
}

static void test_cycles(void)
{
    uint64_t first, second;

    write_sysreg(CYCLES, pmcntenset_el0);
    write_sysreg(PMCR_E, pmcr_el0);
    isb();
    work();
    first = read_sysreg(pmccntr_el0);
    work();
    second = read_sysreg(pmccntr_el0);
    ok(first > 0 && second > first, "cycles count: %lu, %lu", first, second);
    write_sysreg(CYCLES, pmcntenclr_el0);
    isb();
    first = read_sysreg(pmccntr_el0);
    work();
    is_equal(read_sysreg(pmccntr_el0), first, "not enabled: they stand");
    write_sysreg(CYCLES, pmcntenset_el0);
    write_sysreg(FILTER_P, pmccfiltr_el0);
    isb();
    first = read_sysreg(pmccntr_el0);
    work();
    is_equal(read_sysreg(pmccntr_el0), first, "not of EL1: they stand");
    write_sysreg(PMCR_C, pmcr_el0);
    isb();
    is_equal(read_sysreg(pmccntr_el0), 0, "PMCR.C clears them, E = 0 stops them");
    clear();
}

static void test_events(void)
{
    uint64_t first, second;

    write_sysreg(EVENT_CYCLE, pmevtyper0_el0);
    write_sysreg(EVENT_SW, pmevtyper1_el0);
    write_sysreg(3, pmcntenset_el0);
    write_sysreg(PMCR_E, pmcr_el0);
    isb();
    work();
    first = read_sysreg(pmevcntr0_el0);
    work();
    second = read_sysreg(pmevcntr0_el0);
    ok(first > 0 && second > first, "an event counts: %lu, %lu", first, second);
    for (unsigned int i = 0; i < 10; i++) {
        write_sysreg(3, pmswinc_el0);
    }
    isb();
    is_equal(read_sysreg(pmevcntr1_el0), 10, "software increments");
    write_sysreg(FILTER_P, pmevtyper1_el0);
    isb();
    write_sysreg(2, pmswinc_el0);
    isb();
    is_equal(read_sysreg(pmevcntr1_el0), 10, "none where EL1 is not counted");
    write_sysreg(EVENT_SW, pmevtyper1_el0);
    write_sysreg(UINT32_MAX, pmevcntr1_el0);
    isb();
    write_sysreg(2, pmswinc_el0);
    isb();
    is_equal(read_sysreg(pmovsset_el0), 2, "an increment overflows");
    clear();
}

/* A guest cannot ask for what is not its own: EL2, and other threads of the core. */
static void test_filters(void)
{
    if (!has_hypervisor()) {
        skip("filters", "no hypervisor");
        return;
    }
    write_sysreg(FILTER_NSH | FILTER_U, pmccfiltr_el0);
    write_sysreg(FILTER_NSH | TYPE_MT | FILTER_U | EVENT_CYCLE, pmevtyper0_el0);
    isb();
    is_equal(read_sysreg(pmccfiltr_el0), FILTER_U, "cycles of EL2 cannot be counted");
    is_equal(read_sysreg(pmevtyper0_el0), FILTER_U | EVENT_CYCLE, "nor events");
    clear();
}

static void prepare_interrupt(void)
{
    gic_write_bit(GICD_ICACTIVER, PPI_PMU);
    gic_set_priority(PPI_PMU, 0x80);
    gic_enable(PPI_PMU);
}

/* One that software sets: the level follows PMOVSSET, PMINTENSET and PMCR.E. */
static void test_level(void)
{
    uint32_t iar;

    write_sysreg(BIT(0), pmovsset_el0);
    write_sysreg(PMCR_E, pmcr_el0);
    isb();
    ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "overflow without enable: no interrupt");
    write_sysreg(BIT(0), pmintenset_el1);
    isb();
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), PPI_PMU, "enabled: it comes");
    gic_eoi(iar);
    iar = gic_ack_wait();
    is_equal(gic_intid(iar), PPI_PMU, "still there after its end");
    write_sysreg(BIT(0), pmovsclr_el0);
    isb();
    gic_eoi(iar);
    ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "cleared: gone");
    write_sysreg(BIT(0), pmovsset_el0);
    write_sysreg(0, pmcr_el0);
    isb();
    if (has_hypervisor()) {
        ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "PMU off: none");
        ok(!gic_bit(GICD_ISPENDR, PPI_PMU), "nor is it pending");
    } else {
        skip("PMU off", "QEMU's interrupt does not follow PMCR.E");
    }
    clear();
}

/* One that the cycle counter makes while the guest runs. */
static void test_overflow(void)
{
    for (unsigned int i = 0; i < 3; i++) {
        uint64_t start = timer_now();
        uint32_t iar = gic_ack();
        uint64_t status;

        write_sysreg(0xffff0000UL, pmccntr_el0);
        write_sysreg(CYCLES, pmintenset_el1);
        write_sysreg(CYCLES, pmcntenset_el0);
        write_sysreg(PMCR_E, pmcr_el0);
        isb();
        while (gic_intid(iar) >= GIC_SPURIOUS && timer_since_ms(start) < WAIT_MS) {
            iar = gic_ack();
        }
        is_equal(gic_intid(iar), PPI_PMU, "cycle counter overflows");
        status = read_sysreg(pmovsset_el0);
        write_sysreg(status, pmovsclr_el0);
        write_sysreg(0, pmcr_el0);
        isb();
        gic_eoi(iar);
        is_equal(status, CYCLES, "PMOVSSET");
        ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "cleared: gone");
        clear();
    }
}

/* The host's PMU has no interrupt: nor has the guest's, whatever it does. */
static void test_silence(void)
{
    write_sysreg(CYCLES, pmintenset_el1);
    write_sysreg(CYCLES, pmovsset_el0);
    write_sysreg(PMCR_E, pmcr_el0);
    isb();
    work();
    ok(gic_intid(gic_ack()) >= GIC_SPURIOUS, "an overflow does not interrupt");
    is_equal(read_sysreg(pmovsset_el0), CYCLES, "but shows");
    clear();
    is_equal(read_sysreg(pmovsset_el0), 0, "until it is cleared");
}

void test_pmu(void)
{
    uint64_t version = read_sysreg(id_aa64dfr0_el1) >> 8 & 15;

    ok(version > 0 && version < 15, "PMUVer %lu", version);
    test_tree_node();
    ok(is_untouched(), "all zero at first touch");
    clear();
    test_registers();
    test_cycles();
    test_events();
    test_filters();
    prepare_interrupt();
    if (arg_is("irq", "none")) {
        test_silence();
    } else {
        test_level();
        test_overflow();
    }
}

#define CHECK_UNDEFINED(reg)                                                                 \
    do {                                                                                     \
        uint64_t value_;                                                                     \
        struct fault fault_ = guarded(__asm__ volatile("mrs %0, " #reg : "=r"(value_)));     \
        ok(fault_.taken &&ESR_EC(fault_.esr) == EC_UNKNOWN, "read of " #reg ": UNDEFINED");  \
        fault_ = guarded(__asm__ volatile("msr " #reg ", %0" ::"r"(0UL)));                   \
        ok(fault_.taken &&ESR_EC(fault_.esr) == EC_UNKNOWN, "write of " #reg ": UNDEFINED"); \
    } while (0)

/* corbel,pmu = "off": as on a CPU without FEAT_PMUv3. */
void test_pmu_off(void)
{
    is_equal(read_sysreg(id_aa64dfr0_el1) >> 8 & 15, 0, "ID_AA64DFR0_EL1.PMUVer");
    is_equal(read_sysreg(id_dfr0_el1) >> 24 & 15, 0, "ID_DFR0_EL1.PerfMon");
    ok((read_sysreg(id_aa64dfr0_el1) & 15) == 6 || (read_sysreg(id_aa64dfr0_el1) & 15) > 6,
       "the debug architecture is still there");
    ok(fdt_path("/pmu") < 0, "no node in the tree");
    CHECK_UNDEFINED(pmcr_el0);
    CHECK_UNDEFINED(pmcntenset_el0);
    CHECK_UNDEFINED(pmselr_el0);
    CHECK_UNDEFINED(pmccntr_el0);
    CHECK_UNDEFINED(pmxevtyper_el0);
    CHECK_UNDEFINED(pmuserenr_el0);
    CHECK_UNDEFINED(pmintenset_el1);
    CHECK_UNDEFINED(pmevcntr0_el0);
    CHECK_UNDEFINED(pmevtyper0_el0);
    CHECK_UNDEFINED(pmccfiltr_el0);
}

static void count_and_stop(struct cpu *cpu)
{
    gic_write_bit(GICD_ICACTIVER, PPI_PMU);
    cpu->counter = is_untouched() && !gic_bit(GICD_ISPENDR, PPI_PMU);
    write_sysreg(0x11, pmuserenr_el0);
    write_sysreg(EVENT_CYCLE, pmevtyper0_el0);
    write_sysreg(UINT32_MAX, pmcntenset_el0);
    write_sysreg(UINT32_MAX, pmintenset_el1);
    write_sysreg(1, pmovsset_el0);
    write_sysreg(PMCR_E, pmcr_el0);
    isb();
}

/* A vCPU that was off comes back with a PMU out of reset, whatever it left in it. */
void test_pmu_smp(void)
{
    for (unsigned int i = 0; i < 3; i++) {
        ok(smp_start(1, count_and_stop, 0) == 0, "vCPU 1 starts");
        ok(smp_wait_off(1), "and ends");
        is_equal(cpus[1].counter, 1, "it found its PMU in reset");
    }
    ok(is_untouched(), "that of vCPU 0 as well");
}

/*
 * For several domains at once on fewer CPUs: each counts its own increments exactly and its own
 * time only, whoever ran in between and wherever it is now. Two seconds at least, from "wait" ms
 * on.
 */
void test_pmu_moved(void)
{
    uint64_t start = timer_now(), increments = 0, rounds = 0, kept = 0, interrupts = 0, elapsed;

    while (timer_since_ms(start) < arg_number("wait", 0)) {}
    ok(is_untouched(), "all zero at first touch");
    clear();
    prepare_interrupt();
    write_sysreg(EVENT_SW, pmevtyper0_el0);
    write_sysreg(CYCLES | 1, pmcntenset_el0);
    write_sysreg(BIT(1), pmintenset_el1);
    start = timer_now();
    write_sysreg(PMCR_E | PMCR_C, pmcr_el0);
    isb();
    while (timer_since_ms(start) < 2000 || rounds < ROUNDS_LEAST) {
        uint64_t mine = 0x1000 + rounds++, pause = timer_now();
        uint32_t iar;

        write_sysreg(mine, pmevcntr1_el0);
        write_sysreg(BIT(1), pmovsset_el0); /* the line goes with the vCPU */
        while (timer_since_ms(pause) < 3) {
            write_sysreg(1, pmswinc_el0);
            increments++;
            work(); /* mostly its own time, not EL2's */
        }
        iar = gic_ack_wait();
        interrupts += gic_intid(iar) == PPI_PMU;
        write_sysreg(BIT(1), pmovsclr_el0);
        gic_eoi(iar);
        kept += read_sysreg(pmevcntr1_el0) == mine && read_sysreg(pmovsset_el0) == 0;
    }
    write_sysreg(0, pmcr_el0);
    isb();
    elapsed = timer_since_ms(start);
    diag("%lu rounds", rounds);
    is_equal(kept, rounds, "values stay");
    is_equal(interrupts, rounds, "interrupts");
    is_equal(read_sysreg(pmevcntr0_el0), increments & UINT32_MAX, "increments");
    print("# cycles %lu in %lu ms\n", read_sysreg(pmccntr_el0), elapsed);
}

/*
 * Two seconds of sleeps in which the cycle counter overflows just before each WFI, so that the
 * interrupt mostly comes while EL2 puts the vCPU to sleep. The timer ends what the PMU does not,
 * and does it on time; a host that was busy elsewhere is late by anything.
 */
void test_pmu_wait(void)
{
    uint64_t begin = timer_now();
    unsigned int rounds = 0, lost = 0;

    clear();
    prepare_interrupt();
    gic_enable(timer_intid(TIMER_VIRTUAL));
    write_sysreg(CYCLES, pmintenset_el1);
    write_sysreg(CYCLES, pmcntenset_el0);
    for (; timer_since_ms(begin) < 2000; rounds++) {
        uint64_t cycles = 200 + rounds % 100 * 30, start, slept;
        uint32_t iar;

        timer_arm_us(TIMER_VIRTUAL, SLEEP_MS * 1000UL);
        write_sysreg(0x100000000UL - cycles, pmccntr_el0);
        write_sysreg(PMCR_E, pmcr_el0);
        isb();
        start = timer_now();
        while (timer_now() - start < timer_ticks_of_us(cycles + 1500) / 1000) {} /* 1 GHz */
        __asm__ volatile("wfi");
        slept = timer_since_ms(start);
        lost += slept >= SLEEP_MS - 1 && slept < SLEEP_MS + 10 ? 1 : 0;
        write_sysreg(0, pmcr_el0);
        write_sysreg(CYCLES, pmovsclr_el0);
        isb();
        timer_set_ctl(TIMER_VIRTUAL, 0);
        iar = gic_ack();
        if (gic_intid(iar) < GIC_SPURIOUS) {
            gic_eoi(iar);
        }
    }
    /* Ten when it is lost; a busy host may look like it now and then. */
    ok(lost <= 3, "the overflow ends the sleep: not %u of %u times", lost, rounds);
    clear();
}
