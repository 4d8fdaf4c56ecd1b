/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On-chip memory that the domain was given (mmio-sram): all of it is memory, nothing beyond it is;
 * code runs there, or with no-memory-wc (a device, then) does not. Left behind for whoever looks
 * from outside: in each page but the last, at 0x800, its guest address turned over.
 */
#include "cpu.h"
#include "fdt.h"

#define PAGE_SIZE    0x1000UL
#define OFFSET_LEFT  0x800UL
#define INSN_RET     0xd65f03c0U
#define INSN_MOVZ_W0 0x52800000U /* | value << 5 */

static uint64_t base;
static uint64_t size;

static void test_nodes(int node)
{
    int pool = -1;
    unsigned int count = 0;

    for (int child = fdt_child(node, -1); child >= 0; child = fdt_child(node, child)) {
        pool = strncmp(fdt_name(child), "pool@", 5) == 0 ? child : pool;
        count++;
    }
    is_equal(count, arg_number("nodes", 2), "sub-nodes");
    if (pool >= 0) {
        ok(strcmp(fdt_text(pool, "label"), "scratch") == 0, "the pool's label");
        ok(fdt_text(pool, "pool") != NULL, "it is a pool");
        is_equal(fdt_cell(pool, "reg", 0, 0), 0x100000, "its offset");
        is_equal(fdt_cell(pool, "reg", 1, 0), 0x80000, "its size");
        is_equal(fdt_cell(node, "vendor,pool", 0, 0), fdt_cell(pool, "phandle", 0, 1),
                 "a phandle to it resolves");
    }
}

static void test_words(void)
{
    uint64_t wrong = 0;

    for (uint64_t at = base; at < base + size; at += PAGE_SIZE) {
        mmio_write64(at, at * 3);
        mmio_write64(at + OFFSET_LEFT, ~at);
        mmio_write64(at + PAGE_SIZE - 8, at * 5);
    }
    for (uint64_t at = base; at < base + size; at += PAGE_SIZE) {
        wrong += mmio_read64(at) != at * 3 ? 1 : 0;
        wrong += mmio_read64(at + OFFSET_LEFT) != ~at ? 1 : 0;
        wrong += mmio_read64(at + PAGE_SIZE - 8) != at * 5 ? 1 : 0;
    }
    is_equal(wrong, 0, "words that are not what was written");
}

static void test_beyond(void)
{
    uint32_t value = 0;
    struct fault fault = guarded_read32(base + size, &value);

    ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "a word beyond it: external abort");
    fault = guarded_read32(base - 4, &value);
    ok(fault.taken && ESR_FSC(fault.esr) == FSC_EXTERNAL, "a word below it: external abort");
}

/* What only memory does: unaligned and exclusive accesses, DC ZVA. */
static void test_as_memory(void)
{
    uintptr_t at = base + 0x40;
    uint64_t value = 0;
    uint32_t failed = 1;
    struct fault fault;

    mmio_write64(at, 0x0706050403020100UL);
    mmio_write64(at + 8, 0x0f0e0d0c0b0a0908UL);
    fault = guarded(__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(at + 3) : "memory"));
    ok(!fault.taken && value == 0x0a09080706050403UL, "unaligned load: 0x%lx", value);
    value = 0x1122334455667788UL;
    fault = guarded(__asm__ volatile("str %0, [%1]" ::"r"(value), "r"(at + 5) : "memory"));
    ok(!fault.taken && mmio_read64(at) == 0x6677880403020100UL, "unaligned store: 0x%lx",
       mmio_read64(at));
    __asm__ volatile("1: ldaxr %0, [%2]\n"
                     "add %0, %0, #1\n"
                     "stlxr %w1, %0, [%2]\n"
                     "cbnz %w1, 1b"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(at)
                     : "memory");
    ok(mmio_read64(at) == 0x6677880403020101UL, "exclusive load and store");
    fault = guarded(__asm__ volatile("dc zva, %0" ::"r"(at) : "memory"));
    ok(!fault.taken && mmio_read64(at) == 0, "DC ZVA");
    fault = guarded(__asm__ volatile("dc civac, %0" ::"r"(at) : "memory"));
    ok(!fault.taken, "DC CIVAC");
}

/* A function that returns VALUE, made visible to the instruction side. */
static void store_code(uintptr_t at, uint32_t value)
{
    mmio_write32(at, INSN_MOVZ_W0 | value << 5);
    mmio_write32(at + 4, INSN_RET);
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(at) : "memory");
}

static void expect_result(uintptr_t at, uint32_t value)
{
    uint32_t got = 0;

    store_code(at, value);
    struct fault fault = guarded(got = ((uint32_t(*)(void))at)());
    ok(!fault.taken && got == value, "code at 0x%lx returns %u", at, got);
}

static void expect_abort(uintptr_t at)
{
    struct fault fault;

    store_code(at, 1);
    fault = guarded_call(at);
    ok(fault.taken && ESR_EC(fault.esr) == EC_IABT_SAME && ESR_FSC(fault.esr) == FSC_EXTERNAL &&
           fault.far == at,
       "code at 0x%lx: instruction abort (ESR 0x%lx)", at, fault.esr);
    ok(mmio_read32(at + 4) == INSN_RET, "and it can be read as data");
}

static void test_code(bool memory)
{
    for (unsigned int i = 0; i < 2; i++) {
        /* The same place twice: the second code is not the first one's ghost. */
        uintptr_t places[] = { base + 0x100, base + size - PAGE_SIZE + 0x200 };

        for (unsigned int j = 0; j < ARRAY_SIZE(places); j++) {
            if (memory) {
                expect_result(places[j], 4000 + 10 * i + j);
            } else {
                expect_abort(places[j]);
            }
        }
    }
}

void test_sram(void)
{
    int node = fdt_compatible("mmio-sram");
    bool memory = fdt_text(node, "no-memory-wc") == NULL;

    if (!ok(node >= 0 && fdt_reg(node, 0, &base, &size), "an mmio-sram node")) {
        return;
    }
    diag("SRAM 0x%lx + 0x%lx as %s", base, size, memory ? "memory" : "a device");
    test_nodes(node);
    test_words(); /* stage 1 says Device */
    mmu_map_normal(base);
    test_words();
    test_beyond();
    if (memory) {
        test_as_memory();
    }
    test_code(memory);
}
