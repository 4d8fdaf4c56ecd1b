/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMC with the SMCCC 1.2 register set (DEN0028 section 2.6).
 * In: x0 = struct smccc_args (18 registers), read and written back.
 * Clobbers what the C calling convention allows; keeps x18.
 */
    .text
    .global smccc_smc
smccc_smc:
    stp     x29, x30, [sp, #-32]!
    mov     x29, sp
    stp     x18, x0, [sp, #16]
    mov     x30, x0
    ldp     x2, x3, [x30, #16]
    ldp     x4, x5, [x30, #32]
    ldp     x6, x7, [x30, #48]
    ldp     x8, x9, [x30, #64]
    ldp     x10, x11, [x30, #80]
    ldp     x12, x13, [x30, #96]
    ldp     x14, x15, [x30, #112]
    ldp     x16, x17, [x30, #128]
    ldp     x0, x1, [x30]
    smc     #0
    ldr     x30, [sp, #24]
    stp     x0, x1, [x30]
    stp     x2, x3, [x30, #16]
    stp     x4, x5, [x30, #32]
    stp     x6, x7, [x30, #48]
    stp     x8, x9, [x30, #64]
    stp     x10, x11, [x30, #80]
    stp     x12, x13, [x30, #96]
    stp     x14, x15, [x30, #112]
    stp     x16, x17, [x30, #128]
    ldr     x18, [sp, #16]
    ldp     x29, x30, [sp], #32
    ret
