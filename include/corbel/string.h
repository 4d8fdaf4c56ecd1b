/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_STRING_H
#define CORBEL_STRING_H

#include <corbel/types.h>

/* The C library's meaning; common/lib/string.c on the target, libc in host tests. */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copy at most size - 1 bytes and always end with NUL; true when all of src fitted. */
bool str_copy(char *dst, const char *src, size_t size);

/* Bytes that a console cannot show become '?': names in a tree may say anything to a terminal. */
void str_clean(char *text);

/* True when the NUL-terminated string s starts with prefix. */
bool str_starts(const char *s, const char *prefix);

/* True when s is pattern, or starts with what stands before a '*' at the pattern's end. */
bool str_matches(const char *s, const char *pattern);

/*
 * Read an unsigned number at *s ("0x" hexadecimal, else decimal), advance *s
 * behind it. ERR_FORMAT when there is no digit, ERR_RANGE beyond 64 bits.
 * Returned as int so that this header does not need err.h.
 */
int str_to_u64(const char **s, u64 *out);

#endif
