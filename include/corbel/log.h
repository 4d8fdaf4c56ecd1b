/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_LOG_H
#define CORBEL_LOG_H

#include <corbel/compiler.h>
#include <corbel/types.h>

/*
 * The hypervisor's own messages. Each call makes one line "[sec.usec] text"
 * in a ring; the console drains the ring to the UART (console.h). Callable
 * from any CPU at any time, with any lock held: the ring lock is innermost.
 */
enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* text is one line without a final newline; longer than 255 bytes is cut, and what is no
 * printable ASCII becomes a question mark. */
void log_printf(enum log_level level, const char *fmt, ...) __printf_like(2, 3);

#define log_err(...)   log_printf(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_printf(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_printf(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_printf(LOG_DEBUG, __VA_ARGS__)

/* Lines above this level are dropped (loglvl=). Boot CPU, or any time later. */
void log_set_level(enum log_level level);

/*
 * Rate limit for messages (lines, or blocks of them) that a guest can cause: at most
 * LOG_LIMIT_BURST in so many seconds. One struct per domain and kind; zeroed it is
 * ready, with seconds = 1. Any CPU, any lock held: the ring's lock guards the fields.
 */
#define LOG_LIMIT_BURST 10u

struct log_limit {
    u64 window_start; /* arch_time_now() ticks; 0: nothing was printed yet */
    u32 printed;
    u32 dropped;
    u32 seconds; /* written before the first use; 0: one second */
};

/*
 * May this message be printed? The first one that may not is announced in a line of its
 * own, and with the first one of a later window comes how many were dropped.
 */
bool log_limit_ok(struct log_limit *limit, const char *who);
/* who ends: say now how many were dropped, if any, and begin anew. */
void log_limit_end(struct log_limit *limit, const char *who);

/*
 * Copy up to size bytes of the ring from *pos on; advances *pos, returns the
 * count. When the reader fell behind, *pos jumps to the oldest byte kept.
 */
size_t log_read(u64 *pos, char *buf, size_t size);
/* The same without the lock, for a panic: a line just being written may come out mixed. */
size_t log_read_unlocked(u64 *pos, char *buf, size_t size);

/* Bytes ever written: a reader whose pos is behind has something to read. */
u64 log_head(void);

/*
 * Called after each line on the CPU that wrote it, with whatever locks its caller
 * holds: wake must neither wait nor take a lock other than by trying. Boot CPU, once
 * (console_init). The one call upward of this floor, so that no line waits for a timer.
 */
void log_set_wake(void (*wake)(void));

#endif
