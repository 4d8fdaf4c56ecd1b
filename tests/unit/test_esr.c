/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syndromes of a guest's exits: one table of what the CPU reports and what common code
 * is told, each exception class, each field of a data abort.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/esr.h>
#include <corbel/compiler.h>

#define ESR(ec, iss)   ((u32)FIELD_PREP(ESR_EC, ec) | (u32)ESR_IL | (u32)(iss))
#define ESR16(ec, iss) ((u32)FIELD_PREP(ESR_EC, ec) | (u32)(iss))

static struct guest_exit decode(u32 esr)
{
    struct guest_exit e;

    memset(&e, 0xa5, sizeof(e)); /* the caller does not clear it either */
    esr_decode(esr, &e);
    return e;
}

static const struct {
    u32 ec;
    u8 reason;
} classes[] = {
    { EC_UNKNOWN, EXIT_UNDEF },
    { EC_WFX, EXIT_WFX },
    { EC_CP15_32, EXIT_UNDEF },
    { EC_CP15_64, EXIT_UNDEF },
    { EC_CP14_32, EXIT_UNDEF },
    { EC_CP14_LS, EXIT_UNDEF },
    { EC_CP14_64, EXIT_UNDEF },
    { EC_FP, EXIT_UNDEF },
    { EC_FPID, EXIT_UNDEF },
    { EC_PAUTH, EXIT_UNDEF },
    { EC_LS64, EXIT_UNDEF },
    { EC_SYSREG, EXIT_UNDEF },
    { EC_SVE, EXIT_UNDEF },
    { EC_SME, EXIT_UNDEF },
    { EC_HVC64, EXIT_HVC },
    { EC_SMC64, EXIT_SMC },
    { EC_IABT_LOWER, EXIT_INSN_ABORT },
    { EC_DABT_LOWER, EXIT_DATA_ABORT },
    { EC_BTI, EXIT_UNEXPECTED },
    { EC_ILLEGAL, EXIT_UNEXPECTED },
    { EC_HVC32, EXIT_UNEXPECTED },
    { EC_IABT_CUR, EXIT_UNEXPECTED },
    { EC_DABT_CUR, EXIT_UNEXPECTED },
    { EC_PC_ALIGN, EXIT_UNEXPECTED },
    { EC_SP_ALIGN, EXIT_UNEXPECTED },
    { EC_SERROR, EXIT_UNEXPECTED },
    { EC_BREAK_LOWER, EXIT_UNEXPECTED },
    { EC_STEP_LOWER, EXIT_UNEXPECTED },
    { EC_WATCH_LOWER, EXIT_UNEXPECTED },
    { EC_BRK64, EXIT_UNEXPECTED },
};

static u8 expected_reason(u32 ec)
{
    for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
        if (classes[i].ec == ec)
            return classes[i].reason;
    return EXIT_UNEXPECTED;
}

static void every_class(void **state)
{
    for (u32 ec = 0; ec < 64; ec++) {
        struct guest_exit e = decode(ESR(ec, 0));

        assert_int_equal(e.reason, expected_reason(ec));
        assert_true(e.il32);
        e = decode(ESR16(ec, ESR_ISS));
        assert_int_equal(e.reason, expected_reason(ec));
        assert_false(e.il32);
        if (e.reason == EXIT_UNEXPECTED)
            assert_int_equal(e.u.raw.esr, ESR16(ec, ESR_ISS));
    }
}

static void calls_and_waits(void **state)
{
    assert_int_equal(decode(ESR(EC_HVC64, 0xea1)).u.call.imm, 0xea1);
    assert_int_equal(decode(ESR(EC_SMC64, 0xffff)).u.call.imm, 0xffff);
    /* ISS.TI: WFI, WFE, and with a time limit WFIT, WFET. Only WFI may sleep for long. */
    assert_false(decode(ESR(EC_WFX, 0x1e00000 | 0)).u.wfx.wfe);
    assert_true(decode(ESR(EC_WFX, 0x1e00000 | 1)).u.wfx.wfe);
    assert_true(decode(ESR(EC_WFX, 0x1e00000 | 2)).u.wfx.wfe);
    assert_true(decode(ESR(EC_WFX, 0x1e00000 | 3)).u.wfx.wfe);
    assert_false(decode(ESR16(EC_WFX, 0)).il32);
}

