/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CPUs of this host can do, what guests are shown of it, and the EL2 trap
 * registers that keep the rest away from them (design.md section 11.4).
 */
#include <arch/cpu.h>

#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/log.h>

#include <asm/boot.h>
#include <asm/features.h>
#include <asm/sysreg.h>

struct cpu boot_cpu; /* CPU 0; head.S points TPIDR_EL2 at it */
u64 image_pa;        /* PA of _start; head.S writes it after bss was cleared */
struct spin_table_arg spin_table_args[SPIN_TABLE_ARGS];

static struct cpu_features features; /* CPU 0 fills it, later CPUs narrow it in turn */
static bool features_set;

pa_t image_to_phys(const void *symbol)
{
    return PA(image_pa + ((u64)(uintptr_t)symbol - (u64)(uintptr_t)_start));
}

__init void spin_table_arg_add(u64 mpidr, pa_t cpu)
{
    for (u32 i = 0; i < ARRAY_SIZE(spin_table_args); i++) {
        if (spin_table_args[i].cpu_pa)
            continue;
        spin_table_args[i].mpidr = mpidr;
        spin_table_args[i].cpu_pa = cpu.v;
        arch_cache_clean_inval(&spin_table_args[i], sizeof(spin_table_args[i]));
        return;
    }
}

#define ISAR1_PAUTH (GENMASK(11, 4) | GENMASK(31, 24)) /* APA, API; GPA, GPI */
#define ISAR2_PAUTH GENMASK(15, 8)                     /* GPA3, APA3 */
#define ISR_EL1_A   BIT(8)

static u32 id_field(u64 reg, u32 shift)
{
    return (u32)(reg >> shift) & 0xf;
}

static void features_read(struct cpu_features *f)
{
    u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);
    u64 isar0 = read_sysreg(id_aa64isar0_el1), isar1 = read_sysreg(id_aa64isar1_el1);
    u64 isar2 = read_sysreg(SYS_ID_AA64ISAR2_EL1);
    u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1), mmfr1 = read_sysreg(id_aa64mmfr1_el1);
    u64 mmfr2 = read_sysreg(SYS_ID_AA64MMFR2_EL1), mmfr3 = read_sysreg(SYS_ID_AA64MMFR3_EL1);
    u64 dfr0 = read_sysreg(id_aa64dfr0_el1);

    *f = (struct cpu_features){
        .breakpoints = (u8)(id_field(dfr0, 12) + 1),
        .watchpoints = (u8)(id_field(dfr0, 20) + 1),
        .pa_range = (u8)MIN(id_field(mmfr0, 0), 5u),
        .vmid16 = id_field(mmfr1, 4) >= 2,
        .pauth = (isar1 & ISAR1_PAUTH) || (isar2 & ISAR2_PAUTH),
        .bti = id_field(pfr1, 0) != 0,
        .rndr = id_field(isar0, 60) != 0,
        .ras = id_field(pfr0, 28) != 0,
        .scxtnum = id_field(pfr0, 56) >= 2 || id_field(pfr1, 32) >= 2,
        .tlb_range = id_field(isar0, 56) >= 2,
        .bbm = (u8)MIN(id_field(mmfr2, 52), 2u),
        .fgt = id_field(mmfr0, 56) != 0,
        .hcx = id_field(mmfr1, 40) != 0,
        .sve = id_field(pfr0, 32) != 0,
        .sme = id_field(pfr1, 24) != 0,
        .mte = id_field(pfr1, 8) != 0,
        .mpam = id_field(pfr0, 40) != 0 || id_field(pfr1, 16) != 0,
        .amu = id_field(pfr0, 44) != 0,
        .tcr2 = mmfr3 != 0,
        .lor = id_field(mmfr1, 16) != 0,
        .spe = id_field(dfr0, 32) != 0,
        .trbe = id_field(dfr0, 44) != 0,
    };
    pmu_caps_read(&f->pmu, dfr0);
    f->hide_ids = f->sve || f->sme || f->mte || f->mpam || f->amu || f->tcr2 || f->spe || f->trbe ||
                  id_field(mmfr0, 0) > 5 || id_field(dfr0, 8) != f->pmu.version;
}

/* The system has what every CPU has; what only some have must be hidden on all. */
static void features_narrow(const struct cpu_features *f)
{
    features.breakpoints = MIN(features.breakpoints, f->breakpoints);
    features.watchpoints = MIN(features.watchpoints, f->watchpoints);
    features.pa_range = MIN(features.pa_range, f->pa_range);
    features.vmid16 &= f->vmid16;
    features.hide_ids |= features.pauth != f->pauth;
    features.pauth &= f->pauth;
    features.bti &= f->bti;
    features.rndr &= f->rndr;
    features.ras &= f->ras;
    features.scxtnum &= f->scxtnum;
    features.tlb_range &= f->tlb_range;
    features.bbm = MIN(features.bbm, f->bbm);
    features.fgt &= f->fgt;
    features.hcx &= f->hcx;
    features.lor |= f->lor;
    features.hide_ids |= pmu_caps_narrow(&features.pmu, &f->pmu) | f->hide_ids;
}

