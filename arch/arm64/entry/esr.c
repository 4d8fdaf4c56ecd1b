/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syndrome to struct guest_exit. Pure: the same file runs in the host's unit tests.
 * Follows Arm ARM D17.2.37 (ESR_EL2).
 */
#include <asm/esr.h>

static void decode_abort(u32 iss, struct guest_exit *e, bool data)
{
    u32 fsc = iss & ISS_ABT_FSC;

    e->u.abort.kind = ABORT_OTHER;
    if ((fsc & ~3u) == FSC_TRANS || (fsc & ~3u) == 0)
        e->u.abort.kind = ABORT_TRANSLATION; /* level in the low bits; 0b0000LL: address size */
    else if ((fsc & ~3u) == FSC_PERM)
        e->u.abort.kind = ABORT_PERMISSION;
    e->u.abort.s1ptw = iss & ISS_ABT_S1PTW;
    e->u.abort.write = data && (iss & ISS_ABT_WNR) && !(iss & ISS_ABT_CM);
    e->u.abort.cache_op = data && (iss & ISS_ABT_CM);
    e->u.abort.isv = data && (iss & ISS_ABT_ISV);
    e->u.abort.size = (u8)(1u << FIELD_GET(ISS_ABT_SAS, iss));
    e->u.abort.rt = (u8)FIELD_GET(ISS_ABT_SRT, iss);
    e->u.abort.sign_extend = iss & ISS_ABT_SSE;
    e->u.abort.rt64 = iss & ISS_ABT_SF;
}

void esr_decode(u32 esr, struct guest_exit *e)
{
    u32 ec = (u32)FIELD_GET(ESR_EC, esr);
    u32 iss = (u32)(esr & ESR_ISS);

    e->il32 = esr & ESR_IL;
    switch (ec) {
    case EC_HVC64:
    case EC_SMC64:
        e->reason = ec == EC_HVC64 ? EXIT_HVC : EXIT_SMC;
        e->u.call.imm = (u16)iss;
        break;
    case EC_WFX:
        e->reason = EXIT_WFX;
        /* WFIT and WFET end at a time that nobody here watches: hints, like WFE. */
        e->u.wfx.wfe = iss & ISS_WFX_TI;
        break;
    case EC_DABT_LOWER:
    case EC_IABT_LOWER:
        e->reason = ec == EC_DABT_LOWER ? EXIT_DATA_ABORT : EXIT_INSN_ABORT;
        decode_abort(iss, e, ec == EC_DABT_LOWER);
        break;
    case EC_UNKNOWN:
    case EC_CP15_32:
    case EC_CP15_64:
    case EC_CP14_32:
    case EC_CP14_LS:
    case EC_CP14_64:
    case EC_FP:
    case EC_FPID:
    case EC_PAUTH:
    case EC_LS64:
    case EC_SYSREG:
    case EC_SVE:
    case EC_SME:
        e->reason = EXIT_UNDEF;
        break;
    default:
        e->reason = EXIT_UNEXPECTED;
        e->u.raw.esr = esr;
        break;
    }
}
