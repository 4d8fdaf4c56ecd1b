/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of the image: text RX, rodata R, data and bss RW-NX, each on pages of
 * its own (head.S maps them so). The end of the text and the start of the rodata are
 * one range that is given back after the boot (boot_end.h). Everything, bss included, must fit
 * the 2 MiB slot that booti and imagebuilder scripts leave (tools/check_image.py).
 */
#include <asm/layout.h>

OUTPUT_FORMAT("elf64-littleaarch64")
OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = IMAGE_BASE;
    _start = .;
    .text : {
        KEEP(*(.head.text))
        KEEP(*(.idmap.text)) /* the identity page is the image's first */
        idmap_end = .;
        *(.text.entry)
        *(.text.vectors) /* tables of 2 KiB each: what is before them fills the first 2 KiB */
        *(.text .text.* .init.text.resident)
    } :text
    .init_caller : {
        *(.init_caller .init.init_caller)
    } :text
    . = ALIGN(4096);
    init_start = ABSOLUTE(.);
    .init.text : {
        *(.init.text .init.text.*)
    } :text
    . = ALIGN(4096);
    text_end = ABSOLUTE(.);

    .init.rodata : {
        *(.init.rodata .init.rodata.*)
    } :rodata
    . = ALIGN(4096);
    init_end = ABSOLUTE(.);
    .rodata : {
        *(.rodata .rodata.*)
    } :rodata
    . = ALIGN(4096);
    rodata_end = ABSOLUTE(.);

    .data : {
        *(.data .data.* .init.data .init.data.*)
        . = ALIGN(16);
        *(.got .got.plt)
        . = ALIGN(4096);
    } :data
    _edata = .;

    bss_start = .;
    .bss (NOLOAD) : {
        *(.bss .bss.* .init.bss .init.bss.*)
        *(COMMON)
        . = ALIGN(4096);
        *(.bss.pgtable)
        . = ALIGN(4096);
        boot_guard = .;
        . = . + 4096;
        boot_stack = .;
        . = . + EL2_STACK_SIZE;
        boot_stack_top = .;
        boot_panic_stack = .;
        . = . + 4096;
        boot_panic_top = .;
    } :data
    . = ALIGN(4096);
    bss_end = .;
    _end = .;
    image_size = _end - _start;
    ASSERT(idmap_end - _start <= 4096, "the identity page holds more than a page")
    ASSERT(image_size <= 0x200000, "the image does not fit its 2 MiB slot")

    /DISCARD/ : {
        *(.comment .note* .eh_frame* .gnu.hash .hash .dynsym .dynstr .dynamic .interp)
    }
}

NOCROSSREFS_TO(.init.text .text .rodata .data)
NOCROSSREFS_TO(.init.rodata .text .rodata .data .init_caller)
