/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of the stress payload, made bit by bit, and how one is tried: it is written to this
 * vCPU's page of code, behind it a branch back, and run with registers of its own. Encodings: Arm
 * ARM, C4.1 "A64 instruction set encoding". Tried with the MMU off, it relies on caches that are
 * coherent with uncached accesses, as QEMU's are.
 */
#include "stress.h"

#define INSN_B       0x14000000U
#define INSN_SYSTEM  0xd5000000U
#define INSN_HINT    0xd503201fU
#define INSN_NOP     INSN_HINT
#define RN_X1        (1U << 5)
#define RT(x)        ((uint32_t)(x))
#define LDST_GROUP   0x08000000U /* bit 27 set, bit 25 clear */
#define LDST_MASK    0x0a000000U
#define CODE_SPACING 1024U /* words: a page for each vCPU */
#define READ         BIT(21)

static _Alignas(4096) uint32_t code[MAX_CPUS][CODE_SPACING];

extern const uint32_t stress_return[];
void stress_enter(struct regs *regs, const uint32_t *at, uint64_t off, uint64_t on);

/*
 * In: x0 = struct regs, x1 = code, x2 = SCTLR_EL1 for it (0: as it is), x3 = SCTLR_EL1 after it.
 * All registers but SP may be anything at stress_return.
 */
__asm__(".text\n"
        ".globl stress_enter, stress_return\n"
        "stress_enter:\n"
        "    stp x29, x30, [sp, #-144]!\n"
        "    stp x19, x20, [sp, #16]\n"
        "    stp x21, x22, [sp, #32]\n"
        "    stp x23, x24, [sp, #48]\n"
        "    stp x25, x26, [sp, #64]\n"
        "    stp x27, x28, [sp, #80]\n"
        "    stp x0, x3, [sp, #96]\n"
        "    str x2, [sp, #112]\n"
        "    mov x30, x1\n"
        "    mov x29, x2\n"
        "    mov x28, x0\n"
        "    ldp x16, x17, [x28, #128]\n"
        "    ldp x0, x1, [x28]\n"
        "    ldp x2, x3, [x28, #16]\n"
        "    ldp x4, x5, [x28, #32]\n"
        "    ldp x6, x7, [x28, #48]\n"
        "    ldp x8, x9, [x28, #64]\n"
        "    ldp x10, x11, [x28, #80]\n"
        "    ldp x12, x13, [x28, #96]\n"
        "    ldp x14, x15, [x28, #112]\n"
        "    mov x28, x30\n"
        "    adr x30, stress_return\n"
        "    cbz x29, 1f\n"
        "    msr sctlr_el1, x29\n"
        "    isb\n"
        "1:  br x28\n"
        "stress_return:\n"
        "    str x0, [sp, #120]\n"
        "    stp x3, x8, [sp, #128]\n"
        "    ldr x2, [sp, #112]\n"
        "    ldp x0, x3, [sp, #96]\n"
        "    cbz x2, 2f\n"
        "    msr sctlr_el1, x3\n"
        "    isb\n"
        "2:  ldr x4, [sp, #120]\n"
        "    ldp x5, x6, [sp, #128]\n"
        "    str x4, [x0]\n"
        "    str x5, [x0, #24]\n"
        "    str x6, [x0, #64]\n"
        "    ldp x19, x20, [sp, #16]\n"
        "    ldp x21, x22, [sp, #32]\n"
        "    ldp x23, x24, [sp, #48]\n"
        "    ldp x25, x26, [sp, #64]\n"
        "    ldp x27, x28, [sp, #80]\n"
        "    ldp x29, x30, [sp], #144\n"
        "    ret\n");

struct fault stress_try(struct stress *s, uint32_t insn, struct regs *regs, uint64_t off)
{
    uint32_t *at = code[s->cpu->index];
    ptrdiff_t back = stress_return - (at + 1);
    struct fault fault;

    at[0] = insn;
    at[1] = INSN_B | ((uint32_t)back & 0x3ffffffU);
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(at) : "memory");
    fault = guarded(stress_enter(regs, at, off, read_sysreg(sctlr_el1)));
    if (fault.taken) {
        s->faults++;
        stress_digest(s, fault.esr);
    } else {
        stress_digest(s, regs->x[3]);
    }
    return fault;
}

