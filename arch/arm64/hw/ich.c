/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 system registers of this CPU: ICC_* for the host's own interrupts, ICH_* for
 * the virtual interface. Nothing but access; the driver is drivers/irq/gicv3.c. Register
 * numbers are part of the instruction, hence the switches.
 */
#include <arch/ich.h>

#include <arch/barrier.h>
#include <corbel/compiler.h>

#include <asm/sysreg.h>

#define ICC_SRE_ALL        (BIT(0) | BIT(1) | BIT(2)) /* SRE, DFB, DIB */
#define ICC_SRE_EL2_ENABLE BIT(3)
#define ICC_CTLR_EOIMODE   BIT(1)
#define ICC_CTLR_PRIBITS   GENMASK(10, 8)
#define ID_AA64PFR0_GIC    GENMASK(27, 24)

/* Forget priorities that the firmware left active; registers 1 to 3 exist with 6 and 7 bits. */
static void clear_active_priorities(void)
{
    u64 pribits = FIELD_GET(ICC_CTLR_PRIBITS, read_sysreg(icc_ctlr_el1)) + 1;

    if (pribits > 6) {
        write_sysreg(0, icc_ap1r3_el1);
        write_sysreg(0, icc_ap1r2_el1);
    }
    if (pribits > 5)
        write_sysreg(0, icc_ap1r1_el1);
    write_sysreg(0, icc_ap1r0_el1);
}

bool arch_icc_init(void)
{
    if (!FIELD_GET(ID_AA64PFR0_GIC, read_sysreg(id_aa64pfr0_el1)))
        return false;
    write_sysreg(ICC_SRE_ALL | ICC_SRE_EL2_ENABLE, icc_sre_el2);
    isb(); /* the other ICC registers exist from here on */
    if (!(read_sysreg(icc_sre_el2) & BIT(0)))
        return false;
    write_sysreg(ICC_SRE_ALL, icc_sre_el1);
    isb();
    write_sysreg(0, icc_igrpen1_el1);
    write_sysreg(0xff, icc_pmr_el1);
    write_sysreg(0, icc_bpr1_el1);
    write_sysreg(ICC_CTLR_EOIMODE, icc_ctlr_el1);
    clear_active_priorities();
    write_sysreg(0, ich_hcr_el2);
    write_sysreg(1, icc_igrpen1_el1);
    isb();
    return true;
}

u32 arch_icc_ack(void)
{
    u32 intid = (u32)read_sysreg(icc_iar1_el1);

    dsb_sy(); /* the acknowledge is seen by the GIC before what the handler does */
    return intid;
}

void arch_icc_eoi(u32 intid)
{
    write_sysreg(intid, icc_eoir1_el1);
    isb(); /* the priority drop before the guest is entered or the next acknowledge */
}

void arch_icc_deactivate(u32 intid)
{
    write_sysreg(intid, icc_dir_el1);
    isb();
}

void arch_icc_sgi(u64 value)
{
    write_sysreg(value, icc_sgi1r_el1);
    isb();
}

u64 arch_ich_vtr(void)
{
    return read_sysreg(ich_vtr_el2);
}

/* The first two are the timer's and an IPI's, mostly; all others take a jump. */
u64 arch_ich_lr_read(u32 n)
{
    if (likely(n == 0))
        return read_sysreg(ich_lr0_el2);
    if (likely(n == 1))
        return read_sysreg(ich_lr1_el2);
    switch (n) {
    case 2:
        return read_sysreg(ich_lr2_el2);
    case 3:
        return read_sysreg(ich_lr3_el2);
    case 4:
        return read_sysreg(ich_lr4_el2);
    case 5:
        return read_sysreg(ich_lr5_el2);
    case 6:
        return read_sysreg(ich_lr6_el2);
    case 7:
        return read_sysreg(ich_lr7_el2);
    case 8:
        return read_sysreg(ich_lr8_el2);
    case 9:
        return read_sysreg(ich_lr9_el2);
    case 10:
        return read_sysreg(ich_lr10_el2);
    case 11:
        return read_sysreg(ich_lr11_el2);
    case 12:
        return read_sysreg(ich_lr12_el2);
    case 13:
        return read_sysreg(ich_lr13_el2);
    case 14:
        return read_sysreg(ich_lr14_el2);
    default:
        return read_sysreg(ich_lr15_el2);
    }
}

