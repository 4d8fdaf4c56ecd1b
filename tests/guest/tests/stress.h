/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stress payload: what its files share. A vCPU's stream of decisions comes from its own
 * generator, seeded with seed= and the vCPU's number, so it replays whatever the others do.
 */
#ifndef GUEST_STRESS_H
#define GUEST_STRESS_H

#include "cpu.h"

/* One vCPU's life; it survives that the vCPU is switched off and on. */
struct stress {
    struct cpu *cpu;
    uint64_t random; /* state of the generator */
    uint64_t steps;
    uint64_t faults;  /* exceptions of the instructions that were tried */
    uint64_t digest;  /* of all results: the same seed on one vCPU gives the same */
    uint64_t longest; /* ticks that a sleep took longer than asked for */
    uint64_t lives;   /* times it was switched on */
    volatile bool done;
};

/* The next 64 random bits; a number below N. */
uint64_t stress_random(struct stress *s);
uint64_t stress_below(struct stress *s, uint64_t n);
/* A register's value: often an extreme, a single bit, or small. */
uint64_t stress_value(struct stress *s);
void stress_digest(struct stress *s, uint64_t value);

/* --- stress_addr.c: addresses --- */

#define STRESS_REACH 0x1100U /* bytes from a base to what an instruction may touch */

struct target {
    uint64_t va;  /* where to go */
    uint64_t ipa; /* what is there by the tables of this payload */
    bool ram;     /* own memory, where nothing lives */
};

/* Read the tree: register blocks, holes, ends of RAM. */
void stress_map_init(void);
/* Somewhere that hurts nobody but perhaps the hypervisor. */
struct target stress_address(struct stress *s);
/* A page of RAM that a debug build may have unmapped, or beside it. */
uint64_t stress_hook_page(struct stress *s);
/* The window through which the first GiB of addresses, all devices, is Normal and executable. */
uint64_t stress_window(uint64_t ipa);

/* --- stress_insn.c: instructions --- */

/* Registers of a try: x0 to x17 before it; x0, x3 and x8 after it. */
struct regs {
    uint64_t x[18];
};

/*
 * Run one instruction with x0..x17 as given; it may clobber every register but SP. OFF, if not
 * zero, is SCTLR_EL1 for its duration. The exception that it takes is skipped and returned.
 */
struct fault stress_try(struct stress *s, uint32_t insn, struct regs *regs, uint64_t off);

/* A load, store, pair, exclusive, atomic, prefetch or SIMD access with x1 as its base. */
uint32_t insn_ldst(struct stress *s);
/* LDR or STR of 1 << SIZE bytes, register x3, base x1. */
uint32_t insn_plain(struct stress *s);
/* MRS or MSR of a register, with x3; none that this program lives on. */
uint32_t insn_sysreg(struct stress *s);
/* The bits that may be written by it. */
uint64_t insn_sysreg_mask(uint32_t insn);
/* DC, IC, AT, TLBI with x1, hints, barriers. */
uint32_t insn_system(struct stress *s);
/* DC ISW, CSW or CISW with x3. */
uint32_t insn_setway(struct stress *s);
/* SVE, SME: hidden from guests. */
uint32_t insn_hidden(struct stress *s);
uint32_t insn_hvc(uint32_t imm);
uint32_t insn_smc(uint32_t imm);
#define INSN_BR_X1 0xd61f0020U

/* --- stress_keep.c: what the payload needs in order to go on --- */

/* Once, before anything is changed. */
void stress_keep_init(void);
/* This vCPU's interrupts and interface as the payload needs them to wake up. */
void stress_keep_own(void);
/* After an access within REACH of IPA: what another vCPU's wake-up depends on. */
void stress_keep_shared(uint64_t ipa, uint64_t reach);
/* Before the boot vCPU says something: the UART as it was. */
void stress_keep_uart(void);

/* --- stress_call.c --- */

/* HVC and SMC: PSCI, SMCCC, hypercalls; whatever would end this domain left out. */
void stress_call(struct stress *s);
/* vCPUs switch each other on, and themselves off. */
void stress_power(struct stress *s);
/* WFI, WFE or CPU_SUSPEND until a timer; how late it was goes into s->longest. */
void stress_sleep(struct stress *s);

#endif
