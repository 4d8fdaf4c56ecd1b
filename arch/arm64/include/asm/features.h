/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_FEATURES_H
#define ASM_FEATURES_H

#include <corbel/types.h>

#include <asm/pmu.h>

/*
 * What every CPU of this host has: starts from the boot CPU's ID registers, and each
 * further CPU narrows it (arch_cpu_init). Guests are shown no more than this.
 */
struct cpu_features {
    u8 breakpoints, watchpoints; /* register pairs of each kind: 2 to 16 */
    u8 pa_range;                 /* ID_AA64MMFR0_EL1.PARange, capped at 5 (48 bits) */
    bool vmid16;
    bool pauth; /* any pointer-authentication algorithm */
    bool bti;
    bool rndr;
    bool ras;
    bool scxtnum;   /* CSV2_2: SCXTNUM_EL0/EL1 exist */
    bool tlb_range; /* FEAT_TLBIRANGE */
    u8 bbm;         /* FEAT_BBM: level 0 to 2 */
    bool fgt;
    bool hcx;
    bool vhe_only; /* E2H is RES1 */
    bool sve, sme, mte, mpam, amu, tcr2, lor, spe, trbe;
    struct pmu_caps pmu;
    bool hide_ids;  /* something must be hidden: TID3 traps ID registers */
    u32 midr_first; /* of CPU 0 */
    bool midr_mixed;
};

/* Stable after all CPUs are up; each CPU's own init may only turn things off. */
const struct cpu_features *cpu_features(void);

/* Fixed part of HCR_EL2, CPTR_EL2, MDCR_EL2 while a guest runs (design 11.4, decision 2). */
u64 cpu_guest_hcr(void);
void cpu_guest_traps_init(const struct cpu_features *mine);

/*
 * Value that a guest reads from ID register S3_0_C0_Cm_op2 under TID3; pmu: the PMUVer it is
 * shown, 0 for none.
 */
u64 cpu_id_view(u32 crm, u32 op2, u32 pmu);
u64 cpu_id_view_aarch32(u32 crm, u32 op2, u32 pmu);

/* Look for the errata of this CPU, log each the first time it is seen. Each CPU once. */
void errata_init(void);
/* Speculative AT (1165522, 1319367, 1530923): no stage-1 walks around a change of VTTBR_EL2. */
bool errata_speculative_at(void);
/* TLBI must be repeated (1286807, 2441007, ...). */
bool errata_repeat_tlbi(void);

#endif
