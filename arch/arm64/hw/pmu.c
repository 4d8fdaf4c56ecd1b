/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Performance monitors of guests. Most never use them: a vCPU's registers wait in memory until
 * its first access, which traps as every other does. From then on they are in the CPU, and are
 * saved when the vCPU leaves it; the next load brings them back only if they count, hold the
 * interrupt or are open to EL0, else the next access does. The CPU's PMU is stopped whenever
 * nobody's registers are in it. Accesses go to the CPU, less what would count others: see
 * pmu_type_of_guest(). Reads and writes always trap, because filters cannot be kept from a
 * guest otherwise (docs/decisions/0021).
 */
#include <asm/pmu.h>

#include <arch/barrier.h>
#include <arch/cpu.h>
#include <arch/vcpu.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/vcpu.h>

#include <asm/features.h>
#include <asm/sysreg.h>

#define USERENR_BITS GENMASK(3, 0) /* EN, SW, CR, ER */
#define ALL          0xffffffffu
#define EVENT_SW     0x00u /* SW_INCR */
#define EVENT_CHAIN  0x1eu
#define EVENT(type)  ((type)&GENMASK(15, 0))

static const struct pmu_caps *caps(void)
{
    return &cpu_features()->pmu;
}

bool vcpu_has_pmu(const struct vcpu *v)
{
    return caps()->version && !v->domain->cfg->pmu_off;
}

bool arch_cpu_has_pmu(void)
{
    return caps()->version != 0;
}

/* --- one register of the CPU's --- */

/* PMXEVCNTR_EL0 and PMXEVTYPER_EL0 are counter n's from here on. */
static void select_counter(u32 n)
{
    write_sysreg(n, pmselr_el0);
    isb();
}

static u64 read_count(u32 n)
{
    if (n == PMU_CYCLES)
        return read_sysreg(pmccntr_el0);
    select_counter(n);
    return read_sysreg(pmxevcntr_el0);
}

static void write_count(u32 n, u64 value)
{
    if (n == PMU_CYCLES) {
        write_sysreg(value, pmccntr_el0);
        return;
    }
    select_counter(n);
    write_sysreg(value, pmxevcntr_el0);
}

static u64 read_type(u32 n)
{
    select_counter(n);
    return pmu_type_of_guest(caps(), n, read_sysreg(pmxevtyper_el0));
}

static void write_type(u32 n, u64 value)
{
    select_counter(n);
    write_sysreg(pmu_type_of_cpu(caps(), pmu_type_of_guest(caps(), n, value)), pmxevtyper_el0);
}

/*
 * The CPU's PMINTEN is zero while PMCR.E is. The interrupt is low then all the same (D13.3), but
 * not on QEMU, and one that stays high when EL2 thinks it low would keep the CPU from all else.
 */
static void write_interrupts(const struct vcpu_pmu *p)
{
    write_sysreg(ALL, pmintenclr_el1);
    if (read_sysreg(pmcr_el0) & PMCR_E)
        write_sysreg(p->interrupts, pmintenset_el1);
}

static void write_control(const struct vcpu_pmu *p, u64 value)
{
    write_sysreg(value & (pmu_control_bits(caps()) | PMCR_P | PMCR_C), pmcr_el0);
    write_interrupts(p);
}

/* --- all of them --- */

/* Must they be in the CPU while the guest runs, or is it time at the next access? */
static bool must_be_live(const struct vcpu_pmu *p)
{
    return p->user || ((p->control & PMCR_E) &&
                       (p->enabled || pmu_output(p->control, p->overflows, p->interrupts)));
}

