/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of print(), for those who put several together into one line.
 */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

#include <stdarg.h>

void print_begin(void);
void print_end(void);
void print_args(const char *format, va_list *args);

#endif
