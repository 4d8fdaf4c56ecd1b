/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

/*
 * Device registers, little endian, one access of exactly that width, ordered
 * among themselves (Device-nGnRE mapping in EL2):
 *   u8/u16/u32/u64 mmio_readN(uintptr_t base, u32 offset)
 *   void mmio_writeN(uintptr_t base, u32 offset, uN value)
 * On the host tests/fake records a trace and answers from a script.
 */
#include <asm/io.h>

#include <corbel/types.h>

/*
 * One access to device registers on somebody else's behalf: size 1, 2, 4 or 8 bytes, addr
 * aligned to it. False when the bus answers with an error that the CPU takes synchronously,
 * which for the functions above is a fault of EL2 itself. An error that comes later is an
 * SError, taken when a guest runs, and is that guest's.
 */
bool arch_io_try_read(uintptr_t addr, u32 size, u64 *value);
bool arch_io_try_write(uintptr_t addr, u32 size, u64 value);

#endif
