/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

/*
 * Nothing to wait for on the host. What else looks at memory (a model of a device) may want to
 * look where the code under test says that its stores are complete: tests/fake/fake_barrier.c.
 */
extern void (*fake_barrier_hook)(void);

static inline void fake_barrier(void)
{
    if (fake_barrier_hook)
        fake_barrier_hook();
}

#define isb() \
    do {      \
    } while (0)
#define dsb_sy()    fake_barrier()
#define dsb_ish()   fake_barrier()
#define dsb_ishst() fake_barrier()
#define dsb_nsh()   fake_barrier()
#define dmb_ish()   fake_barrier()

#endif
