/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket locks on the compiler's atomics. EL2 runs with interrupts masked, so a
 * holder is never interrupted by a taker on its own CPU. A debug build keeps the
 * ranks of the held locks in struct cpu and panics on a wrong order or on a lock
 * taken twice (design decision 32); before cpu_this() is set nothing is checked.
 */
#include <arch/spinlock.h>

#include <arch/cpu.h>

#include <corbel/compiler.h>
#include <corbel/cpu.h>
#include <corbel/panic.h>

static void note_taken(const spinlock_t *lock, bool check, bool nested)
{
    struct cpu *cpu = cpu_this();
    u8 top;

    if (!cpu)
        return;
    if (check && cpu->lock_depth && cpu->lock_depth <= ARRAY_SIZE(cpu->lock_rank)) {
        top = cpu->lock_rank[cpu->lock_depth - 1];
        if (lock->rank < top || (lock->rank == top && !nested))
            panic("lock order: rank %u taken while rank %u is held", lock->rank, top);
    }
    if (cpu->lock_depth < ARRAY_SIZE(cpu->lock_rank))
        cpu->lock_rank[cpu->lock_depth] = lock->rank;
    cpu->lock_depth++;
}

/* Locks are mostly dropped last in, first out; where not, close the gap. */
static void note_dropped(const spinlock_t *lock)
{
    struct cpu *cpu = cpu_this();
    u32 depth, i;

    if (!cpu || !cpu->lock_depth)
        return;
    depth = --cpu->lock_depth;
    if (depth >= ARRAY_SIZE(cpu->lock_rank))
        return;
    for (i = depth + 1; i > 0 && cpu->lock_rank[i - 1] != lock->rank; i--)
        ;
    for (; i > 0 && i <= depth; i++)
        cpu->lock_rank[i - 1] = cpu->lock_rank[i];
}

void spin_lock_init(spinlock_t *lock, enum lock_rank rank)
{
    lock->next = 0;
    lock->owner = 0;
    lock->rank = (u8)rank;
}

static inline void take(spinlock_t *lock)
{
    u32 both = __atomic_fetch_add(&lock->both, 1u << 16, __ATOMIC_ACQUIRE);
    u16 ticket = (u16)(both >> 16);

    if (likely(ticket == (u16)both))
        return;
    /* Pairs with the release store in spin_unlock(). */
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        arch_cpu_relax();
}

void spin_lock(spinlock_t *lock)
{
    if (IS_ENABLED(CONFIG_DEBUG))
        note_taken(lock, true, false);
    take(lock);
}

void spin_lock_nested(spinlock_t *lock)
{
    if (IS_ENABLED(CONFIG_DEBUG))
        note_taken(lock, true, true);
    take(lock);
}

/* Never waits, so the order does not matter; what is taken behind it must still be in order. */
bool spin_trylock(spinlock_t *lock)
{
    u16 owner = __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE);

    if (!__atomic_compare_exchange_n(&lock->next, &owner, (u16)(owner + 1), false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    if (IS_ENABLED(CONFIG_DEBUG))
        note_taken(lock, false, false);
    return true;
}

void spin_unlock(spinlock_t *lock)
{
    if (IS_ENABLED(CONFIG_DEBUG))
        note_dropped(lock);
    __atomic_store_n(&lock->owner, (u16)(lock->owner + 1), __ATOMIC_RELEASE);
}

bool spin_is_locked(const spinlock_t *lock)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) !=
           __atomic_load_n(&lock->next, __ATOMIC_RELAXED);
}
