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
    str_clean(line); /* a tree's or a guest's words are in it */
    line[len++] = '\n';
    spin_lock(&ring_lock);
    append(line, len);
    spin_unlock(&ring_lock);
    if (wake_reader)
        wake_reader();
}

static void log_dropped(const char *who, u32 dropped)
{
    if (dropped)
        log_warn("%s: %u messages were suppressed", who, dropped);
}

/* Caller holds ring_lock. A new window, if the old one is over: what was dropped in it. */
static u32 next_window(struct log_limit *limit, u64 now)
{
    u64 ticks = arch_time_freq() * MAX(limit->seconds, 1u);
    u32 dropped = limit->dropped;

    if (limit->window_start && now - limit->window_start < ticks)
        return 0;
    limit->window_start = now;
    limit->printed = 0;
    limit->dropped = 0;
    return dropped;
}

bool log_limit_ok(struct log_limit *limit, const char *who)
{
    u32 dropped;
    bool ok, first;

    spin_lock(&ring_lock);
    dropped = next_window(limit, arch_time_now());
    ok = limit->printed < LOG_LIMIT_BURST;
    first = !ok && !limit->dropped;
    limit->printed += ok;
    limit->dropped += !ok;
    spin_unlock(&ring_lock);
    log_dropped(who, dropped);
    if (unlikely(first))
        log_warn("%s: more messages like this are suppressed for up to %u s", who,
                 MAX(limit->seconds, 1u));
    return ok;
}

void log_limit_end(struct log_limit *limit, const char *who)
{
    u32 dropped;

    spin_lock(&ring_lock);
    dropped = limit->dropped;
    *limit = (struct log_limit){ .seconds = limit->seconds };
    spin_unlock(&ring_lock);
    log_dropped(who, dropped);
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
