/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest meets when it leaves its own ground: unmapped addresses, registers of EL2, unknown
 * calls. Each must come back as the architecture says, and the guest must go on.
 */
#include "cpu.h"
#include "fdt.h"
#include "psci.h"

/* Nothing is there, neither on QEMU's virt board (a gap of its map) nor in a domU. */
#define HOLE_ADDRESS 0x0f000000UL
#define HIGH_HOLE    0x6000000000UL
/* An address in the 1 GiB after RAM: Normal, executable for stage 1, no RAM behind it. */
#define CODE_HOLE    0x3f00000000UL

static void expect_external(struct fault fault, unsigned int class, uintptr_t address,
                            const char *what)
{
    if (!ok(fault.taken, "%s: aborts", what)) {
        return;
    }
    is_equal(ESR_EC(fault.esr), class, what);
    if (!ok(ESR_FSC(fault.esr) == FSC_EXTERNAL, "%s: synchronous external abort", what)) {
        diag("%s: ESR 0x%lx", what, fault.esr);
    }
    is_equal(fault.far, address, "FAR");
}

static void test_data_aborts(void)
{
    uint32_t value = 0;
    struct fault fault;

    fault = guarded_read32(HOLE_ADDRESS, &value);
    expect_external(fault, EC_DABT_SAME, HOLE_ADDRESS, "load from a hole");
    ok((fault.esr & ESR_WNR) == 0, "load from a hole: WnR = 0");
    fault = guarded_write32(HOLE_ADDRESS + 8, 1);
    expect_external(fault, EC_DABT_SAME, HOLE_ADDRESS + 8, "store to a hole");
    ok((fault.esr & ESR_WNR) != 0, "store to a hole: WnR = 1");
    fault = guarded_read32(HIGH_HOLE, &value);
    expect_external(fault, EC_DABT_SAME, HIGH_HOLE, "load from a high hole");
    mmu_map_normal(CODE_HOLE);
    fault = guarded_read32(CODE_HOLE + 0x100, &value);
    expect_external(fault, EC_DABT_SAME, CODE_HOLE + 0x100, "load from a hole, Normal memory");
}

/* Accesses for which the hardware gives no syndrome (ESR_EL2.ISV = 0). */
static void test_no_syndrome(void)
{
    uint64_t a = HOLE_ADDRESS;
    uint64_t b;
    uint64_t c;
    struct fault fault;

    fault = guarded(__asm__ volatile("ldp %0, %1, [%2]" : "=&r"(b), "=&r"(c) : "r"(a)));
    expect_external(fault, EC_DABT_SAME, HOLE_ADDRESS, "load pair from a hole");
    fault = guarded(__asm__ volatile("str %1, [%0], #8" : "+r"(a) : "r"(0UL) : "memory"));
    expect_external(fault, EC_DABT_SAME, HOLE_ADDRESS, "store with write-back to a hole");
    fault = guarded(__asm__ volatile("dc cvac, %0" ::"r"(HOLE_ADDRESS)));
    ok(true, "cache maintenance on a hole survives (%s)", fault.taken ? "aborts" : "ignored");
    __asm__ volatile("at s1e1r, %0; isb" ::"r"(HOLE_ADDRESS));
    ok((read_sysreg(par_el1) & 1) == 0, "AT S1E1R of a hole translates");
}

static void test_instruction_aborts(void)
{
    struct fault fault;

    mmu_map_normal(CODE_HOLE);
    fault = guarded_call(CODE_HOLE);
    expect_external(fault, EC_IABT_SAME, CODE_HOLE, "jump to a hole");
    is_equal(fault.elr, CODE_HOLE, "jump to a hole: ELR");
}

/* A stage-1 table that lies in a hole: external abort on the walk, level 1. */
static void test_walk_abort(void)
{
    uint64_t saved = read_sysreg(ttbr1_el1);
    uintptr_t va = 0xffffff8000001000UL;
    uint32_t value = 0;
    struct fault fault;

    write_sysreg(HOLE_ADDRESS & ~0xfffUL, ttbr1_el1);
    __asm__ volatile("isb; tlbi vmalle1; dsb sy; isb");
    fault = guarded_read32(va, &value);
    write_sysreg(saved, ttbr1_el1);
    __asm__ volatile("isb; tlbi vmalle1; dsb sy; isb");
    if (ok(fault.taken && ESR_EC(fault.esr) == EC_DABT_SAME, "walk through a hole: aborts")) {
        /* Which level is not known to a hypervisor without walking the guest's tables itself. */
        if (!ok((ESR_FSC(fault.esr) & ~3UL) == (FSC_EXTERNAL_WALK1 & ~3UL),
                "walk through a hole: on a walk")) {
            diag("ESR 0x%lx", fault.esr);
        }
        is_equal(fault.far, va, "walk through a hole: FAR");
    }
}

