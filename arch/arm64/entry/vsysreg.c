/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers that trap (design.md section 11.4): ID registers where something is
 * hidden, the first access to breakpoints, the PMU, implementation-defined ones as RAZ/WI, the
 * rest UNDEFINED.
 * GIC, timer and set/way operations go up to common code.
 */
#include <asm/vsysreg.h>

#include <arch/vcpu.h>
#include <corbel/compiler.h>
#include <corbel/vcpu.h>

#include <asm/debug.h>
#include <asm/esr.h>
#include <asm/features.h>
#include <asm/pmu.h>
#include <asm/sysreg.h>

enum answer { RAZ_WI, UP };

struct sysreg_entry {
    u32 enc;
    u8 answer; /* enum answer */
    u8 up;     /* enum trapped_reg */
};

/* Registers with an answer of their own; ranges are in vsysreg_class(). */
static const struct sysreg_entry table[] = {
    { SYS_ENC(3, 0, 12, 11, 5), UP, TREG_ICC_SGI1R },
    { SYS_ENC(3, 0, 12, 11, 6), UP, TREG_ICC_ASGI1R },
    { SYS_ENC(3, 0, 12, 11, 7), UP, TREG_ICC_SGI0R },
    { SYS_ENC(3, 0, 12, 11, 1), UP, TREG_ICC_DIR },
    { SYS_ENC(3, 3, 14, 2, 0), UP, TREG_CNTP_TVAL },
    { SYS_ENC(3, 3, 14, 2, 1), UP, TREG_CNTP_CTL },
    { SYS_ENC(3, 3, 14, 2, 2), UP, TREG_CNTP_CVAL },
    { SYS_ENC(1, 0, 7, 6, 2), UP, TREG_SETWAY },  /* DC ISW */
    { SYS_ENC(1, 0, 7, 10, 2), UP, TREG_SETWAY }, /* DC CSW */
    { SYS_ENC(1, 0, 7, 14, 2), UP, TREG_SETWAY }, /* DC CISW */
    { SYS_ENC(3, 0, 1, 0, 0), UP, TREG_SCTLR },   /* SCTLR_EL1, under TVM */
    { SYS_ENC(3, 0, 1, 0, 1), RAZ_WI, 0 },        /* ACTLR_EL1 */
    { SYS_ENC(2, 0, 1, 3, 4), RAZ_WI, 0 },        /* OSDLR_EL1 */
    { SYS_ENC(2, 0, 1, 0, 0), RAZ_WI, 0 },        /* MDRAR_EL1 */
    { SYS_ENC(2, 0, 0, 2, 0), RAZ_WI, 0 },        /* MDCCINT_EL1 */
    { SYS_ENC(2, 3, 0, 1, 0), RAZ_WI, 0 },        /* MDCCSR_EL0 */
    { SYS_ENC(2, 0, 7, 8, 6), RAZ_WI, 0 },        /* DBGCLAIMSET_EL1 */
    { SYS_ENC(2, 0, 7, 9, 6), RAZ_WI, 0 },        /* DBGCLAIMCLR_EL1 */
    { SYS_ENC(2, 0, 7, 14, 6), RAZ_WI, 0 },       /* DBGAUTHSTATUS_EL1 */
};

#define ENC_OP0(e) (((e) >> 20) & 3)
#define ENC_OP2(e) (((e) >> 17) & 7)
#define ENC_OP1(e) (((e) >> 14) & 7)
#define ENC_CRN(e) (((e) >> 10) & 15)
#define ENC_CRM(e) (((e) >> 1) & 15)

/* S3_0_C0_C1..C7_x: the ID group that TID3 traps. Read-only; a write is UNDEFINED. */
static bool is_id(u32 enc)
{
    return ENC_OP0(enc) == 3 && ENC_OP1(enc) == 0 && ENC_CRN(enc) == 0 && ENC_CRM(enc) >= 1 &&
           ENC_CRM(enc) <= 7;
}

#define ENC_MDSCR SYS_ENC(2, 0, 0, 2, 2)
#define ENC_OSLAR SYS_ENC(2, 0, 1, 0, 4)
#define ENC_OSLSR SYS_ENC(2, 0, 1, 1, 4)

/* DBGBVR, DBGBCR, DBGWVR, DBGWCR (S2_0_C0_Cm_4..7) and MDSCR_EL1: what moves with the vCPU. */
static bool is_debug_state(u32 enc)
{
    return enc == ENC_MDSCR ||
           (ENC_OP0(enc) == 2 && ENC_OP1(enc) == 0 && ENC_CRN(enc) == 0 && ENC_OP2(enc) >= 4);
}

/* Implementation defined (TIDCP), and LORegions / RAS records that read as not there. */
static bool is_empty(u32 enc)
{
    bool impdef = ENC_OP0(enc) == 3 && (ENC_CRN(enc) == 11 || ENC_CRN(enc) == 15);
    bool lor = ENC_OP0(enc) == 3 && ENC_OP1(enc) == 0 && ENC_CRN(enc) == 10 && ENC_CRM(enc) == 4;
    bool ras = ENC_OP0(enc) == 3 && ENC_OP1(enc) == 0 && ENC_CRN(enc) == 5 && ENC_CRM(enc) >= 3 &&
               ENC_CRM(enc) <= 5;

    return impdef || lor || ras;
}

static void answer(struct vcpu *v, u32 iss, u64 value, struct guest_exit *e)
{
    if (iss & ISS_SYS_DIR)
        vcpu_reg_set(v, (u32)FIELD_GET(ISS_SYS_RT, iss), value);
    arch_vcpu_skip(v, true);
    e->reason = EXIT_NONE;
}

