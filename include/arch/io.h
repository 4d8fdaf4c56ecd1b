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

#endif
