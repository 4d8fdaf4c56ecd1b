/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory and string functions of the C library that EL2 code and the compiler
 * itself call. Plain C: 16 bytes a step (the compiler makes a load and a store pair of
 * each), then single bytes. Unaligned accesses are fine, all of EL2's data is Normal
 * memory; never use these on device registers. keep_loop() stops the compiler from
 * recognizing a loop as the very function it is in.
 */
#include <corbel/string.h>

#include <corbel/compiler.h>

/* Two words at any address and of any type. */
struct pair {
    u64 lo, hi;
} __packed __may_alias;

void *memcpy(void *dst, const void *src, size_t n)
{
    u8 *d = dst;
    const u8 *s = src;

    for (; n >= sizeof(struct pair); n -= sizeof(struct pair)) {
        u64 lo = ((const struct pair *)s)->lo, hi = ((const struct pair *)s)->hi;

        ((struct pair *)d)->lo = lo;
        ((struct pair *)d)->hi = hi;
        d += sizeof(struct pair);
        s += sizeof(struct pair);
        keep_loop();
    }
    for (; n; n--) {
        *d++ = *s++;
        keep_loop();
    }
    return dst;
}

/* From the end down, for a destination that overlaps the source from above. */
static void move_down(u8 *d, const u8 *s, size_t n)
{
    while (n >= sizeof(struct pair)) {
        n -= sizeof(struct pair);
        u64 lo = ((const struct pair *)(s + n))->lo, hi = ((const struct pair *)(s + n))->hi;

        ((struct pair *)(d + n))->lo = lo;
        ((struct pair *)(d + n))->hi = hi;
        keep_loop();
    }
    while (n) {
        n--;
        d[n] = s[n];
        keep_loop();
    }
}

void *memmove(void *dst, const void *src, size_t n)
{
    /* memcpy() reads a pair before it writes one, so moving down in memory is safe in it. */
    if ((uintptr_t)dst - (uintptr_t)src >= n)
        return memcpy(dst, src, n);
    move_down(dst, src, n);
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    u8 *d = dst;
    u64 word = (u8)c * 0x0101010101010101ull;

    for (; n >= sizeof(struct pair); n -= sizeof(struct pair)) {
        ((struct pair *)d)->lo = word;
        ((struct pair *)d)->hi = word;
        d += sizeof(struct pair);
        keep_loop();
    }
    for (; n; n--) {
        *d++ = (u8)c;
        keep_loop();
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (; n; n--, x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const u8 *p = s;

    for (; n; n--, p++) {
        if (*p == (u8)c)
            return (void *)(uintptr_t)p;
    }
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p) {
        p++;
        keep_loop();
    }
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++) {
        if (!*s)
            return NULL;
    }
    return (char *)(uintptr_t)s;
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;

    do {
        if (*s == (char)c)
            last = s;
    } while (*s++);
    return (char *)(uintptr_t)last;
}
