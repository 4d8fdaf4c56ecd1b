/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_VCPU_H
#define ARCH_VCPU_H

#include <corbel/types.h>

/*
 * The architecture's part of a vCPU: struct arch_vcpu (EL1 system registers, FP/SIMD,
 * pointer-authentication keys, debug registers) in asm/vcpu.h.
 */
#include <asm/vcpu.h>

struct domain;
struct vcpu;

/* Reset state for a start at entry with x0 = context_id (PSCI CPU_ON, boot). Not resident. */
void arch_vcpu_reset(struct vcpu *v, u64 entry, u64 context_id);

/* Move EL1 and FP state between this CPU and memory; load also stage 2, HCR_EL2, CNTVOFF. */
void arch_vcpu_load(struct vcpu *v);
void arch_vcpu_save(struct vcpu *v);

/* WFI/WFE traps for the resident vCPU as the scheduler's policy wants (vwfi). */
void arch_vcpu_set_wfx(struct vcpu *v, bool trap);

/* Exceptions for the guest to take (decision 29). The vCPU is loaded on this CPU. */
void arch_inject_undef(struct vcpu *v);
void arch_inject_data_abort(struct vcpu *v, u64 gva, bool s1ptw, bool write);
void arch_inject_insn_abort(struct vcpu *v, u64 gva, bool s1ptw);

/*
 * It runs at EL1 where its last exception was taken (PC = ELR_EL1): a handler that faults where
 * what it handles faulted, or one that has sent the guest back there. Loaded vCPU.
 */
bool arch_vcpu_is_at_elr(const struct vcpu *v);

/*
 * It is at its vector for exceptions of EL1 itself, sent there from that very address: no
 * instruction of the vector can be run, for ever if nobody else mends it. Loaded vCPU.
 */
bool arch_vcpu_is_in_vector_loop(const struct vcpu *v);

/* Step over the trapped instruction (4 or 2 bytes by IL), PSTATE.BTYPE and IT state cleared. */
void arch_vcpu_skip(struct vcpu *v, bool il32);
/* Inline in asm/vcpu.h, for A64; false, and nothing is done, in another state:
 *   bool arch_regs_skip(struct guest_regs *r)
 */

/*
 * Watch a guest that uses set/way operations (HCR_EL2.TVM): its writes to SCTLR_EL1 come
 * out as TREG_SCTLR. Caches are "on" when both MMU and data cache are. Loaded vCPU.
 */
void arch_vcpu_watch_caches(struct vcpu *v, bool watch);
bool arch_vcpu_caches_watched(const struct vcpu *v);
bool arch_vcpu_caches_on(const struct vcpu *v);
bool arch_sctlr_caches_on(u64 sctlr);
void arch_vcpu_write_sctlr(struct vcpu *v, u64 value);

/* Level of the PMU's overflow interrupt, of a vCPU loaded here. */
bool arch_vcpu_pmu_output(const struct vcpu *v);
/* The same of one that was just saved; low unless its PMU is live, which is inline in asm/vcpu.h:
 *   bool arch_pmu_is_live(const struct arch_vcpu *a)
 */
bool arch_vcpu_pmu_saved_output(const struct vcpu *v);

/* Virtual timer registers of this CPU (CNTV_*), for vtimer.c. */
u64 arch_cntv_ctl_read(void);
void arch_cntv_ctl_write(u64 ctl);
u64 arch_cntv_cval_read(void);
void arch_cntv_cval_write(u64 cval);
/* CNTVOFF_EL2 of the resident vCPU is d->cntvoff; guest virtual time = now - cntvoff. */

/* The guest's stack pointer: live when it is loaded here, else as last saved. For reports. */
u64 arch_vcpu_sp(const struct vcpu *v);

/* Registers in readable form through the log: guest's (resident) and saved ones. */
void arch_vcpu_dump(struct vcpu *v);

#endif