/* Virtual-memory registers that TVM traps besides SCTLR_EL1: written through. */
static bool tvm_write(u32 enc, u64 value)
{
    switch (enc) {
    case SYS_ENC(3, 0, 2, 0, 0):
        write_sysreg(value, ttbr0_el1);
        return true;
    case SYS_ENC(3, 0, 2, 0, 1):
        write_sysreg(value, ttbr1_el1);
        return true;
    case SYS_ENC(3, 0, 2, 0, 2):
        write_sysreg(value, tcr_el1);
        return true;
    case SYS_ENC(3, 0, 5, 1, 0):
        write_sysreg(value, afsr0_el1);
        return true;
    case SYS_ENC(3, 0, 5, 1, 1):
        write_sysreg(value, afsr1_el1);
        return true;
    case SYS_ENC(3, 0, 5, 2, 0):
        write_sysreg(value, esr_el1);
        return true;
    case SYS_ENC(3, 0, 6, 0, 0):
        write_sysreg(value, far_el1);
        return true;
    case SYS_ENC(3, 0, 10, 2, 0):
        write_sysreg(value, mair_el1);
        return true;
    case SYS_ENC(3, 0, 10, 3, 0):
        write_sysreg(value, amair_el1);
        return true;
    case SYS_ENC(3, 0, 13, 0, 1):
        write_sysreg(value, contextidr_el1);
        return true;
    default:
        return false;
    }
}

static bool from_table(struct vcpu *v, u32 iss, struct guest_exit *e)
{
    u32 enc = (u32)(iss & ISS_SYS_ENC);

    for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].enc != enc)
            continue;
        if (table[i].answer == UP) {
            e->reason = EXIT_SYSREG;
            e->u.sysreg.reg = table[i].up;
            e->u.sysreg.rt = (u8)FIELD_GET(ISS_SYS_RT, iss);
            e->u.sysreg.write = !(iss & ISS_SYS_DIR);
            return false;
        }
        answer(v, iss, 0, e);
        return true;
    }
    e->reason = EXIT_UNDEF;
    return false;
}

/* Under the guest's OS lock: in memory. False: this CPU has no such register. */
static bool locked_access(struct vcpu *v, u32 iss, struct guest_exit *e)
{
    u32 enc = (u32)(iss & ISS_SYS_ENC);
    u64 *reg = vcpu_debug_locked_reg(v, ENC_CRM(enc), ENC_OP2(enc));

    if (!reg)
        return false;
    if (!(iss & ISS_SYS_DIR))
        *reg = vcpu_reg_get(v, (u32)FIELD_GET(ISS_SYS_RT, iss));
    answer(v, iss, *reg, e);
    return true;
}

/* True: answered, or to be tried again by the guest. */
static bool debug_access(struct vcpu *v, u32 iss, struct guest_exit *e)
{
    u32 enc = (u32)(iss & ISS_SYS_ENC);
    bool read = iss & ISS_SYS_DIR;

    if (is_debug_state(enc) && v->arch.debug.os_locked)
        return locked_access(v, iss, e);
    if (is_debug_state(enc) && !v->arch.debug.live) {
        vcpu_debug_take(v);
        e->reason = EXIT_NONE;
        return true;
    }
    if ((enc != ENC_OSLSR || !read) && (enc != ENC_OSLAR || read))
        return false;
    if (!read)
        vcpu_debug_oslar(v, vcpu_reg_get(v, (u32)FIELD_GET(ISS_SYS_RT, iss)));
    answer(v, iss, vcpu_debug_oslsr(v), e);
    return true;
}

/* True: answered. False: e says that it is UNDEFINED, or that the interrupt's level changed. */
static bool pmu_access(struct vcpu *v, struct pmu_access a, u32 iss, struct guest_exit *e)
{
    bool write = !(iss & ISS_SYS_DIR);
    u64 value = write ? vcpu_reg_get(v, (u32)FIELD_GET(ISS_SYS_RT, iss)) : 0;

    if (!vcpu_has_pmu(v) || !vcpu_pmu_access(v, a, write, &value)) {
        e->reason = EXIT_UNDEF;
        return false;
    }
    answer(v, iss, value, e);
    if (!write || arch_vcpu_pmu_output(v) == v->pmu_line)
        return true;
    e->reason = EXIT_PMU;
    return false;
}

bool vsysreg_handle(struct vcpu *v, u32 iss, struct guest_exit *e)
{
    u32 enc = (u32)(iss & ISS_SYS_ENC);
    struct pmu_access pmu;

    if (is_id(enc) && (iss & ISS_SYS_DIR)) {
        u32 version = vcpu_has_pmu(v) ? cpu_features()->pmu.version : 0;

        answer(v, iss, cpu_id_view(ENC_CRM(enc), ENC_OP2(enc), version), e);
        return true;
    }
    if (debug_access(v, iss, e))
        return true;
    pmu = pmu_decode(enc);
    if (pmu.reg != PMU_NONE)
        return pmu_access(v, pmu, iss, e);
    if (is_empty(enc)) {
        answer(v, iss, 0, e);
        return true;
    }
    if (!(iss & ISS_SYS_DIR) && tvm_write(enc, vcpu_reg_get(v, (u32)FIELD_GET(ISS_SYS_RT, iss)))) {
        answer(v, iss, 0, e);
        return true;
    }
    return from_table(v, iss, e);
}