void vcpu_pmu_save(struct vcpu *v)
{
    struct vcpu_pmu *p = &v->arch.pmu;
    u32 mask = pmu_mask(caps());

    p->control = (u32)(read_sysreg(pmcr_el0) & pmu_control_bits(caps()));
    p->enabled = (u32)read_sysreg(pmcntenset_el0) & mask;
    p->overflows = (u32)read_sysreg(pmovsset_el0) & mask;
    p->user = (u32)(read_sysreg(pmuserenr_el0) & USERENR_BITS);
    for (u32 rest = mask; rest; rest &= rest - 1) {
        u32 n = bit_lowest(rest);

        p->count[n] = read_count(n);
        p->type[n] = read_type(n);
    }
    pmu_stop();
    p->live = must_be_live(p);
}

void vcpu_pmu_load(struct vcpu *v)
{
    struct vcpu_pmu *p = &v->arch.pmu;

    for (u32 rest = pmu_mask(caps()); rest; rest &= rest - 1) {
        u32 n = bit_lowest(rest);

        write_type(n, p->type[n]);
        write_count(n, p->count[n]);
    }
    write_sysreg(ALL, pmovsclr_el0);
    write_sysreg(p->overflows, pmovsset_el0);
    write_sysreg(p->enabled, pmcntenset_el0); /* all were clear */
    write_sysreg(p->user, pmuserenr_el0);
    write_control(p, p->control);
}

static void take(struct vcpu *v)
{
    v->arch.pmu.live = true;
    vcpu_pmu_load(v);
}

bool arch_vcpu_pmu_saved_output(const struct vcpu *v)
{
    const struct vcpu_pmu *p = &v->arch.pmu;

    return pmu_output(p->control, p->overflows, p->interrupts);
}

bool arch_vcpu_pmu_output(const struct vcpu *v)
{
    const struct vcpu_pmu *p = &v->arch.pmu;

    if (!p->live)
        return arch_vcpu_pmu_saved_output(v);
    return pmu_output(read_sysreg(pmcr_el0), (u32)read_sysreg(pmovsset_el0), p->interrupts);
}

/* --- accesses of the guest --- */

static bool from_el0(const struct vcpu *v)
{
    return (v->regs.pstate & PSR_NRW) || (v->regs.pstate & PSR_MODE) == PSR_EL0T;
}

/* One more in counter n, which only software makes count, and in the one that it is chained to. */
static void increment(u32 n, u32 enabled)
{
    u64 control = read_sysreg(pmcr_el0), count = read_count(n);
    bool overflow = pmu_add_one(caps(), control, &count);

    write_count(n, count);
    if (!overflow)
        return;
    write_sysreg(BIT(n), pmovsset_el0);
    n++;
    if (!(n & 1) || !(enabled & BIT(n)) || EVENT(read_type(n)) != EVENT_CHAIN)
        return;
    count = read_count(n);
    if (pmu_add_one(caps(), control, &count))
        write_sysreg(BIT(n), pmovsset_el0);
    write_count(n, count);
}

/* PMSWINC_EL0: done at EL2 by the CPU itself it would not count, by the filters. */
static void software_increment(const struct vcpu *v, u32 counters)
{
    u32 enabled = (u32)read_sysreg(pmcntenset_el0) & pmu_mask(caps()) & ~(u32)BIT(PMU_CYCLES);

    if (!(read_sysreg(pmcr_el0) & PMCR_E))
        return;
    for (u32 rest = counters & enabled; rest; rest &= rest - 1) {
        u32 n = bit_lowest(rest);
        u64 type = read_type(n);

        if (EVENT(type) == EVENT_SW && pmu_counts_at(type, from_el0(v)))
            increment(n, enabled);
    }
}

static u64 control_read(void)
{
    return (read_sysreg(pmcr_el0) & ~PMCR_N) | FIELD_PREP(PMCR_N, caps()->counters);
}

/* The counter that PMSELR_EL0 names, if a guest has it. */
static bool selected(const struct vcpu *v, u32 *n)
{
    *n = v->arch.pmu.select;
    return pmu_mask(caps()) & BIT(*n);
}

