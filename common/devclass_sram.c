/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmio-sram: memory on the chip that a device tree describes like a device. The guest gets the
 * outer region as memory (Normal write-back, executable), with what its tables make of it; the
 * sub-nodes, which divide it into pools, stay in its tree untouched and nobody here reads them.
 * With no-memory-wc the memory sits behind a port that takes neither caching nor combining: then
 * it is mapped as a device. Linux binding sram/sram.yaml.
 */
#include <corbel/devclass.h>

#include <corbel/bits.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>

static enum corbel_err sram_map(const struct devclass_region *r, enum s2_class *cls)
{
    struct domprop at = { r->fdt, r->node, r->e };

    if (fdtr_has(r->fdt, r->node, "corbel,memory-attribute"))
        return domprop_refuse(&at, "corbel,memory-attribute", DOMPROP_STRING,
                              "it absent: SRAM is memory, with no-memory-wc a device");
    /* Memory cannot be forwarded access by access, as registers in a shared page are. */
    if (!IS_ALIGNED(r->host.base | r->host.size, PAGE_SIZE))
        return domprop_refusef(&at, "xen,reg", DOMPROP_CELLS,
                               "whole pages of 4 KiB, not 0x%llx+0x%llx: this is memory",
                               (unsigned long long)r->host.base, (unsigned long long)r->host.size);
    *cls = fdtr_has(r->fdt, r->node, "no-memory-wc") ? S2_MMIO : S2_SRAM;
    return CORBEL_OK;
}

static const char *const compatible[] = { "mmio-sram", NULL };

const struct devclass devclass_sram = {
    .name = "mmio-sram",
    .compatible = compatible,
    .in_ram = true,
    .opaque = true,
    .map = sram_map,
};
