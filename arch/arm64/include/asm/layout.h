/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

/*
 * EL2 virtual addresses, 48 bits, TTBR0_EL2 only. Read by C, assembly and the
 * linker script: plain numbers. See docs/memory-map.md.
 */
#define LINEAR_BASE  0x0000400000000000 /* + PA, heap pages only, PA below 2^46 */
#define LINEAR_PA_MAX 0x0000400000000000
#define IMAGE_BASE   0x0000800000000000 /* link address of the image */
#define DEVICE_BASE  0x0000800040000000 /* device registers, 1 GiB */
#define DEVICE_SIZE  0x40000000
#define BOOT_MAP_BASE 0x0000800020000000 /* the device tree while it is read */
#define BOOT_MAP_SIZE 0x400000
#define WINDOW_BASE  0x0000800080000000 /* per CPU: 8 MiB of window slots */
#define WINDOW_PER_CPU 0x800000
#define WINDOW_SMALL_OFFSET 0x400000    /* the two large slots come first */

#define EL2_STACK_SIZE 16384

#endif
