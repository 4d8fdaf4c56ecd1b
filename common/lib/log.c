/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's messages: lines "[sec.usec] text" in one static ring that always
 * keeps the newest 16 KiB. Writers take ring_lock (RANK_LOG, the innermost rank) only
 * to copy a line that is already formatted; readers keep their own position. After
 * each line the console is woken by the function it installed (log_set_wake).
 */
#include <corbel/log.h>

#include <arch/spinlock.h>
#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/printf.h>
#include <corbel/string.h>

#define LOG_RING_SIZE 16384u
#define LOG_LINE_MAX  256u /* text with its NUL */
#define NS_PER_SEC    1000000000ull
#define NS_PER_USEC   1000ull
#define LOG_BURST     10u /* lines a second that one guest can cause */

static char ring[LOG_RING_SIZE]; /* ring_lock */
static u64 ring_head;            /* bytes ever written; ring_lock for writing */
static spinlock_t ring_lock = SPINLOCK_INIT(RANK_LOG);
static enum log_level max_level = LOG_INFO; /* written at boot or by a debug key */
static void (*wake_reader)(void);           /* installed once at boot */

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_wake(void (*wake)(void))
{
    wake_reader = wake;
}

/* Caller holds ring_lock. */
static void append(const char *text, size_t len)
{
    size_t at = ring_head % LOG_RING_SIZE;
    size_t first = MIN(len, LOG_RING_SIZE - at);

    memcpy(ring + at, text, first);
    memcpy(ring, text + first, len - first);
    /* Release: the lockless reader of a panic must not see the count before the text. */
    __atomic_store_n(&ring_head, ring_head + len, __ATOMIC_RELEASE);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
    char line[32 + LOG_LINE_MAX];
    u64 ns = arch_time_to_ns(arch_time_now());
    size_t len;
    va_list ap;

    if (level > max_level)
        return;
    len = (size_t)fmt_snprintf(line, sizeof(line), "[%4llu.%06llu] ",
                               (unsigned long long)(ns / NS_PER_SEC),
                               (unsigned long long)(ns % NS_PER_SEC / NS_PER_USEC));
    va_start(ap, fmt);
    len += (size_t)MIN(fmt_vsnprintf(line + len, LOG_LINE_MAX, fmt, ap), (int)LOG_LINE_MAX - 1);
    va_end(ap);
    line[len++] = '\n';
    spin_lock(&ring_lock);
    append(line, len);
    spin_unlock(&ring_lock);
    if (wake_reader)
        wake_reader();
}

bool log_limit_ok(struct log_limit *limit, const char *who)
{
    u64 now = arch_time_now();
    u32 dropped = 0;

    if (now - limit->window_start >= arch_time_freq() || !limit->window_start) {
        dropped = limit->dropped;
        limit->window_start = now;
        limit->printed = 0;
        limit->dropped = 0;
    }
    if (dropped)
        log_warn("%s: %u messages were dropped", who, dropped);
    if (limit->printed >= LOG_BURST) {
        limit->dropped++;
        return false;
    }
    limit->printed++;
    return true;
}

u64 log_head(void)
{
    return __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE);
}

/* Copy without the lock. */
static size_t copy_out(u64 *pos, char *buf, size_t size)
{
    u64 head = log_head();
    size_t count, at, first;

    if (head - *pos > LOG_RING_SIZE)
        *pos = head - LOG_RING_SIZE;
    count = MIN(size, (size_t)(head - *pos));
    at = *pos % LOG_RING_SIZE;
    first = MIN(count, LOG_RING_SIZE - at);
    memcpy(buf, ring + at, first);
    memcpy(buf + first, ring, count - first);
    *pos += count;
    return count;
}

size_t log_read(u64 *pos, char *buf, size_t size)
{
    size_t count;

    spin_lock(&ring_lock);
    count = copy_out(pos, buf, size);
    spin_unlock(&ring_lock);
    return count;
}

size_t log_read_unlocked(u64 *pos, char *buf, size_t size)
{
    return copy_out(pos, buf, size);
}
