/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses to device registers that may end in an external abort (arch/io.h). vectors.S
 * knows the instructions between the two labels: an external abort there is not a fault of
 * EL2, it goes on at guarded_io_failed. On its way it changes x0 to x4 and TPIDR_EL1, which
 * is a guest's: x9 holds it meanwhile.
 */
    .section .text.guarded_io, "ax"

/* bool arch_io_try_read(uintptr_t addr, u32 size, u64 *value) */
    .global arch_io_try_read
arch_io_try_read:
    mrs     x9, tpidr_el1
    tbnz    w1, #3, read8
    tbnz    w1, #2, read4
    tbnz    w1, #1, read2
    b       read1

/* bool arch_io_try_write(uintptr_t addr, u32 size, u64 value) */
    .global arch_io_try_write
arch_io_try_write:
    mrs     x9, tpidr_el1
    tbnz    w1, #3, write8
    tbnz    w1, #2, write4
    tbnz    w1, #1, write2
    b       write1

    .global guarded_io_begin
guarded_io_begin:
read1:
    ldrb    w3, [x0]
    b       read_done
read2:
    ldrh    w3, [x0]
    b       read_done
read4:
    ldr     w3, [x0]
    b       read_done
read8:
    ldr     x3, [x0]
    b       read_done
write1:
    strb    w2, [x0]
    b       done
write2:
    strh    w2, [x0]
    b       done
write4:
    str     w2, [x0]
    b       done
write8:
    str     x2, [x0]
    b       done
    .global guarded_io_end
guarded_io_end:

read_done:
    str     x3, [x2]
done:
    mov     w0, #1
    ret

    .global guarded_io_failed
guarded_io_failed:
    msr     tpidr_el1, x9
    mov     w0, #0
    ret
