/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BOOT_END_H
#define CORBEL_BOOT_END_H

#include <corbel/compiler.h>
#include <corbel/types.h>

/*
 * Who still needs the boot's own code and constants (objects.mk: init-objs; compiler.h: __init):
 * the boot CPU until it leaves boot(), another CPU while it comes up, a domain until its first
 * start or its refusal. The last one gives that memory to the frame allocator. Any CPU, no lock.
 */

/* Take a hold. False: it is gone already; a CPU that comes that late has to halt. */
bool boot_hold(void) __must_check;

/*
 * Drop one; the caller is in code that stays. The last one unmaps and frees the memory, and that of
 * modules that nobody needs, and logs where memory is and how the boot went.
 */
void boot_drop(void);

/* For that line: one more domain has started, or will not. */
void boot_note(bool started);

#endif