void arch_ich_lr_write(u32 n, u64 lr)
{
    if (likely(n == 0)) {
        write_sysreg(lr, ich_lr0_el2);
        return;
    }
    if (likely(n == 1)) {
        write_sysreg(lr, ich_lr1_el2);
        return;
    }
    switch (n) {
    case 2:
        write_sysreg(lr, ich_lr2_el2);
        break;
    case 3:
        write_sysreg(lr, ich_lr3_el2);
        break;
    case 4:
        write_sysreg(lr, ich_lr4_el2);
        break;
    case 5:
        write_sysreg(lr, ich_lr5_el2);
        break;
    case 6:
        write_sysreg(lr, ich_lr6_el2);
        break;
    case 7:
        write_sysreg(lr, ich_lr7_el2);
        break;
    case 8:
        write_sysreg(lr, ich_lr8_el2);
        break;
    case 9:
        write_sysreg(lr, ich_lr9_el2);
        break;
    case 10:
        write_sysreg(lr, ich_lr10_el2);
        break;
    case 11:
        write_sysreg(lr, ich_lr11_el2);
        break;
    case 12:
        write_sysreg(lr, ich_lr12_el2);
        break;
    case 13:
        write_sysreg(lr, ich_lr13_el2);
        break;
    case 14:
        write_sysreg(lr, ich_lr14_el2);
        break;
    default:
        write_sysreg(lr, ich_lr15_el2);
        break;
    }
}

u64 arch_ich_elrsr(void)
{
    return read_sysreg(ich_elrsr_el2);
}

u64 arch_ich_eisr(void)
{
    return read_sysreg(ich_eisr_el2);
}

u64 arch_ich_misr(void)
{
    return read_sysreg(ich_misr_el2);
}

u64 arch_ich_hcr_read(void)
{
    return read_sysreg(ich_hcr_el2);
}

void arch_ich_hcr_write(u64 hcr)
{
    write_sysreg(hcr, ich_hcr_el2);
}

u64 arch_ich_vmcr_read(void)
{
    return read_sysreg(ich_vmcr_el2);
}

void arch_ich_vmcr_write(u64 vmcr)
{
    /* A guest may have cleared SRE where that is possible; it changes what VMCR means. */
    write_sysreg(ICC_SRE_ALL, icc_sre_el1);
    isb();
    write_sysreg(vmcr, ich_vmcr_el2);
}

u32 arch_ich_apr_read(u32 group, u32 n)
{
    switch (group * 4 + n) {
    case 0:
        return (u32)read_sysreg(ich_ap0r0_el2);
    case 1:
        return (u32)read_sysreg(ich_ap0r1_el2);
    case 2:
        return (u32)read_sysreg(ich_ap0r2_el2);
    case 3:
        return (u32)read_sysreg(ich_ap0r3_el2);
    case 4:
        return (u32)read_sysreg(ich_ap1r0_el2);
    case 5:
        return (u32)read_sysreg(ich_ap1r1_el2);
    case 6:
        return (u32)read_sysreg(ich_ap1r2_el2);
    default:
        return (u32)read_sysreg(ich_ap1r3_el2);
    }
}

void arch_ich_apr_write(u32 group, u32 n, u32 value)
{
    switch (group * 4 + n) {
    case 0:
        write_sysreg(value, ich_ap0r0_el2);
        break;
    case 1:
        write_sysreg(value, ich_ap0r1_el2);
        break;
    case 2:
        write_sysreg(value, ich_ap0r2_el2);
        break;
    case 3:
        write_sysreg(value, ich_ap0r3_el2);
        break;
    case 4:
        write_sysreg(value, ich_ap1r0_el2);
        break;
    case 5:
        write_sysreg(value, ich_ap1r1_el2);
        break;
    case 6:
        write_sysreg(value, ich_ap1r2_el2);
        break;
    default:
        write_sysreg(value, ich_ap1r3_el2);
        break;
    }
}
