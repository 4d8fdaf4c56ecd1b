/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PANIC_H
#define CORBEL_PANIC_H

#include <corbel/compiler.h>

/*
 * A bug in the hypervisor, or a platform on which it cannot go on before the
 * first domain starts. Prints synchronously and without locks from one CPU,
 * stops the others (SGI 1), prints registers and a call trace, halts or
 * resets the machine. Never reachable by what a guest or a DT author writes.
 */
void panic(const char *fmt, ...) __printf_like(1, 2) __noreturn;

/* The parts, for reports that print more than one line: enter once, print, halt. */
void panic_enter(void); /* stops the other CPUs; a second CPU that comes here halts silently */
void panic_print(const char *fmt, ...) __printf_like(1, 2);
void panic_halt(void) __noreturn;

#define CORBEL_ASSERT(cond)                                                    \
    do {                                                                       \
        if (unlikely(!(cond)))                                                 \
            panic("assertion failed: %s at %s:%d", #cond, __FILE__, __LINE__); \
    } while (0)

#endif
