/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PRINTF_H
#define CORBEL_PRINTF_H

#include <stdarg.h>

#include <corbel/compiler.h>
#include <corbel/types.h>

/*
 * Formatted text into a buffer. Knows %d %i %u %x %X %c %s %p %%
 * with flags 0 - # +, width and precision (also *), lengths hh h l ll z.
 * %p prints 0x and 16 digits. Always ends with NUL when size > 0; returns the
 * length the whole text would have had, as C99 vsnprintf. Pure, no locks.
 */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf_like(3, 0);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...) __printf_like(3, 4);

#endif
