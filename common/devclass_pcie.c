/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI host bridges with memory-mapped config space (ECAM, CAM), given whole: config space, the
 * windows of `ranges` and the interrupts of all that is behind them (passdt_pcie.c,
 * passdt_imap.c). A bridge whose config space is reached through registers of its own is a plain
 * device. Linux binding pci/host-generic-pci.yaml.
 */
#include <corbel/devclass.h>

#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/string.h>

/*
 * Device-GRE for config space, I/O and memory windows alike: reads behind a bridge may have side
 * effects. Where they may not, in prefetchable windows, passdt_pcie.c gives what was asked for.
 */
static enum corbel_err pcie_map(const struct devclass_region *r, enum s2_class *cls)
{
    static const char name[] = "corbel,memory-attribute";
    static const char expected[] = "\"normal-nc\", for prefetchable windows, or no such property";
    struct domprop at = { r->fdt, r->node, r->e };
    const char *text;
    enum corbel_err err = domprop_string(&at, name, expected, &text);

    *cls = S2_MMIO;
    if (err == ERR_NOENT)
        return CORBEL_OK;
    if (err == CORBEL_OK && strcmp(text, "normal-nc") != 0)
        return domprop_refuse(&at, name, DOMPROP_STRING, expected);
    return err;
}

static const char *const compatible[] = {
    "pci-host-ecam-generic",
    "pci-host-cam-generic",
    "marvell,armada8k-pcie-ecam",
    "socionext,synquacer-pcie-ecam",
    "snps,dw-pcie-ecam",
    "pci-host-thunder-ecam",
    NULL,
};

const struct devclass devclass_pcie = {
    .name = "PCI host bridge",
    .compatible = compatible,
    .is_master = true,
    .is_bridge = true,
    .map = pcie_map,
};
