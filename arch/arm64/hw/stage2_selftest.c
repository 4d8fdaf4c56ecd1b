/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CPU makes of a stage-2 map, asked by address translation from EL2: the memory
 * type that a guest's access would have, without a guest. Stage 1 is off and its default
 * cacheable (HCR_EL2.DC), so that the combined attributes are those of stage 2. Arm ARM
 * AT S12E1R, PAR_EL1.
 */
#include <arch/stage2.h>

#include <arch/barrier.h>

#include <asm/sysreg.h>

#define PAR_EL1_F    BIT(0)
#define PAR_EL1_SH   GENMASK(8, 7)
#define PAR_EL1_ATTR GENMASK(63, 56)

/*
 * Reads only: QEMU (10.0) ends itself on a translation for writing of a page that is
 * read-only in stage 2.
 */
bool stage2_probe(const struct stage2 *s2, ipa_t ipa, u8 *attr, u8 *sh)
{
    u64 hcr = read_sysreg(hcr_el2), par;

    stage2_load(s2);
    write_sysreg(hcr | HCR_EL2_VM | HCR_EL2_DC, hcr_el2);
    isb();
    __asm__ volatile("at s12e1r, %0" ::"r"(ipa.v) : "memory");
    isb();
    par = read_sysreg(par_el1);
    write_sysreg(hcr, hcr_el2);
    isb();
    stage2_unload();
    *attr = (u8)FIELD_GET(PAR_EL1_ATTR, par);
    *sh = (u8)FIELD_GET(PAR_EL1_SH, par);
    return !(par & PAR_EL1_F);
}
