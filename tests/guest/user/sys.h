/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_USER_SYS_H
#define GUEST_USER_SYS_H

/* Programs for Linux on arm64 without a C library: system calls, and text on standard output. */
typedef unsigned int u32;
typedef unsigned long u64;

#define SYS_write      64
#define SYS_exit_group 94

static inline long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

static inline void say(const char *text)
{
    u64 size = 0;

    while (text[size] != '\0') {
        size++;
    }
    call(SYS_write, 1, (long)text, (long)size, 0, 0, 0);
}

static inline void say_number(const char *what, u64 value)
{
    char digits[24];
    int at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    say(what);
    say(&digits[at]);
}

#endif
