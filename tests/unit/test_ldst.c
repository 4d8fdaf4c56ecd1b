/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder of loads and stores: words made by an assembler, what must be refused, and
 * a random sweep that looks for impossible answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arch/insn.h>
#include <corbel/compiler.h>

enum { STORE, LOAD };
enum { KEPT = INSN_BASE_KEPT, POST = INSN_BASE_POST, PRE = INSN_BASE_PRE };

struct known {
    u32 insn;
    const char *text;
    u8 count, reg0, reg1, size;
    u8 load, sign_extend, reg64, base_imm;
    u8 base, writeback;
    s32 imm;
};

static const struct known known[] = {
    { 0xb8404441, "ldr w1, [x2], #4", 1, 1, 0, 4, LOAD, 0, 0, 1, 2, POST, 4 },
    { 0xf85f8441, "ldr x1, [x2], #-8", 1, 1, 0, 8, LOAD, 0, 1, 1, 2, POST, -8 },
    { 0xb8004441, "str w1, [x2], #4", 1, 1, 0, 4, STORE, 0, 0, 1, 2, POST, 4 },
    { 0xf800845f, "str xzr, [x2], #8", 1, 31, 0, 8, STORE, 0, 1, 1, 2, POST, 8 },
    { 0x38001483, "strb w3, [x4], #1", 1, 3, 0, 1, STORE, 0, 0, 1, 4, POST, 1 },
    { 0x781fec83, "strh w3, [x4, #-2]!", 1, 3, 0, 2, STORE, 0, 0, 1, 4, PRE, -2 },
    { 0x38401c83, "ldrb w3, [x4, #1]!", 1, 3, 0, 1, LOAD, 0, 0, 1, 4, PRE, 1 },
    { 0x784ff483, "ldrh w3, [x4], #255", 1, 3, 0, 2, LOAD, 0, 0, 1, 4, POST, 255 },
    { 0x38d00483, "ldrsb w3, [x4], #-256", 1, 3, 0, 1, LOAD, 1, 0, 1, 4, POST, -256 },
    { 0x38805c83, "ldrsb x3, [x4, #5]!", 1, 3, 0, 1, LOAD, 1, 1, 1, 4, PRE, 5 },
    { 0x78c02483, "ldrsh w3, [x4], #2", 1, 3, 0, 2, LOAD, 1, 0, 1, 4, POST, 2 },
    { 0x78802483, "ldrsh x3, [x4], #2", 1, 3, 0, 2, LOAD, 1, 1, 1, 4, POST, 2 },
    { 0xb8804483, "ldrsw x3, [x4], #4", 1, 3, 0, 4, LOAD, 1, 1, 1, 4, POST, 4 },
    { 0xf84107e5, "ldr x5, [sp], #16", 1, 5, 0, 8, LOAD, 0, 1, 1, 31, POST, 16 },
    { 0xf81f0ffe, "str x30, [sp, #-16]!", 1, 30, 0, 8, STORE, 0, 1, 1, 31, PRE, -16 },
    { 0xb85fd107, "ldur w7, [x8, #-3]", 1, 7, 0, 4, LOAD, 0, 0, 1, 8, KEPT, -3 },
    { 0xf80ff107, "stur x7, [x8, #255]", 1, 7, 0, 8, STORE, 0, 1, 1, 8, KEPT, 255 },
    { 0x38401107, "ldurb w7, [x8, #1]", 1, 7, 0, 1, LOAD, 0, 0, 1, 8, KEPT, 1 },
    { 0xb8801107, "ldursw x7, [x8, #1]", 1, 7, 0, 4, LOAD, 1, 1, 1, 8, KEPT, 1 },
    { 0xf8408949, "ldtr x9, [x10, #8]", 1, 9, 0, 8, LOAD, 0, 1, 1, 10, KEPT, 8 },
    { 0xb81fc949, "sttr w9, [x10, #-4]", 1, 9, 0, 4, STORE, 0, 0, 1, 10, KEPT, -4 },
    { 0x38c00949, "ldtrsb w9, [x10]", 1, 9, 0, 1, LOAD, 1, 0, 1, 10, KEPT, 0 },
    { 0xa9400861, "ldp x1, x2, [x3]", 2, 1, 2, 8, LOAD, 0, 1, 1, 3, KEPT, 0 },
    { 0x29410861, "ldp w1, w2, [x3, #8]", 2, 1, 2, 4, LOAD, 0, 0, 1, 3, KEPT, 8 },
    { 0xa9bf0861, "stp x1, x2, [x3, #-16]!", 2, 1, 2, 8, STORE, 0, 1, 1, 3, PRE, -16 },
    { 0x289f887f, "stp wzr, w2, [x3], #252", 2, 31, 2, 4, STORE, 0, 0, 1, 3, POST, 252 },
    { 0x69600861, "ldpsw x1, x2, [x3, #-256]", 2, 1, 2, 4, LOAD, 1, 1, 1, 3, KEPT, -256 },
    { 0x68c08861, "ldpsw x1, x2, [x3], #4", 2, 1, 2, 4, LOAD, 1, 1, 1, 3, POST, 4 },
    { 0xa8c27bfd, "ldp x29, x30, [sp], #32", 2, 29, 30, 8, LOAD, 0, 1, 1, 31, POST, 32 },
    { 0xa9a07bfd, "stp x29, x30, [sp, #-512]!", 2, 29, 30, 8, STORE, 0, 1, 1, 31, PRE, -512 },
    { 0xa85f8861, "ldnp x1, x2, [x3, #504]", 2, 1, 2, 8, LOAD, 0, 1, 1, 3, KEPT, 504 },
    { 0x28000861, "stnp w1, w2, [x3]", 2, 1, 2, 4, STORE, 0, 0, 1, 3, KEPT, 0 },
    { 0x88dffc41, "ldar w1, [x2]", 1, 1, 0, 4, LOAD, 0, 0, 1, 2, KEPT, 0 },
    { 0x08dffc41, "ldarb w1, [x2]", 1, 1, 0, 1, LOAD, 0, 0, 1, 2, KEPT, 0 },
    { 0x48dfffe1, "ldarh w1, [sp]", 1, 1, 0, 2, LOAD, 0, 0, 1, 31, KEPT, 0 },
    { 0xc8dffc41, "ldar x1, [x2]", 1, 1, 0, 8, LOAD, 0, 1, 1, 2, KEPT, 0 },
    { 0xc89ffc41, "stlr x1, [x2]", 1, 1, 0, 8, STORE, 0, 1, 1, 2, KEPT, 0 },
    { 0x089ffc41, "stlrb w1, [x2]", 1, 1, 0, 1, STORE, 0, 0, 1, 2, KEPT, 0 },
    { 0xc8df7c41, "ldlar x1, [x2]", 1, 1, 0, 8, LOAD, 0, 1, 1, 2, KEPT, 0 },
    { 0xf8bfc041, "ldapr x1, [x2]", 1, 1, 0, 8, LOAD, 0, 1, 1, 2, KEPT, 0 },
    { 0x38bfc041, "ldaprb w1, [x2]", 1, 1, 0, 1, LOAD, 0, 0, 1, 2, KEPT, 0 },
    { 0xb8bfc041, "ldapr w1, [x2]", 1, 1, 0, 4, LOAD, 0, 0, 1, 2, KEPT, 0 },
    { 0x995f9041, "ldapur w1, [x2, #-7]", 1, 1, 0, 4, LOAD, 0, 0, 1, 2, KEPT, -7 },
    { 0xd9007041, "stlur x1, [x2, #7]", 1, 1, 0, 8, STORE, 0, 1, 1, 2, KEPT, 7 },
    { 0x99800041, "ldapursw x1, [x2]", 1, 1, 0, 4, LOAD, 1, 1, 1, 2, KEPT, 0 },
    { 0x19c01041, "ldapursb w1, [x2, #1]", 1, 1, 0, 1, LOAD, 1, 0, 1, 2, KEPT, 1 },
    { 0xf97ffc41, "ldr x1, [x2, #32760]", 1, 1, 0, 8, LOAD, 0, 1, 1, 2, KEPT, 32760 },
    { 0x393ffc41, "strb w1, [x2, #4095]", 1, 1, 0, 1, STORE, 0, 0, 1, 2, KEPT, 4095 },
    { 0xb9bffc41, "ldrsw x1, [x2, #16380]", 1, 1, 0, 4, LOAD, 1, 1, 1, 2, KEPT, 16380 },
    { 0xf8636841, "ldr x1, [x2, x3]", 1, 1, 0, 8, LOAD, 0, 1, 0, 2, KEPT, 0 },
    { 0xb823d841, "str w1, [x2, w3, sxtw #2]", 1, 1, 0, 4, STORE, 0, 0, 0, 2, KEPT, 0 },
    { 0x38e34841, "ldrsb w1, [x2, w3, uxtw]", 1, 1, 0, 1, LOAD, 1, 0, 0, 2, KEPT, 0 },
    { 0x58000081, "ldr x1, <literal>", 1, 1, 0, 8, LOAD, 0, 1, 0, 31, KEPT, 0 },
    { 0x18ffff81, "ldr w1, <literal>", 1, 1, 0, 4, LOAD, 0, 0, 0, 31, KEPT, 0 },
    { 0x98000041, "ldrsw x1, <literal>", 1, 1, 0, 4, LOAD, 1, 1, 0, 31, KEPT, 0 },
    /* not UNPREDICTABLE: no write-back, or through the stack pointer, or equal stores */
    { 0xf9400021, "ldr x1, [x1]", 1, 1, 0, 8, LOAD, 0, 1, 1, 1, KEPT, 0 },
    { 0xf80087ff, "str xzr, [sp], #8", 1, 31, 0, 8, STORE, 0, 1, 1, 31, POST, 8 },
    { 0xa9000461, "stp x1, x1, [x3]", 2, 1, 1, 8, STORE, 0, 1, 1, 3, KEPT, 0 },
};

