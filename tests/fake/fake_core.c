/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/io.h>
#include <arch/time.h>
#include <corbel/cpu.h>
#include <corbel/log.h>
#include <corbel/panic.h>

struct cpu *fake_cpu;
u64 fake_time;
u64 fake_deadline = ~0ull;
char fake_log[65536];
u32 fake_kicks[64];
struct fake_io fake_io;

static struct cpu cpus[MAX_CPUS];
static u32 cpus_used;

void fake_reset(u32 count)
{
    memset(cpus, 0, sizeof(cpus));
    memset(fake_kicks, 0, sizeof(fake_kicks));
    memset(&fake_io, 0, sizeof(fake_io));
    cpus_used = count;
    for (u32 i = 0; i < count; i++) {
        cpus[i].id = i;
        cpus[i].mpidr = i;
        cpus[i].online = true;
    }
    fake_cpu = &cpus[0];
    fake_time = 0;
    fake_deadline = ~0ull;
    fake_log[0] = 0;
}

void fake_set_cpu(u32 id)
{
    fake_cpu = &cpus[id];
}

struct cpu *cpu_get(u32 id)
{
    return id < cpus_used ? &cpus[id] : NULL;
}

u32 cpu_count(void)
{
    return cpus_used;
}

cpumask_t cpu_online_mask(void)
{
    return cpus_used >= 64 ? ~0ull : (1ull << cpus_used) - 1;
}

u64 arch_time_now(void)
{
    return fake_time;
}

u64 arch_time_freq(void)
{
    return 1000000000ull;
}

u64 arch_time_to_ns(u64 ticks)
{
    return ticks;
}

u64 arch_time_from_ns(u64 ns)
{
    return ns;
}

void arch_timer_set(u64 deadline)
{
    fake_deadline = deadline;
}

void arch_timer_stop(void)
{
    fake_deadline = ~0ull;
}

u64 fake_io_read(uintptr_t base, u32 offset, u32 size)
{
    u64 v = 0;

    if (fake_io.read)
        return fake_io.read(base, offset, size);
    memcpy(&v, (const void *)(base + offset), size);
    return v;
}

void fake_io_write(uintptr_t base, u32 offset, u32 size, u64 value)
{
    if (fake_io.write) {
        fake_io.write(base, offset, size, value);
        return;
    }
    memcpy((void *)(base + offset), &value, size);
}

void panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    mock_assert(0, text, __FILE__, __LINE__);
    abort();
}