#define CHECK_UNDEFINED(code, what)                                                 \
    do {                                                                            \
        struct fault fault_ = guarded(__asm__ volatile(code::"r"(0UL) : "memory")); \
        ok(fault_.taken &&ESR_EC(fault_.esr) == EC_UNKNOWN, what ": UNDEFINED");    \
    } while (0)

#define READ_ID(reg)                                                                  \
    do {                                                                              \
        uint64_t id_ = 0;                                                             \
        struct fault fault_ = guarded(__asm__ volatile("mrs %0, " #reg : "=r"(id_))); \
        if (!ok(!fault_.taken, "ID register " #reg " = 0x%lx", id_)) {                \
            diag("ESR 0x%lx", fault_.esr);                                            \
        }                                                                             \
    } while (0)

static void test_registers(void)
{
    uint64_t pfr0;

    CHECK_UNDEFINED("msr s3_4_c1_c1_0, %0", "HCR_EL2 write");
    CHECK_UNDEFINED("msr s3_4_c2_c1_0, %0", "VTTBR_EL2 write");
    CHECK_UNDEFINED("msr s3_4_c12_c11_0, %0", "ICH_HCR_EL2 write");
    CHECK_UNDEFINED("msr s3_6_c1_c1_0, %0", "SCR_EL3 write");
    CHECK_UNDEFINED("msr s3_0_c5_c7_7, %0", "unallocated register write");
    READ_ID(midr_el1);
    READ_ID(mpidr_el1);
    READ_ID(revidr_el1);
    READ_ID(id_aa64pfr0_el1);
    READ_ID(id_aa64pfr1_el1);
    READ_ID(s3_0_c0_c4_4);
    READ_ID(id_aa64dfr0_el1);
    READ_ID(id_aa64isar0_el1);
    READ_ID(id_aa64isar1_el1);
    READ_ID(s3_0_c0_c6_2);
    READ_ID(id_aa64mmfr0_el1);
    READ_ID(id_aa64mmfr1_el1);
    READ_ID(id_aa64mmfr2_el1);
    READ_ID(s3_0_c0_c7_7);
    READ_ID(ctr_el0);
    READ_ID(dczid_el0);
    READ_ID(clidr_el1);
    READ_ID(actlr_el1);
    pfr0 = read_sysreg(id_aa64pfr0_el1);
    ok((pfr0 >> 4 & 15) >= 1, "ID_AA64PFR0_EL1: EL1 in AArch64");
    __asm__ volatile("yield; wfe; sev; wfe");
    ok(true, "WFE comes back");
    __asm__ volatile("dc cisw, %0" ::"r"(0UL));
    __asm__ volatile("dc isw, %0" ::"r"(0UL));
    ok(true, "set/way maintenance survives");
    __asm__ volatile("ic ialluis; tlbi vmalle1is; dsb sy; isb");
    ok(true, "broadcast maintenance survives");
}

static void test_calls(void)
{
    static const uint32_t unknown[] = { 0x8400ffffU, 0xc400ffffU, 0x86000000U,
                                        0x80001234U, 0xbf001234U, 0x00000001U };
    struct fault fault;
    uint64_t result = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(unknown); i++) {
        int64_t value = (int32_t)hvc_call(unknown[i], 1, 2, 3);

        ok(value == -1, "HVC with unknown function 0x%x: %ld", unknown[i], value);
    }
    is_equal(hvc_call(0xc400ffffU, 0, 0, 0), UINT64_MAX, "HVC64 unknown: all 64 bits");
    fault = guarded(result = smc_call(0x8400ffffU, 0, 0, 0));
    if (fault.taken) {
        ok(ESR_EC(fault.esr) == EC_UNKNOWN, "SMC is UNDEFINED here (no EL2, no EL3)");
    } else {
        ok((int32_t)result == -1, "SMC with an unknown function: %ld", result);
        fault = guarded(result = smc_call(PSCI_VERSION, 0, 0, 0));
        ok(!fault.taken, "SMC PSCI_VERSION: 0x%lx", result);
    }
    fault = guarded(__asm__ volatile("brk #42"));
    ok(fault.taken && ESR_EC(fault.esr) == EC_BRK && (fault.esr & 0xffff) == 42,
       "BRK stays in the guest");
    fault = guarded(__asm__ volatile(".inst 0x00000000"));
    ok(fault.taken && ESR_EC(fault.esr) == EC_UNKNOWN, "UDF stays in the guest");
}

void test_traps(void)
{
    test_data_aborts();
    test_no_syndrome();
    test_instruction_aborts();
    test_walk_abort();
    test_registers();
    test_calls();
}
