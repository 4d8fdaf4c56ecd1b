/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-CPU deadline queues over the EL2 physical timer. One queue per CPU, one
 * entry per purpose (slice, blocked vCPU, emulated CNTP, ...), embedded in its
 * owner. Lock: the queue's (RANK_TIMER). An entry's queue pointer goes from NULL
 * to a queue and back only under that queue's lock, the way up by compare and
 * swap, so two CPUs that set one entry at once cannot both link it. Deadlines are
 * compared by signed difference: set none further away than half the counter.
 */
#include <corbel/timer.h>

#include <arch/time.h>

#include <corbel/cpu.h>

static bool is_before(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

static struct timer_entry *first_of(struct timer_queue *queue)
{
    return list_empty(&queue->entries) ? NULL
                                       : list_entry(queue->entries.next, struct timer_entry, node);
}

static void hardware_set(struct timer_queue *queue)
{
    struct timer_entry *first = first_of(queue);

    if (first)
        arch_timer_set(first->deadline);
    else
        arch_timer_stop();
}

static void insert(struct timer_queue *queue, struct timer_entry *entry)
{
    struct list_head *pos;

    list_for_each (pos, &queue->entries) {
        if (is_before(entry->deadline, list_entry(pos, struct timer_entry, node)->deadline))
            break;
    }
    list_insert_before(pos, &entry->node);
}

static void unlink(struct timer_entry *entry)
{
    list_del(&entry->node);
    /* Release: whoever sees NULL and links it again sees the list pointers as left here. */
    __atomic_store_n(&entry->queue, NULL, __ATOMIC_RELEASE);
}

__init void timer_queue_init(struct timer_queue *queue, u32 cpu)
{
    spin_lock_init(&queue->lock, RANK_TIMER);
    list_init(&queue->entries);
    queue->cpu = cpu;
}

void timer_entry_init(struct timer_entry *entry, enum timer_kind kind, void *object)
{
    list_init(&entry->node);
    entry->deadline = 0;
    entry->queue = NULL;
    entry->kind = (u8)kind;
    entry->object = object;
}

/* Link entry, which may be on queue or on none; false when it is on another one. */
static bool link_here(struct timer_queue *queue, struct timer_entry *entry, u64 deadline)
{
    struct timer_queue *old = NULL;
    struct timer_entry *first;
    bool moved;

    spin_lock(&queue->lock);
    first = first_of(queue);
    moved = __atomic_compare_exchange_n(&entry->queue, &old, queue, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE) ||
            old == queue;
    if (moved) {
        list_del(&entry->node);
        entry->deadline = deadline;
        insert(queue, entry);
        if (first == entry || first_of(queue) == entry)
            hardware_set(queue);
    }
    spin_unlock(&queue->lock);
    return moved;
}

void timer_set(struct timer_entry *entry, u64 deadline)
{
    struct timer_queue *queue = &cpu_this()->timers;

    while (!link_here(queue, entry, deadline))
        timer_cancel(entry);
}

void timer_cancel(struct timer_entry *entry)
{
    struct timer_queue *queue;
    bool done = false;

    while (!done) {
        queue = __atomic_load_n(&entry->queue, __ATOMIC_ACQUIRE);
        if (!queue)
            return;
        spin_lock(&queue->lock);
        /* It may have expired, or moved, before the lock was ours. */
        done = __atomic_load_n(&entry->queue, __ATOMIC_RELAXED) == queue;
        if (done) {
            bool first = first_of(queue) == entry;

            unlink(entry);
            /* Another CPU's hardware cannot be reached: it takes one interrupt for nothing. */
            if (first && queue == &cpu_this()->timers)
                hardware_set(queue);
        }
        spin_unlock(&queue->lock);
    }
}

struct timer_entry *timer_expired(u64 now)
{
    struct timer_queue *queue = &cpu_this()->timers;
    struct timer_entry *entry;

    spin_lock(&queue->lock);
    entry = first_of(queue);
    if (entry && !is_before(now, entry->deadline)) {
        unlink(entry);
    } else {
        hardware_set(queue);
        entry = NULL;
    }
    spin_unlock(&queue->lock);
    return entry;
}
