/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Linux guest does while tools/bench.py counts, without a C library:
 *   workload mark           a mark: hint #0x71, which nobody but a QEMU plugin notices
 *   workload seed           credit the kernel with 256 bits of (fixed) entropy
 *   workload printk         LINES messages of LINE_SIZE characters by /dev/kmsg, between two marks
 *   workload getppid        CALLS system calls, between two marks
 * Numbers: Linux UAPI (asm-generic/unistd.h, random.h).
 */
typedef unsigned long u64;

#define SYS_openat     56
#define SYS_close      57
#define SYS_write      64
#define SYS_ioctl      29
#define SYS_exit_group 94
#define SYS_getppid    173

#define AT_FDCWD      (-100)
#define O_RDWR        2
#define RNDADDENTROPY 0x40085203UL
#define ENTROPY_BYTES 32
#define CALLS         200000
#define LINES         8 /* as many as /dev/kmsg takes at once (its limit is 10 in 5 s) */
#define LINE_SIZE     128
#define LEVEL_ERROR   "<3>" /* shown on a quiet console, too */
#define LEVEL_SIZE    3

struct rand_pool_info {
    int entropy_bits;
    int size;
    unsigned char bytes[ENTROPY_BYTES];
};

static long call(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

static void mark(void)
{
    __asm__ volatile("hint #0x71" ::: "memory");
}

static int seed(void)
{
    struct rand_pool_info info = { 8 * ENTROPY_BYTES, ENTROPY_BYTES, { 0 } };
    long fd = call(SYS_openat, AT_FDCWD, (long)"/dev/random", O_RDWR, 0);

    for (int i = 0; i < ENTROPY_BYTES; i++) {
        info.bytes[i] = (unsigned char)(i + 1);
    }
    return call(SYS_ioctl, fd, RNDADDENTROPY, (long)&info, 0) == 0 ? 0 : 1;
}

static int print_lines(void)
{
    char line[LEVEL_SIZE + LINE_SIZE + 1];
    long fd = call(SYS_openat, AT_FDCWD, (long)"/dev/kmsg", O_RDWR, 0);
    int status = 0;

    for (int i = 0; i < LEVEL_SIZE; i++) {
        line[i] = LEVEL_ERROR[i];
    }
    for (int i = 0; i < LINE_SIZE; i++) {
        line[LEVEL_SIZE + i] = (char)('a' + i % 26);
    }
    line[LEVEL_SIZE + LINE_SIZE] = '\n'; /* else more of the line may come: it is not printed */
    mark();
    for (int i = 0; i < LINES; i++) {
        status |= call(SYS_write, fd, (long)line, sizeof(line), 0) < 0;
    }
    mark();
    call(SYS_close, fd, 0, 0, 0);
    return status;
}

static int call_kernel(void)
{
    mark();
    for (int i = 0; i < CALLS; i++) {
        call(SYS_getppid, 0, 0, 0, 0);
    }
    mark();
    return 0;
}

static int run(const char *what)
{
    switch (what[0]) {
    case 'm':
        mark();
        return 0;
    case 's':
        return seed();
    case 'p':
        return print_lines();
    case 'g':
        return call_kernel();
    default:
        return 2;
    }
}

/* SP at the start: argc, argv[0], argv[1]... */
__attribute__((used)) void entry(u64 *stack)
{
    call(SYS_exit_group, stack[0] == 2 ? run((const char *)stack[2]) : 2, 0, 0, 0);
}

__asm__(".globl _start\n_start: mov x0, sp\n b entry\n");