const struct cpu_features *cpu_features(void)
{
    return &features;
}

/* Taken now (AMO = 1), by vectors that only return. */
static __cold u64 serror_consume(void)
{
    u64 vbar = read_sysreg(vbar_el2), esr;

    write_sysreg((u64)(uintptr_t)early_vectors, vbar_el2);
    isb();
    __asm__ volatile("msr daifclr, #4\n\tisb\n\tmsr daifset, #4" ::: "x9", "memory");
    esr = read_sysreg(esr_el2);
    write_sysreg(vbar, vbar_el2);
    isb();
    return esr;
}

bool arch_cpu_take_serror(u64 *esr)
{
    dsb_sy();
    isb();
    if (likely(!(read_sysreg(isr_el1) & ISR_EL1_A)))
        return false;
    *esr = serror_consume();
    return true;
}

/* Of the firmware or a boot loader: the first guest here shall not be blamed for it. */
static __init void drop_serror(const struct cpu *cpu)
{
    u64 esr;

    if (arch_cpu_take_serror(&esr))
        log_warn("CPU%u: an SError was pending at the start: dropped, ESR 0x%llx", cpu->id,
                 (unsigned long long)esr);
}

/* Translations of who had EL1 before us; VMIDs are given out anew. EL2's own head.S drops. */
static __init void drop_stale_tlb(void)
{
    __asm__ volatile("tlbi alle1" ::: "memory");
    dsb_nsh();
    isb();
}

__init void arch_cpu_init(struct cpu *cpu)
{
    struct cpu_features mine;
    u32 midr = (u32)read_sysreg(midr_el1);

    features_read(&mine);
    if (!features_set) {
        features = mine;
        features.midr_first = midr;
        features_set = true;
    } else {
        features_narrow(&mine);
        features.midr_mixed |= midr != features.midr_first;
    }
    errata_init();
    cpu_guest_traps_init(&mine);
    drop_stale_tlb();
    drop_serror(cpu);
    log_debug("CPU%u: MIDR 0x%08x MPIDR 0x%llx%s%s", cpu->id, midr, (unsigned long long)cpu->mpidr,
              mine.pauth ? " pauth" : "", mine.sve ? " sve" : "");
}

u64 cpu_guest_hcr(void)
{
    u64 hcr = HCR_EL2_VM | HCR_EL2_RW | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO | HCR_EL2_TSC |
              HCR_EL2_TSW | HCR_EL2_TIDCP | HCR_EL2_TACR | HCR_EL2_PTW | HCR_EL2_FB |
              HCR_EL2_BSU_IS;

    if (features.pauth)
        hcr |= HCR_EL2_API | HCR_EL2_APK;
    if (features.ras)
        hcr |= HCR_EL2_TERR | HCR_EL2_TEA;
    if (features.scxtnum)
        hcr |= HCR_EL2_ENSCXT;
    if (features.lor)
        hcr |= HCR_EL2_TLOR;
    if (features.hide_ids)
        hcr |= HCR_EL2_TID3;
    return hcr;
}

#define CPTR_RES1  0x33ffull /* nVHE; its TZ (8) and TSM (12) bits trap SVE and SME */
#define CPTR_TTA   BIT(20)
#define CPTR_TAM   BIT(30)
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM   BIT(6)
#define MDCR_TDA   BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA  BIT(11)
#define MDCR_TPMS  BIT(14)
#define MDCR_TTRF  BIT(19)
#define MDCR_TDCC  BIT(27)
#define MPAM2_TRAP (BIT(48) | BIT(49) | BIT(58))

/* For every guest: written once, never per exit. By what this CPU has, not what all have. */
__init void cpu_guest_traps_init(const struct cpu_features *mine)
{
    u64 mdcr = MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TTRF | MDCR_TDCC | MDCR_TPMS | MDCR_TPM |
               MDCR_TPMCR | pmu_init_cpu();

    /* Also while no guest is loaded: interrupts are EL2's, so that WFI ends with them. */
    write_sysreg(HCR_EL2_RW | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO, hcr_el2);
    write_sysreg(CPTR_RES1 | CPTR_TTA | CPTR_TAM, cptr_el2);
    write_sysreg(mdcr, mdcr_el2);
    write_sysreg(0, oslar_el1); /* for good: debug.c plays the guests' own */
    write_sysreg(read_sysreg(midr_el1), vpidr_el2);
    write_sysreg(1, cnthctl_el2); /* EL1PCTEN: CNTPCT readable; EL1PCEN = 0: CNTP_* trap */
    write_sysreg(BIT(15), hstr_el2);
    if (mine->hcx)
        write_sysreg(0, SYS_HCRX_EL2);
    if (mine->fgt) {
        /* Positive bits trap nothing more than the classic controls; "n" bits at 0 trap. */
        write_sysreg(0, SYS_HFGRTR_EL2);
        write_sysreg(0, SYS_HFGWTR_EL2);
        write_sysreg(0, SYS_HFGITR_EL2);
        write_sysreg(0, SYS_HDFGRTR_EL2);
        write_sysreg(0, SYS_HDFGWTR_EL2);
    }
    if (mine->fgt && mine->amu)
        write_sysreg(0, SYS_HAFGRTR_EL2);
    if (mine->mpam)
        write_sysreg(MPAM2_TRAP, SYS_MPAM2_EL2);
    isb();
}

