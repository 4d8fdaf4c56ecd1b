/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stress payload: every vCPU takes random steps through all that a guest can touch. Arguments:
 * seed=, steps= of each vCPU, seconds= (whichever ends first; 0: no limit), kinds= a
 * mask of the table below. Each decision is a
 * number from the vCPU's own generator, so a seed replays; on one vCPU under QEMU's -icount even
 * the digest of all results is the same again. Exceptions are taken, skipped and counted.
 */
#include "stress.h"

#include "gic.h"
#include "psci.h"
#include "timer.h"

#define WALK_INDEX  500U /* + vCPU: entries of level 1 whose tables are anywhere */
#define SCTLR_MMU   BIT(0)
#define SCTLR_CACHE BIT(2)
#define SCTLR_INSNS BIT(12)
#define LOOK_EVERY  64U
#define WINDOW_IRQS 16U

static struct stress all[MAX_CPUS];
static uint64_t step_limit;
static uint64_t time_limit; /* CNTVCT */
static uint64_t started_at;
static uint64_t kind_mask;

uint64_t stress_random(struct stress *s)
{
    uint64_t z = (s->random += 0x9e3779b97f4a7c15UL); /* splitmix64 */

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
    return z ^ z >> 31;
}

uint64_t stress_below(struct stress *s, uint64_t n)
{
    return stress_random(s) % n;
}

uint64_t stress_value(struct stress *s)
{
    uint64_t random = stress_random(s);

    switch (random >> 60) {
    case 0:
    case 1:
        return 0;
    case 2:
        return UINT64_MAX;
    case 3:
    case 4:
    case 5:
        return BIT(random & 63);
    case 6:
    case 7:
    case 8:
        return random & 31;
    case 9:
        return UINT32_MAX;
    case 10:
        return (uint64_t)1 << 63 >> (random & 63) | (random >> 8 & 255);
    default:
        return stress_random(s);
    }
}

void stress_digest(struct stress *s, uint64_t value)
{
    s->digest = (s->digest ^ value) * 0x100000001b3UL;
}

/* x1 is the address, x2 small (an offset), the others anything. */
static struct regs registers(struct stress *s, uint64_t address)
{
    struct regs r;

    for (unsigned int i = 0; i < ARRAY_SIZE(r.x); i++) {
        r.x[i] = stress_value(s);
    }
    r.x[1] = address;
    r.x[2] = stress_below(s, 64);
    return r;
}

static void step_plain(struct stress *s)
{
    struct target t = stress_address(s);
    struct regs r = registers(s, t.va);

    stress_try(s, insn_plain(s), &r, 0);
    stress_keep_shared(t.ipa, sizeof(uint64_t));
}

static void step_odd(struct stress *s)
{
    struct target t = stress_address(s);
    struct regs r = registers(s, t.va);

    stress_try(s, insn_ldst(s), &r, 0);
    stress_keep_shared(t.ipa, STRESS_REACH);
}

/* MMU, caches or both are off meanwhile. */
static void step_uncached(struct stress *s)
{
    static const uint64_t bits[] = { SCTLR_MMU, SCTLR_MMU | SCTLR_CACHE, SCTLR_CACHE, SCTLR_INSNS };
    uint64_t off = read_sysreg(sctlr_el1) & ~bits[stress_below(s, ARRAY_SIZE(bits))];
    struct target t = stress_address(s);
    struct regs r = registers(s, (off & SCTLR_MMU) != 0 ? t.va : t.ipa);

    stress_try(s, stress_below(s, 2) == 0 ? insn_plain(s) : insn_ldst(s), &r, off);
    stress_keep_shared(t.ipa, STRESS_REACH);
}

static void step_sysreg(struct stress *s)
{
    struct regs r = registers(s, 0);
    uint32_t insn = insn_sysreg(s);

    r.x[3] &= insn_sysreg_mask(insn);
    stress_try(s, insn, &r, 0);
}

static void step_system(struct stress *s)
{
    struct target t = stress_address(s);
    struct regs r = registers(s, t.va);
    uint32_t insn = insn_system(s);

    stress_try(s, stress_below(s, 2000) == 0 ? insn_setway(s) : insn, &r, 0);
}

static void step_hidden(struct stress *s)
{
    struct regs r = registers(s, 0);

    stress_try(s, insn_hidden(s), &r, 0);
}

/* Run what is not memory: through the window or with the MMU off. */
static void step_jump(struct stress *s)
{
    uint64_t off = stress_below(s, 2) == 0 ? read_sysreg(sctlr_el1) & ~SCTLR_MMU : 0;
    struct target t = stress_address(s);
    struct regs r = registers(s, off != 0 ? t.ipa : stress_window(t.ipa));

    if (!t.ram) {
        stress_try(s, INSN_BR_X1, &r, off);
    }
}

/* A table of stage 1 where there is none. */
static void step_walk(struct stress *s)
{
    unsigned int index = WALK_INDEX + s->cpu->index;
    struct target t = stress_address(s);
    struct regs r = registers(s, (uint64_t)index << 30 | stress_below(s, BIT(30)));
    uint32_t load = insn_plain(s) | 1U << 22; /* whatever it may find, nothing is written there */

    if (!t.ram) {
        mmu_set_table(index, t.ipa & 0xfffffffff000UL);
        stress_try(s, load, &r, 0);
        mmu_set_table(index, 0);
    }
}