/* --- loads and stores --- */

static bool is_memory_copy(uint32_t insn)
{
    return (insn & 0x3b200c00U) == 0x19000400U;
}

uint32_t insn_ldst(struct stress *s)
{
    uint32_t insn;

    do {
        insn = ((uint32_t)stress_random(s) & ~LDST_MASK) | LDST_GROUP;
    } while (is_memory_copy(insn)); /* FEAT_MOPS: their length would be an address */
    insn = (insn & ~(31U << 5)) | RN_X1;
    if ((insn & 0x3b200c00U) == 0x38200800U) {
        insn = (insn & ~(31U << 16)) | 2U << 16; /* register offset: x2 is small */
    }
    if ((insn & 0x3b000000U) == 0x39000000U) {
        insn &= ~(0xff0U << 10); /* unsigned offset: up to 15 elements */
    }
    return insn;
}

uint32_t insn_plain(struct stress *s)
{
    uint32_t size = (uint32_t)stress_below(s, 4);
    uint32_t load = (uint32_t)stress_below(s, 2);

    return 0x39000000U | size << 30 | load << 22 | RN_X1 | 3U;
}

/* --- the system instructions --- */

#define ENC(op0, op1, crn, crm, op2) \
    ((uint32_t)(op0) << 19 | (uint32_t)(op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define ENC_ANY_OP2 (7U << 5)

/*
 * What only this program would suffer from: nothing of these is trapped, or the hypervisor writes
 * them through, and afterwards the next instruction, access or exception would go astray.
 */
static const struct {
    uint32_t encoding;
    uint32_t any; /* bits that do not matter */
} vital[] = {
    { ENC(3, 0, 1, 0, 0), 0 },            /* SCTLR_EL1: stress_try() switches its bits */
    { ENC(3, 0, 2, 0, 0), ENC_ANY_OP2 },  /* TTBR0_EL1, TTBR1_EL1, TCR_EL1 */
    { ENC(3, 0, 4, 2, 0), 0 },            /* SPSel: another stack */
    { ENC(3, 0, 10, 2, 0), ENC_ANY_OP2 }, /* MAIR_EL1: device memory would be cached */
    { ENC(3, 0, 10, 3, 0), ENC_ANY_OP2 }, /* AMAIR_EL1 */
    { ENC(3, 0, 12, 0, 0), 0 },           /* VBAR_EL1 */
    { ENC(3, 0, 13, 0, 4), 0 },           /* TPIDR_EL1: the vCPU's own structure */
    { ENC(3, 3, 4, 2, 1), 0 },            /* DAIF: debug exceptions and FIQs without a handler */
};

static bool is_vital(uint32_t insn)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(vital); i++) {
        if (((insn ^ vital[i].encoding) & ENC(3, 7, 15U, 15U, 7U) & ~vital[i].any) == 0) {
            return true;
        }
    }
    return false;
}

/* CRn and CRm where registers are: ID, debug, GIC, timer, PMU, implementation-defined. */
static uint32_t some_register(struct stress *s)
{
    static const uint32_t bases[] = {
        ENC(3, 0, 0U, 0U, 0U),  ENC(3, 0, 1U, 0U, 0U),  ENC(3, 0, 5U, 1U, 0U),
        ENC(3, 0, 6U, 0U, 0U),  ENC(3, 0, 9U, 14U, 0U), ENC(3, 3, 9U, 12U, 0U),
        ENC(3, 3, 9U, 13U, 0U), ENC(3, 3, 9U, 14U, 0U), ENC(3, 0, 12U, 8U, 0U),
        ENC(3, 0, 12U, 9U, 0U), ENC(3, 0, 12U, 11U, 0), ENC(3, 0, 12U, 12U, 0),
        ENC(3, 3, 14U, 0U, 0U), ENC(3, 3, 14U, 2U, 0U), ENC(3, 3, 14U, 3U, 0U),
        ENC(3, 0, 4U, 6U, 0U),  ENC(3, 0, 0U, 4U, 0U),  ENC(2, 0, 0U, 0U, 0U),
        ENC(2, 0, 1U, 0U, 0U),  ENC(2, 0, 7U, 8U, 0U),  ENC(3, 0, 11U, 0U, 0U),
        ENC(3, 0, 15U, 0U, 0U), ENC(3, 0, 13U, 0U, 0U), ENC(3, 3, 13U, 0U, 0U),
    };
    uint32_t enc = bases[stress_below(s, ARRAY_SIZE(bases))] | (uint32_t)stress_below(s, 8) << 5;

    return stress_below(s, 2) == 0 ? enc ^ (uint32_t)stress_below(s, 16) << 8 : enc;
}

