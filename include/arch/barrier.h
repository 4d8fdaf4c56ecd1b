/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

/*
 * One-instruction inlines, nothing on the host: dsb_sy() dsb_ish() dsb_ishst()
 * dsb_nsh() dmb_ish() isb(). Each use names what it pairs with.
 */
#include <asm/barrier.h>

#endif