static void abort_kinds(void **state)
{
    for (u32 fsc = 0; fsc < 64; fsc++) {
        struct guest_exit d = decode(ESR(EC_DABT_LOWER, fsc));
        struct guest_exit i = decode(ESR(EC_IABT_LOWER, fsc));
        u8 kind = ABORT_OTHER;

        if (fsc < 8) /* address size 0..3, translation 4..7 */
            kind = ABORT_TRANSLATION;
        else if (fsc >= 12 && fsc < 16)
            kind = ABORT_PERMISSION;
        assert_int_equal(d.u.abort.kind, kind);
        assert_int_equal(i.u.abort.kind, kind);
    }
}

struct data_abort {
    u32 iss;
    u8 size, rt;
    bool isv, write, sign_extend, rt64, s1ptw, cache_op;
};

#define TRANS3 0x07u

static const struct data_abort aborts[] = {
    /* ldr w1 / str x30 / ldrsb x2 / strh wzr */
    { ISS_ABT_ISV | 2u << 22 | 1u << 16 | TRANS3, 4, 1, true, false, false, false, false, false },
    { ISS_ABT_ISV | 3u << 22 | 30u << 16 | ISS_ABT_SF | ISS_ABT_WNR | TRANS3, 8, 30, true, true,
      false, true, false, false },
    { ISS_ABT_ISV | ISS_ABT_SSE | 2u << 16 | ISS_ABT_SF | TRANS3, 1, 2, true, false, true, true,
      false, false },
    { ISS_ABT_ISV | 1u << 22 | 31u << 16 | ISS_ABT_WNR | TRANS3, 2, 31, true, true, false, false,
      false, false },
    /* stp: no syndrome, but the direction holds */
    { ISS_ABT_WNR | TRANS3, 1, 0, false, true, false, false, false, false },
    /* dc cvac counts as a write in WnR; it is none */
    { ISS_ABT_CM | ISS_ABT_WNR | TRANS3, 1, 0, false, false, false, false, false, true },
    /* a stage-1 walk, with hardware update of the descriptor */
    { ISS_ABT_S1PTW | ISS_ABT_WNR | TRANS3, 1, 0, false, true, false, false, true, false },
};

static void abort_fields(void **state)
{
    for (u32 i = 0; i < ARRAY_SIZE(aborts); i++) {
        const struct data_abort *a = &aborts[i];
        struct guest_exit e = decode(ESR(EC_DABT_LOWER, a->iss));

        assert_int_equal(e.reason, EXIT_DATA_ABORT);
        assert_int_equal(e.u.abort.kind, ABORT_TRANSLATION);
        assert_int_equal(e.u.abort.isv, a->isv);
        assert_int_equal(e.u.abort.write, a->write);
        assert_int_equal(e.u.abort.s1ptw, a->s1ptw);
        assert_int_equal(e.u.abort.cache_op, a->cache_op);
        if (!a->isv)
            continue;
        assert_int_equal(e.u.abort.size, a->size);
        assert_int_equal(e.u.abort.rt, a->rt);
        assert_int_equal(e.u.abort.sign_extend, a->sign_extend);
        assert_int_equal(e.u.abort.rt64, a->rt64);
    }
}

/* The bits that mean something else for a fetch must not leak into the answer. */
static void fetches(void **state)
{
    struct guest_exit e = decode(ESR(EC_IABT_LOWER, ESR_ISS & ~0x3full) | TRANS3);

    assert_int_equal(e.reason, EXIT_INSN_ABORT);
    assert_false(e.u.abort.isv);
    assert_false(e.u.abort.write);
    assert_false(e.u.abort.cache_op);
    assert_true(e.u.abort.s1ptw);
}

/* MSR/MRS encodings as vsysreg.c compares them, from Arm ARM D24.2.40 examples. */
static void sysreg_encoding(void **state)
{
    /* mrs x3, cntp_ctl_el0: op0 3, op1 3, CRn 14, CRm 2, op2 1, read */
    u32 iss = 3u << 20 | 1u << 17 | 3u << 14 | 14u << 10 | 3u << 5 | 2u << 1 | 1u;

    assert_int_equal(iss & ISS_SYS_ENC, SYS_ENC(3, 3, 14, 2, 1));
    assert_int_equal(FIELD_GET(ISS_SYS_RT, iss), 3);
    assert_true(iss & ISS_SYS_DIR);
    assert_int_equal(SYS_ENC(3, 7, 15, 15, 7) & ~ISS_SYS_ENC, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class), cmocka_unit_test(calls_and_waits),
        cmocka_unit_test(abort_kinds), cmocka_unit_test(abort_fields),
        cmocka_unit_test(fetches),     cmocka_unit_test(sysreg_encoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
