/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the boot went: which builds are under way, and the line that says what became of all.
 */
#include <corbel/build.h>

#include <corbel/build_job.h>
#include <corbel/domain.h>
#include <corbel/log.h>
#include <corbel/page.h>

static u32 started, refused; /* atomic counters */
static u32 unfinished = 1;   /* builds under way; one is held by build_boot_done() */

/* The last build to end, whichever CPU runs it, says how the boot went. */
static void finished_one(void)
{
    u32 up, down;

    if (__atomic_sub_fetch(&unfinished, 1, __ATOMIC_ACQ_REL))
        return;
    up = __atomic_load_n(&started, __ATOMIC_RELAXED);
    down = __atomic_load_n(&refused, __ATOMIC_RELAXED);
    log_info("memory: %llu KiB free", (unsigned long long)(page_free_count() * PAGE_SIZE >> 10));
    log_info("boot: %u domain%s started, %u refused", up, up == 1 ? "" : "s", down);
}

void build_begin(struct domain *d)
{
    __atomic_add_fetch(&unfinished, 1, __ATOMIC_ACQ_REL);
    sched_wake(&d->task);
}

void build_boot_done(void)
{
    finished_one();
}

void build_count_refused(void)
{
    __atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
}

void build_count(struct domain *d, bool is_started)
{
    if (d->counted)
        return;
    d->counted = true;
    __atomic_fetch_add(is_started ? &started : &refused, 1, __ATOMIC_RELAXED);
    finished_one();
}
