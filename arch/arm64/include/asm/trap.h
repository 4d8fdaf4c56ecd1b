/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_TRAP_H
#define ASM_TRAP_H

struct vcpu;

/* Called by vectors.S with the vCPU whose registers were saved; return the one to enter. */
struct vcpu *trap_sync(struct vcpu *v);
struct vcpu *trap_irq(struct vcpu *v);
struct vcpu *trap_serror(struct vcpu *v);

#endif
