/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of the performance monitors as numbers: which one an encoding is, what of a
 * guest's value may reach the CPU. Pure; the host's unit tests run the same file.
 * Arm ARM D13 (FEAT_PMUv3), D19.5 (registers).
 */
#include <asm/pmu.h>

#include <corbel/bits.h>
#include <corbel/compiler.h>

#include <asm/esr.h>

#define PMCR_D   BIT(3)
#define PMCR_DP  BIT(5)
#define PMCR_LC  BIT(6)
#define PMCR_FZO BIT(9)

#define TYPE_EVENT_V3  GENMASK(9, 0)
#define TYPE_EVENT     GENMASK(15, 0)
#define TYPE_M         BIT(26)
#define TYPE_NSU       BIT(28)
#define TYPE_NSK       BIT(29)
#define TYPE_U         BIT(30)
#define TYPE_P         BIT(31)
#define TYPE_THRESHOLD (GENMASK(43, 32) | GENMASK(63, 60)) /* TH, TE, TC */

#define CRM(enc) (((enc) >> 1) & 15)
#define CRN(enc) (((enc) >> 10) & 15)
#define OP2(enc) (((enc) >> 17) & 7)

struct named {
    u32 enc;
    struct pmu_access a;
};

static const struct named table[] = {
    { SYS_ENC(3, 3, 9, 12, 0), { PMU_PMCR, 0 } },
    { SYS_ENC(3, 3, 9, 12, 1), { PMU_CNTENSET, 0 } },
    { SYS_ENC(3, 3, 9, 12, 2), { PMU_CNTENCLR, 0 } },
    { SYS_ENC(3, 3, 9, 12, 3), { PMU_OVSCLR, 0 } },
    { SYS_ENC(3, 3, 9, 12, 4), { PMU_SWINC, 0 } },
    { SYS_ENC(3, 3, 9, 12, 5), { PMU_SELR, 0 } },
    { SYS_ENC(3, 3, 9, 12, 6), { PMU_CEID, 0 } },
    { SYS_ENC(3, 3, 9, 12, 7), { PMU_CEID, 1 } },
    { SYS_ENC(3, 3, 9, 13, 0), { PMU_EVCNTR, PMU_CYCLES } },
    { SYS_ENC(3, 3, 9, 13, 1), { PMU_XEVTYPER, 0 } },
    { SYS_ENC(3, 3, 9, 13, 2), { PMU_XEVCNTR, 0 } },
    { SYS_ENC(3, 3, 9, 14, 0), { PMU_USERENR, 0 } },
    { SYS_ENC(3, 3, 9, 14, 3), { PMU_OVSSET, 0 } },
    { SYS_ENC(3, 0, 9, 14, 1), { PMU_INTENSET, 0 } },
    { SYS_ENC(3, 0, 9, 14, 2), { PMU_INTENCLR, 0 } },
    { SYS_ENC(3, 0, 9, 14, 6), { PMU_MMIR, 0 } },
};

/* S3_3_C14_C8..C11_op2 are the event counters, S3_3_C14_C12..C15_op2 the types. */
#define NUMBERED_MASK (SYS_ENC(3, 7, 15, 8, 0))
#define NUMBERED      (SYS_ENC(3, 3, 14, 8, 0))

struct pmu_access pmu_decode(u32 enc)
{
    struct pmu_access none = { PMU_NONE, 0 };

    if ((enc & NUMBERED_MASK) == NUMBERED) {
        u8 n = (u8)((CRM(enc) & 3) << 3 | OP2(enc));

        if (CRM(enc) >= 12)
            return (struct pmu_access){ PMU_EVTYPER, n };
        return n < PMU_CYCLES ? (struct pmu_access){ PMU_EVCNTR, n } : none;
    }
    if (CRN(enc) != 9)
        return none;
    for (u32 i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].enc == enc)
            return table[i].a;
    return none;
}

__init bool pmu_caps_narrow(struct pmu_caps *all, const struct pmu_caps *mine)
{
    bool differs = all->version != mine->version;

    all->version = MIN(all->version, mine->version);
    all->counters = MIN(all->counters, mine->counters);
    all->ceid[0] &= mine->ceid[0];
    all->ceid[1] &= mine->ceid[1];
    if (all->mmir != mine->mmir)
        all->mmir = 0;
    all->el3 &= mine->el3;
    return differs;
}

u32 pmu_mask(const struct pmu_caps *caps)
{
    return (u32)(BIT(PMU_CYCLES) | (BIT(caps->counters) - 1));
}

/* X, export to a trace unit, stays 0: no guest has one. */
u64 pmu_control_bits(const struct pmu_caps *caps)
{
    return PMCR_E | PMCR_D | PMCR_DP | PMCR_LC | (caps->version >= PMU_V3P5 ? PMCR_LP : 0) |
           (caps->version >= PMU_V3P7 ? PMCR_FZO : 0);
}

u64 pmu_type_of_guest(const struct pmu_caps *caps, u32 n, u64 value)
{
    u64 bits = TYPE_P | TYPE_U | (caps->el3 ? TYPE_NSK | TYPE_NSU : 0);

    if (n != PMU_CYCLES)
        bits |= caps->version >= PMU_V3P1 ? TYPE_EVENT : TYPE_EVENT_V3;
    if (n != PMU_CYCLES && caps->version >= PMU_V3P8)
        bits |= TYPE_THRESHOLD;
    return value & bits;
}

u64 pmu_type_of_cpu(const struct pmu_caps *caps, u64 type)
{
    return type | (caps->el3 && !(type & TYPE_P) ? TYPE_M : 0);
}

bool pmu_counts_at(u64 type, bool el0)
{
    return el0 ? !(type & TYPE_U) == !(type & TYPE_NSU) : !(type & TYPE_P) == !(type & TYPE_NSK);
}

bool pmu_add_one(const struct pmu_caps *caps, u64 control, u64 *count)
{
    bool wide = caps->version >= PMU_V3P5;

    *count += 1;
    if (!wide)
        *count = (u32)*count;
    return wide && (control & PMCR_LP) ? *count == 0 : (u32)*count == 0;
}

bool pmu_output(u64 control, u32 overflows, u32 interrupts)
{
    return (control & PMCR_E) && (overflows & interrupts);
}
