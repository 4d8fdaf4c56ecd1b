/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_MAIN_H
#define CORBEL_MAIN_H

#include <corbel/types.h>

struct cpu;
struct vcpu;

/*
 * C entry of every CPU, called from head.S on the CPU's own stack with the MMU
 * on: the boot CPU with cpu = 0's struct. fdt_pa: PA of the device tree (boot CPU).
 * Returns the first vCPU to enter.
 */
struct vcpu *corbel_main(struct cpu *cpu, u64 fdt_pa);

#endif
