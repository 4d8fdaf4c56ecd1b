/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_VSYSREG_H
#define ASM_VSYSREG_H

#include <corbel/guest_exit.h>
#include <corbel/types.h>

struct vcpu;

/*
 * A trapped MSR, MRS or system instruction. True: answered here, PC advanced, e
 * becomes EXIT_NONE. False: e says what common code shall do (EXIT_SYSREG with the
 * register, or EXIT_UNDEF).
 */
bool vsysreg_handle(struct vcpu *v, u32 iss, struct guest_exit *e);

#endif
