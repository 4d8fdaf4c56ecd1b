/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores without a syndrome: any instruction, any registers, any place of the abort, a
 * device that answers, refuses or wants a retry. What is done must be what a second reading of the
 * encodings says (Arm ARM C4.1.94, written here from the architecture's tables, not from ldst.c);
 * what is refused changes no register.
 */
#include "fuzz.h"

#include "fake_insn.h"

#include <arch/insn.h>
#include <arch/mmu.h>
#include <arch/stage2.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/guest_ldst.h>
#include <corbel/vdev.h>

#define BASE 0x22000000ull
#define SIZE 0x1000ull

static u8 device[SIZE];
static u32 accesses, fail_at;
static u64 first_offset;
static u32 bytes_done;
static enum mmio_result fail_with;
static struct domain domain;
static struct vcpu vcpu;

/* --- the device ------------------------------------------------------------------------------- */

static enum mmio_result device_access(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    const struct mmio_region *r = ctx;

    assert_true(a->size == 1 || a->size == 2 || a->size == 4 || a->size == 8);
    assert_true(a->offset + a->size <= r->size && a->ipa.v == BASE + a->offset);
    assert_int_equal(a->offset % a->size, 0);
    if (accesses++ == fail_at)
        return fail_with;
    if (!bytes_done)
        first_offset = a->offset;
    assert_int_equal(a->offset, first_offset + bytes_done);
    bytes_done += a->size;
    if (a->write) {
        assert_true(a->size == 8 || !(a->value >> (8 * a->size)));
        memcpy(device + a->offset, &a->value, a->size);
    } else {
        a->value = 0xddddddddddddddddull;
        memcpy(&a->value, device + a->offset, a->size);
    }
    return MMIO_OK;
}

/* --- the encodings, read a second time -------------------------------------------------------- */

struct reading {
    bool valid, load, sign, wide, write_back;
    u32 count, size;
    s64 step; /* of the base, with write-back */
};

static s64 field(u32 low, u32 bits)
{
    return (s64)((u64)insn << (64 - low - bits)) >> (64 - bits);
}

static struct reading read_pair(void)
{
    u32 opc = insn >> 30, index = insn >> 23 & 3, load = insn >> 22 & 1;
    u32 size = opc == 2 ? 8 : 4;

    /* opc 01: LDPSW, whose store and no-allocate forms are others or none */
    if (opc == 3 || (opc == 1 && (!load || !index)))
        return (struct reading){ 0 };
    return (struct reading){ .valid = true,
                             .load = load,
                             .sign = opc == 1,
                             .wide = opc != 0,
                             .write_back = index & 1,
                             .count = 2,
                             .size = size,
                             .step = field(15, 7) * size };
}

static struct reading read_single(u32 size, u32 opc, bool write_back)
{
    /* opc 10 sign-extends to 64 bits, 11 to 32; of 64 bits 10 is a prefetch */
    if ((size == 3 && opc >= 2) || (size == 2 && opc == 3))
        return (struct reading){ 0 };
    return (struct reading){ .valid = true,
                             .load = opc != 0,
                             .sign = opc >= 2,
                             .wide = size == 3 || opc == 2,
                             .write_back = write_back,
                             .count = 1,
                             .size = 1u << size,
                             .step = write_back ? field(12, 9) : 0 };
}

static struct reading read_register(void)
{
    u32 size = insn >> 30, opc = insn >> 22 & 3;

    if (insn >> 24 & 1) /* unsigned immediate */
        return read_single(size, opc, false);
    if (!(insn >> 21 & 1)) /* 9 bits: unscaled, post, unprivileged, pre */
        return read_single(size, opc, insn >> 10 & 1);
    if ((insn >> 10 & 3) == 2) /* register offset: extends by at least 32 bits */
        return insn >> 14 & 1 ? read_single(size, opc, false) : (struct reading){ 0 };
    /* LDAPR: A 1, R 0, Rs 31, o3 1, opc 100 */
    if ((insn >> 12 & 0xfff) == 0xbfc && (insn >> 10 & 3) == 0)
        return read_single(size, 1, false);
    return (struct reading){ 0 };
}

static struct reading read_encoding(void)
{
    u32 size = insn >> 30;

    switch (insn >> 24 & 0x3f) {
    case 0x08: /* ordered: o2 1, o1 0, Rs and Rt2 31 */
        if ((insn >> 21 & 5) != 4 || (insn >> 16 & 31) != 31 || (insn >> 10 & 31) != 31)
            return (struct reading){ 0 };
        return read_single(size, insn >> 22 & 1, false);
    case 0x18: /* literal */
        if (size == 3)
            return (struct reading){ 0 };
        return size == 2 ? read_single(2, 2, false) : read_single(2 + size, 1, false);
    case 0x19: /* LDAPUR, STLUR; the rest are tags */
        return (insn >> 21 & 1) || (insn >> 10 & 3) ? (struct reading){ 0 }
                                                    : read_single(size, insn >> 22 & 3, false);
    case 0x28:
    case 0x29:
        return read_pair();
    case 0x38:
    case 0x39:
        return read_register();
    default:
        return (struct reading){ 0 };
    }
}

/* --- what must hold --------------------------------------------------------------------------- */

static u64 reg_of(const struct vcpu *v, u32 n)
{
    return n == 31 ? 0 : v->regs.x[n];
}

static u64 extended(const u8 *at, const struct reading *r)
{
    u64 value = 0;

    memcpy(&value, at, r->size);
    if (r->sign)
        value = (u64)((s64)(value << (64 - 8 * r->size)) >> (64 - 8 * r->size));
    return r->wide ? value : (u32)value;
}

static void check_done(const struct vcpu *before, u64 sp_before, const u8 *device_before,
                       bool write, bool mapped)
{
    struct reading r = read_encoding();
    u32 t[2] = { insn & 31, insn >> 10 & 31 }, base = insn >> 5 & 31;
    struct vcpu expected = *before;
    u64 sp_expected = sp_before;

    assert_true(r.valid);
    assert_int_equal(r.load, !write);
    /* CONSTRAINED UNPREDICTABLE: two results for one register */
    for (u32 i = 0; i < r.count; i++)
        assert_false(r.write_back && base != 31 && t[i] == base);
    assert_false(r.count == 2 && r.load && t[0] == t[1]);
    assert_int_equal(bytes_done, mapped ? r.count * r.size : 0);
    for (u32 i = 0; i < r.count; i++) {
        u64 at = first_offset + (u64)i * r.size, zero = 0, stored = reg_of(before, t[i]);

        if (r.load && t[i] != 31)
            expected.regs.x[t[i]] = extended(mapped ? device_before + at : (u8 *)&zero, &r);
        else if (!r.load && mapped)
            assert_memory_equal(device + at, &stored, r.size);
    }
    if (r.write_back && base == 31)
        sp_expected += (u64)r.step;
    else if (r.write_back)
        expected.regs.x[base] += (u64)r.step;
    expected.regs.pc += 4;
    expected.regs.x[31] = vcpu.regs.x[31]; /* takes what is written to XZR; nobody reads it */
    assert_memory_equal(&vcpu.regs, &expected.regs, sizeof(expected.regs));
    assert_true(sp == sp_expected);
}

static void check_result(enum ldst_result result, const struct vcpu *before, u64 sp_before)
{
    if (result == LDST_RETRY)
        assert_true(accesses == 1 && fail_at == 0 && fail_with == MMIO_RETRY);
    if (result == LDST_UNKNOWN)
        assert_int_equal(accesses, 0);
    assert_memory_equal(&vcpu.regs, &before->regs, sizeof(vcpu.regs));
    assert_true(sp == sp_before);
}

/* An instruction of the class that the first byte chooses: random words are mostly none. */
static u32 take_insn(struct fuzz_in *in)
{
    static const u32 classes[] = { 0x08000000, 0x18000000, 0x19000000, 0x28000000,
                                   0x29000000, 0x38000000, 0x39000000 };
    u32 kind = fuzz_below(in, 8), word = (u32)fuzz_take(in, 4);

    if (kind == 7)
        return word;
    word = (word & ~0x3f000000u) | classes[kind];
    if (kind == 0)
        word |= 0x009f7c00;
    return word;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct fuzz_in in = { data, size };
    struct mmio_region region = { .base = BASE, .size = SIZE };
    struct mmio_ops ops = { "device", device_access };
    struct guest_exit e = { .reason = EXIT_DATA_ABORT, .il32 = true };
    u8 device_before[SIZE];
    u32 where, flags;
    struct vcpu before;
    u64 sp_before, gva;
    enum ldst_result result;
    struct insn_ldst l;

    memset(&vcpu, 0, sizeof(vcpu));
    vcpu.domain = &domain;
    vcpu.regs.pc = PC;
    accesses = bytes_done = 0;
    first_offset = 0;
    insn = take_insn(&in);
    flags = (u32)fuzz_take(&in, 1);
    fail_at = flags & 1 ? fuzz_below(&in, 3) : 99;
    fail_with = flags & 2 ? MMIO_RETRY : MMIO_ABORT;
    if (flags & 4)
        region.size = 1 + fuzz_below(&in, SIZE);
    where = fuzz_below(&in, SIZE);
    if (flags & 8)
        where &= ~7u;
    gva = 0xffff000008000000ull + where;
    for (u32 i = 0; i < 31; i++)
        vcpu.regs.x[i] = 0x8182838485868788ull * (i + 1) + where;
    for (u32 i = 0; i < SIZE; i++)
        device[i] = (u8)(i * 7 + 0x81);
    sp = 0x1234;
    /* Its base as it was at the abort, or another vCPU has changed the instruction. */
    if (arch_insn_decode(insn, &l) && !(flags & 16)) {
        u64 address = gva - (l.writeback == INSN_BASE_POST ? 0 : (u64)(s64)l.imm);

        if (l.base == 31)
            sp = address;
        else
            vcpu.regs.x[l.base] = address;
    }
    e.u.abort.gva = gva;
    e.u.abort.ipa = IPA(BASE + where);
    e.u.abort.write = flags & 32 ? !l.load : (flags & 64) != 0;
    region.ops = &ops;
    region.ctx = &region;
    before = vcpu;
    sp_before = sp;
    memcpy(device_before, device, SIZE);
    result = guest_ldst_decode(&vcpu, &e, flags & 128 ? NULL : &region);
    if (result == LDST_DONE)
        check_done(&before, sp_before, device_before, e.u.abort.write, !(flags & 128));
    else
        check_result(result, &before, sp_before);
    return 0;
}
