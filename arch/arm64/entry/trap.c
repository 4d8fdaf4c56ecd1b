/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door up: a guest's exception, as vectors.S saved it, becomes a struct guest_exit
 * for common/guest_exit.c. Registers that only the architecture cares about are
 * answered here without going up. What guests do all the time has a short way that decodes
 * nothing it does not need: accesses to emulated registers that the syndrome describes,
 * HVC #0, SGIs of GICv3, interrupts.
 */
#include <asm/trap.h>

#include <arch/stage2.h>
#include <arch/vcpu.h>
#include <corbel/compiler.h>
#include <corbel/guest_exit.h>
#include <corbel/vcpu.h>

#include <asm/esr.h>
#include <asm/inject.h>
#include <asm/sysreg.h>
#include <asm/vsysreg.h>

/* FIPA and the RES0 bits above it; NS, which is none of ours, is shifted out of an IPA. */
#define HPFAR_FIPA GENMASK(63, 4)

/* Fill gva and ipa; false when the fault is gone by now and the guest shall just run again. */
static bool fault_address(u32 iss, struct guest_exit *e)
{
    u32 fsc = iss & ISS_ABT_FSC;
    u64 offset;

    if (fsc == FSC_TLB_CONFLICT) { /* a block and the table it became (stage2_split_mode) */
        stage2_flush_vmid_local();
        return false;
    }
    e->u.abort.gva = (iss & ISS_ABT_FNV) && fsc == FSC_EXT ? 0 : read_sysreg(far_el2);
    offset = e->u.abort.gva & (PAGE_SIZE - 1);
    /* HPFAR_EL2 holds for translation faults and for faults on a walk (Arm ARM: HPFAR_EL2,
     * design decision 20); a permission fault leaves it UNKNOWN on some CPUs. */
    if (e->u.abort.s1ptw || e->u.abort.kind == ABORT_TRANSLATION) {
        e->u.abort.ipa = IPA(FIELD_GET(HPFAR_FIPA, read_sysreg(hpfar_el2)) << PAGE_SHIFT);
        if (!e->u.abort.s1ptw)
            e->u.abort.ipa.v |= offset;
        return true;
    }
    if (e->u.abort.kind == ABORT_OTHER) {
        e->u.abort.ipa = IPA(0); /* external abort: no address translation to report */
        return true;
    }
    return stage2_translate_s1(e->u.abort.gva, &e->u.abort.ipa);
}

static __noinline struct vcpu *any_sync(struct vcpu *v, u32 esr)
{
    struct guest_exit e;
    u32 ec = (u32)FIELD_GET(ESR_EC, esr);

    esr_decode(esr, &e);
    if (ec == EC_SYSREG && vsysreg_handle(v, (u32)(esr & ESR_ISS), &e) &&
        !__atomic_load_n(&v->req, __ATOMIC_RELAXED))
        return v;
    if ((e.reason == EXIT_DATA_ABORT || e.reason == EXIT_INSN_ABORT) &&
        !fault_address((u32)(esr & ESR_ISS), &e))
        return v;
    return guest_exit_handle(v, &e);
}

/*
 * A load or store that the syndrome describes, zero-extended, of an address without mapping, or
 * (PERM_BIT) not permitted, as a write to registers that may be read without an exit.
 */
#define PERM_BIT (FSC_PERM ^ FSC_TRANS)
#define MMIO_MASK                                                               \
    (ESR_EC | ESR_IL | ISS_ABT_ISV | ISS_ABT_SSE | ISS_ABT_CM | ISS_ABT_S1PTW | \
     (ISS_ABT_FSC & ~(PERM_BIT | 3ull)))
#define MMIO_ESR (FIELD_PREP(ESR_EC, EC_DABT_LOWER) | ESR_IL | ISS_ABT_ISV | FSC_TRANS)

static inline struct vcpu *mmio_at(struct vcpu *v, u64 esr, u64 gva, ipa_t ipa)
{
    v->abort_gva = gva; /* EL2 may have an abort of its own meanwhile */
    return guest_exit_mmio(v, ipa, (u32)FIELD_GET(ISS_ABT_SRT, esr),
                           1u << FIELD_GET(ISS_ABT_SAS, esr), esr & ISS_ABT_WNR);
}

/* What is not in the block of the last access may be no registers at all: decoded in full. */
static __noinline struct vcpu *mmio_translated(struct vcpu *v, u64 esr)
{
    u64 gva = read_sysreg(far_el2);
    ipa_t ipa;

    if (!stage2_translate_s1(gva, &ipa))
        return v;
    if (ipa.v - v->region->base >= v->region->size)
        return any_sync(v, (u32)esr);
    return mmio_at(v, esr, gva, ipa);
}

static inline struct vcpu *mmio(struct vcpu *v, u64 esr)
{
    u64 gva;

    if (unlikely(esr & PERM_BIT))
        return mmio_translated(v, esr);
    gva = read_sysreg(far_el2);
    return mmio_at(v, esr, gva,
                   IPA(FIELD_GET(HPFAR_FIPA, read_sysreg(hpfar_el2)) << PAGE_SHIFT |
                       (gva & (PAGE_SIZE - 1))));
}

#define HVC0_MASK (ESR_EC | GENMASK(15, 0))
#define HVC0_ESR  FIELD_PREP(ESR_EC, EC_HVC64)
#define SGI1_MASK (ESR_EC | ISS_SYS_ENC | ISS_SYS_DIR)
#define SGI1_ESR  (FIELD_PREP(ESR_EC, EC_SYSREG) | SYS_ENC(3, 0, 12, 11, 5)) /* ICC_SGI1R_EL1 */

/* A WFI of 4 bytes, A64 or A32. */
#define WFI_MASK (ESR_EC | ESR_IL | ISS_WFX_TI)
#define WFI_ESR  (FIELD_PREP(ESR_EC, EC_WFX) | ESR_IL)

static __noinline struct vcpu *sgi(struct vcpu *v, u64 esr)
{
    return guest_exit_sgi(v, vcpu_reg_get(v, (u32)FIELD_GET(ISS_SYS_RT, esr)));
}

struct vcpu *trap_sync(struct vcpu *v)
{
    u64 esr = read_sysreg(esr_el2);

    if (likely((esr & MMIO_MASK) == MMIO_ESR))
        return mmio(v, esr);
    if ((esr & HVC0_MASK) == HVC0_ESR)
        return guest_exit_call(v);
    if ((esr & SGI1_MASK) == SGI1_ESR)
        return sgi(v, esr);
    if ((esr & WFI_MASK) == WFI_ESR)
        return guest_exit_wfi(v);
    return any_sync(v, (u32)esr);
}

struct vcpu *trap_irq(struct vcpu *v)
{
    /* Hardly ever at that offset: VBAR_EL1 is 2 KiB aligned (Arm ARM D1.3.1.5). */
    return guest_exit_irq(v, (v->regs.pc & 0x7ff) == VECTOR_SYNC_SPX);
}

struct vcpu *trap_serror(struct vcpu *v)
{
    struct guest_exit e = { .reason = EXIT_SERROR };

    e.u.raw.esr = (u32)read_sysreg(esr_el2);
    return guest_exit_handle(v, &e);
}
