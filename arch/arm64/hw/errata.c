/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errata that concern EL2, as a table of MIDR ranges (Arm's Software Developers Errata
 * Notices): detected per CPU, applied through flags that the users read.
 */
#include <asm/features.h>

#include <corbel/compiler.h>
#include <corbel/cpu.h>
#include <corbel/log.h>

#include <asm/sysreg.h>

#define MIDR_PART_MASK   0xff0ffff0u /* implementer, architecture, part number */
#define MIDR(impl, part) ((u32)(impl) << 24 | 0xfu << 16 | (u32)(part) << 4)
#define REV(r, p)        ((r) << 4 | (p))
#define IMPL_ARM         0x41

enum erratum_fix { FIX_SPECULATIVE_AT, FIX_REPEAT_TLBI, FIX_COUNT };

struct erratum {
    u32 midr;
    u8 first, last; /* REV(variant, revision), inclusive */
    u8 fix;
    const char *number;
};

static const struct erratum errata[] = {
    { MIDR(IMPL_ARM, 0xd07), REV(0, 0), REV(0xf, 0xf), FIX_SPECULATIVE_AT, "A57 1319537" },
    { MIDR(IMPL_ARM, 0xd08), REV(0, 0), REV(0xf, 0xf), FIX_SPECULATIVE_AT, "A72 1319367" },
    { MIDR(IMPL_ARM, 0xd05), REV(0, 0), REV(2, 0), FIX_SPECULATIVE_AT, "A55 1530923" },
    { MIDR(IMPL_ARM, 0xd0b), REV(0, 0), REV(2, 0), FIX_SPECULATIVE_AT, "A76 1165522" },
    { MIDR(IMPL_ARM, 0xd0c), REV(0, 0), REV(2, 0), FIX_SPECULATIVE_AT, "N1 1165522" },
    { MIDR(IMPL_ARM, 0xd0b), REV(0, 0), REV(3, 0), FIX_REPEAT_TLBI, "A76 1286807" },
    { MIDR(IMPL_ARM, 0xd0c), REV(0, 0), REV(3, 0), FIX_REPEAT_TLBI, "N1 1286807" },
    { MIDR(IMPL_ARM, 0xd46), REV(0, 0), REV(2, 0), FIX_REPEAT_TLBI, "A510 2441009" },
    { MIDR(IMPL_ARM, 0xd05), REV(0, 0), REV(0xf, 0xf), FIX_REPEAT_TLBI, "A55 2441007" },
};

static bool fixes[FIX_COUNT]; /* set by any CPU while it starts, never cleared */

void errata_init(void)
{
    u32 midr = (u32)read_sysreg(midr_el1);
    u32 rev = REV((midr >> 20) & 0xf, midr & 0xf);

    for (u32 i = 0; i < ARRAY_SIZE(errata); i++) {
        const struct erratum *e = &errata[i];

        if ((midr & MIDR_PART_MASK) != e->midr || rev < e->first || rev > e->last)
            continue;
        if (!fixes[e->fix])
            log_info("erratum %s: workaround on (first seen on CPU%u)", e->number, cpu_this()->id);
        fixes[e->fix] = true;
    }
}

__resident bool errata_speculative_at(void)
{
    return fixes[FIX_SPECULATIVE_AT];
}

__resident bool errata_repeat_tlbi(void)
{
    return fixes[FIX_REPEAT_TLBI];
}
