/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt controllers of the GIC family, with ITS and MSI frames. A domain has a GIC of its own;
 * the host's would let it raise and mask everybody's interrupts, so none of this is ever given,
 * whatever address the partial tree names.
 */
#include <corbel/devclass.h>

#include <corbel/domprop.h>

static enum corbel_err gic_map(const struct devclass_region *r, enum s2_class *cls)
{
    struct domprop at = { r->fdt, r->node, r->e };

    (void)cls;
    return domprop_refuse(&at, "compatible", DOMPROP_STRING,
                          "a device: a GIC, or a part of it, cannot be given to a domain");
}

/* gic-400, gic-v3, gic-v3-its, gic-v2m-frame ...; those built into CPUs are named after them. */
static const char *const compatible[] = {
    "arm,gic*",
    "arm,cortex-a15-gic",
    "arm,cortex-a7-gic",
    "arm,cortex-a9-gic",
    "arm,cortex-a5-gic",
    "arm,eb11mp-gic",
    "arm,arm11mp-gic",
    "arm,arm1176jzf-devchip-gic",
    "arm,tc11mp-gic",
    "arm,pl390",
    NULL,
};

const struct devclass devclass_gic = {
    .name = "gic",
    .compatible = compatible,
    .is_master = true, /* an ITS writes tables */
    .map = gic_map,
};
