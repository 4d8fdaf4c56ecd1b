/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBC_STRING_H
#define LIBC_STRING_H

/*
 * include/libc stands in for a C library when libfdt and zlib are compiled for
 * EL2: only what they use, kept by common/lib/string.c. Never on our own path.
 */
#include <corbel/string.h>

#endif
