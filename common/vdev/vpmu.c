/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The overflow interrupt of guests' performance monitors: the host's PPI in, a level-sensitive
 * PPI of the vCPU out. The host's stays active, which keeps it from coming again, until the
 * guest lowers the level by a write, all of which trap, or leaves the CPU. Always on the CPU
 * where the vCPU is resident or just being loaded; no lock. Arm ARM D13.3 (overflow).
 */
#include <corbel/vpmu.h>

#include <arch/vcpu.h>
#include <corbel/irq.h>
#include <corbel/vcpu.h>

static u32 host_intid; /* written by the boot CPU before the others run guests */

void vpmu_set_host_intid(u32 intid)
{
    host_intid = intid;
}

bool vpmu_interrupts(void)
{
    return host_intid != 0;
}

static void show(struct vcpu *v, bool level)
{
    v->pmu_line = level;
    vgic_set_ppi(v, VPMU_INTID, level);
}

bool vpmu_interrupt(struct vcpu *v)
{
    bool level = arch_vcpu_pmu_output(v);

    if (level != v->pmu_line)
        show(v, level);
    return level;
}

void vpmu_update(struct vcpu *v)
{
    bool level = arch_vcpu_pmu_output(v);

    if (!host_intid || level == v->pmu_line)
        return;
    gic->set_active(host_intid, level);
    show(v, level);
}

void vpmu_load(struct vcpu *v)
{
    gic->set_active(host_intid, v->pmu_line);
}

void vpmu_saved(struct vcpu *v)
{
    if (v->pmu_line)
        gic->set_active(host_intid, false);
    else if (host_intid && arch_vcpu_pmu_saved_output(v))
        show(v, true); /* it came on the way out, and may be all that v sleeps for */
}

void vpmu_reset(struct vcpu *v)
{
    if (v->pmu_line)
        show(v, false);
}
