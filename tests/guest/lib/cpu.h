/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs of the payload, their exceptions, and the MMU.
 * The boot vCPU is cpus[0]; the others are numbered as in the tree's /cpus and started by PSCI.
 */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "lib.h"

/* Registers at an exception, in the order in which start.S stores them. */
struct frame {
    uint64_t x[31];
    uint64_t elr;
    uint64_t spsr;
    uint64_t esr;
    uint64_t far;
    uint64_t unused;
};

/* What a guarded access or call met. */
struct fault {
    bool taken;
    uint64_t esr;
    uint64_t far;
    uint64_t elr;
};

struct cpu {
    uint32_t index; /* at CPU_INDEX */
    uint32_t started;
    uint64_t mpidr;
    void (*entry)(struct cpu *cpu);
    uint64_t context;            /* for entry */
    volatile uint64_t counter;   /* for tests */
    volatile uint32_t irq_count; /* interrupts taken through the vector */
    volatile uint32_t last_iar;
    volatile bool guard; /* the next synchronous exception is expected */
    /* Not 0: after so many more interrupts they stay masked, whatever goes on at the GIC. */
    volatile uint32_t irq_budget;
    struct fault fault;
};

extern struct cpu cpus[MAX_CPUS];

static inline struct cpu *this_cpu(void)
{
    return (struct cpu *)read_sysreg(tpidr_el1);
}

#define ESR_EC(esr)        ((unsigned int)((esr) >> 26) & 0x3fU)
#define ESR_ISS(esr)       ((uint32_t)(esr)&0x1ffffffU)
#define ESR_FSC(esr)       ((unsigned int)(esr)&0x3fU)
#define ESR_WNR            BIT(6)
#define EC_UNKNOWN         0x00U
#define EC_IABT_SAME       0x21U
#define EC_DABT_SAME       0x25U
#define EC_STEP_SAME       0x33U
#define EC_WATCH_SAME      0x35U
#define EC_BREAK_SAME      0x31U
#define EC_BRK             0x3cU
#define FSC_EXTERNAL       0x10U
#define FSC_EXTERNAL_WALK1 0x15U

/*
 * exception.c: run CODE, a GNU asm statement of one instruction, so that a synchronous exception it
 * takes is recorded and the instruction skipped.
 */
#define guarded(code)  \
    ({                 \
        guard_begin(); \
        code;          \
        guard_end();   \
    })
void guard_begin(void);
struct fault guard_end(void);
/* Call an address; an instruction abort there returns to the caller. */
struct fault guarded_call(uintptr_t address);
struct fault guarded_read32(uintptr_t address, uint32_t *value);
struct fault guarded_write32(uintptr_t address, uint32_t value);

/* Called for an IRQ with the acknowledged IAR; the caller ends the interrupt. NULL: only count. */
typedef void irq_hook_t(uint32_t iar);
void irq_set_hook(irq_hook_t *hook);

/* mmu.c: identity map, RAM of the tree Normal write-back, all else Device-nGnRnE, 39 bits. */
void mmu_init(void);
void mmu_enable(void);
/* Map the 1 GiB around VA as Normal and executable, whatever is there. */
void mmu_map_normal(uintptr_t va);
/* Entry INDEX (1 GiB of VA): a block at ADDRESS, Normal and executable or Device; or a table. */
void mmu_set_block(unsigned int index, uint64_t address, bool normal);
void mmu_set_table(unsigned int index, uint64_t address);

/* smp.c */
unsigned int smp_count(void);
/* Start vCPU INDEX at ENTRY; returns the PSCI result. Waits until it runs if that is 0. */
int64_t smp_start(unsigned int index, void (*entry)(struct cpu *), uint64_t context);
/* Wait until PSCI says that vCPU INDEX is off; false after a second. */
bool smp_wait_off(unsigned int index);
/* start.S: where a vCPU begins, with x0 = its struct cpu. */
void secondary_entry(void);
void smp_init(void);

#endif
