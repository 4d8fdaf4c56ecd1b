/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying and zeroing whole cache lines, for kernels, ramdisks and scrubbing: the only
 * places where EL2 touches megabytes. Contracts in arch/cache.h.
 */
    .text

/* In: x0 destination, x1 source, x2 bytes. Clobbers x0-x11. Any size and alignment. */
    .global arch_copy
arch_copy:
    subs    x2, x2, #64
    b.lo    2f
1:  ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
    ldp     x8, x9, [x1, #32]
    ldp     x10, x11, [x1, #48]
    add     x1, x1, #64
    stp     x4, x5, [x0]
    stp     x6, x7, [x0, #16]
    stp     x8, x9, [x0, #32]
    stp     x10, x11, [x0, #48]
    add     x0, x0, #64
    subs    x2, x2, #64
    b.hs    1b
2:  adds    x2, x2, #64
    b.eq    4f
3:  ldrb    w4, [x1], #1
    strb    w4, [x0], #1
    subs    x2, x2, #1
    b.ne    3b
4:  ret

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
