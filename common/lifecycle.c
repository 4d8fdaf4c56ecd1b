/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Halt, restart or reset of the machine: a table of policies and a sliding window. Without
 * hardware, locks or memory of its own; docs/lifecycle.md tells the whole story.
 */
#include <corbel/lifecycle.h>

#include <corbel/bits.h>
#include <corbel/printf.h>

#define NS_PER_S 1000000000ull

bool lifecycle_may_restart(const struct domcfg *cfg)
{
    return cfg->on_reboot == ACTION_RESTART || cfg->on_crash == ACTION_RESTART;
}

static enum domcfg_action wanted(const struct domcfg *cfg, enum shutdown_reason reason)
{
    switch (reason) {
    case SHUTDOWN_RESET:
        return (enum domcfg_action)cfg->on_reboot;
    case SHUTDOWN_CRASH:
        return (enum domcfg_action)cfg->on_crash;
    case SHUTDOWN_REBUILD:
        return lifecycle_may_restart(cfg) ? ACTION_RESTART : ACTION_HALT;
    default: /* who turns himself off stays off */
        return ACTION_HALT;
    }
}

/* Restarts among the last ones that are less than ns old. */
static u32 recent(const struct lifecycle *l, u64 now, u64 ns)
{
    u32 n = 0, known = MIN(l->counted, LIFECYCLE_TIMES);

    while (n < known && now - l->times[(l->counted - 1 - n) % LIFECYCLE_TIMES] < ns)
        n++;
    return n;
}

/* One more restart would be too many. *before: those that count. */
static bool is_too_many(const struct lifecycle *l, const struct domcfg *cfg, u64 now, u32 *before)
{
    u64 ns = cfg->restarts_seconds * NS_PER_S;
    u32 max = cfg->restarts_max;

    if (max > LIFECYCLE_TIMES) {
        ns = ns / max * LIFECYCLE_TIMES;
        max = LIFECYCLE_TIMES;
    }
    *before = recent(l, now, ns);
    return *before >= max;
}

static const char *reason_text(enum shutdown_reason reason)
{
    switch (reason) {
    case SHUTDOWN_POWEROFF:
        return "powered off";
    case SHUTDOWN_RESET:
        return "reset";
    case SHUTDOWN_CRASH:
        return "crashed";
    case SHUTDOWN_REBUILD:
        return "debug key";
    default:
        return "";
    }
}

/* A restart that the limit counts: allowed or not. */
static enum domcfg_action count(struct lifecycle *l, const struct domcfg *cfg, const char *why,
                                u64 now, struct lifecycle_text *line)
{
    u32 before;

    if (is_too_many(l, cfg, now, &before)) {
        fmt_snprintf(line->text, sizeof(line->text), "%s: halted: restarted %u times in %u s", why,
                     cfg->restarts_max, cfg->restarts_seconds);
        return ACTION_HALT;
    }
    l->times[l->counted++ % LIFECYCLE_TIMES] = now;
    l->restarts++;
    fmt_snprintf(line->text, sizeof(line->text), "%s: restart %u, %u of at most %u in %u s", why,
                 l->restarts, before + 1, cfg->restarts_max, cfg->restarts_seconds);
    return ACTION_RESTART;
}

enum domcfg_action lifecycle_decide(struct lifecycle *l, const struct domcfg *cfg,
                                    enum shutdown_reason reason, u64 now,
                                    struct lifecycle_text *line)
{
    enum domcfg_action next = wanted(cfg, reason);
    bool too_early = next == ACTION_RESTART && !l->started;
    const char *why = reason_text(reason);

    line->text[0] = '\0';
    if (reason == SHUTDOWN_NONE)
        return ACTION_HALT;
    if (too_early)
        next = ACTION_HALT;
    if (reason == SHUTDOWN_REBUILD && next == ACTION_RESTART)
        fmt_snprintf(line->text, sizeof(line->text), "%s: restart %u", why, ++l->restarts);
    else if (next == ACTION_RESTART)
        next = count(l, cfg, why, now, line);
    else
        fmt_snprintf(line->text, sizeof(line->text), "%s: %s%s", why,
                     next == ACTION_HALT ? "halted" : "the machine is reset",
                     too_early ? ": it had never started" : "");
    return next;
}