static bool read_reg(const struct vcpu *v, struct pmu_access a, u64 *value)
{
    u32 mask = pmu_mask(caps()), n;

    *value = 0;
    switch (a.reg) {
    case PMU_PMCR:
        *value = control_read();
        return true;
    case PMU_CNTENSET:
    case PMU_CNTENCLR:
        *value = read_sysreg(pmcntenset_el0) & mask;
        return true;
    case PMU_OVSCLR:
    case PMU_OVSSET:
        *value = read_sysreg(pmovsset_el0) & mask;
        return true;
    case PMU_INTENSET:
    case PMU_INTENCLR:
        *value = v->arch.pmu.interrupts;
        return true;
    case PMU_SELR:
        *value = v->arch.pmu.select;
        return true;
    case PMU_CEID:
        *value = caps()->ceid[a.n];
        return true;
    case PMU_MMIR:
        *value = caps()->mmir;
        return caps()->version >= PMU_V3P4;
    case PMU_XEVTYPER:
        if (selected(v, &n))
            *value = read_type(n);
        return true;
    case PMU_XEVCNTR:
        if (selected(v, &n) && n != PMU_CYCLES)
            *value = read_count(n);
        return true;
    case PMU_USERENR:
        *value = read_sysreg(pmuserenr_el0) & USERENR_BITS;
        return true;
    case PMU_EVCNTR:
        *value = mask & BIT(a.n) ? read_count(a.n) : 0;
        return mask & BIT(a.n);
    case PMU_EVTYPER:
        *value = mask & BIT(a.n) ? read_type(a.n) : 0;
        return mask & BIT(a.n);
    default:
        return false;
    }
}

static bool write_reg(struct vcpu *v, struct pmu_access a, u64 value)
{
    struct vcpu_pmu *p = &v->arch.pmu;
    u32 mask = pmu_mask(caps()), n;

    switch (a.reg) {
    case PMU_PMCR:
        write_control(p, value);
        return true;
    case PMU_CNTENSET:
        write_sysreg(value & mask, pmcntenset_el0);
        return true;
    case PMU_CNTENCLR:
        write_sysreg(value & mask, pmcntenclr_el0);
        return true;
    case PMU_OVSCLR:
        write_sysreg(value & mask, pmovsclr_el0);
        return true;
    case PMU_OVSSET:
        write_sysreg(value & mask, pmovsset_el0);
        return true;
    case PMU_INTENSET:
        p->interrupts |= (u32)value & mask;
        write_interrupts(p);
        return true;
    case PMU_INTENCLR:
        p->interrupts &= ~(u32)value;
        write_interrupts(p);
        return true;
    case PMU_SWINC:
        software_increment(v, (u32)value);
        return true;
    case PMU_SELR:
        p->select = (u32)(value & GENMASK(4, 0));
        return true;
    case PMU_XEVTYPER:
        if (selected(v, &n))
            write_type(n, value);
        return true;
    case PMU_XEVCNTR:
        if (selected(v, &n) && n != PMU_CYCLES)
            write_count(n, value);
        return true;
    case PMU_USERENR:
        write_sysreg(value & USERENR_BITS, pmuserenr_el0);
        return true;
    case PMU_EVCNTR:
        if (mask & BIT(a.n))
            write_count(a.n, value);
        return mask & BIT(a.n);
    case PMU_EVTYPER:
        if (mask & BIT(a.n))
            write_type(a.n, value);
        return mask & BIT(a.n);
    default: /* PMCEID<n>_EL0, PMMIR_EL1 and what does not exist */
        return false;
    }
}

bool vcpu_pmu_access(struct vcpu *v, struct pmu_access a, bool is_write, u64 *value)
{
    bool done;

    if (!v->arch.pmu.live)
        take(v);
    if (!is_write)
        return read_reg(v, a, value);
    done = write_reg(v, a, *value);
    isb(); /* before the interrupt's level is asked for */
    return done;
}
