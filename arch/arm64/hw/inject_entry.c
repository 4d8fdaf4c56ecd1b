/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an exception to EL1 begins and in which state: AArch64.TakeException of the Arm
 * ARM (J1.1.2) for a target of EL1 in AArch64. Pure: the same file runs in host tests.
 */
#include <asm/inject.h>

#include <asm/sysreg.h>

/* Offset into VBAR_EL1 by where the exception comes from (Arm ARM D1.3.1.5). */
static u64 vector_offset(u64 pstate)
{
    u64 mode = pstate & PSR_MODE;

    if (pstate & PSR_NRW)
        return 0x600;
    if (mode == PSR_EL0T)
        return 0x400;
    return mode == PSR_EL1H ? 0x200 : 0;
}

struct inject_entry inject_entry(u64 pstate, u64 sctlr, bool has_pan, bool has_ssbs)
{
    struct inject_entry e = { .offset = vector_offset(pstate) };

    /* UAO, SS, IL and BTYPE become 0, the flags and DIT stay. */
    e.pstate = PSR_EL1H | PSR_D | PSR_A | PSR_I | PSR_F | (pstate & (PSR_NZCV | PSR_DIT));
    if (has_pan) /* SPAN = 0: set on taking an exception to EL1 */
        e.pstate |= sctlr & SCTLR_SPAN ? pstate & PSR_PAN : PSR_PAN;
    if (has_ssbs && (sctlr & SCTLR_DSSBS))
        e.pstate |= PSR_SSBS;
    return e;
}
