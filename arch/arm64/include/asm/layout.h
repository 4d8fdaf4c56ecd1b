/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

/*
 * EL2 virtual addresses, 48 bits, TTBR0_EL2 only. Read by C, assembly and the
 * linker script: plain numbers. See docs/memory-map.md.
 */
#define LINEAR_BASE       0x0000400000000000 /* + PA, heap pages only, PA below 2^46 */
#define LINEAR_PA_MAX     0x0000400000000000
#define IMAGE_BASE        0x0000800000000000 /* link address of the image */
#define DEVICE_BASE       0x0000800040000000 /* device registers, 1 GiB */
#define DEVICE_SIZE       0x40000000
#define BOOT_MAP_BASE     0x0000800020000000 /* the device tree while it is read */
#define BOOT_MAP_SIZE     0x400000
#define WINDOW_BASE       0x0000800080000000 /* large window slots, two of 128 KiB for each CPU */
#define WINDOW_SMALL_BASE 0x0000800090000000 /* small ones, four pages for each: one table */

#define EL2_STACK_SIZE 16384

/* Memory types of EL2's own map: index into MAIR_EL2, and the register as head.S writes it. */
#define EL2_MT_NORMAL 0 /* Normal WB, read and write allocate */
#define EL2_MT_DEVICE 1 /* Device-nGnRE */
#define EL2_MT_NC     2 /* Normal non-cacheable */
#define EL2_MAIR \
    ((0xff << (8 * EL2_MT_NORMAL)) | (0x04 << (8 * EL2_MT_DEVICE)) | (0x44 << (8 * EL2_MT_NC)))

#endif
