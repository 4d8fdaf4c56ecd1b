/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static shared memory, found in the tree. side=0 and side=1 exchange 1 MiB each way; side=2 may
 * only read. The first page holds what they say to each other, a buffer of each side follows.
 * hold=1: when all is done, wait for a key on the console and look once more.
 */
#include "cpu.h"
#include "fdt.h"
#include "psci.h"
#include "timer.h"

#define PAGE_SIZE  0x1000UL
#define BUFFER     0x100000UL
#define AT_STEP(i) (0x00UL + 0x40 * (i)) /* how far a side is */
#define AT_SUM(i)  (0x08UL + 0x40 * (i)) /* checksum of its buffer */
#define STEP_SENT  1
#define STEP_SEEN  2

static uint64_t base;
static uint64_t size;
static bool is_reader;

static uintptr_t buffer_of(unsigned int side)
{
    return base + PAGE_SIZE + side * BUFFER;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t seed_of(unsigned int side)
{
    return 0x9e3779b97f4a7c15UL * (side + 1);
}

static uint64_t add_to_sum(uint64_t sum, uint64_t word)
{
    return (sum << 1 | sum >> 63) ^ word;
}

static uint64_t fill(unsigned int side)
{
    uint64_t state = seed_of(side);
    uint64_t sum = 0;

    for (uint64_t at = 0; at < BUFFER; at += 8) {
        uint64_t word = next_random(&state);

        mmio_write64(buffer_of(side) + at, word);
        sum = add_to_sum(sum, word);
    }
    return sum;
}

/* Both the sum that the other side told, and the words themselves. */
static void check(unsigned int side, const char *what)
{
    uint64_t state = seed_of(side);
    uint64_t sum = 0;
    uint64_t wrong = 0;

    for (uint64_t at = 0; at < BUFFER; at += 8) {
        uint64_t word = mmio_read64(buffer_of(side) + at);

        sum = add_to_sum(sum, word);
        wrong += word != next_random(&state) ? 1 : 0;
    }
    is_equal(wrong, 0, "words that are not what the sender wrote");
    ok(sum == mmio_read64(base + AT_SUM(side)), "%s of side %u: checksum 0x%lx", what, side, sum);
}

static void say(unsigned int side, uint64_t step)
{
    dsb();
    mmio_write64(base + AT_STEP(side), step);
}

static bool wait_for(unsigned int side, uint64_t step)
{
    uint64_t start = timer_now();

    while (mmio_read64(base + AT_STEP(side)) < step && timer_since_ms(start) < WAIT_MS) {}
    dsb();
    return mmio_read64(base + AT_STEP(side)) >= step;
}

static void exchange(unsigned int side)
{
    uint64_t ones = 0;

    if (side == 0) { /* the other one may be at work already */
        for (uint64_t at = base + PAGE_SIZE + 2 * BUFFER; at < base + size; at += 8) {
            ones += mmio_read64(at) != 0 ? 1 : 0;
        }
        is_equal(ones, 0, "words behind the buffers that were not zero");
    }
    mmio_write64(base + AT_SUM(side), fill(side));
    say(side, STEP_SENT);
    if (!ok(wait_for(1 - side, STEP_SENT), "side %u has sent", 1 - side)) {
        return;
    }
    check(1 - side, "1 MiB");
    say(side, STEP_SEEN);
}

static void expect_refused(struct fault fault, uintptr_t at, const char *what)
{
    ok(fault.taken && ESR_EC(fault.esr) == EC_DABT_SAME && ESR_FSC(fault.esr) == FSC_EXTERNAL &&
           fault.far == at,
       "%s by the reader: data abort (ESR 0x%lx)", what, fault.esr);
}

/* Whatever instruction writes, it aborts, and the buffers are as they were. */
static void test_reader(void)
{
    uintptr_t at = buffer_of(0) + 0x23450;
    struct fault fault = guarded_write32(at, 0xdeadbeef);

    expect_refused(fault, at, "a store");
    ok((fault.esr & ESR_WNR) != 0, "as a write");
    at += 0x10;
    fault = guarded(__asm__ volatile("stp xzr, xzr, [%0]" ::"r"(at) : "memory"));
    expect_refused(fault, at, "a store of a pair");
    at += 0x20;
    fault = guarded(__asm__ volatile("dc zva, %0" ::"r"(at & ~63UL) : "memory"));
    expect_refused(fault, at & ~63UL, "DC ZVA");
    check(0, "unharmed buffer");
    check(1, "unharmed buffer");
}

static void test_hold(unsigned int side)
{
    print("SHM-HOLD\n");
    (void)console_getc();
    check(0, "still there: buffer");
    check(1, "still there: buffer");
    if (!is_reader) {
        mmio_write64(base + AT_SUM(side) + 8, 0x68656c64);
        is_equal(mmio_read64(base + AT_SUM(side) + 8), 0x68656c64, "still to be written");
    }
}

static int find_region(void)
{
    int parent = fdt_path("/reserved-memory");
    const char *id = arg_text("id", "shm");

    for (int node = fdt_child(parent, -1); node >= 0; node = fdt_child(parent, node)) {
        if (fdt_is_compatible(node, "xen,shared-memory-v1") &&
            strcmp(fdt_text(node, "xen,id"), id) == 0) {
            return node;
        }
    }
    return -1;
}

void test_shmem(void)
{
    unsigned int side = (unsigned int)arg_number("side", 0);
    int node = find_region();

    if (!ok(node >= 0 && fdt_reg(node, 0, &base, &size), "shared memory in the tree")) {
        return;
    }
    is_reader = side == 2;
    diag("shared memory 0x%lx + 0x%lx", base, size);
    ok(size >= PAGE_SIZE + 2 * BUFFER, "of at least 2 MiB and a page");
    mmu_map_normal(base);
    if (!is_reader) {
        exchange(side);
    }
    if (!is_reader || ok(wait_for(0, STEP_SEEN), "side 0 is done")) {
        ok(wait_for(is_reader ? 1 : 1 - side, STEP_SEEN), "the other side is done");
    }
    if (is_reader) {
        test_reader();
    }
    if (arg_number("hold", 0) != 0) {
        test_hold(side);
    }
}