uint32_t insn_sysreg(struct stress *s)
{
    for (;;) {
        uint32_t enc =
            stress_below(s, 4) == 0
                ? ENC(2 + stress_below(s, 2), stress_below(s, 8), (uint32_t)stress_below(s, 16),
                      (uint32_t)stress_below(s, 16), (uint32_t)stress_below(s, 8))
                : some_register(s);
        bool read = stress_below(s, 2) == 0;

        if (read || !is_vital(enc)) {
            return INSN_SYSTEM | enc | (read ? (uint32_t)READ : 0) | 3U;
        }
    }
}

uint64_t insn_sysreg_mask(uint32_t insn)
{
    uint32_t enc = insn & ENC(3, 7U, 15U, 15U, 7U);

    /* ICC_BPR0_EL1, ICC_BPR1_EL1: more than their field ends QEMU 10 by its own assertion. */
    return enc == ENC(3, 0, 12U, 8U, 3U) || enc == ENC(3, 0, 12U, 12U, 3U) ? 7U : UINT64_MAX;
}

/* Hints but those that sign x30, and WFI, which stress_sleep() does. */
static uint32_t some_hint(struct stress *s)
{
    uint32_t number = (uint32_t)stress_below(s, 128);

    return number == 3 || (number >= 24 && number < 32) ? INSN_NOP : INSN_HINT | number << 5;
}

static uint32_t some_barrier(struct stress *s)
{
    return 0xd503301fU | (uint32_t)stress_below(s, 16) << 8 | (uint32_t)stress_below(s, 8) << 5;
}

uint32_t insn_system(struct stress *s)
{
    uint32_t crn =
        stress_below(s, 8) == 0 ? (uint32_t)stress_below(s, 16) : 7U + (uint32_t)stress_below(s, 2);
    uint32_t read = stress_below(s, 16) == 0 ? (uint32_t)READ : 0;

    switch (stress_below(s, 8)) {
    case 0:
        return some_hint(s);
    case 1:
        return some_barrier(s);
    case 2: /* DC by address at EL0's op1: ZVA, CVAC, CVAU, CVAP, CIVAC, GVA */
        return INSN_SYSTEM | ENC(1, 3, 7U, (uint32_t)stress_below(s, 16), 1U) | 1U;
    default:
        return INSN_SYSTEM | read | 1U |
               ENC(1, stress_below(s, 8), crn, (uint32_t)stress_below(s, 16),
                   (uint32_t)stress_below(s, 8));
    }
}

uint32_t insn_setway(struct stress *s)
{
    static const uint32_t crms[] = { 6, 10, 14 };

    return INSN_SYSTEM | ENC(1, 0, 7U, crms[stress_below(s, ARRAY_SIZE(crms))], 2U) | 3U;
}

uint32_t insn_hidden(struct stress *s)
{
    uint32_t random = (uint32_t)stress_random(s);

    if (stress_below(s, 2) == 0) {
        return (random & 0x61ffffffU) | 0x80000000U; /* SME */
    }
    return (random & 0xe1ffffffU) | 0x04000000U; /* SVE */
}

uint32_t insn_hvc(uint32_t imm)
{
    return 0xd4000002U | (imm & 0xffffU) << 5;
}

uint32_t insn_smc(uint32_t imm)
{
    return 0xd4000003U | (imm & 0xffffU) << 5;
}
