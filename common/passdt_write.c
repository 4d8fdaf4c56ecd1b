/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of a partial device tree: /aliases and /passthrough go into its tree as they
 * stand, less what was said to the hypervisor in them. Only nodes that passdt_parse() took as
 * devices lose properties; what is below an mmio-sram node is the guest's, byte for byte. Pure.
 */
#include <corbel/passdt.h>

#include <corbel/fdt_read.h>

/* No IOMMU is shown to guests: iommus and its like would lead nowhere. */
static const char *const ours[] = {
    "xen,reg",        "xen,path", "xen,force-assign-without-iommu",
    "corbel,*",       "iommus",   "iommu-map",
    "iommu-map-mask", NULL,
};

/* Nor an MSI controller, but for a GICv2m frame that was given with the device. */
static const char *const msi[] = { "msi-map", "msi-map-mask", "msi-parent", NULL };

void passdt_write(const struct passdt *pass, struct fdtw *w)
{
    int nodes[PASSDT_DEVICES_MAX + 1], without[PASSDT_DEVICES_MAX];
    struct fdtw_filter msi_filter = { msi, without, 0, NULL };
    struct fdtw_filter filter = { ours, nodes, 1, &msi_filter };
    int aliases = fdtr_child(pass->fdt, 0, "aliases");
    int root = fdtr_child(pass->fdt, 0, "passthrough");

    nodes[0] = root; /* corbel,allow-unlisted */
    for (u32 i = 0; i < pass->device_count; i++) {
        nodes[filter.node_count++] = pass->devices[i].node;
        if (!pass->devices[i].has_msi)
            without[msi_filter.node_count++] = pass->devices[i].node;
    }
    fdtw_copy(w, pass->fdt, aliases, NULL);
    fdtw_copy(w, pass->fdt, root, &filter);
}

u32 passdt_size_max(const struct passdt *pass)
{
    u64 size = fdtw_copy_size(pass->fdt, fdtr_child(pass->fdt, 0, "aliases")) +
               fdtw_copy_size(pass->fdt, fdtr_child(pass->fdt, 0, "passthrough"));

    /* passdt_parse() bounds names and counts, so that this stays a few MiB. */
    return size < UINT32_MAX / 2 ? (u32)size : UINT32_MAX / 2;
}
