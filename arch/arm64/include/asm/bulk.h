/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_BULK_H
#define ASM_BULK_H

#include <corbel/types.h>

/*
 * bulk.S to cache.c: copy whole rounds, and clean to the PoC every line of the destination but
 * the one that holds its last byte. size is a multiple of COPY_ROUND, not 0; the CPU's lines
 * have COPY_LINE_MIN bytes or more.
 */
#define COPY_ROUND    256u
#define COPY_LINE_MIN 64u

void copy_clean_lines(void *dst, const void *src, size_t size);

#endif
