/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H

/* libfdt and zlib include it; of what is in it they use nothing in our build. */
#include <stddef.h>

#endif
