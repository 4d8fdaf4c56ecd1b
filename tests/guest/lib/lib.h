/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every payload uses: registers, memory-mapped I/O, strings, console and TAP.
 * A payload runs at EL1 under a hypervisor or on bare QEMU; it learns everything about its machine
 * from its device tree.
 */
#ifndef GUEST_LIB_H
#define GUEST_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

extern const char image_head[];
extern const char _image_end[];

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1UL << (n))

/* Two steps, so that NAME may be a macro. */
#define read_sysreg(name)         read_sysreg_(name)
#define write_sysreg(value, name) write_sysreg_(value, name)
#define read_sysreg_(name)                                           \
    ({                                                               \
        uint64_t value_;                                             \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)::"memory"); \
        value_;                                                      \
    })
#define write_sysreg_(value, name) \
    __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void dsb(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

static inline void wfi(void)
{
    __asm__ volatile("dsb sy; wfi" ::: "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

/* Explicit instructions: single accesses with a syndrome, whatever the compiler would like. */
static inline uint32_t mmio_read32(uintptr_t addr)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(addr) : "memory");
    return value;
}

static inline void mmio_write32(uintptr_t addr, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(addr) : "memory");
}

static inline uint8_t mmio_read8(uintptr_t addr)
{
    uint32_t value;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(addr) : "memory");
    return (uint8_t)value;
}

static inline void mmio_write8(uintptr_t addr, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" ::"r"((uint32_t)value), "r"(addr) : "memory");
}

static inline uint64_t mmio_read64(uintptr_t addr)
{
    uint64_t value;
    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(addr) : "memory");
    return value;
}

static inline void mmio_write64(uintptr_t addr, uint64_t value)
{
    __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(addr) : "memory");
}

/* string.c: the compiler also calls these. */
void *memset(void *dst, int byte, size_t size);
void *memcpy(void *dst, const void *src, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);

/*
 * console.c: a PL011 (or SBSA UART), found by the tree's stdout-path, else at 0x22000000.
 * print() knows %s %c %d %u %x %lx %lu %ld %p and a width with leading zeros.
 */
void console_init(void);
uintptr_t console_base(void);
void console_putc(char c);
bool console_has_input(void);
char console_getc(void); /* waits */
void print(const char *format, ...);

/* tap.c: one line per check; tap_end() prints the plan. Counts are of the whole payload. */
bool ok(bool condition, const char *format, ...);
void skip(const char *what, const char *why);
void diag(const char *format, ...);
bool is_equal(uint64_t got, uint64_t expected, const char *what);
void tap_end(void);
unsigned int tap_failed(void);

/* args.c: words of /chosen/bootargs, "key=value". */
bool arg_is(const char *key, const char *value);
const char *arg_text(const char *key, const char *otherwise);
uint64_t arg_number(const char *key, uint64_t otherwise);
/* The number (0x: hexadecimal) at *text, after blanks; *text is then behind it. */
uint64_t read_number(const char **text);

/* main.c: the TAP plan, "PAYLOAD-END", and the end that end= asks for. */
void payload_end(void);

/* The tests, chosen by the boot argument test=NAME. */
struct payload_test {
    const char *name;
    void (*run)(void);
};

void test_traps(void);
void test_gic(void);
void test_gic_irqs(void);
void test_gic_smp(void);
void test_gic_wake(void);
void test_timer(void);
void test_psci(void);
void test_psci_smp(void);
void test_smp(void);
void test_mem(void);
void test_tree(void);
void test_debug(void);
void test_debug_moved(void);
void test_pmu(void);
void test_pmu_off(void);
void test_pmu_smp(void);
void test_pmu_moved(void);
void test_pmu_wait(void);
void test_uart(void);
void test_spin(void);
void test_echo(void);
void test_crash(void);
void test_bench(void);
void test_pingpong(void);
void test_switch(void);
void test_device(void);
void test_dma(void);
void test_sram(void);
void test_shmem(void);
void test_life(void);
void test_watchdog(void);
/* Start it and let it expire; the test found it. Does not return. */
void watchdog_expire(void);
void test_heart(void);
void test_stress(void);
void test_pulse(void);
void test_noise(void);

#endif
