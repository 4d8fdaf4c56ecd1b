/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_PMU_H
#define ASM_PMU_H

#include <corbel/bits.h>
#include <corbel/types.h>

struct vcpu;

/*
 * The guest's performance monitors (FEAT_PMUv3, Arm ARM D13). Every access traps; registers are
 * in the CPU only while a vCPU counts with them or has just touched them (pmu.c).
 */
#define PMU_CYCLES   31u /* number of the cycle counter, as in the masks and PMSELR_EL0 */
#define PMU_COUNTERS 32u

/* What every CPU's PMU has: guests are shown this. Zero: none. */
struct pmu_caps {
    u8 version;  /* ID_AA64DFR0_EL1.PMUVer, at most PMU_V3P8 */
    u8 counters; /* PMCR_EL0.N */
    bool el3;    /* there is an EL3, so that filters have a bit for it */
    u64 ceid[2]; /* PMCEID0_EL0, PMCEID1_EL0: common events */
    u64 mmir;    /* PMMIR_EL1; 0 unless all CPUs have the same */
};

#define PMU_V3P1 4u /* values of PMUVer: 16 bits of event, MDCR_EL2.HPMD */
#define PMU_V3P4 5u /* PMMIR_EL1 */
#define PMU_V3P5 6u /* 64-bit counters, MDCR_EL2.HCCD */
#define PMU_V3P7 7u /* PMCR_EL0.FZO */
#define PMU_V3P8 8u /* thresholds; what is newer is not shown */

#define PMCR_E  BIT(0)
#define PMCR_P  BIT(1)
#define PMCR_C  BIT(2)
#define PMCR_LP BIT(7)
#define PMCR_N  GENMASK(15, 11)

/* Of one vCPU. Valid in memory while not live. */
struct vcpu_pmu {
    u64 count[PMU_COUNTERS];         /* PMEVCNTR<n>_EL0; PMCCNTR_EL0 */
    u64 type[PMU_COUNTERS];          /* PMEVTYPER<n>_EL0; PMCCFILTR_EL0 */
    u32 control, enabled, overflows; /* PMCR, PMCNTENSET, PMOVSSET */
    u32 interrupts;                  /* PMINTENSET_EL1: always here */
    u32 user;                        /* PMUSERENR_EL0 */
    u32 select;                      /* PMSELR_EL0: only here, never in the CPU */
    bool live;                       /* in the CPU while the vCPU is loaded */
};

enum pmu_reg {
    PMU_NONE,
    PMU_PMCR,
    PMU_CNTENSET,
    PMU_CNTENCLR,
    PMU_OVSCLR,
    PMU_OVSSET,
    PMU_INTENSET,
    PMU_INTENCLR,
    PMU_SWINC,
    PMU_SELR,
    PMU_CEID, /* n: 0, 1 */
    PMU_MMIR,
    PMU_XEVTYPER,
    PMU_XEVCNTR,
    PMU_USERENR,
    PMU_EVCNTR,  /* n: 0 to 30, PMU_CYCLES */
    PMU_EVTYPER, /* likewise */
};

struct pmu_access {
    u8 reg; /* enum pmu_reg */
    u8 n;
};

/* --- pmu_regs.c: pure --- */

/* Which register SYS_ENC() encoding enc is; PMU_NONE: none that a guest is shown. */
struct pmu_access pmu_decode(u32 enc);

/* Lower all to what mine has as well. True: they differ in what an ID register tells. */
bool pmu_caps_narrow(struct pmu_caps *all, const struct pmu_caps *mine);

/* Bits of PMCNTENSET_EL0 and its kind that a guest has. */
u32 pmu_mask(const struct pmu_caps *caps);

/* Bits of PMCR_EL0 that stay as a guest writes them (without the actions P and C). */
u64 pmu_control_bits(const struct pmu_caps *caps);

/*
 * What counter n's PMEVTYPER<n>_EL0 (PMCCFILTR_EL0) holds of a guest's value: nothing that
 * counts EL2 (NSH), Secure EL2 (SH), Realms or other threads of this core (MT).
 */
u64 pmu_type_of_guest(const struct pmu_caps *caps, u32 n, u64 value);

/* The same for the CPU: EL3 is not counted either, whatever EL1 is (M differs from P). */
u64 pmu_type_of_cpu(const struct pmu_caps *caps, u64 type);

/* Does a counter of this type count what is done at EL0 (else EL1), Non-secure? */
bool pmu_counts_at(u64 type, bool el0);

/* One more in a counter of 64 bits (FEAT_PMUv3p5) or 32. True: it overflowed. */
bool pmu_add_one(const struct pmu_caps *caps, u64 control, u64 *count);

/* The overflow interrupt's level. */
bool pmu_output(u64 control, u32 overflows, u32 interrupts);

/* --- pmu_cpu.c: this CPU's --- */

/* What it has, from ID_AA64DFR0_EL1 = dfr0. */
void pmu_caps_read(struct pmu_caps *caps, u64 dfr0);

/* Out of reset or a boot loader's hands: stopped. Returns the PMU's part of MDCR_EL2. */
u64 pmu_init_cpu(void);

/* Nothing counts, interrupts or is open to EL0. */
void pmu_stop(void);

/* --- pmu.c: on the CPU concerned; v loaded or being loaded here; no lock --- */

/* Only for a live one: out of the CPU, which counts nothing any more; or into it. */
void vcpu_pmu_save(struct vcpu *v);
void vcpu_pmu_load(struct vcpu *v);

/* Has v's domain a PMU? */
bool vcpu_has_pmu(const struct vcpu *v);

/*
 * v reads (*value is set) or writes a register that trapped. False: UNDEFINED, nothing done.
 * What PMUSERENR_EL0 forbids EL0 has gone to EL1 and never comes here.
 */
bool vcpu_pmu_access(struct vcpu *v, struct pmu_access a, bool write, u64 *value);

#endif
