/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IMAGE_H
#define CORBEL_IMAGE_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/types.h>

/*
 * Guest kernel formats: arm64 Image (Linux booting.rst: text_offset, image_size,
 * flags), gzip of one, legacy uImage (load and entry from its header; load 0 =
 * position independent). Pure: works on the first IMAGE_PROBE_SIZE bytes.
 */
#define IMAGE_PROBE_SIZE 512u /* reaches past the section table of Linux's PE header */

enum image_format { IMAGE_RAW_ARM64, IMAGE_GZIP };

struct image_info {
    u8 format;       /* how the payload is stored */
    bool uimage;     /* a 64-byte uImage header comes before the payload */
    u64 skip;        /* bytes before the payload in the module */
    u64 size;        /* payload bytes in the module (stored size) */
    u64 text_offset; /* from the base of RAM (2 MiB aligned) */
    u64 mem_size;    /* memory the kernel needs from there on, BSS included; 0 for gzip: unknown */
    bool fixed;      /* must sit at load_addr */
    u64 load_addr, entry_offset;
};

/*
 * head: the module's first bytes, len of them. ERR_FORMAT with why set to a short
 * reason that can stand in "expected a kernel image: <why>".
 */
enum corbel_err image_probe(const void *head, u64 len, u64 module_size, struct image_info *out,
                            const char **why) __must_check;

/*
 * Where kernel, device tree and ramdisk go in a bank of RAM: kernel at bank base +
 * text_offset (2 MiB aligned base); DTB at base + 128 MiB with the ramdisk 2 MiB behind
 * it, as Xen has them, else ramdisk and DTB at the end of the bank. DTB on its own 2 MiB
 * page where that fits and never across a 2 MiB boundary; ramdisk page aligned, in one
 * piece. common/image_place.c
 */
struct image_place {
    u64 kernel, dtb, ramdisk; /* guest-physical; kernel = start of the image */
    u64 entry;
};

struct image_want {
    u64 kernel_size;            /* mem_size */
    u64 dtb_size, ramdisk_size; /* a tree of at most 2 MiB: booting.rst */
    const struct image_info *info;
};

/* ERR_FORMAT when it cannot be; *why is then what was expected ("room for ..."). */
enum corbel_err image_place(u64 bank_base, u64 bank_size, const struct image_want *want,
                            struct image_place *out, const char **why) __must_check;

/*
 * The same in RAM of several banks, which come by address: the first bank that holds it
 * all; else the kernel in the first one that leaves room for the others somewhere, near
 * it and above it rather than below, for kernels that do not use what is below them.
 */
enum corbel_err image_place_banks(const struct mem_range *banks, u32 count,
                                  const struct image_want *want, struct image_place *out,
                                  const char **why) __must_check;

#endif
