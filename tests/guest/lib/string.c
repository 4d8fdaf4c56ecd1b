/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few string functions that payloads and the compiler call.
 */
#include "lib.h"

void *memset(void *dst, int byte, size_t size)
{
    uint8_t *to = dst;

    for (size_t i = 0; i < size; i++) {
        to[i] = (uint8_t)byte;
    }
    return dst;
}

void *memcpy(void *dst, const void *src, size_t size)
{
    uint8_t *to = dst;
    const uint8_t *from = src;

    for (size_t i = 0; i < size; i++) {
        to[i] = from[i];
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *left = a;
    const uint8_t *right = b;

    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i]) {
            return left[i] - right[i];
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t size = 0;

    while (text[size] != '\0') {
        size++;
    }
    return size;
}

int strncmp(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i] || a[i] == '\0') {
            return (uint8_t)a[i] - (uint8_t)b[i];
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}
