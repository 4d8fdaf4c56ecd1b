/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying and zeroing whole cache lines, for kernels, ramdisks and scrubbing: the only
 * places where EL2 touches megabytes. Contracts in arch/cache.h.
 */
    .arch_extension fp
    .arch_extension simd

    .text

/*
 * arch_copy_clean()'s bulk: 256 bytes a round, and each line is cleaned to the PoC while the
 * L1 cache still has it. In: x0 destination, x1 source, x2 bytes, a multiple of 256 and not 0.
 * Lines are at least 64 bytes. The line that holds the last byte is the caller's to clean: with a
 * destination inside a line a round cleans what the one before it began.
 * The SIMD registers are whatever guest's vCPU is resident here: those used are put back.
 * Clobbers x0-x3.
 */
    .global copy_clean_lines
copy_clean_lines:
    stp     q0, q1, [sp, #-128]!
    stp     q2, q3, [sp, #32]
    stp     q4, q5, [sp, #64]
    stp     q6, q7, [sp, #96]
1:  ldp     q2, q3, [x1, #32]
    ldp     q4, q5, [x1, #64]
    ldp     q6, q7, [x1, #96]
    ldp     q0, q1, [x1], #128
    stp     q0, q1, [x0]
    stp     q2, q3, [x0, #32]
    stp     q4, q5, [x0, #64]
    stp     q6, q7, [x0, #96]
    ldp     q2, q3, [x1, #32]
    ldp     q4, q5, [x1, #64]
    ldp     q6, q7, [x1, #96]
    ldp     q0, q1, [x1], #128
    add     x3, x0, #64
    dc      cvac, x0
    dc      cvac, x3
    stp     q2, q3, [x0, #160]
    stp     q4, q5, [x0, #192]
    stp     q6, q7, [x0, #224]
    stp     q0, q1, [x0, #128]!
    add     x3, x0, #64
    dc      cvac, x0
    dc      cvac, x3
    add     x0, x0, #128
    subs    x2, x2, #256
    b.ne    1b
    ldp     q2, q3, [sp, #32]
    ldp     q4, q5, [sp, #64]
    ldp     q6, q7, [sp, #96]
    ldp     q0, q1, [sp], #128
    ret

/*
 * In: x0 start, x1 bytes, both multiples of 4096: DC ZVA where the CPU allows it (DCZID_EL0.DZP 0,
 * block at most 2 KiB), else pairs of zeroes. Clobbers x0-x4.
 */
    .global arch_zero_pages
arch_zero_pages:
    add     x1, x0, x1
    mrs     x2, dczid_el0
    tbnz    x2, #4, 2f
    mov     x3, #4
    and     x2, x2, #0xf
    lsl     x3, x3, x2
1:  dc      zva, x0
    add     x0, x0, x3
    cmp     x0, x1
    b.lo    1b
    ret
2:  stp     xzr, xzr, [x0], #16
    stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    2b
    ret
