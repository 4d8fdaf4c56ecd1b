/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The project's own string helpers (corbel/string.h, names in str_). Apart from
 * string.c so that host tests, which have a C library, can link just these. Pure.
 */
#include <corbel/string.h>

#include <corbel/err.h>

__init bool str_copy(char *dst, const char *src, size_t size)
{
    size_t i;

    if (size == 0)
        return false;
    for (i = 0; i < size - 1 && src[i]; i++)
        dst[i] = src[i];
    dst[i] = '\0';
    return src[i] == '\0';
}

void str_clean(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text >= 0x7f)
            *text = '?';
}

__init bool str_starts(const char *s, const char *prefix)
{
    while (*prefix) {
        if (*s++ != *prefix++)
            return false;
    }
    return true;
}

__init bool str_matches(const char *s, const char *pattern)
{
    while (*pattern && *pattern == *s) {
        pattern++;
        s++;
    }
    return strcmp(pattern, "*") == 0 || (*pattern == '\0' && *s == '\0');
}

/* Value of c as a digit of base, or base when it is none. */
static __init u32 digit_value(char c, u32 base)
{
    u32 v = base;

    if (c >= '0' && c <= '9')
        v = (u32)(c - '0');
    else if (c >= 'a' && c <= 'f')
        v = (u32)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        v = (u32)(c - 'A') + 10;
    return v < base ? v : base;
}

__init int str_to_u64(const char **s, u64 *out)
{
    const char *p = *s;
    u32 base = 10;
    u64 value = 0;

    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
    }
    if (digit_value(*p, base) == base)
        return ERR_FORMAT;
    for (; digit_value(*p, base) != base; p++) {
        u32 digit = digit_value(*p, base);

        if (value > (~0ull - digit) / base)
            return ERR_RANGE;
        value = value * base + digit;
    }
    *s = p;
    *out = value;
    return CORBEL_OK;
}
