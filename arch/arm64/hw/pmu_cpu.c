/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU's performance monitors before any guest has them: what they are, and stopped. Apart
 * from pmu.c because the CPU's initialization asks for it.
 */
#include <asm/pmu.h>

#include <corbel/compiler.h>

#include <asm/sysreg.h>

#define MDCR_HPMN GENMASK(4, 0)
#define MDCR_HPMD BIT(17)
#define MDCR_HCCD BIT(23)

#define ALL 0xffffffffu

static u32 version_of(u64 dfr0)
{
    u32 version = (u32)FIELD_GET(GENMASK(11, 8), dfr0);

    return version == 0xf ? 0 : MIN(version, PMU_V3P8); /* 15: of another make */
}

__init void pmu_caps_read(struct pmu_caps *c, u64 dfr0)
{
    *c = (struct pmu_caps){ .version = (u8)version_of(dfr0) };
    if (!c->version)
        return;
    c->counters = (u8)FIELD_GET(PMCR_N, read_sysreg(pmcr_el0));
    c->ceid[0] = read_sysreg(pmceid0_el0);
    c->ceid[1] = read_sysreg(pmceid1_el0);
    c->el3 = FIELD_GET(GENMASK(15, 12), read_sysreg(id_aa64pfr0_el1)) != 0;
    if (c->version >= PMU_V3P4)
        c->mmir = read_sysreg(SYS_PMMIR_EL1);
}

void pmu_stop(void)
{
    write_sysreg(0, pmcr_el0);
    write_sysreg(ALL, pmcntenclr_el0);
    write_sysreg(ALL, pmintenclr_el1);
    write_sysreg(0, pmuserenr_el0);
}

/*
 * All counters belong to EL1 (HPMN), which is what PMCR_EL0's actions and the interrupt's
 * conditions go by. Beside the filters, HPMD and HCCD forbid to count at EL2 where they exist.
 */
__init u64 pmu_init_cpu(void)
{
    u64 dfr0 = read_sysreg(id_aa64dfr0_el1), mdcr;

    if (!version_of(dfr0))
        return 0; /* PMCR_EL0 is UNDEFINED, here too */
    pmu_stop();
    write_sysreg(ALL, pmovsclr_el0);
    mdcr = FIELD_PREP(MDCR_HPMN, FIELD_GET(PMCR_N, read_sysreg(pmcr_el0)));
    if (version_of(dfr0) >= PMU_V3P1)
        mdcr |= MDCR_HPMD;
    return version_of(dfr0) >= PMU_V3P5 ? mdcr | MDCR_HCCD : mdcr;
}
