/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polled output and input on the payload's PL011.
 * One ticket lock makes a print() of one vCPU whole; exclusives need the MMU on, which it is from
 * the first print on (see payload_main).
 */
#include <stdarg.h>

#include "fdt.h"
#include "lib.h"

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_RXFE BIT(4)
#define UART_FR_TXFF BIT(5)
#define UART_DEFAULT 0x22000000UL

static uintptr_t uart = UART_DEFAULT;
static volatile uint32_t print_lock;

void console_init(void)
{
    char path[64];
    const char *text = fdt_text(fdt_path("/chosen"), "stdout-path");
    uint64_t base;
    uint64_t size;
    size_t i;
    int node;

    if (text == NULL) {
        return;
    }
    if (text[0] != '/') {
        text = fdt_text(fdt_path("/aliases"), text);
    }
    for (i = 0; text != NULL && i < sizeof(path) - 1 && text[i] != '\0' && text[i] != ':'; i++) {
        path[i] = text[i];
    }
    path[i] = '\0';
    node = fdt_path(path);
    if (node > 0 && fdt_reg(node, 0, &base, &size)) {
        uart = base;
    }
}

uintptr_t console_base(void)
{
    return uart;
}

void console_putc(char c)
{
    while ((mmio_read32(uart + UART_FR) & UART_FR_TXFF) != 0) {}
    mmio_write32(uart + UART_DR, (uint8_t)c);
}

bool console_has_input(void)
{
    return (mmio_read32(uart + UART_FR) & UART_FR_RXFE) == 0;
}

char console_getc(void)
{
    while (!console_has_input()) {}
    return (char)mmio_read32(uart + UART_DR);
}

static void put_text(const char *text)
{
    text = text != NULL ? text : "(none)";
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            console_putc('\r');
        }
        console_putc(*text);
    }
}

static void put_number(uint64_t value, unsigned int base, unsigned int width)
{
    char digits[24];
    unsigned int count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (; width > count; width--) {
        console_putc('0');
    }
    while (count > 0) {
        console_putc(digits[--count]);
    }
}

static void put_signed(int64_t value)
{
    if (value < 0) {
        console_putc('-');
        value = -value;
    }
    put_number((uint64_t)value, 10, 0);
}

/* One conversion; returns the character after it. */
static const char *put_conversion(const char *format, va_list *args)
{
    unsigned int width = 0;
    bool wide = false;

    for (; *format >= '0' && *format <= '9'; format++) {
        width = width * 10 + (unsigned int)(*format - '0');
    }
    for (; *format == 'l'; format++) {
        wide = true;
    }
    switch (*format) {
    case 's':
        put_text(va_arg(*args, const char *));
        break;
    case 'c':
        console_putc((char)va_arg(*args, int));
        break;
    case 'd':
        put_signed(wide ? va_arg(*args, int64_t) : va_arg(*args, int));
        break;
    case 'u':
        put_number(wide ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int), 10, width);
        break;
    case 'x':
    case 'p':
        wide = wide || *format == 'p';
        put_number(wide ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int), 16, width);
        break;
    default:
        console_putc(*format);
        break;
    }
    return format + 1;
}

void print_args(const char *format, va_list *args)
{
    while (*format != '\0') {
        if (*format == '%') {
            format = put_conversion(format + 1, args);
            continue;
        }
        if (*format == '\n') {
            console_putc('\r');
        }
        console_putc(*format++);
    }
}

void print_begin(void)
{
    while (__atomic_exchange_n(&print_lock, 1, __ATOMIC_ACQUIRE) != 0) {}
}

void print_end(void)
{
    __atomic_store_n(&print_lock, 0, __ATOMIC_RELEASE);
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_begin();
    print_args(format, &args);
    print_end();
    va_end(args);
}
