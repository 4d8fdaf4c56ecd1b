/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds of "every CPU has been through an interrupt". A counter of rounds, and in each
 * struct cpu the last round that its CPU has seen. A kick that is still pending when a
 * round begins is acknowledged after it, so the two may merge into one.
 */
#include <corbel/quiet.h>

#include <corbel/cpu.h>
#include <corbel/irq.h>

static u64 rounds; /* atomic; only grows */

u64 quiet_begin(void)
{
    u64 round = __atomic_add_fetch(&rounds, 1, __ATOMIC_SEQ_CST);

    for (u32 i = 0; i < cpu_count(); i++) {
        if (cpu_get(i) != cpu_this())
            irq_send_sgi(cpu_get(i), SGI_KICK); /* after the new round, by its DSB */
    }
    quiet_note(); /* we hold nothing, and whoever asks from another CPU sends us no kick */
    return round;
}

bool quiet_is_over(u64 round)
{
    for (u32 i = 0; i < cpu_count(); i++) {
        const struct cpu *cpu = cpu_get(i);

        if (cpu == cpu_this() || !__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE))
            continue;
        /* Acquire: pairs with quiet_note(); what that CPU did before comes before our free. */
        if (__atomic_load_n(&cpu->quiet_round, __ATOMIC_ACQUIRE) < round)
            return false;
    }
    return true;
}

void quiet_note(void)
{
    __atomic_store_n(&cpu_this()->quiet_round, __atomic_load_n(&rounds, __ATOMIC_SEQ_CST),
                     __ATOMIC_RELEASE);
}
