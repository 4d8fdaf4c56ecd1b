/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PASSDT_MSI_RIG_H
#define PASSDT_MSI_RIG_H

/*
 * A root complex beside a GICv2m frame, on the host and in a partial tree: what the suites of
 * its MSIs start from.
 */
#include "pci_tree.h"

#include <corbel/addrmap.h>
#include <corbel/assign.h>
#include <corbel/domdtb.h>
#include <corbel/plan.h>
#include <corbel/string.h>

#define FRAME 0x8004u /* phandle, on the host and in the partial tree */

static struct plan plan;
static u32 typer, typer_reads;

static inline int msi_setup(void **state)
{
    (void)state;
    pci_host(2);
    pci_host_take();
    pci_partial(2, FRAME);
    assign_release(1);
    assign_release(2);
    return 0;
}

static inline void host_cells(const char *path, const char *name, const u32 *values, u32 count)
{
    u32 raw_cells[64];
    int at = fdt_path_offset(host_blob, path);

    for (u32 i = 0; i < count; i++)
        raw_cells[i] = cpu_to_fdt32(values[i]);
    tree_ok(fdt_setprop(host_blob, at, name, raw_cells, (int)count * 4));
    platform_from_fdt(&host, host_blob);
    host.self = (struct mem_range){ 0x40200000, SZ_2M };
}

#define set_frame(name, ...) host_cells("/intc@8000000/v2m@8020000", name, CELL_LIST(__VA_ARGS__))
#define set_host(name, ...)  host_cells("/pcie@10000000", name, CELL_LIST(__VA_ARGS__))

static inline void check_none(void)
{
    accepted();
    assert_int_equal(pass.msi.frame.size, 0);
    assert_int_equal(pass.msi.count, 0);
    assert_false(pass.devices[0].has_msi);
}

static inline void check_frame(void)
{
    accepted();
    assert_int_equal(pass.msi.frame.base, 0x8020000);
    assert_int_equal(pass.msi.frame.size, 0x1000);
    assert_int_equal(pass.msi.phandle, FRAME);
    assert_int_equal(pass.msi.device, 0);
    assert_true(pass.devices[0].has_msi);
}

static inline u32 read_typer(u64 pa)
{
    assert_int_equal(pa, 0x8020008);
    typer_reads++;
    return typer;
}

static inline enum corbel_err claim(u32 id, u32 lines, u32 nr_spis)
{
    const struct plan_env env = { .platform = &host,
                                  .read_register = read_typer,
                                  .line_count = lines };

    memset(&plan, 0, sizeof(plan));
    plan.pass = pass;
    plan.cfg.nr_spis = nr_spis;
    error.text[0] = '\0';
    return plan_claim_msi(&env, &plan, id, &error);
}

#endif
