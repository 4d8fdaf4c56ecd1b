/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <corbel/types.h>

/* Counter ticks (CNTPCT_EL0, with ISB before the read) and their frequency in Hz. */
u64 arch_time_now(void);
u64 arch_time_freq(void);

/* Ticks <-> nanoseconds, without overflow for any 64-bit input. */
u64 arch_time_to_ns(u64 ticks);
u64 arch_time_from_ns(u64 ns);

/* EL2 physical timer (CNTHP) of this CPU: fire at deadline (absolute ticks), or never. */
void arch_timer_set(u64 deadline);
void arch_timer_stop(void);

#endif
