/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include <corbel/sched.h>
#include <corbel/types.h>

/*
 * The scheduler's simulated machine (sim_sched.c): what test_sched*.c run it on. After each step it
 * asserts that no CPU idles while somebody waits who may run there.
 */
#define MS 1000000ull /* of fake_time, and of every time here */

struct sim_unit {
    struct sched_unit unit;
    u64 work; /* ticks left to run; ~0: spins for ever */
    u64 last_ran;
    bool save_asked;
};

extern u64 sim_switches; /* of what is resident on a CPU, since sim_start() */
extern u64 sim_looks;    /* calls of sched_next(), likewise */

/* So many CPUs, one pool; rand() begins anew. */
void sim_start(u32 cpus, enum sched_policy policy);

/* A unit that sleeps; one that runs for ever, awake; a task that sleeps, in the default pool. */
struct sim_unit *sim_add(struct sched_pool *pool, u32 weight, cpumask_t affinity);
struct sim_unit *sim_add_spinner(u32 weight, cpumask_t affinity);
struct sim_unit *sim_add_task(cpumask_t affinity);

/* Let time pass; random_wakes: units get work at random moments. */
void sim_advance(u64 ticks, bool random_wakes);

#endif
