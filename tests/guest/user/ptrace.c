/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger and what it debugs in one program for Linux on arm64, without a C library: the child
 * calls a function and writes a word ROUNDS times; the parent has a hardware breakpoint on the one
 * and a watchpoint on the other, and steps over each hit. Numbers: Linux UAPI (ptrace.h, elf.h).
 * "ptrace plain" only runs the child's part, which must not be stopped by anybody.
 */
#include "sys.h"

#define ROUNDS 50

#define SYS_ptrace 117
#define SYS_kill   129
#define SYS_getpid 172
#define SYS_clone  220
#define SYS_wait4  260

#define SIGTRAP           5
#define SIGCHLD           17
#define SIGSTOP           19
#define PTRACE_TRACEME    0
#define PTRACE_CONT       7
#define PTRACE_SINGLESTEP 9
#define PTRACE_GETSIGINFO 0x4202
#define PTRACE_SETREGSET  0x4205
#define NT_ARM_HW_BREAK   0x402
#define NT_ARM_HW_WATCH   0x403
#define TRAP_HWBKPT       4
#define EXECUTE_4         (0xfU << 5 | 1)
#define STORE_8           (0xffU << 5 | 2U << 3 | 1)

struct hw_debug {
    u32 info, pad;
    u64 address;
    u32 control, pad2;
};

struct iovec {
    void *base;
    u64 size;
};

static volatile u64 watched;
static u64 break_hits, watch_hits, steps, strange;

__attribute__((noinline)) static void target(void)
{
    __asm__ volatile("nop");
}

static void work(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        target();
        watched = watched + 1;
    }
    call(SYS_exit_group, watched == ROUNDS ? 0 : 1, 0, 0, 0, 0, 0);
}

static long set_hardware(long pid, long kind, u64 address, u32 control)
{
    struct hw_debug state = { .address = address, .control = control };
    struct iovec vector = { &state, sizeof(state) };

    return call(SYS_ptrace, PTRACE_SETREGSET, pid, kind, (long)&vector, 0, 0);
}

static long arm(long pid, int on)
{
    long err = set_hardware(pid, NT_ARM_HW_BREAK, (u64)target, on ? EXECUTE_4 : 0);

    return err != 0 ? err : set_hardware(pid, NT_ARM_HW_WATCH, (u64)&watched, on ? STORE_8 : 0);
}

/* Status of the child once it stopped or ended. */
static u32 wait_for(long pid)
{
    u32 status = 0;

    call(SYS_wait4, pid, (long)&status, 0, 0, 0, 0);
    return status;
}

static int is_trap(u32 status)
{
    return (status & 0xff) == 0x7f && status >> 8 == SIGTRAP;
}

static void count_hit(long pid)
{
    /* si_signo, si_errno, si_code, padding, si_addr */
    struct {
        u32 number, error, code, pad;
        u64 address, rest[14];
    } info = { 0 };

    call(SYS_ptrace, PTRACE_GETSIGINFO, pid, 0, (long)&info, 0, 0);
    if (info.code == TRAP_HWBKPT && info.address == (u64)target) {
        break_hits++;
    } else if (info.code == TRAP_HWBKPT && info.address == (u64)&watched) {
        watch_hits++;
    } else {
        strange++;
    }
}

static void debug(long pid)
{
    u32 status = wait_for(pid);

    if (arm(pid, 1) != 0) {
        say("PTRACE no hardware breakpoints\n");
        strange++;
    }
    call(SYS_ptrace, PTRACE_CONT, pid, 0, 0, 0, 0);
    for (status = wait_for(pid); is_trap(status); status = wait_for(pid)) {
        count_hit(pid);
        (void)arm(pid, 0);
        call(SYS_ptrace, PTRACE_SINGLESTEP, pid, 0, 0, 0, 0);
        steps += (u64)is_trap(wait_for(pid));
        (void)arm(pid, 1);
        call(SYS_ptrace, PTRACE_CONT, pid, 0, 0, 0, 0);
    }
    say_number("PTRACE breaks ", break_hits);
    say_number(" watches ", watch_hits);
    say_number(" steps ", steps);
    say_number(" strange ", strange);
    say_number(" end ", status);
    say("\n");
}

__attribute__((used)) void entry(long argc)
{
    long pid;

    if (argc > 1) {
        work();
    }
    pid = call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
    if (pid == 0) {
        call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0, 0, 0);
        call(SYS_kill, call(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGSTOP, 0, 0, 0, 0);
        work();
    }
    debug(pid);
    call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start: ldr x0, [sp]\n b entry\n");
