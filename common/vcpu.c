/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a vCPU for something (design decision 15): request bits in vcpu->req, and a
 * kick where it is loaded on another CPU. SGI_KICK is masked while that CPU is in EL2
 * and stays pending, so it exits again right after its ERET: no request is missed.
 */
#include <corbel/vcpu.h>

#include <corbel/cpu.h>
#include <corbel/irq.h>

void vcpu_kick(struct vcpu *v, u32 req)
{
    u32 old = __atomic_fetch_or(&v->req, req, __ATOMIC_ACQ_REL);
    /* Pairs with the store-release in guest_exit.c when residency is given up. */
    const struct cpu *cpu = __atomic_load_n(&v->resident, __ATOMIC_ACQUIRE);

    if ((old & req) != req && cpu && cpu != cpu_this())
        irq_send_sgi(cpu, SGI_KICK);
}

void vcpu_wake(struct vcpu *v, u32 req)
{
    vcpu_kick(v, req);
    sched_wake(&v->unit);
}
