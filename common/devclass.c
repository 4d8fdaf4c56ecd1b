/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of device classes, and the class of everything else. A new class is a file of its own
 * and one line here; the builder and the parser of partial trees know none of them by name
 * (docs/decisions/0015-device-classes.md). Pure; called while domains are planned.
 */
#include <corbel/devclass.h>

#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/string.h>

static const struct devclass *const classes[] = { &devclass_sram, &devclass_gic, &devclass_pcie };

/*
 * Stage 2 says Device-GRE, so that the guest's own tables choose among the Device types. What
 * should be combined or read ahead, as a frame buffer, has to be asked for: no driver that was
 * written for bare metal can lift the type that stage 2 gives.
 */
static enum corbel_err plain_map(const struct devclass_region *r, enum s2_class *cls)
{
    static const char name[] = "corbel,memory-attribute";
    static const char expected[] = "\"normal-nc\", or no such property";
    struct domprop at = { r->fdt, r->node, r->e };
    const char *text;
    enum corbel_err err = domprop_string(&at, name, expected, &text);

    if (err == ERR_NOENT) {
        *cls = S2_MMIO;
        return CORBEL_OK;
    }
    if (err != CORBEL_OK)
        return err;
    if (strcmp(text, "normal-nc") != 0)
        return domprop_refuse(&at, name, DOMPROP_STRING, expected);
    *cls = S2_MMIO_NC;
    return CORBEL_OK;
}

const struct devclass devclass_plain = {
    .name = "device",
    .is_master = true, /* nothing in a tree says that a device does no DMA */
    .map = plain_map,
};

static bool knows(const struct devclass *cls, const char *compatible)
{
    for (u32 i = 0; cls->compatible[i]; i++) {
        if (str_matches(compatible, cls->compatible[i]))
            return true;
    }
    return false;
}

const struct devclass *devclass_of(const void *fdt, int node)
{
    const char *text;

    for (u32 i = 0; (text = fdtr_string_at(fdt, node, "compatible", i)) != NULL; i++) {
        for (u32 n = 0; n < ARRAY_SIZE(classes); n++) {
            if (knows(classes[n], text))
                return classes[n];
        }
    }
    return &devclass_plain;
}
