/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include <corbel/types.h>

/*
 * The host "architecture" of unit tests: settable current CPU and time, captured
 * log, panic as a mock assertion (expect_assert_failure works on it).
 */
extern u64 fake_time;     /* counter ticks; frequency 1 GHz, so ticks = ns */
extern u64 fake_deadline; /* last arch_timer_set(), ~0 = stopped */
extern char fake_log[65536];
extern u32 fake_log_limit; /* ~0: log_limit_ok() is always true; else that often but one */
extern u32 fake_kicks[64]; /* SGIs sent per CPU */

/* The next of a series that is the same in each run (xorshift64); seed: not 0. */
static inline u64 fake_random(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* count CPUs, cpu_this() = 0; counters and log cleared. Call in each test's setup. */
void fake_reset(u32 count);
void fake_set_cpu(u32 id);

#endif
