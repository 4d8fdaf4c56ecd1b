/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_GUEST_EXIT_H
#define CORBEL_GUEST_EXIT_H

#include <corbel/types.h>

struct cpu;
struct vcpu;

/*
 * Why a guest came to EL2, other than by an interrupt: decoded by arch/arm64/entry/esr.c,
 * answered by guest_exit.c.
 */
enum exit_reason {
    EXIT_NONE, /* answered already: only look at what is due */
    EXIT_HVC,
    EXIT_SMC,
    EXIT_WFX,
    EXIT_SYSREG,
    EXIT_PMU, /* answered already: the level of its interrupt changed */
    EXIT_DATA_ABORT,
    EXIT_INSN_ABORT,
    EXIT_SERROR,
    EXIT_UNDEF,      /* to be injected as UNDEFINED */
    EXIT_UNEXPECTED, /* an exception class that cannot come from a guest here */
};

/* Trapped registers that common code emulates; vsysreg.c of the architecture answers the rest. */
enum trapped_reg {
    TREG_ICC_SGI1R,
    TREG_ICC_SGI0R,
    TREG_ICC_ASGI1R,
    TREG_ICC_DIR,
    TREG_CNTP_CTL,
    TREG_CNTP_CVAL,
    TREG_CNTP_TVAL,
    TREG_SETWAY, /* DC ISW/CSW/CISW */
    TREG_SCTLR,  /* SCTLR_EL1 writes, while the guest's caches are watched */
};

enum abort_kind { ABORT_TRANSLATION, ABORT_PERMISSION, ABORT_OTHER };

struct guest_exit {
    u8 reason; /* enum exit_reason */
    bool il32; /* 4-byte instruction */
    union {
        struct {
            u16 imm;
        } call; /* HVC, SMC */
        struct {
            bool wfe;
        } wfx; /* WFE, and waits with a time limit: yield */
        struct {
            u8 reg;
            u8 rt;
            bool write;
        } sysreg; /* reg: enum trapped_reg */
        struct {
            u64 gva;
            ipa_t ipa; /* with the page offset of gva */
            u8 kind;   /* enum abort_kind */
            u8 size;   /* bytes, valid with isv */
            u8 rt;
            bool isv, write, sign_extend, rt64, s1ptw, cache_op;
        } abort;
        struct {
            u32 esr;
        } raw; /* SERROR, UNEXPECTED */
    } u;
};

/*
 * The door from arch into common: answer the exit, run what is due on this CPU,
 * return the vCPU to enter next (loaded here; never NULL). Idle is a loop inside.
 */
struct vcpu *guest_exit_handle(struct vcpu *v, const struct guest_exit *e);

/*
 * The same for what guests do all the time, without a struct guest_exit: HVC #0; WFI; a write of
 * value to ICC_SGI1R_EL1; an interrupt, and whether it found v at its vector for exceptions of EL1.
 */
struct vcpu *guest_exit_call(struct vcpu *v);
struct vcpu *guest_exit_wfi(struct vcpu *v);
struct vcpu *guest_exit_sgi(struct vcpu *v, u64 value);
struct vcpu *guest_exit_irq(struct vcpu *v, bool at_vector);

/*
 * And for a data abort of an address without mapping by a 4-byte instruction that the syndrome
 * describes: size bytes (1, 2, 4, 8) of register rt, zero-extended when read.
 * v->abort_gva is set.
 */
struct vcpu *guest_exit_mmio(struct vcpu *v, ipa_t ipa, u32 rt, u32 size, bool write);

/* First entry of a CPU after boot: as guest_exit_handle without an exit. */
struct vcpu *guest_exit_first(struct cpu *cpu);

#endif