static const struct {
    u32 insn;
    const char *text;
} refused[] = {
    { 0xc85f7c41, "ldxr x1, [x2]" },
    { 0xc8007c41, "stxr w0, x1, [x2]" },
    { 0x085ffc41, "ldaxrb w1, [x2]" },
    { 0x8800fc41, "stlxr w0, w1, [x2]" },
    { 0xc87f0861, "ldxp x1, x2, [x3]" },
    { 0xc8200861, "stxp w0, x1, x2, [x3]" },
    { 0xc8a07c41, "cas x0, x1, [x2]" },
    { 0x88e0fc41, "casal w0, w1, [x2]" },
    { 0x48207c82, "casp x0, x1, x2, x3, [x4]" },
    { 0x08a07c41, "casb w0, w1, [x2]" },
    { 0xf8200041, "ldadd x0, x1, [x2]" },
    { 0xb8208041, "swp w0, w1, [x2]" },
    { 0xf820303f, "stset x0, [x1]" },
    { 0xfd400020, "ldr d0, [x1]" },
    { 0x3cc10420, "ldr q0, [x1], #16" },
    { 0xad000440, "stp q0, q1, [x2]" },
    { 0x2cc10440, "ldp s0, s1, [x2], #8" },
    { 0x1c000040, "ldr s0, <literal>" },
    { 0x4c407020, "ld1 {v0.16b}, [x1]" },
    { 0x4c9f7420, "st1 {v0.8h}, [x1], #16" },
    { 0xf8200420, "ldraa x0, [x1]" },
    { 0xf8a01c20, "ldrab x0, [x1, #8]!" },
    { 0xd9200841, "stg x1, [x2]" },
    { 0xd9600041, "ldg x1, [x2]" },
    { 0x69000861, "stgp x1, x2, [x3]" },
    { 0xd9601441, "stzg x1, [x2], #16" },
    { 0xd50b7420, "dc zva, x0" },
    { 0xf9800020, "prfm pldl1keep, [x1]" },
    { 0xf8801020, "prfum pldl1keep, [x1, #1]" },
    { 0xf8a26820, "prfm pldl1keep, [x1, x2]" },
    { 0xd8000040, "prfm pldl1keep, <literal>" },
    { 0xd503201f, "nop" },
    { 0x8b020020, "add x0, x1, x2" },
    { 0x14000000, "b ." },
    { 0x00000000, "udf #0" },
    { 0xffffffff, "nothing" },
    /* CONSTRAINED UNPREDICTABLE */
    { 0xf8408421, "ldr x1, [x1], #8" },
    { 0xf8008c21, "str x1, [x1, #8]!" },
    { 0xa8c10461, "ldp x1, x1, [x3], #16" },
    { 0xa9400461, "ldp x1, x1, [x3]" },
    { 0xa8c10823, "ldp x3, x2, [x1], #16 with x1 = x3 below" },
};

