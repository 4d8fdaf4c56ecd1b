/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the stress payload: PSCI, SMCCC and hypercalls with any arguments; vCPUs that switch
 * each other on and off, and sleep.
 */
#include "psci.h"
#include "stress.h"
#include "timer.h"

#define PSCI_BASE          0x84000000U
#define CALL_64            BIT(30)
#define SVE_HINT           BIT(16)
#define NR_CPU_SUSPEND     1U
#define NR_CPU_OFF         2U
#define NR_CPU_ON          3U
#define NR_SYSTEM_OFF      8U
#define NR_SYSTEM_RESET    9U
#define NR_CPU_FREEZE      11U
#define NR_DEFAULT_SUSPEND 12U
#define NR_SYSTEM_SUSPEND  14U
#define NR_SYSTEM_RESET2   18U
#define PSCI_NUMBERS       32U
#define HOOK_CALLS         0xc6000100U
#define SLEEP_US           400U
#define HOLE               0x30000000UL

static uint64_t some_mpidr(struct stress *s)
{
    uint64_t pick = stress_below(s, 4);

    return pick == 0 ? stress_value(s) : cpus[stress_below(s, smp_count() + 1) % MAX_CPUS].mpidr;
}

/* The PSCI number of a function, or PSCI_NUMBERS: 32 and 64 bits, with the SVE hint or not. */
static uint32_t psci_number(uint64_t function)
{
    uint32_t low = (uint32_t)function & ~(uint32_t)(CALL_64 | SVE_HINT);

    return low - PSCI_BASE < PSCI_NUMBERS ? low - PSCI_BASE : PSCI_NUMBERS;
}

/* A vCPU starts at its entry with its own structure, or not at all. */
static void make_startable(struct stress *s, struct regs *r)
{
    r->x[2] = stress_below(s, 2) == 0 ? HOLE : (uintptr_t)secondary_entry + 2;
    r->x[1] = some_mpidr(s);
    for (unsigned int i = 0; i < smp_count(); i++) {
        if (r->x[1] == cpus[i].mpidr || (uint32_t)r->x[1] == (uint32_t)cpus[i].mpidr) {
            r->x[2] = stress_below(s, 4) == 0 ? r->x[2] : (uintptr_t)secondary_entry;
            r->x[3] = (uintptr_t)&cpus[i];
        }
    }
}

static void wake_later(void)
{
    stress_keep_own();
    timer_arm_us(TIMER_VIRTUAL, SLEEP_US);
}

/* Arguments that leave this domain alive, and this vCPU awake again. */
static void tame(struct stress *s, struct regs *r)
{
    switch (psci_number(r->x[0])) {
    case NR_CPU_OFF:
        if (s->cpu->index == 0) {
            r->x[0] = PSCI_VERSION;
        }
        break;
    case NR_CPU_ON:
        make_startable(s, r);
        break;
    case NR_SYSTEM_OFF:
    case NR_SYSTEM_RESET:
    case NR_SYSTEM_RESET2:
        r->x[0] = PSCI_VERSION;
        break;
    case NR_SYSTEM_SUSPEND: /* it comes back by its entry */
        r->x[1] = stress_below(s, 2) == 0 ? (uintptr_t)secondary_entry : HOLE;
        r->x[2] = (uintptr_t)s->cpu;
        wake_later();
        break;
    case NR_CPU_SUSPEND:
    case NR_CPU_FREEZE:
    case NR_DEFAULT_SUSPEND:
        wake_later();
        break;
    default:
        break;
    }
}

static uint64_t some_function(struct stress *s)
{
    static const uint32_t owners[] = { 0x80000000U, 0x84000000U, 0x84000050U, 0x86000000U,
                                       0xc6000000U, 0xc4000050U, 0x8600ff00U, 0xc600ff00U,
                                       0xbf00ff00U, 0xb2000000U, 0x82000000U, 0x81000000U };
    uint64_t number = stress_below(s, 64);

    switch (stress_below(s, 8)) {
    case 0:
    case 1:
    case 2:
        return PSCI_BASE | (stress_below(s, 2) * CALL_64) | stress_below(s, PSCI_NUMBERS);
    case 3:
        return HOOK_CALLS + stress_below(s, 4);
    case 4:
        return SMCCC_VERSION + (stress_below(s, 2) == 0 ? 0x8000U : 0) + stress_below(s, 8);
    case 5:
        return number; /* Xen's hypercall numbers, if they were in x0 */
    case 6:
        return stress_random(s);
    default:
        return owners[stress_below(s, ARRAY_SIZE(owners))] + number;
    }
}

void stress_call(struct stress *s)
{
    static const uint32_t immediates[] = { 0, 0, 0, 0, 1, 0xea1, 0x4a48, 0xffff };
    uint32_t imm = immediates[stress_below(s, ARRAY_SIZE(immediates))];
    bool smc = stress_below(s, 2) == 0;
    struct regs r;

    for (unsigned int i = 1; i < ARRAY_SIZE(r.x); i++) {
        r.x[i] = stress_value(s);
    }
    r.x[0] = some_function(s) | (stress_below(s, 16) == 0 ? SVE_HINT : 0);
    if (stress_below(s, 4) == 0) {
        r.x[1] = some_mpidr(s);
    }
    if (r.x[0] - HOOK_CALLS < 4) {
        r.x[1] = stress_below(s, 4) == 0 ? stress_address(s).ipa : stress_hook_page(s);
    }
    r.x[16] = stress_below(s, 64); /* where Xen's own hypercalls have their number */
    tame(s, &r);
    stress_try(s, smc ? insn_smc(imm) : insn_hvc(imm), &r, 0);
    stress_digest(s, r.x[0]);
}

void stress_power(struct stress *s)
{
    uint64_t other = stress_below(s, smp_count());

    switch (stress_below(s, 4)) {
    case 0:
        psci_call(PSCI_AFFINITY_INFO, some_mpidr(s), stress_below(s, 5), 0);
        break;
    case 1:
        if (s->cpu->index != 0 && stress_below(s, 8) == 0) {
            psci_call(PSCI_CPU_OFF, 0, 0, 0);
        }
        break;
    default:
        psci_call(PSCI_CPU_ON, cpus[other].mpidr, (uintptr_t)secondary_entry,
                  (uintptr_t)&cpus[other]);
        break;
    }
}

void stress_sleep(struct stress *s)
{
    uint64_t kind = stress_below(s, 8);
    uint64_t due;
    uint64_t now;

    wake_later();
    due = timer_cval(TIMER_VIRTUAL);
    if (kind == 0) {
        psci_call(PSCI_CPU_SUSPEND, stress_value(s) & BIT(0), 0, 0);
    } else if (kind == 1) {
        __asm__ volatile("wfe" ::: "memory");
    } else {
        wfi();
    }
    now = timer_now();
    if (now > due && now - due > s->longest) {
        s->longest = now - due;
    }
}
