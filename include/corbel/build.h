/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BUILD_H
#define CORBEL_BUILD_H

#include <corbel/cmdline.h>
#include <corbel/platform.h>
#include <corbel/types.h>

struct domain;
struct sched_pool;
struct vcpu;

/*
 * From a parsed configuration to a running domain and back to free frames, as one
 * resumable machine per domain (design decisions 12, 13): each step is short, and the
 * scheduler runs steps like vCPUs. Boot and teardown use the same machine.
 */
enum task_result { TASK_AGAIN, TASK_IDLE };

/*
 * Parse, check and solve the domain at node; create its struct in the next slot, with
 * its task ready to be woken. Logs the refusal and returns NULL when it cannot be. Boot.
 */
struct domain *build_create(const struct platform *p, const struct boot_options *options, int node);

/* Pools of xen,cpupool nodes, before any domain. Boot. */
void build_pools(const struct platform *p);

/* One step of d's task, at most about 50 us. TASK_IDLE: nothing more to do for now. */
enum task_result build_step(struct domain *d);

/* The machine description that guest trees are made from. Boot, before the first step. */
void build_set_platform(const struct platform *p);

/*
 * Build all domains there are: as many at a time as their pool has CPUs, in order; each starts
 * its guest when it is done. Each holds the boot's own code (boot_end.h) until then. Boot.
 */
void build_begin_all(void);

/* The machine whose modules become free after the boot (build_modules.c). Boot. */
void build_modules_set(struct platform *p);

/* One line: where the machine's RAM is. The boot's end and a debug key. */
void build_report_memory(void);

/*
 * Clean and invalidate the next piece of all RAM of v's domain to the PoC, for set/way
 * operations of v, which is loaded here; true when its round is complete. Each vCPU has
 * a round of its own: what another one cleaned before v asked does not count for v.
 */
bool build_clean_ram_step(struct vcpu *v);

#endif
