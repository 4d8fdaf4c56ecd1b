/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branch-predictor attacks by guests on EL2 (Spectre v2, Spectre-BHB): which of the three
 * vector tables this CPU needs, from its ID registers, a list of parts that are known to
 * be affected (Arm's "Spectre-BHB" whitepaper, table 1) and what the firmware offers
 * (DEN0028 section 7).
 */
#include <arch/cpu.h>

#include <arch/barrier.h>
#include <arch/smccc.h>
#include <corbel/bits.h>
#include <corbel/compiler.h>
#include <corbel/cpu.h>
#include <corbel/log.h>
#include <hw/psci.h>

#include <asm/boot.h>
#include <asm/sysreg.h>

#define MIDR_ARM_PART(midr) ((midr) >> 24 == 0x41 ? (u32)FIELD_GET(GENMASK(15, 4), midr) : 0u)

struct part {
    u16 number;
    u8 loops; /* branches that overwrite the history; 0: only the firmware can help */
    const char *name;
};

static const struct part parts[] = {
    { 0xd07, 0, "Cortex-A57" },    { 0xd08, 0, "Cortex-A72" },   { 0xd09, 0, "Cortex-A73" },
    { 0xd0a, 0, "Cortex-A75" },    { 0xd0b, 24, "Cortex-A76" },  { 0xd0e, 24, "Cortex-A76AE" },
    { 0xd0d, 24, "Cortex-A77" },   { 0xd0c, 24, "Neoverse-N1" }, { 0xd41, 32, "Cortex-A78" },
    { 0xd42, 32, "Cortex-A78AE" }, { 0xd4b, 32, "Cortex-A78C" }, { 0xd44, 32, "Cortex-X1" },
    { 0xd4c, 32, "Cortex-X1C" },   { 0xd47, 32, "Cortex-A710" }, { 0xd48, 32, "Cortex-X2" },
    { 0xd49, 32, "Neoverse-N2" },  { 0xd40, 32, "Neoverse-V1" },
};

static u32 reported; /* bit per entry of parts[]: logged already; atomic */

/* The hardware says that history from a guest has no effect here: FEAT_CSV2_3, FEAT_ECBHB. */
static bool is_immune(void)
{
    return FIELD_GET(GENMASK(59, 56), read_sysreg(id_aa64pfr0_el1)) >= 3 ||
           FIELD_GET(GENMASK(63, 60), read_sysreg(id_aa64mmfr1_el1)) >= 1;
}

/* ARCH_FEATURES answers 0 where this CPU needs the call. */
static bool firmware_has(u32 function)
{
    struct smccc_args args = { .x = { SMCCC_ARCH_FEATURES, function } };

    arch_smccc_call(&args);
    return (s32)args.x[0] == 0;
}

static u32 firmware_call(void)
{
    struct smccc_args version = { .x = { SMCCC_VERSION } };
    struct smccc_args features = { .x = { PSCI_FEATURES, SMCCC_VERSION } };

    arch_smccc_call(&features); /* vouches for SMCCC_VERSION (DEN0028 section 7.1) */
    if ((s32)features.x[0] != 0)
        return 0;
    arch_smccc_call(&version);
    if ((s32)version.x[0] < 0x10001)
        return 0;
    if (firmware_has(SMCCC_ARCH_WORKAROUND_3))
        return SMCCC_ARCH_WORKAROUND_3;
    return firmware_has(SMCCC_ARCH_WORKAROUND_1) ? SMCCC_ARCH_WORKAROUND_1 : 0;
}

static void report(u32 index, const char *how)
{
    u32 old = __atomic_fetch_or(&reported, 1u << index, __ATOMIC_RELAXED);

    if (!(old & (1u << index)))
        log_info("%s: branch predictors at EL2 entry: %s", parts[index].name, how);
}

static void use_vectors(const void *table)
{
    write_sysreg((u64)(uintptr_t)table, vbar_el2);
    isb(); /* before anything can come from a guest */
}

void arch_cpu_harden(struct cpu *cpu)
{
    u32 part = MIDR_ARM_PART((u32)read_sysreg(midr_el1));

    for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
        if (parts[i].number != part || is_immune())
            continue;
        cpu->harden_call = firmware_call();
        cpu->bhb_loops = parts[i].loops;
        if (cpu->harden_call) {
            use_vectors(vectors_firmware);
            report(i, "firmware call");
        } else if (cpu->bhb_loops) {
            use_vectors(vectors_history);
            report(i, "history flushed by branches");
        } else {
            report(i, "vulnerable, the firmware offers nothing");
        }
    }
}
