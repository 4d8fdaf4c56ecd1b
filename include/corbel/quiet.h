/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_QUIET_H
#define CORBEL_QUIET_H

#include <corbel/types.h>

/*
 * Before memory that other CPUs may have looked up is freed: once it can be found no
 * more, wait until every CPU has finished what it was doing in EL2. Nothing in EL2
 * sleeps, so a CPU that takes an interrupt holds no pointer from before it.
 */

/*
 * Begin: every other CPU is sent SGI_KICK. Returns the round to ask for, from any CPU. Caller: a
 * task, without a lock; nothing was looked up that a later step still uses.
 */
u64 quiet_begin(void);

/* Has every CPU taken an interrupt since that round began? Does not wait. */
bool quiet_is_over(u64 round);

/* This CPU acknowledged SGI_KICK and holds nothing. For irq_dispatch.c. */
void quiet_note(void);

#endif
