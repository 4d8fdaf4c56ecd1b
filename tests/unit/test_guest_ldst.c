/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses to emulated registers: with a syndrome, and decoded from guest RAM. The
 * device is an array of bytes that can be told to refuse or to ask for a retry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_insn.h"

#include <corbel/guest_ldst.h>

#include <arch/insn.h>
#include <arch/mmu.h>
#include <arch/stage2.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/vdev.h>

#define BASE    0x22000000ull
#define SIZE    0x1000ull
#define NO_FAIL 99u

static u8 device[SIZE];
static u32 accesses, fail_at;
static enum mmio_result fail_with;

/* --- the device ------------------------------------------------------------------------------- */

static enum mmio_result device_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    assert_true(a->offset + a->size <= SIZE && a->ipa.v == BASE + a->offset);
    if (accesses++ == fail_at)
        return fail_with;
    if (a->write) {
        assert_true(a->size == 8 || !(a->value >> (8 * a->size)));
        memcpy(device + a->offset, &a->value, a->size);
    } else {
        a->value = 0xddddddddddddddddull; /* an emulator may leave more than was asked for */
        memcpy(&a->value, device + a->offset, a->size);
    }
    return MMIO_OK;
}

static const struct mmio_ops ops = { "device", device_access };
static const struct mmio_region region = { BASE, SIZE, &ops, NULL };
static struct domain domain;
static struct vcpu vcpu;

static int setup(void **state)
{
    memset(&vcpu, 0, sizeof(vcpu));
    vcpu.domain = &domain;
    vcpu.regs.pc = PC;
    is_a64 = is_mapped = true;
    sp = 0;
    accesses = 0;
    fail_at = NO_FAIL;
    for (u32 i = 0; i < SIZE; i++)
        device[i] = (u8)(i * 7 + 0x81);
    return 0;
}

static u64 device_at(u64 offset, u32 size)
{
    u64 value = 0;

    memcpy(&value, device + offset, size);
    return value;
}

static struct guest_exit abort_at(u64 offset, bool write)
{
    struct guest_exit e = { .reason = EXIT_DATA_ABORT, .il32 = true };

    e.u.abort.gva = 0xffff000008000000ull + offset;
    e.u.abort.ipa = IPA(BASE + offset);
    e.u.abort.write = write;
    return e;
}

static enum ldst_result decode(u32 word, u64 offset, bool write)
{
    struct guest_exit e = abort_at(offset, write);

    insn = word;
    return guest_ldst_decode(&vcpu, &e, &region);
}

/* --- with a syndrome -------------------------------------------------------------------------- */

static void syndrome_loads(void **state)
{
    static const struct {
        u8 size;
        bool sign, reg64;
        u64 value;
    } cases[] = {
        { 1, false, false, 0x81 },
        { 1, true, false, 0xffffff81 },
        { 1, true, true, 0xffffffffffffff81 },
        { 2, false, false, 0x8881 },
        { 2, true, true, 0xffffffffffff8881 },
        { 4, false, false, 0x968f8881 },
        { 4, true, true, 0xffffffff968f8881 },
        { 8, false, true, 0xb2aba49d968f8881 },
    };

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        struct guest_exit e = abort_at(0, false);

        setup(NULL);
        e.u.abort.size = cases[i].size;
        e.u.abort.sign_extend = cases[i].sign;
        e.u.abort.rt64 = cases[i].reg64;
        e.u.abort.rt = 5;
        assert_int_equal(guest_ldst_syndrome(&vcpu, &e, &region), LDST_DONE);
        assert_int_equal(vcpu.regs.x[5], cases[i].value);
        assert_int_equal(vcpu.regs.pc, PC + 4);
    }
}

static void syndrome_limits(void **state)
{
    struct guest_exit e = abort_at(SIZE - 4, true);

    e.u.abort.size = 8; /* half of it is outside */
    assert_int_equal(guest_ldst_syndrome(&vcpu, &e, &region), LDST_ABORT);
    e = abort_at(2, false);
    e.u.abort.size = 4; /* unaligned, by a guest that maps the device as Normal memory */
    assert_int_equal(guest_ldst_syndrome(&vcpu, &e, &region), LDST_ABORT);
    assert_int_equal(accesses, 0);
    assert_int_equal(vcpu.regs.pc, PC);
    e = abort_at(0, true);
    e.u.abort.size = 2;
    e.u.abort.rt = 31;
    assert_int_equal(guest_ldst_syndrome(&vcpu, &e, &region), LDST_DONE);
    assert_int_equal(device_at(0, 4), 0x968f0000);
    e = abort_at(0, false);
    e.u.abort.size = 4;
    e.u.abort.rt = 3;
    vcpu.regs.x[3] = 7;
    assert_int_equal(guest_ldst_syndrome(&vcpu, &e, NULL), LDST_DONE);
    assert_int_equal(vcpu.regs.x[3], 0);
}

/* --- decoded ---------------------------------------------------------------------------------- */

