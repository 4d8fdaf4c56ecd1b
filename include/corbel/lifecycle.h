/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_LIFECYCLE_H
#define CORBEL_LIFECYCLE_H

#include <corbel/domcfg.h>
#include <corbel/types.h>

/*
 * What comes after a domain's end: its policy (corbel,on-reboot, corbel,on-crash) and the limit
 * of restarts per time. Pure; the domain's task is the only caller.
 */
enum shutdown_reason {
    SHUTDOWN_NONE, /* it could not be built */
    SHUTDOWN_POWEROFF,
    SHUTDOWN_RESET,
    SHUTDOWN_CRASH,
    SHUTDOWN_REBUILD, /* debug key: whatever the policy, not counted */
};

#define LIFECYCLE_TIMES 64u /* restarts whose time is remembered */

struct lifecycle {
    u64 times[LIFECYCLE_TIMES]; /* ns; restart n is in n % LIFECYCLE_TIMES */
    u32 counted;                /* restarts that the limit counts, since boot */
    u32 restarts;               /* all of them */
    bool started;               /* once: what a restart is made from is there */
};

/* What ended a life and what comes next, for the log; "" for SHUTDOWN_NONE. */
struct lifecycle_text {
    char text[96];
};

/* Some end of this domain leads to a restart: what it is built from has to be kept. */
bool lifecycle_may_restart(const struct domcfg *cfg);

/*
 * What comes next; a restart is noted in l, and there is none before the first start. A limit
 * above LIFECYCLE_TIMES is held as the same rate over a shorter time. now: ns since boot.
 */
enum domcfg_action lifecycle_decide(struct lifecycle *l, const struct domcfg *cfg,
                                    enum shutdown_reason reason, u64 now,
                                    struct lifecycle_text *line);

#endif
