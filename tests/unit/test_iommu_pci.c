/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bus mastering off, function by function, in a configuration space made of bytes: what is
 * absent, what has one function, bridges, buses that no bridge leads to, bus errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/iommu_pci.h>

#define ECAM      0x4010000000ull
#define FUNCTIONS 4096u /* 16 buses */

static u16 vendor[FUNCTIONS], command[FUNCTIONS];
static u8 header[FUNCTIONS];
static bool bus_error[FUNCTIONS];
static bool stuck[FUNCTIONS]; /* bus master enable cannot be cleared */
static u64 open_at;
static u32 reads, writes, most_reads;
static struct passdt pass;

static u32 function_of(u64 pa)
{
    assert_true(pa >= ECAM && pa < ECAM + FUNCTIONS * PAGE_SIZE);
    return (u32)((pa - ECAM) / PAGE_SIZE);
}

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    assert_int_equal(attr, EL2_DEVICE);
    assert_int_equal(open_at, 0);
    open_at = pa.v;
    return (void *)(uintptr_t)(0x1000 + pa.v % PAGE_SIZE);
}

void arch_window_close(enum window_slot slot)
{
    assert_int_not_equal(open_at, 0);
    open_at = 0;
}

bool arch_io_try_read(uintptr_t addr, u32 size, u64 *value)
{
    u32 f = function_of(open_at);
    u64 reg = addr - 0x1000;

    reads++;
    if (bus_error[f])
        return false;
    if (reg == 0 && size == 2)
        *value = vendor[f];
    else if (reg == 4 && size == 2)
        *value = vendor[f] == 0xffff ? 0xffff : command[f];
    else if (reg == 0xe && size == 1)
        *value = vendor[f] == 0xffff ? 0xff : header[f];
    else
        fail_msg("read of %u bytes at 0x%llx", size, (unsigned long long)reg);
    return true;
}

bool arch_io_try_write(uintptr_t addr, u32 size, u64 value)
{
    u32 f = function_of(open_at);

    writes++;
    assert_int_equal(addr, 0x1004); /* the status register beside it is not touched */
    assert_int_equal(size, 2);
    assert_int_not_equal(vendor[f], 0xffff);
    command[f] = (u16)(stuck[f] ? value | 4 : value);
    return true;
}

static u32 fn(u32 bus, u32 slot, u32 function)
{
    return bus << 8 | slot << 3 | function;
}

static void add(u32 f, u8 type)
{
    vendor[f] = 0x1234;
    header[f] = type;
    command[f] = 0x547;
}

static void setup(u8 first, u8 last)
{
    memset(vendor, 0xff, sizeof(vendor));
    memset(command, 0, sizeof(command));
    memset(header, 0, sizeof(header));
    memset(bus_error, 0, sizeof(bus_error));
    memset(stuck, 0, sizeof(stuck));
    memset(&pass, 0, sizeof(pass));
    reads = writes = most_reads = 0;
    pass.device_count = 2; /* the first one is no host bridge */
    pass.devices[1].ecam = (struct mem_range){ ECAM, (u64)(last - first + 1) * SZ_1M };
    pass.devices[1].first_bus = first;
    pass.devices[1].last_bus = last;
}

static u32 run(void)
{
    u32 steps = 0, before = 0;
    u64 pos = 0;

    while (iommu_pci_quiet_step(&pass, &pos) == ERR_AGAIN) {
        most_reads = MAX(most_reads, reads - before);
        before = reads;
        assert_true(++steps < 10000);
    }
    assert_int_equal(open_at, 0);
    return steps;
}

static void test_nothing_owned(void **state)
{
    setup(0, 0);
    pass.devices[1].ecam.size = 0;
    assert_int_equal(run(), 0);
    assert_int_equal(reads, 0);
}

