/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2 exception vectors (Arm ARM D1.3.1): 16 slots of 32 instructions. The slots
 * of a guest store x0-x30, ELR and SPSR straight into vcpu->regs (23 instructions)
 * and call C, which returns the vCPU to enter; guest_enter restores it (20). All
 * other slots name themselves in a fault report.
 */
#include <generated/asm_offsets.h>

/* Save a guest's registers. Out: x0 = struct vcpu. Clobbers x1-x3; SP as at ERET. */
.macro save_guest
    stp     x0, x1, [sp, #-16]!
    mrs     x0, tpidr_el2
    ldr     x0, [x0, #CPU_CURRENT]
    stp     x2, x3, [x0, #(VCPU_X + 16)]
    ldp     x2, x3, [sp], #16
    stp     x4, x5, [x0, #(VCPU_X + 32)]
    stp     x6, x7, [x0, #(VCPU_X + 48)]
    stp     x8, x9, [x0, #(VCPU_X + 64)]
    stp     x10, x11, [x0, #(VCPU_X + 80)]
    stp     x12, x13, [x0, #(VCPU_X + 96)]
    stp     x14, x15, [x0, #(VCPU_X + 112)]
    stp     x16, x17, [x0, #(VCPU_X + 128)]
    stp     x18, x19, [x0, #(VCPU_X + 144)]
    stp     x20, x21, [x0, #(VCPU_X + 160)]
    stp     x22, x23, [x0, #(VCPU_X + 176)]
    stp     x24, x25, [x0, #(VCPU_X + 192)]
    stp     x26, x27, [x0, #(VCPU_X + 208)]
    stp     x28, x29, [x0, #(VCPU_X + 224)]
    stp     x2, x3, [x0, #VCPU_X]
    mrs     x1, elr_el2
    mrs     x2, spsr_el2
    str     x30, [x0, #(VCPU_X + 240)]
    stp     x1, x2, [x0, #VCPU_PC]  /* PSTATE follows */
.endm

/* Save, let C answer (x29 = 0 ends its call trace), enter what it returns. */
.macro guest_exit handler
    save_guest
    mov     x29, xzr
    bl      \handler
    b       guest_enter
.endm

.macro guest_slot handler
    .balign 128
    guest_exit \handler
.endm

/* A slot that must never be taken: number to the report, registers on the panic stack. */
.macro bad_slot number
    .balign 128
    msr     tpidr_el1, x0           /* the report never returns: a guest register may go */
    mrs     x0, tpidr_el2
    ldr     x0, [x0, #CPU_PANIC_SP]
    sub     x0, x0, #(35 * 8 + 8)
    stp     x1, x2, [x0, #8]
    mov     x2, #\number
    b       el2_fault
.endm

/*
 * A slot of a guest on a CPU whose branch predictors a guest can train against EL2
 * (harden.c): the mitigation comes before any branch that depends on memory or is indirect.
 */
.macro hardened_slot handler, mitigation
    .balign 128
    stp     x0, x1, [sp, #-16]!
    \mitigation
    ldp     x0, x1, [sp], #16
    b       \handler
.endm

/* Spectre-BHB: fill the branch history with our own branches (Arm's whitepaper, section 3). */
.macro flush_history
    mrs     x0, tpidr_el2
    ldr     w0, [x0, #CPU_BHB_LOOPS]
1:  b       2f
2:  subs    x0, x0, #1
    b.ne    1b
    dsb     nsh
    isb
.endm

/* Spectre-v2 and BHB by the firmware: SMCCC_ARCH_WORKAROUND_1 or _3; it may change x0-x3. */
.macro call_firmware
    stp     x2, x3, [sp, #-16]!
    mrs     x0, tpidr_el2
    ldr     w0, [x0, #CPU_HARDEN_CALL]
    smc     #0
    ldp     x2, x3, [sp], #16
.endm

.macro bad_slots first
    bad_slot \first
    bad_slot (\first + 1)
    bad_slot (\first + 2)
    bad_slot (\first + 3)
.endm

.macro hardened_table name, mitigation
    .global \name
    .balign 2048
\name:
    bad_slots 0
    bad_slots 4
    hardened_slot save_sync, \mitigation
    hardened_slot save_irq, \mitigation
    hardened_slot save_irq, \mitigation
    hardened_slot save_serror, \mitigation
    bad_slots 12
    .balign 128
.endm

    .section .text.vectors, "ax"
    .global vectors
    .balign 2048
vectors:
    bad_slots 0
    bad_slots 4
    guest_slot trap_sync
    guest_slot trap_irq
    guest_slot trap_irq
    guest_slot trap_serror
    bad_slots 12
    .balign 128

    hardened_table vectors_history, flush_history
    hardened_table vectors_firmware, call_firmware

    .section .text.entry, "ax"
save_sync:
    guest_exit trap_sync
save_irq:
    guest_exit trap_irq
save_serror:
    guest_exit trap_serror

/* In: x0 = struct vcpu to enter, loaded on this CPU. SP is the top of the stack. Never returns. */
    .global guest_enter
guest_enter:
    ldr     x30, [x0, #(VCPU_X + 240)]
    ldp     x1, x2, [x0, #VCPU_PC]
    msr     elr_el2, x1
    msr     spsr_el2, x2
    ldp     x2, x3, [x0, #(VCPU_X + 16)]
    ldp     x4, x5, [x0, #(VCPU_X + 32)]
    ldp     x6, x7, [x0, #(VCPU_X + 48)]
    ldp     x8, x9, [x0, #(VCPU_X + 64)]
    ldp     x10, x11, [x0, #(VCPU_X + 80)]
    ldp     x12, x13, [x0, #(VCPU_X + 96)]
    ldp     x14, x15, [x0, #(VCPU_X + 112)]
    ldp     x16, x17, [x0, #(VCPU_X + 128)]
    ldp     x18, x19, [x0, #(VCPU_X + 144)]
    ldp     x20, x21, [x0, #(VCPU_X + 160)]
    ldp     x22, x23, [x0, #(VCPU_X + 176)]
    ldp     x24, x25, [x0, #(VCPU_X + 192)]
    ldp     x26, x27, [x0, #(VCPU_X + 208)]
    ldp     x28, x29, [x0, #(VCPU_X + 224)]
    ldp     x0, x1, [x0, #VCPU_X]
    eret
    dsb     nsh                     /* no straight-line speculation past ERET */
    isb

/*
 * In: x0 = frame on the panic stack (x1, x2 stored), x2 = slot, guest TPIDR_EL1 = old x0.
 * An external abort of a guarded access (guarded_io.S) goes on at its failure label. Else
 * completes struct el2_frame (fault.h) and calls the report, which does not return.
 */
el2_fault:
    stp     x3, x4, [x0, #24]
    cmp     x2, #4                  /* synchronous, from EL2 itself */
    b.ne    el2_report
    mrs     x3, esr_el2
    and     x3, x3, #0x3f
    cmp     x3, #0x10               /* DFSC: external abort, not on a walk */
    b.ne    el2_report
    mrs     x3, elr_el2
    adrp    x4, guarded_io_begin
    add     x4, x4, :lo12:guarded_io_begin
    cmp     x3, x4
    b.lo    el2_report
    adrp    x4, guarded_io_end
    add     x4, x4, :lo12:guarded_io_end
    cmp     x3, x4
    b.hs    el2_report
    adrp    x4, guarded_io_failed
    add     x4, x4, :lo12:guarded_io_failed
    msr     elr_el2, x4
    eret
    dsb     nsh
    isb
el2_report:
    stp     x5, x6, [x0, #40]
    stp     x7, x8, [x0, #56]
    stp     x9, x10, [x0, #72]
    stp     x11, x12, [x0, #88]
    stp     x13, x14, [x0, #104]
    stp     x15, x16, [x0, #120]
    stp     x17, x18, [x0, #136]
    stp     x19, x20, [x0, #152]
    stp     x21, x22, [x0, #168]
    stp     x23, x24, [x0, #184]
    stp     x25, x26, [x0, #200]
    stp     x27, x28, [x0, #216]
    stp     x29, x30, [x0, #232]
    mrs     x1, tpidr_el1
    str     x1, [x0]
    mov     x1, sp
    str     x1, [x0, #248]
    mrs     x1, elr_el2
    str     x1, [x0, #256]
    mrs     x1, spsr_el2
    str     x1, [x0, #264]
    mov     sp, x0
    mov     x1, x2
    mov     x29, xzr
    mov     x30, xzr
    bl      fault_report
1:  wfe
    b       1b
