/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BOOT_CPUS_H
#define CORBEL_BOOT_CPUS_H

#include <corbel/cmdline.h>
#include <corbel/platform.h>

struct cpu;

/* Bringing the CPUs up. Boot CPU only, but for boot_cpus_secondary(). */

/* Put the boot CPU at index 0 of p->cpus and into the table. */
void boot_cpus_first(struct platform *p, struct cpu *cpu);

/* Start the others; one that does not answer within a second is left out by name. */
void boot_cpus_start(struct platform *p, const struct boot_options *options);

/* Everything shared is ready: secondaries may schedule. */
void boot_cpus_release(void);

/*
 * The part that each secondary does for itself; returns once boot_cpus_release() was called. False:
 * this CPU cannot be used, and has to halt.
 */
bool boot_cpus_secondary(struct cpu *cpu) __must_check;

#endif
