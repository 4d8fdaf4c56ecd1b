/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_TIMER_H
#define CORBEL_TIMER_H

#include <arch/spinlock.h>
#include <corbel/list.h>
#include <corbel/types.h>

/*
 * Per-CPU queue of deadlines over the EL2 physical timer (design decision 28).
 * An expired entry is handed back to the caller, who knows what its kind means;
 * nothing is called through a pointer. An entry is on at most one queue; it may
 * be cancelled from any CPU.
 */
enum timer_kind {
    TIMER_SLICE,  /* end of the running unit's time slice */
    TIMER_VTIMER, /* wake a blocked vCPU at its CNTV_CVAL */
    TIMER_PTIMER, /* emulated physical timer (CNTP) of a vCPU */
    TIMER_CONSOLE,
    TIMER_WATCHDOG, /* a domain's (vwdt.h) */
    TIMER_IOMMU,    /* a pause after a burst of DMA faults, counts of repeated ones */
};

struct timer_entry {
    struct list_head node;     /* queue lock */
    u64 deadline;              /* counter ticks */
    struct timer_queue *queue; /* NULL when idle; changes under the queue's lock */
    u8 kind;                   /* enum timer_kind */
    void *object;              /* the vCPU, unit or domain it belongs to */
};

struct timer_queue {
    spinlock_t lock;          /* RANK_TIMER */
    struct list_head entries; /* by deadline */
    u32 cpu;                  /* owner */
};

void timer_queue_init(struct timer_queue *queue, u32 cpu);
void timer_entry_init(struct timer_entry *entry, enum timer_kind kind, void *object);

/* Queue (or move) entry on this CPU's queue and program the hardware. */
void timer_set(struct timer_entry *entry, u64 deadline);

/* Take entry off whatever queue it is on; harmless when idle. Any CPU. */
void timer_cancel(struct timer_entry *entry);

static inline bool timer_is_set(const struct timer_entry *entry)
{
    return __atomic_load_n(&entry->queue, __ATOMIC_ACQUIRE) != NULL;
}

/*
 * Take one entry whose deadline has passed off this CPU's queue, or NULL; at
 * NULL the hardware timer is programmed for the next one. Called in a loop on
 * the CNTHP interrupt.
 */
struct timer_entry *timer_expired(u64 now);

#endif
