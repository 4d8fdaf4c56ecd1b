/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_BOOT_H
#define ASM_BOOT_H

#include <arch/smccc.h>
#include <corbel/compiler.h>
#include <corbel/types.h>

/* Symbols between assembly, the linker script and C. Code symbols are used by address only. */
extern char _start[], text_end[], init_start[], init_end[], rodata_end[], bss_end[], _end[];
extern u64 main_l0[512]; /* EL2's root table */
extern u64 image_pa;     /* PA of _start, written by head.S */
extern struct cpu boot_cpu;

/* Vector tables: plain, with branches first, with a firmware call first (vectors.S). */
extern char vectors[], vectors_history[], vectors_firmware[];
extern char early_vectors[]; /* head.S: until the others stand, and to drop an SError */

void secondary_entry(void);
void spin_table_entry(void);

void smccc_smc(struct smccc_args *args);

#define SPIN_TABLE_ARGS 8 /* as many as head.S looks through */

struct spin_table_arg {
    u64 mpidr, cpu_pa;
};
extern struct spin_table_arg spin_table_args[SPIN_TABLE_ARGS];

/* Note which struct cpu a spin-table CPU with this MPIDR shall take. Boot CPU. */
void spin_table_arg_add(u64 mpidr, pa_t cpu);

#endif
