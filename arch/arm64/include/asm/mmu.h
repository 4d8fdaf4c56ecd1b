/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include <asm/layout.h>
#include <corbel/types.h>

/* Heap pages only: arithmetic on the linear area. Any other address faults when used. */
static inline void *phys_to_virt(pa_t pa)
{
    return (void *)(uintptr_t)(LINEAR_BASE + pa.v);
}

static inline pa_t virt_to_phys(const void *va)
{
    return PA((u64)(uintptr_t)va - LINEAR_BASE);
}

/* PA of a symbol of the image; the load address is known from the first instruction on. */
pa_t image_to_phys(const void *symbol);

#endif
