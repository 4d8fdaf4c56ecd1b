/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VPMU_H
#define CORBEL_VPMU_H

#include <corbel/types.h>

struct vcpu;

/*
 * The overflow interrupt of a vCPU's performance monitors; their registers are the
 * architecture's (arch_vcpu_pmu_output). The guest's PPI is always this one (BSA), whatever the
 * host has. vcpu->pmu_line is the level that the vGIC was shown; while the vCPU is resident, the
 * host's PPI is active on its CPU if and only if that is high, so that it comes once.
 */
#define VPMU_INTID 23u

/* The host's PPI, 0: none, so that guests get none either. Boot. */
void vpmu_set_host_intid(u32 intid);
bool vpmu_interrupts(void);

/*
 * The host's PPI was acknowledged on the CPU where v is resident. False: the level is low
 * by now, the caller ends it; else it stays active.
 */
bool vpmu_interrupt(struct vcpu *v);

/* v, loaded here, wrote a register that changed the level (EXIT_PMU). */
void vpmu_update(struct vcpu *v);

/*
 * Residency (run.c). Before arch_vcpu_load() of a vCPU whose pmu_line is high: the host's PPI
 * active on this CPU. After arch_vcpu_save(), which has stopped the CPU's PMU, of one whose PMU
 * is live: not any more; and an overflow that nobody has acknowledged yet wakes v.
 */
void vpmu_load(struct vcpu *v);
void vpmu_saved(struct vcpu *v);

/* The vCPU starts from reset: no overflow. It is not resident. */
void vpmu_reset(struct vcpu *v);

#endif