static void pairs(void **state)
{
    vcpu.regs.x[3] = 0xffff000008000010ull - 8;
    assert_int_equal(decode(0x29410861, 0x10, false), LDST_DONE); /* ldp w1, w2, [x3, #8] */
    assert_int_equal(vcpu.regs.x[1], device_at(0x10, 4));
    assert_int_equal(vcpu.regs.x[2], device_at(0x14, 4));
    assert_int_equal(vcpu.regs.pc, PC + 4);
    setup(NULL);
    vcpu.regs.x[1] = 0x1111222233334444;
    vcpu.regs.x[2] = 0x5555666677778888;
    vcpu.regs.x[3] = 0xffff000008000030ull;
    assert_int_equal(decode(0xa9bf0861, 0x20, true), LDST_DONE); /* stp x1, x2, [x3, #-16]! */
    assert_int_equal(device_at(0x20, 8), 0x1111222233334444);
    assert_int_equal(device_at(0x28, 8), 0x5555666677778888);
    assert_int_equal(vcpu.regs.x[3], 0xffff000008000020ull);
    setup(NULL);
    vcpu.regs.x[3] = 0xffff000008000000ull;
    assert_int_equal(decode(0x68c08861, 0, false), LDST_DONE); /* ldpsw x1, x2, [x3], #4 */
    assert_int_equal(vcpu.regs.x[1], (u64)(s64)(s32)device_at(0, 4));
    assert_int_equal(vcpu.regs.x[2], (u64)(s64)(s32)device_at(4, 4));
    assert_int_equal(vcpu.regs.x[3], 0xffff000008000004ull);
}

static void write_back(void **state)
{
    vcpu.regs.x[4] = 0xffff000008000006ull;
    assert_int_equal(decode(0x78802483, 6, false), LDST_DONE); /* ldrsh x3, [x4], #2 */
    assert_int_equal(vcpu.regs.x[3], (u64)(s64)(s16)device_at(6, 2));
    assert_int_equal(vcpu.regs.x[4], 0xffff000008000008ull);
    setup(NULL);
    sp = 0xffff000008000040ull;
    vcpu.regs.x[30] = 0xabcdef;
    assert_int_equal(decode(0xf81f0ffe, 0x30, true), LDST_DONE); /* str x30, [sp, #-16]! */
    assert_int_equal(device_at(0x30, 8), 0xabcdef);
    assert_int_equal(sp, 0xffff000008000030ull);
    setup(NULL);
    vcpu.regs.x[2] = 0xffff000008000018ull;
    assert_int_equal(decode(0xf800845f, 0x18, true), LDST_DONE); /* str xzr, [x2], #8 */
    assert_int_equal(device_at(0x18, 8), 0);
}

static void changes_nothing_when_it_fails(void **state)
{
    static const enum mmio_result results[] = { MMIO_ABORT, MMIO_RETRY };
    struct vcpu before;

    for (u32 i = 0; i < 4; i++) {
        enum ldst_result expected = i == 1 ? LDST_RETRY : LDST_ABORT; /* retry: first only */

        setup(NULL);
        vcpu.regs.x[3] = 0xffff000008000000ull;
        fail_at = i / 2;
        fail_with = results[i % 2];
        before = vcpu;
        assert_int_equal(decode(0xa8c10861, 0, false), expected); /* ldp x1, x2, [x3], #16 */
        assert_memory_equal(&before.regs, &vcpu.regs, sizeof(before.regs));
        assert_int_equal(accesses, i / 2 + 1);
    }
}

static void refuses(void **state)
{
    struct vcpu before;

    vcpu.regs.x[3] = 0xffff000008000000ull;
    before = vcpu;
    assert_int_equal(decode(0xa8c10861, 0, true), LDST_UNKNOWN);  /* a load, and it was a store */
    assert_int_equal(decode(0xa8c10861, 8, false), LDST_UNKNOWN); /* FAR: second element */
    assert_int_equal(decode(0x3cc10460, 0, false), LDST_UNKNOWN); /* ldr q0, [x3], #16 */
    is_a64 = false;
    assert_int_equal(decode(0xa9400861, 0, false), LDST_UNKNOWN);
    is_a64 = true;
    is_mapped = false;
    assert_int_equal(decode(0xa9400861, 0, false), LDST_UNKNOWN);
    is_mapped = true;
    vcpu.regs.pc = before.regs.pc = PC + 4; /* not in RAM */
    assert_int_equal(decode(0xa9400861, 0, false), LDST_UNKNOWN);
    vcpu.regs.pc = before.regs.pc = PC;
    vcpu.regs.x[3] = before.regs.x[3] = 0xffff000008000000ull + SIZE - 8;
    assert_int_equal(decode(0xa9400861, SIZE - 8, false), LDST_UNKNOWN); /* across the page */
    assert_memory_equal(&before.regs, &vcpu.regs, sizeof(before.regs));
    assert_int_equal(accesses, 0);
}

/* The whole pair must lie in the region, whatever ends in the middle of its page. */
static void region_end(void **state)
{
    static const struct mmio_region half = { BASE, 0x108, &ops, NULL };
    struct guest_exit e = abort_at(0x100, false);

    insn = 0xa9400861; /* ldp x1, x2, [x3] */
    vcpu.regs.x[3] = 0xffff000008000100ull;
    assert_int_equal(guest_ldst_decode(&vcpu, &e, &half), LDST_ABORT);
    assert_int_equal(accesses, 0);
    assert_int_equal(guest_ldst_decode(&vcpu, &e, NULL), LDST_DONE);
    assert_int_equal(vcpu.regs.x[1] | vcpu.regs.x[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(syndrome_loads, setup),
        cmocka_unit_test_setup(syndrome_limits, setup),
        cmocka_unit_test_setup(pairs, setup),
        cmocka_unit_test_setup(write_back, setup),
        cmocka_unit_test_setup(changes_nothing_when_it_fails, setup),
        cmocka_unit_test_setup(refuses, setup),
        cmocka_unit_test_setup(region_end, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