static void test_all_found(void **state)
{
    setup(0, 15);
    add(fn(0, 0, 0), 0x00);
    add(fn(0, 4, 0), 0x80);
    add(fn(0, 4, 7), 0x00);
    add(fn(0, 31, 0), 0x01); /* a bridge: nothing behind it comes through any more */
    add(fn(15, 31, 0), 0x80);
    add(fn(15, 31, 5), 0x80);
    run();
    assert_int_equal(command[fn(0, 0, 0)], 0x543);
    assert_int_equal(command[fn(0, 4, 0)], 0x543);
    assert_int_equal(command[fn(0, 4, 7)], 0x543);
    assert_int_equal(command[fn(0, 31, 0)], 0x543);
    assert_int_equal(command[fn(15, 31, 0)], 0x543);
    assert_int_equal(command[fn(15, 31, 5)], 0x543);
    assert_int_equal(writes, 6);
}

static void test_one_function(void **state)
{
    setup(0, 0);
    add(fn(0, 3, 0), 0x00);
    add(fn(0, 3, 1), 0x00); /* an alias that is not a function: the bit says so */
    run();
    assert_int_equal(command[fn(0, 3, 0)], 0x543);
    assert_int_equal(command[fn(0, 3, 1)], 0x547);
}

static void test_not_enabled(void **state)
{
    setup(0, 0);
    add(fn(0, 3, 0), 0x80);
    command[fn(0, 3, 0)] = 0x403;
    add(fn(0, 3, 2), 0);
    run();
    assert_int_equal(writes, 1); /* only where it was set, and the others are still looked at */
    assert_int_equal(command[fn(0, 3, 2)], 0x543);
}

static void test_steps(void **state)
{
    setup(0, 15);
    for (u32 f = 0; f < FUNCTIONS; f++)
        add(f, 0x80);
    assert_int_equal(run(), 16 * 32 / 8);
    assert_int_equal(writes, FUNCTIONS);
    assert_true(most_reads <= 8 * (8 * 3 + 1));
}

static void test_bus_errors(void **state)
{
    setup(0, 1);
    add(fn(0, 1, 0), 0x80);
    add(fn(0, 1, 1), 0);
    add(fn(1, 0, 0), 0);
    bus_error[fn(0, 0, 0)] = true;
    bus_error[fn(0, 1, 1)] = true;
    run();
    assert_int_equal(command[fn(0, 1, 0)], 0x543);
    assert_int_equal(command[fn(1, 0, 0)], 0x543);
    assert_int_equal(writes, 2);
}

static void test_stuck(void **state)
{
    setup(0, 0);
    add(fn(0, 1, 0), 0);
    stuck[fn(0, 1, 0)] = true;
    run(); /* ends */
    assert_int_equal(writes, 1);
}

/* The tree says more buses than the registers have room for, or a range that is upside down. */
static void test_hostile_range(void **state)
{
    setup(0, 15);
    pass.devices[1].last_bus = 255;
    pass.devices[1].ecam.size = SZ_1M + 5;
    add(fn(1, 0, 0), 0);
    assert_int_equal(run(), 4);
    assert_int_equal(writes, 0);
    setup(0, 15);
    pass.devices[1].first_bus = 9;
    pass.devices[1].last_bus = 8;
    assert_int_equal(run(), 0);
}

/* The first bus that the bridge has is at the start of the registers. */
static void test_first_bus(void **state)
{
    setup(8, 9);
    add(fn(0, 0, 0), 0);
    add(fn(1, 0, 0), 0);
    add(fn(2, 0, 0), 0); /* not in the window */
    run();
    assert_int_equal(writes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_owned), cmocka_unit_test(test_all_found),
        cmocka_unit_test(test_one_function),  cmocka_unit_test(test_not_enabled),
        cmocka_unit_test(test_steps),         cmocka_unit_test(test_bus_errors),
        cmocka_unit_test(test_stuck),         cmocka_unit_test(test_hostile_range),
        cmocka_unit_test(test_first_bus),
    };

    return cmocka_run_group_tests_name("iommu_pci", tests, NULL, NULL);
}
