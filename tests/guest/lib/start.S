/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry of the payload: arm64 Image header, self-relocation, stacks, vectors.
 * Entered at EL1 with the MMU off and x0 = device tree; runs wherever it was loaded.
 * Secondary vCPUs enter at secondary_entry with x0 = their struct cpu.
 */
#include "layout.h"

    .section .head, "ax"
    .globl image_head
image_head:
    b       primary_entry
    .long   0
    .quad   0                   /* text_offset */
    .quad   _image_size
    .quad   0xa                 /* little-endian, 4 KiB pages, anywhere in RAM */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .text
primary_entry:
    mov     x19, x0
    adrp    x0, _bss_start
    add     x0, x0, :lo12:_bss_start
    adrp    x1, _bss_end
    add     x1, x1, :lo12:_bss_end
1:  cmp     x0, x1
    b.hs    2f
    str     xzr, [x0], #8
    b       1b

    /* The image is linked at 0: add the load address to every R_AARCH64_RELATIVE (type 1027). */
2:  adrp    x0, _rela_start
    add     x0, x0, :lo12:_rela_start
    adrp    x1, _rela_end
    add     x1, x1, :lo12:_rela_end
    adrp    x2, image_head
    add     x2, x2, :lo12:image_head
3:  cmp     x0, x1
    b.hs    4f
    ldp     x3, x4, [x0]
    ldr     x5, [x0, #16]
    add     x0, x0, #24
    cmp     w4, #1027
    b.ne    3b
    add     x5, x5, x2
    str     x5, [x2, x3]
    b       3b

4:  adrp    x0, cpus
    add     x0, x0, :lo12:cpus
    bl      cpu_setup
    mov     x0, x19
    bl      payload_main
5:  wfi
    b       5b

    .globl secondary_entry
secondary_entry:
    mov     x20, x0
    bl      cpu_setup
    mov     x0, x20
    bl      smp_secondary_main
6:  wfi
    b       6b

/* In: x0 = struct cpu. Out: stack, vectors, TPIDR_EL1, FP access. Clobbers: x1, x2. */
cpu_setup:
    adrp    x1, _stacks
    add     x1, x1, :lo12:_stacks
    ldr     w2, [x0, #CPU_INDEX]
    add     w2, w2, #1
    add     x1, x1, x2, lsl #STACK_SHIFT
    mov     sp, x1
    msr     tpidr_el1, x0
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    mov     x1, #(3 << 20)      /* CPACR_EL1.FPEN */
    msr     cpacr_el1, x1
    isb
    ret

/* All 16 slots: save a struct frame on the stack, call exception_handle(frame, slot), restore. */
    .macro slot number
    .balign 128
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp]
    mov     x1, #\number
    b       exception_common
    .endm

    .balign 2048
vectors:
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    slot    \n
    .endr

    .balign 128
exception_common:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x2, elr_el1
    stp     x30, x2, [sp, #240]
    mrs     x2, spsr_el1
    mrs     x3, esr_el1
    stp     x2, x3, [sp, #256]
    mrs     x2, far_el1
    str     x2, [sp, #272]
    mov     x0, sp
    bl      exception_handle
    ldp     x2, x3, [sp, #256]
    msr     spsr_el1, x2
    ldp     x30, x2, [sp, #240]
    msr     elr_el1, x2
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldp     x0, x1, [sp]
    add     sp, sp, #FRAME_SIZE
    eret
