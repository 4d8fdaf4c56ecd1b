/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end: one CPU speaks, the others are stopped. Uses nothing that could be the
 * reason for being here: no locks, no ring, no allocation. May call up into console
 * and irq (tools/layers.allow): a panic must be heard from anywhere.
 */
#include <corbel/panic.h>

#include <arch/cpu.h>
#include <corbel/console.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/printf.h>

static u32 panic_owner; /* CPU number + 1 of the one that speaks; atomic */

void panic_enter(void)
{
    u32 nobody = 0;
    u32 me = cpu_this()->id + 1;

    if (!__atomic_compare_exchange_n(&panic_owner, &nobody, me, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        arch_cpu_halt(); /* another CPU speaks, or this one failed while it spoke */
    for (u32 i = 0; gic && i < cpu_count(); i++) {
        if (i != cpu_this()->id && cpu_get(i)->online)
            irq_send_sgi(cpu_get(i), SGI_STOP);
    }
}

void panic_print(const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    fmt_vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    console_panic_write("(corbel) ");
    console_panic_write(line);
    console_panic_write("\r\n");
}

void panic_halt(void)
{
    console_panic_write("(corbel) *** host stopped\r\n");
    arch_cpu_halt();
}

void panic(const char *fmt, ...)
{
    char line[200];
    va_list ap;

    panic_enter();
    va_start(ap, fmt);
    fmt_vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    panic_print("*** panic on CPU%u: %s", cpu_this()->id, line);
    arch_backtrace();
    panic_halt();
}
