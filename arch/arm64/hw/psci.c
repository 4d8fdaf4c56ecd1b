/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical side of PSCI (DEN0022) and SMCCC (DEN0028): starting CPUs, turning
 * the machine off. No firmware call is made unless the device tree has a PSCI node:
 * on boards without firmware an SMC never returns.
 */
#include <arch/smccc.h>

#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/err.h>
#include <corbel/log.h>
#include <corbel/platform.h>
#include <hw/psci.h>

#include <asm/boot.h>

static enum smccc_conduit conduit = SMCCC_NONE; /* written once by the boot CPU */

void arch_smccc_init(enum smccc_conduit which)
{
    conduit = which;
}

void arch_smccc_call(struct smccc_args *args)
{
    if (conduit == SMCCC_SMC)
        smccc_smc(args);
    else
        args->x[0] = (u64)-1; /* SMCCC NOT_SUPPORTED */
}

static s64 psci_call(u64 function, u64 a1, u64 a2, u64 a3)
{
    struct smccc_args args = { .x = { function, a1, a2, a3 } };

    arch_smccc_call(&args);
    return (s32)args.x[0];
}

/* Device trees of Arm boards: write the 64-bit entry address at cpu-release-addr, SEV. */
static int start_spin_table(struct cpu *cpu)
{
    u64 *release;

    if (!cpu->release_addr || !IS_ALIGNED(cpu->release_addr, sizeof(*release))) {
        log_err("CPU%u: spin-table needs a cpu-release-addr of 8-byte alignment", cpu->id);
        return ERR_INVAL;
    }
    /* The secondary gets no argument this way: it finds its struct by MPIDR (head.S). */
    spin_table_arg_add(cpu->mpidr, virt_to_phys(cpu));
    release = arch_window_open(WINDOW_SMALL_0, PA(cpu->release_addr), EL2_DATA);
    *release = image_to_phys(spin_table_entry).v;
    arch_cache_clean_inval(release, sizeof(*release)); /* the reader has its MMU off */
    arch_window_close(WINDOW_SMALL_0);
    dsb_sy();
    __asm__ volatile("sev" ::: "memory");
    return CORBEL_OK;
}

__init int arch_cpu_start(struct cpu *cpu, const struct platform *platform)
{
    s64 ret;

    (void)platform;
    arch_cache_clean_inval(cpu, sizeof(*cpu)); /* design decision 35: read with the MMU off */
    if (cpu->enable_method == CPU_METHOD_SPIN_TABLE)
        return start_spin_table(cpu);
    if (cpu->enable_method != CPU_METHOD_PSCI || conduit == SMCCC_NONE)
        return ERR_NOTSUP;
    ret = psci_call(PSCI_CPU_ON_64, cpu->mpidr, image_to_phys(secondary_entry).v,
                    virt_to_phys(cpu).v);
    if (ret != 0) {
        log_warn("CPU%u (MPIDR 0x%llx): firmware refused CPU_ON: %lld", cpu->id,
                 (unsigned long long)cpu->mpidr, (long long)ret);
        return ERR_IO;
    }
    return CORBEL_OK;
}

void arch_machine_reset(void)
{
    psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
}

void arch_machine_off(void)
{
    psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
}