/* Fields a guest must not see: cleared from the hardware's value. */
static u64 hide_pfr0(u64 v)
{
    return v & ~(GENMASK(35, 32) | GENMASK(43, 40) | GENMASK(47, 44)); /* SVE, MPAM, AMU */
}

static u64 hide_dfr0(u64 v, u32 pmu)
{
    v = (v & ~GENMASK(11, 8)) | FIELD_PREP(GENMASK(11, 8), pmu);
    /* PMSVer, TraceFilt, TraceBuffer, MTPMU, BRBE, ExtTrcBuff; TraceVer */
    return v & ~(GENMASK(35, 32) | GENMASK(43, 40) | GENMASK(47, 44) | GENMASK(51, 48) |
                 GENMASK(55, 52) | GENMASK(59, 56) | GENMASK(7, 4));
}

static u64 limit_mmfr0(u64 v)
{
    v &= ~GENMASK(3, 0);
    return (v | features.pa_range) & ~(GENMASK(59, 56) | GENMASK(63, 60)); /* FGT, ECV: EL2's */
}

u64 cpu_id_view(u32 crm, u32 op2, u32 pmu)
{
    switch (crm * 8 + op2) {
    case 4 * 8 + 0:
        return hide_pfr0(read_sysreg(id_aa64pfr0_el1));
    case 4 * 8 + 1: /* no MTE, SME, MPAM fraction, NMI, MTEX, THE, GCS and what is above */
        return read_sysreg(id_aa64pfr1_el1) &
               (GENMASK(3, 0) | GENMASK(7, 4) | GENMASK(15, 12) | GENMASK(35, 32));
    case 5 * 8 + 0:
        return hide_dfr0(read_sysreg(id_aa64dfr0_el1), pmu);
    case 6 * 8 + 0:
        return read_sysreg(id_aa64isar0_el1) & ~GENMASK(27, 24); /* TME */
    case 6 * 8 + 1: /* LS64, SPECRES stay the hardware's but LS64 needs HCRX */
        return read_sysreg(id_aa64isar1_el1) &
               ~(GENMASK(63, 60) | (features.pauth ? 0 : ISAR1_PAUTH));
    case 6 * 8 + 2: /* MOPS needs HCRX_EL2.MSCEn: hidden with everything above BC */
        return read_sysreg(SYS_ID_AA64ISAR2_EL1) & GENMASK(15, 0) &
               ~(features.pauth ? 0 : ISAR2_PAUTH);
    case 7 * 8 + 0:
        return limit_mmfr0(read_sysreg(id_aa64mmfr0_el1));
    case 7 * 8 + 1: /* no VHE for EL1 guests, no LO, HCX, TIDCP1, CMOW and above */
        return read_sysreg(id_aa64mmfr1_el1) &
               ~(GENMASK(11, 8) | GENMASK(19, 16) | GENMASK(43, 40) | GENMASK(63, 52));
    case 7 * 8 + 2: /* no NV, EVT: EL2's own */
        return read_sysreg(SYS_ID_AA64MMFR2_EL1) & ~(GENMASK(27, 24) | GENMASK(59, 56));
    case 1 * 8 + 0 ... 3 * 8 + 7: /* AArch32 and MVFR */
        return cpu_id_view_aarch32(crm, op2, pmu);
    default: /* DFR1, ZFR0, SMFR0, MMFR3, MMFR4, AFR, reserved: nothing to show */
        return 0;
    }
}

u64 arch_cpu_mpidr(void)
{
    return read_sysreg(mpidr_el1) & 0xff00ffffffull;
}

bool arch_cpu_irq_pending(void)
{
    return read_sysreg(isr_el1) & (BIT(7) | BIT(6));
}

void arch_cpu_idle(void)
{
    dsb_sy();
    __asm__ volatile("wfi" ::: "memory");
}

void arch_cpu_halt(void)
{
    for (;;)
        __asm__ volatile("wfi" ::: "memory");
}

bool arch_rndr(u64 *out)
{
    u64 value, flags;

    if (!features.rndr)
        return false;
    /* NZCV = 0b0100 (Z) when no number came in time (Arm ARM: RNDR). */
    __asm__ volatile("mrs %0, " SYSREG_STR(SYS_RNDR) "\n\tmrs %1, nzcv"
                     : "=r"(value), "=r"(flags)
                     :
                     : "cc");
    *out = value;
    return !(flags & BIT(30));
}
