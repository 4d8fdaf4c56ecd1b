/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFG_PARSE_H
#define CFG_PARSE_H

#include <corbel/domcfg.h>

#include "cfg_tree.h"

/* What the tests of domcfg.c and domcfg_modules.c share: parse, and compare the refusal. */
static struct domcfg cfg;
static struct cfg_error error;

static inline enum corbel_err parse(const char *path)
{
    machine_read();
    return domcfg_parse(&machine, fdt_path_offset(blob, path), &cfg, &error);
}

struct refusal {
    const char *line;
    struct edit edits[5];
};

static inline void check_refusals(const struct refusal *list, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        tree_good();
        tree_edits(list[i].edits, ARRAY_SIZE(list[i].edits));
        if (parse(dom) == CORBEL_OK)
            fail_msg("accepted: %s", list[i].line);
        assert_string_equal(error.text, list[i].line);
    }
}

#define D "/chosen/domU1: "
#define K "/chosen/domU1/module@50000000: "
#define R "/chosen/domU1/module@54000000: "

/* A second domain: the same kernel (shared), and a ramdisk that the caller places. */
static inline void second_domain(u32 base, u32 size)
{
    static const struct edit edits[] = {
        ADD_NODE("/chosen/domU2"),
        STR("/chosen/domU2", "compatible", "xen,domain"),
        CELLS("/chosen/domU2", "#address-cells", 1, 2),
        CELLS("/chosen/domU2", "#size-cells", 1, 2),
        CELLS("/chosen/domU2", "memory", 2, 0, 0x20000),
        CELLS("/chosen/domU2", "cpus", 1, 1),
        ADD_NODE("/chosen/domU2/k"),
        RAW("/chosen/domU2/k", "compatible", KERNEL_COMPATIBLE),
        CELLS("/chosen/domU2/k", "reg", 4, 0, 0x50000000, 0, 0x2200000),
        ADD_NODE("/chosen/domU2/r"),
        RAW("/chosen/domU2/r", "compatible", RAMDISK_COMPATIBLE),
    };
    const struct edit reg = CELLS("/chosen/domU2/r", "reg", 4, 0, base, 0, size);

    tree_good();
    tree_edits(edits, ARRAY_SIZE(edits));
    tree_edit(&reg);
}

#endif
