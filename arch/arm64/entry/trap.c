/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door up: a guest's exception, as vectors.S saved it, becomes a struct guest_exit
 * for common/guest_exit.c. Registers that only the architecture cares about are
 * answered here without going up.
 */
#include <asm/trap.h>

#include <arch/stage2.h>
#include <arch/vcpu.h>
#include <corbel/guest_exit.h>
#include <corbel/vcpu.h>

#include <asm/esr.h>
#include <asm/sysreg.h>
#include <asm/vsysreg.h>

#define HPFAR_FIPA GENMASK(43, 4)

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
    return stage2_translate_s1(e->u.abort.gva, e->u.abort.write, &e->u.abort.ipa);
}

struct vcpu *trap_sync(struct vcpu *v)
{
    struct guest_exit e;
    u32 esr = (u32)read_sysreg(esr_el2);
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

struct vcpu *trap_irq(struct vcpu *v)
{
    struct guest_exit e = { .reason = EXIT_IRQ };

    return guest_exit_handle(v, &e);
}

struct vcpu *trap_serror(struct vcpu *v)
{
    struct guest_exit e = { .reason = EXIT_SERROR };

    e.u.raw.esr = (u32)read_sysreg(esr_el2);
    return guest_exit_handle(v, &e);
}
