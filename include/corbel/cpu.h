/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_CPU_H
#define CORBEL_CPU_H

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <corbel/sched.h>
#include <corbel/timer.h>
#include <corbel/types.h>

struct vcpu;

/*
 * Everything of one physical CPU. TPIDR_EL2 points here. Only the CPU itself
 * writes, except where a field says otherwise. Assembly knows the first seven
 * fields through asm_offsets.c.
 */
struct cpu {
    struct vcpu *current; /* the loaded vCPU whose registers an exit saves; NULL before the first */
    u64 stack_top;        /* SP_EL2 at every ERET */
    u64 panic_sp;         /* stack of the EL2 fault report, good even after an overflow */
    u64 boot_ttbr;        /* what a secondary loads with its MMU off (cleaned to PoC) */
    u64 self;             /* EL2 address of this struct, for the same purpose */
    u32 bhb_loops;        /* arch_cpu_harden(): branches that flush the history at entry */
    u32 harden_call;      /* or the firmware function that is called instead */
    u32 id;               /* logical number, 0 = boot CPU */
    u64 mpidr;            /* affinity fields only */
    u64 release_addr;     /* spin-table; 0 with PSCI */
    u8 enable_method;     /* enum cpu_method, platform.h */
    bool online;          /* set by the CPU itself with release order, read by the boot CPU */
    struct vcpu *resident;          /* vCPU whose EL1/FP/LR/timer state this CPU holds, or NULL */
    u16 last_vcpu[MAX_DOMAINS + 1]; /* by VMID: id + 1 of the vCPU last loaded here */
    struct sched_cpu sched;
    struct timer_queue timers;
    u64 quiet_round;               /* quiet.c: last round this CPU has seen; atomic */
    u8 window_pages[WINDOW_COUNT]; /* that a window slot shows; 0: closed */
    u8 lock_depth;                 /* debug: held locks, ranks below */
    u8 lock_rank[8];
};

/* Boot: append a CPU (its id is its index) / take the last one back when it did not start. */
void cpu_add(struct cpu *cpu);
void cpu_remove_last(void);

/* All CPUs that the device tree named and that started, indexed by cpu->id. */
struct cpu *cpu_get(u32 id);
u32 cpu_count(void);
cpumask_t cpu_online_mask(void);

#endif
