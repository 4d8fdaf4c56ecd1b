/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <corbel/types.h>

/*
 * A test sets these two; NULL means: plain memory at base + offset.
 * size is 1, 2, 4 or 8.
 */
struct fake_io {
    u64 (*read)(uintptr_t base, u32 offset, u32 size);
    void (*write)(uintptr_t base, u32 offset, u32 size, u64 value);
};
extern struct fake_io fake_io;

u64 fake_io_read(uintptr_t base, u32 offset, u32 size);
void fake_io_write(uintptr_t base, u32 offset, u32 size, u64 value);

static inline u8 mmio_read8(uintptr_t b, u32 o)
{
    return (u8)fake_io_read(b, o, 1);
}
static inline u16 mmio_read16(uintptr_t b, u32 o)
{
    return (u16)fake_io_read(b, o, 2);
}
static inline u32 mmio_read32(uintptr_t b, u32 o)
{
    return (u32)fake_io_read(b, o, 4);
}
static inline u64 mmio_read64(uintptr_t b, u32 o)
{
    return fake_io_read(b, o, 8);
}
static inline void mmio_write8(uintptr_t b, u32 o, u8 v)
{
    fake_io_write(b, o, 1, v);
}
static inline void mmio_write16(uintptr_t b, u32 o, u16 v)
{
    fake_io_write(b, o, 2, v);
}
static inline void mmio_write32(uintptr_t b, u32 o, u32 v)
{
    fake_io_write(b, o, 4, v);
}
static inline void mmio_write64(uintptr_t b, u32 o, u64 v)
{
    fake_io_write(b, o, 8, v);
}

#endif
