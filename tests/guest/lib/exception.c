/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of the payload: interrupts go to a hook, expected synchronous exceptions are recorded
 * and skipped, everything else ends the payload with a report.
 */
#include "cpu.h"
#include "gic.h"
#include "print.h"
#include "psci.h"

_Static_assert(sizeof(struct frame) == FRAME_SIZE, "start.S: FRAME_SIZE");
_Static_assert(offsetof(struct frame, elr) == 248, "start.S: x30, ELR at 240");
_Static_assert(offsetof(struct frame, far) == 272, "start.S: FAR at 272");
_Static_assert(offsetof(struct cpu, index) == CPU_INDEX, "start.S: CPU_INDEX");
_Static_assert(STACK_SHIFT == 14 && MAX_CPUS == 8, "payload.lds: stacks");

static irq_hook_t *irq_hook;

void exception_handle(struct frame *frame, unsigned int slot);

void irq_set_hook(irq_hook_t *hook)
{
    irq_hook = hook;
}

static void handle_irq(void)
{
    uint32_t iar = gic_ack();

    if (gic_intid(iar) >= GIC_SPURIOUS) {
        return;
    }
    this_cpu()->irq_count++;
    this_cpu()->last_iar = iar;
    if (irq_hook != NULL) {
        irq_hook(iar);
    }
    gic_eoi(iar);
}

static void handle_sync(struct cpu *cpu, struct frame *frame)
{
    cpu->guard = false;
    cpu->fault.taken = true;
    cpu->fault.esr = frame->esr;
    cpu->fault.far = frame->far;
    cpu->fault.elr = frame->elr;
    if (ESR_EC(frame->esr) == EC_IABT_SAME) {
        frame->elr = frame->x[30];
    } else if (ESR_EC(frame->esr) != EC_STEP_SAME) {
        frame->elr += 4;
    } else {
        frame->spsr |= BIT(9); /* PSTATE.D: the next step must not come at once */
    }
    frame->spsr &= ~BIT(21);
}

void exception_handle(struct frame *frame, unsigned int slot)
{
    struct cpu *cpu = this_cpu();

    if (slot % 4 == 1) {
        if (cpu->irq_budget != 0 && --cpu->irq_budget == 0) {
            frame->spsr |= BIT(7); /* PSTATE.I */
        }
        handle_irq();
        return;
    }
    if (slot % 4 == 0 && cpu->guard) {
        handle_sync(cpu, frame);
        return;
    }
    print_end(); /* whoever was printing will not go on */
    print("UNEXPECTED exception: vCPU%u slot %u ESR 0x%lx ELR 0x%lx (image+0x%lx) FAR 0x%lx\n",
          cpu->index, slot, frame->esr, frame->elr, frame->elr - (uintptr_t)image_head, frame->far);
    print("Bail out! exception\n");
    psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;) {
        wfi();
    }
}

void guard_begin(void)
{
    this_cpu()->fault.taken = false;
    this_cpu()->guard = true;
    isb();
}

struct fault guard_end(void)
{
    dsb();
    isb();
    this_cpu()->guard = false;
    return this_cpu()->fault;
}

struct fault guarded_call(uintptr_t address)
{
    return guarded(((void (*)(void))address)());
}

struct fault guarded_read32(uintptr_t address, uint32_t *value)
{
    return guarded(*value = mmio_read32(address));
}

struct fault guarded_write32(uintptr_t address, uint32_t value)
{
    return guarded(mmio_write32(address, value));
}