static void step_timer(struct stress *s)
{
    enum timer_kind kind = stress_below(s, 2) == 0 ? TIMER_VIRTUAL : TIMER_PHYSICAL;
    uint64_t value = stress_value(s);

    switch (stress_below(s, 5)) {
    case 0:
        timer_set_ctl(kind, (uint32_t)value);
        break;
    case 1:
        timer_set_cval(kind, value);
        break;
    case 2:
        timer_set_tval(kind, (int32_t)value);
        break;
    case 3:
        timer_arm_us(kind, stress_below(s, 1000));
        break;
    default:
        stress_digest(s, timer_ctl(kind) & TIMER_ENABLE);
        break;
    }
}

/* In the window of step_interrupts(): silence what came. */
static void on_interrupt(uint32_t iar)
{
    unsigned int intid = gic_intid(iar);

    if (intid == timer_intid(TIMER_VIRTUAL)) {
        timer_set_ctl(TIMER_VIRTUAL, 0);
    } else if (intid == timer_intid(TIMER_PHYSICAL)) {
        timer_set_ctl(TIMER_PHYSICAL, 0);
    } else {
        gic_disable(intid);
    }
}

static void step_interrupts(struct stress *s)
{
    uint64_t sgi = stress_below(s, 16);
    uint64_t to = stress_below(s, smp_count());

    if (stress_below(s, 2) == 0) {
        stress_keep_own();
    }
    gic_send_sgi((unsigned int)sgi, (unsigned int)to);
    if (stress_below(s, 2) == 0) {
        timer_arm_us(TIMER_VIRTUAL, stress_below(s, 20));
    }
    s->cpu->irq_budget = WINDOW_IRQS;
    irq_enable();
    isb();
    __asm__ volatile("nop; nop; nop; nop" ::: "memory");
    irq_disable();
    s->cpu->irq_budget = 0;
}

/* Kinds of steps with their weights. */
static const struct {
    void (*run)(struct stress *s);
    unsigned int weight;
} kinds[] = {
    { step_plain, 250 },  { step_odd, 260 },   { step_sysreg, 200 },    { step_system, 80 },
    { stress_call, 70 },  { step_timer, 40 },  { step_interrupts, 30 }, { step_uncached, 30 },
    { stress_power, 10 }, { stress_sleep, 6 }, { step_hidden, 10 },     { step_jump, 8 },
    { step_walk, 6 },
};
#define WEIGHTS 1000U

/* Kinds that kinds= leaves out are drawn, and not done. */
static void step(struct stress *s)
{
    uint64_t pick = stress_below(s, WEIGHTS);

    for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (pick < kinds[i].weight) {
            if ((kind_mask >> i & 1) != 0) {
                kinds[i].run(s);
            }
            return;
        }
        pick -= kinds[i].weight;
    }
}

static bool is_over(const struct stress *s)
{
    return (step_limit != 0 && s->steps >= step_limit) ||
           (s->steps % LOOK_EVERY == 0 && time_limit != 0 && timer_now() >= time_limit);
}

/* The boot vCPU alone, at times: a line that shows where it is. Others may garble it. */
static void show_progress(const struct stress *s)
{
    static uint64_t next;

    if (s->cpu->index == 0 && s->steps % LOOK_EVERY == 0 && timer_now() >= next) {
        next = timer_now() + 2 * timer_hz();
        stress_keep_uart();
        print("\n# STRESS %lu steps\n", s->steps);
    }
}

static void report(void)
{
    uint64_t steps = 0;

    stress_keep_uart();
    print("\n");
    for (unsigned int i = 0; i < smp_count(); i++) {
        const struct stress *s = &all[i];

        ok(s->steps > 0, "vCPU%u: %lu steps, %lu faults, %lu lives, digest 0x%lx", i, s->steps,
           s->faults, s->lives, s->digest);
        diag("vCPU%u: a sleep was at most %lu us late", i, s->longest * 1000000 / timer_hz());
        steps += s->steps;
    }
    print("STRESS-END %lu steps in %lu ms\n", steps, timer_since_ms(started_at));
}

/* vCPUs that are off before they are done are switched on. */
static void wait_for_others(void)
{
    for (unsigned int i = 1; i < smp_count(); i++) {
        while (!all[i].done) {
            psci_call(PSCI_CPU_ON, cpus[i].mpidr, (uintptr_t)secondary_entry, (uintptr_t)&cpus[i]);
            timer_delay_us(1000);
        }
    }
}

/* A vCPU's life, from wherever it was when it was switched off. */
static void live(struct cpu *cpu)
{
    struct stress *s = &all[cpu->index];

    irq_disable();
    s->lives++;
    stress_keep_own();
    while (!is_over(s)) {
        s->steps++;
        step(s);
        show_progress(s);
    }
    s->done = true;
    if (cpu->index != 0) {
        return;
    }
    wait_for_others();
    report();
    payload_end();
    for (;;) {
        wfi();
    }
}

void test_stress(void)
{
    uint64_t seed = arg_number("seed", 1);
    uint64_t seconds = arg_number("seconds", 0);

    step_limit = arg_number("steps", seconds == 0 ? 100000 : 0);
    kind_mask = arg_number("kinds", UINT64_MAX);
    started_at = timer_now();
    time_limit = seconds != 0 ? started_at + seconds * timer_hz() : 0;
    print("STRESS seed=%lu steps=%lu seconds=%lu\n", seed, step_limit, seconds);
    stress_map_init();
    stress_keep_init();
    irq_set_hook(on_interrupt);
    for (unsigned int i = 0; i < smp_count(); i++) {
        all[i] =
            (struct stress){ .cpu = &cpus[i], .random = seed ^ (i + 1) * 0xd1342543de82ef95UL };
        cpus[i].entry = live;
    }
    for (unsigned int i = 1; i < smp_count(); i++) {
        smp_start(i, live, 0);
    }
    live(&cpus[0]);
}
