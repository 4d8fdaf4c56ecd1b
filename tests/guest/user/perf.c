/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts its own instructions with the CPU's PMU, for Linux on arm64, without a C library: a loop
 * whose length is known, by the system call and by the counter itself as EL0 may read it; then
 * signals, one for each so many. Numbers: Linux UAPI (perf_event.h, fcntl.h, signal.h).
 */
#include "sys.h"

#define LOOPS  5000000UL /* of two instructions */
#define PERIOD 100000UL
#define RDPMC  2UL /* config1: EL0 may read it, where perf_user_access is 1 */

#define SYS_fcntl           25
#define SYS_ioctl           29
#define SYS_read            63
#define SYS_rt_sigaction    134
#define SYS_getpid          172
#define SYS_mmap            222
#define SYS_perf_event_open 241

#define F_SETFL                4
#define F_SETOWN               8
#define O_ASYNC                0x2000
#define SIGILL                 4
#define SIGIO                  29
#define SA_SIGINFO             4UL
#define PERF_TYPE_HARDWARE     0
#define PERF_HW_INSTRUCTIONS   1
#define PERF_IOC_ENABLE        0x2400
#define PERF_IOC_DISABLE       0x2401
#define ATTR_DISABLED          1UL
#define ATTR_EXCLUDE_KERNEL_HV (3UL << 5)

struct attr {
    u32 type, size;
    u64 config, sample_period, sample_type, read_format, flags;
    u32 wakeup, bp_type;
    u64 config1, config2;
};

struct page {
    u32 version, compat, lock, index;
};

struct action {
    void (*handler)(int number, void *info, void *context);
    u64 flags, restorer, mask;
};

static volatile u64 signals, refused;

static void loop(void)
{
    u64 left = LOOPS;

    __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(left)::"cc");
}

static long counter(u64 period, u64 config1)
{
    struct attr attr = { .type = PERF_TYPE_HARDWARE,
                         .size = sizeof(attr),
                         .config = PERF_HW_INSTRUCTIONS,
                         .sample_period = period,
                         .flags = ATTR_DISABLED | ATTR_EXCLUDE_KERNEL_HV,
                         .config1 = config1 };

    return call(SYS_perf_event_open, (long)&attr, 0, -1, -1, 0, 0);
}

static u64 value_of(long fd)
{
    u64 value = 0;

    call(SYS_read, fd, (long)&value, sizeof(value), 0, 0, 0);
    return value;
}

static void count(void)
{
    long fd = counter(0, 0);

    if (fd < 0) {
        say("PERF no counter\n");
        return;
    }
    call(SYS_ioctl, fd, PERF_IOC_ENABLE, 0, 0, 0, 0);
    loop();
    call(SYS_ioctl, fd, PERF_IOC_DISABLE, 0, 0, 0, 0);
    say_number("PERF instructions ", value_of(fd));
    say("\n");
}

static void on_illegal(int number, void *info, void *context)
{
    u64 *pc = (u64 *)((char *)context + 440); /* uc_mcontext.pc */

    (void)number;
    (void)info;
    refused++;
    *pc += 4;
}

static void on_overflow(int number, void *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    signals++;
}

static void handle(int number, void (*handler)(int, void *, void *))
{
    struct action action = { .handler = handler, .flags = SA_SIGINFO };

    call(SYS_rt_sigaction, number, (long)&action, 0, 8, 0, 0);
}

static u64 read_counter(u64 number)
{
    u64 value = 0;

    __asm__ volatile("msr pmselr_el0, %1\n isb\n mrs %0, pmxevcntr_el0"
                     : "+r"(value)
                     : "r"(number));
    return value;
}

/* The counter's own register: refused to who has not asked for it, then given. */
static void count_directly(void)
{
    volatile struct page *page;
    u64 before, after;
    long fd;

    handle(SIGILL, on_illegal);
    (void)read_counter(0);
    fd = counter(0, RDPMC);
    page = (volatile struct page *)call(SYS_mmap, 0, 4096, 1, 1, fd, 0);
    call(SYS_ioctl, fd, PERF_IOC_ENABLE, 0, 0, 0, 0);
    if (fd < 0 || (long)page < 0 || page->index == 0) {
        say("PERF no direct access\n");
        return;
    }
    before = read_counter(page->index - 1);
    loop();
    after = read_counter(page->index - 1);
    say_number("PERF refused ", refused);
    say_number(" direct ", (u32)(after - before));
    say("\n");
}

static void sample(void)
{
    long fd = counter(PERIOD, 0);

    handle(SIGIO, on_overflow);
    call(SYS_fcntl, fd, F_SETOWN, call(SYS_getpid, 0, 0, 0, 0, 0, 0), 0, 0, 0);
    call(SYS_fcntl, fd, F_SETFL, O_ASYNC, 0, 0, 0);
    call(SYS_ioctl, fd, PERF_IOC_ENABLE, 0, 0, 0, 0);
    loop();
    call(SYS_ioctl, fd, PERF_IOC_DISABLE, 0, 0, 0, 0);
    say_number("PERF signals ", signals);
    say("\n");
}

__attribute__((used)) void entry(void)
{
    count();
    count_directly();
    sample();
    say("PERF end\n");
    call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start: b entry\n");
