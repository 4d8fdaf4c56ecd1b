/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of physical CPUs. Written while CPUs are brought up (boot CPU only), read
 * by everybody without a lock afterwards; a CPU sets its own online flag.
 */
#include <corbel/cpu.h>

#include <corbel/panic.h>

static struct cpu *cpus[MAX_CPUS]; /* boot CPU fills it */
static u32 count;

__init void cpu_add(struct cpu *cpu)
{
    CORBEL_ASSERT(count < MAX_CPUS && cpu->id == count);
    cpus[count++] = cpu;
}

void cpu_remove_last(void)
{
    CORBEL_ASSERT(count > 1);
    cpus[--count] = NULL;
}

struct cpu *cpu_get(u32 id)
{
    return id < count ? cpus[id] : NULL;
}

u32 cpu_count(void)
{
    return count;
}

__init cpumask_t cpu_online_mask(void)
{
    cpumask_t mask = 0;

    for (u32 i = 0; i < count; i++) {
        /* Pairs with the store-release at the end of the CPU's own start. */
        if (__atomic_load_n(&cpus[i]->online, __ATOMIC_ACQUIRE))
            mask |= 1ull << i;
    }
    return mask;
}
