/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's device tree, written once, by the domain's task before its first start. Where
 * its seeds stand is noted: each start fills in fresh ones (build_step.c), and so a restart
 * needs neither the writer nor the host's tree.
 */
#include <corbel/build_job.h>

#include <arch/cpu.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/domdtb.h>
#include <corbel/fdt_read.h>
#include <corbel/log.h>
#include <corbel/plan.h>
#include <corbel/string.h>
#include <corbel/vpmu.h>

static void fill_input(const struct domain *d, const u8 *seed, struct domdtb_input *in)
{
    *in = (struct domdtb_input){ .cfg = d->cfg,
                                 .platform = build_platform(),
                                 .map = d->map,
                                 .pass = d->plan->pass.fdt ? &d->plan->pass : NULL,
                                 .seed = seed,
                                 .cpu_count = d->vcpu_count,
                                 .vuart_intid = d->vuart.intid,
                                 .wdt_intid = d->wdt.intid,
                                 .pmu = arch_cpu_has_pmu() && !d->cfg->pmu_off,
                                 .pmu_interrupts = vpmu_interrupts() };
    if (d->cfg->ramdisk.range.size) {
        in->initrd_start = d->plan->place.ramdisk;
        in->initrd_end = in->initrd_start + d->cfg->ramdisk.range.size;
    }
    for (u32 i = 0; i < d->vcpu_count; i++)
        in->vcpu_mpidr[i] = d->vcpus[i]->vmpidr;
}

enum corbel_err build_dtb_write(struct domain *d)
{
    static const u8 no_seed[DOMDTB_SEED_SIZE];
    struct guest_dtb *dtb = &d->dtb;
    struct domdtb_input in;
    const char *failed = "";
    enum corbel_err err;

    fill_input(d, no_seed, &in);
    dtb->room = (u32)ALIGN_UP((u64)domdtb_size_max(&in), PAGE_SIZE);
    if (dtb->room > d->plan->dtb_size)
        return ERR_RANGE; /* it would run into what lies behind it */
    dtb->blob = heap_alloc(dtb->room);
    if (!dtb->blob)
        return ERR_NOMEM;
    err = domdtb_write(&in, dtb->blob, dtb->room, &dtb->size, &failed);
    if (err == CORBEL_OK) {
        domdtb_find_seeds(dtb->blob, dtb->seed_at);
    } else {
        log_err("%s: device tree: node %s does not fit", d->name, failed);
        build_dtb_free(d);
    }
    return err;
}
