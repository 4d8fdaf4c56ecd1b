/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <corbel/types.h>

/*
 * Plain base-register loads and stores: forms whose syndrome is always complete,
 * should this code ever run under another hypervisor.
 */
static inline u8 mmio_read8(uintptr_t base, u32 offset)
{
    u8 v;

    __asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(base + offset) : "memory");
    return v;
}

static inline u16 mmio_read16(uintptr_t base, u32 offset)
{
    u16 v;

    __asm__ volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(base + offset) : "memory");
    return v;
}

static inline u32 mmio_read32(uintptr_t base, u32 offset)
{
    u32 v;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(base + offset) : "memory");
    return v;
}

static inline u64 mmio_read64(uintptr_t base, u32 offset)
{
    u64 v;

    __asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(base + offset) : "memory");
    return v;
}

static inline void mmio_write8(uintptr_t base, u32 offset, u8 v)
{
    __asm__ volatile("strb %w0, [%1]" ::"r"(v), "r"(base + offset) : "memory");
}

static inline void mmio_write16(uintptr_t base, u32 offset, u16 v)
{
    __asm__ volatile("strh %w0, [%1]" ::"r"(v), "r"(base + offset) : "memory");
}

static inline void mmio_write32(uintptr_t base, u32 offset, u32 v)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(v), "r"(base + offset) : "memory");
}

static inline void mmio_write64(uintptr_t base, u32 offset, u64 v)
{
    __asm__ volatile("str %0, [%1]" ::"r"(v), "r"(base + offset) : "memory");
}

#endif