static void decodes_known(void **state)
{
    for (u32 i = 0; i < ARRAY_SIZE(known); i++) {
        const struct known *k = &known[i];
        struct insn_ldst out;

        if (!arch_insn_decode(k->insn, &out))
            fail_msg("%s: refused", k->text);
        if (out.count != k->count || out.reg[0] != k->reg0 || out.size != k->size ||
            (out.count == 2 && out.reg[1] != k->reg1) || out.load != k->load ||
            out.sign_extend != k->sign_extend || out.reg64 != k->reg64 ||
            out.base_imm != k->base_imm || out.base != k->base || out.writeback != k->writeback ||
            out.imm != k->imm)
            fail_msg("%s: %u x %u bytes, x%u x%u, load %d sign %d 64 %d, base %u kind %u imm %d",
                     k->text, out.count, out.size, out.reg[0], out.reg[1], out.load,
                     out.sign_extend, out.reg64, out.base, out.writeback, out.imm);
    }
}

static void refuses(void **state)
{
    struct insn_ldst out;

    for (u32 i = 0; i + 1 < ARRAY_SIZE(refused); i++)
        if (arch_insn_decode(refused[i].insn, &out))
            fail_msg("%s: decoded", refused[i].text);
    /* the last one is fine with x1 as its base, and not with one of the registers loaded */
    assert_true(arch_insn_decode(0xa8c10823, &out));
    assert_false(arch_insn_decode((0xa8c10823u & ~0x3e0u) | 2u << 5, &out));
    assert_false(arch_insn_decode((0xa8c10823u & ~0x3e0u) | 3u << 5, &out));
}

