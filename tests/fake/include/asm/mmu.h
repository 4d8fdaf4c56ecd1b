/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include <corbel/types.h>

/* Fake RAM: fake_ram_size bytes at host physical fake_ram_base, backed by fake_ram. */
extern u8 *fake_ram;
extern u64 fake_ram_base, fake_ram_size;

void *phys_to_virt(pa_t pa);
pa_t virt_to_phys(const void *va);

#endif
