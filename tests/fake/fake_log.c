/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fake_core.h"

#include <corbel/log.h>

/* Stands in for common/lib/log.c: a test reads fake_log. */
void log_printf(enum log_level level, const char *fmt, ...)
{
    size_t used = strlen(fake_log);
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    vsnprintf(fake_log + used, sizeof(fake_log) - used, fmt, ap);
    va_end(ap);
    used = strlen(fake_log);
    if (used + 2 < sizeof(fake_log))
        strcpy(fake_log + used, "\n");
}

void log_set_level(enum log_level level)
{
    (void)level;
}

u32 fake_log_limit = ~0u;

bool log_limit_ok(struct log_limit *limit, const char *who)
{
    (void)limit;
    (void)who;
    if (fake_log_limit == ~0u)
        return true;
    fake_log_limit -= fake_log_limit ? 1 : 0;
    return fake_log_limit;
}

void log_limit_end(struct log_limit *limit, const char *who)
{
    (void)who;
    *limit = (struct log_limit){ .seconds = limit->seconds };
}