/* What must hold for any word, and for the same word with other registers. */
static void check(u32 insn)
{
    struct insn_ldst a;

    if (!arch_insn_decode(insn, &a))
        return;
    assert_int_equal(insn & 0x0e000000, 0x08000000); /* loads and stores without V */
    assert_true(a.count == 1 || a.count == 2);
    assert_true(a.size == 1 || a.size == 2 || a.size == 4 || a.size == 8);
    assert_true(a.count == 1 || a.size >= 4);
    assert_true(a.reg[0] < 32 && a.reg[1] < 32 && a.base < 32);
    assert_true(a.size < 8 || a.reg64);
    assert_false(a.sign_extend && (!a.load || a.size == 8));
    assert_true(a.writeback <= INSN_BASE_PRE);
    assert_true(a.writeback == INSN_BASE_KEPT || a.base_imm);
    assert_true(a.imm >= -512 && a.imm <= 32760);
    if (a.writeback != INSN_BASE_KEPT && a.base != 31)
        assert_true(a.base != a.reg[0] && (a.count == 1 || a.base != a.reg[1]));
    assert_false(a.count == 2 && a.load && a.reg[0] == a.reg[1]);
    assert_int_equal(a.reg[0], insn & 31);
}

static u32 seed = 1;

static u32 next_word(void)
{
    /* xorshift32: all words but 0, the same in every run */
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static void sweep(void **state)
{
    for (u32 i = 0; i < 1u << 20; i++) {
        u32 insn = next_word();

        check(insn);
        check((insn & ~0x0e000000u) | 0x08000000u); /* a load or store by its class bits */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_known),
        cmocka_unit_test(refuses),
        cmocka_unit_test(sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
