/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatted text into a buffer, the subset of C99 that corbel/printf.h names. Pure:
 * no allocation, no locks, no state. A conversion it does not know is copied as it
 * stands, so that a wrong format shows itself in the output.
 */
#include <corbel/printf.h>

#include <corbel/bits.h>
#include <corbel/string.h>

/* Where the text goes; len counts also what did not fit. */
struct out {
    char *buf;
    size_t size;
    size_t len;
};

/* One conversion: %[flags][width][.precision][length]letter */
struct conv {
    bool left, zero, alt, plus, upper;
    int width;
    int precision; /* -1: none */
    u8 length;     /* bytes of the argument */
    char letter;
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size)
        o->buf[o->len] = c;
    o->len++;
}

static void put_repeat(struct out *o, char c, int count)
{
    for (; count > 0; count--)
        put(o, c);
}

static void put_text(struct out *o, const char *s, size_t n)
{
    for (; n; n--)
        put(o, *s++);
}

static void put_string(struct out *o, const struct conv *c, const char *s)
{
    size_t n;

    if (!s)
        s = "(null)";
    n = c->precision >= 0 ? strnlen(s, (size_t)c->precision) : strlen(s);
    if (!c->left)
        put_repeat(o, ' ', c->width - (int)n);
    put_text(o, s, n);
    if (c->left)
        put_repeat(o, ' ', c->width - (int)n);
}

/* Digits of value, most significant first, at the end of buf; returns the first. */
static const char *digits(char *end, u64 value, u32 base, bool upper)
{
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    while (value) {
        *--end = set[value % base];
        value /= base;
    }
    return end;
}

static void put_number(struct out *o, const struct conv *c, u64 value, u32 base, const char *prefix)
{
    char buf[24];
    char *end = buf + sizeof(buf);
    const char *first = digits(end, value, base, c->upper);
    int count = (int)(end - first), zeros, pad;
    int min = c->precision >= 0 ? c->precision : 1;
    size_t prefix_len = strlen(prefix);

    zeros = MAX(min - count, 0);
    pad = c->width - (int)prefix_len - zeros - count;
    if (c->zero && !c->left && c->precision < 0 && pad > 0) {
        zeros += pad;
        pad = 0;
    }
    if (!c->left)
        put_repeat(o, ' ', pad);
    put_text(o, prefix, prefix_len);
    put_repeat(o, '0', zeros);
    put_text(o, first, (size_t)count);
    if (c->left)
        put_repeat(o, ' ', pad);
}

static void put_signed(struct out *o, const struct conv *c, s64 value)
{
    const char *sign = value < 0 ? "-" : c->plus ? "+" : "";

    put_number(o, c, value < 0 ? 0ull - (u64)value : (u64)value, 10, sign);
}

static void put_hex(struct out *o, const struct conv *c, u64 value)
{
    const char *prefix = c->upper ? "0X" : "0x";

    put_number(o, c, value, 16, c->alt && value ? prefix : "");
}

static const char *parse_number(const char *p, int *out)
{
    int v = 0;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (v < 10000)
            v = v * 10 + (*p - '0');
    }
    *out = v;
    return p;
}

static const char *parse_flags(const char *p, struct conv *c)
{
    for (;; p++) {
        if (*p == '-')
            c->left = true;
        else if (*p == '0')
            c->zero = true;
        else if (*p == '#')
            c->alt = true;
        else if (*p == '+')
            c->plus = true;
        else
            return p;
    }
}

static const char *parse_length(const char *p, struct conv *c)
{
    c->length = sizeof(int);
    if (*p == 'z') {
        c->length = sizeof(size_t);
        return p + 1;
    }
    if (*p == 'l') {
        c->length = 8;
        return p[1] == 'l' ? p + 2 : p + 1;
    }
    if (*p == 'h') {
        c->length = p[1] == 'h' ? 1 : 2;
        return p[1] == 'h' ? p + 2 : p + 1;
    }
    return p;
}

/* An integer argument by its length, as an unsigned value of 64 bits. */
static u64 cut_unsigned(u64 v, u8 length)
{
    return length == 8 ? v : v & ((1ull << (length * 8)) - 1);
}

static s64 cut_signed(u64 v, u8 length)
{
    u32 shift = 64u - length * 8u;

    return (s64)(v << shift) >> shift;
}

static void put_integer(struct out *o, const struct conv *c, u64 arg)
{
    if (c->letter == 'd' || c->letter == 'i')
        put_signed(o, c, cut_signed(arg, c->length));
    else if (c->letter == 'u')
        put_number(o, c, cut_unsigned(arg, c->length), 10, "");
    else
        put_hex(o, c, cut_unsigned(arg, c->length));
}

static void put_char(struct out *o, const struct conv *c, char value)
{
    if (!c->left)
        put_repeat(o, ' ', c->width - 1);
    put(o, value);
    if (c->left)
        put_repeat(o, ' ', c->width - 1);
}

static void put_pointer(struct out *o, const struct conv *c, const void *value)
{
    struct conv p = *c;

    p.precision = 16;
    put_number(o, &p, (u64)(uintptr_t)value, 16, "0x");
}

/* A va_list may be an array type, which cannot be passed by address: wrap it. */
struct args {
    va_list ap;
};

/* Read one conversion behind its '%'; returns the place of its letter. */
static const char *parse_conv(const char *p, struct conv *c, struct args *args)
{
    p = parse_flags(p, c);
    if (*p == '*') {
        c->width = va_arg(args->ap, int);
        c->left |= c->width < 0;
        c->width = c->width < 0 ? -c->width : c->width;
        p++;
    } else {
        p = parse_number(p, &c->width);
    }
    if (*p == '.' && p[1] == '*') {
        c->precision = va_arg(args->ap, int);
        p += 2;
    } else if (*p == '.') {
        p = parse_number(p + 1, &c->precision);
    }
    p = parse_length(p, c);
    c->letter = *p;
    c->upper = *p == 'X';
    return p;
}

/* Print one conversion; false when its letter is unknown. */
static bool put_conv(struct out *o, const struct conv *c, struct args *args)
{
    switch (c->letter) {
    case 's':
        put_string(o, c, va_arg(args->ap, const char *));
        return true;
    case 'c':
        put_char(o, c, (char)va_arg(args->ap, int));
        return true;
    case 'p':
        put_pointer(o, c, va_arg(args->ap, const void *));
        return true;
    case '%':
        put(o, '%');
        return true;
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
        put_integer(o, c, c->length == 8 ? va_arg(args->ap, u64) : va_arg(args->ap, u32));
        return true;
    default:
        return false;
    }
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = { buf, size, 0 };
    struct args args;

    va_copy(args.ap, ap);
    for (; *fmt; fmt++) {
        struct conv c = { .precision = -1 };
        const char *letter;

        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        letter = parse_conv(fmt + 1, &c, &args);
        if (put_conv(&o, &c, &args))
            fmt = letter;
        else
            put(&o, '%'); /* the rest of it follows as text */
    }
    va_end(args.ap);
    if (size)
        buf[MIN(o.len, size - 1)] = '\0';
    return (int)o.len;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = fmt_vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return len;
}
