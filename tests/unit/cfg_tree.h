/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFG_TREE_H
#define CFG_TREE_H

#include <stdlib.h>
#include <string.h>

#include <corbel/platform.h>
#include <corbel/platform_parts.h>
#include <libfdt.h>

/*
 * A small machine with one good domain and one CPU pool, and edits that break it:
 * each test of a refusal is the good tree, one to four edits, and the exact line.
 */
static const char dom[] = "/chosen/domU1";
static const char kernel[] = "/chosen/domU1/module@50000000";
static const char ramdisk[] = "/chosen/domU1/module@54000000";

struct edit {
    const char *path; /* NULL: no edit */
    const char *prop; /* NULL: add the node path */
    const char *text; /* raw bytes, len of them; a string when len is 0 */
    u32 len;
    u32 cells[16]; /* or n cells */
    u32 n;
    bool remove;
};

#define ADD_NODE(p) \
    {               \
        .path = (p) \
    }
#define CELLS(p, q, k, ...)                                          \
    {                                                                \
        .path = (p), .prop = (q), .n = (k), .cells = { __VA_ARGS__ } \
    }
#define STR(p, q, s)                          \
    {                                         \
        .path = (p), .prop = (q), .text = (s) \
    }
#define RAW(p, q, s)                                                \
    {                                                               \
        .path = (p), .prop = (q), .text = (s), .len = sizeof(s) - 1 \
    }
#define EMPTY(p, q)              \
    {                            \
        .path = (p), .prop = (q) \
    }
#define REMOVE(p, q)                             \
    {                                            \
        .path = (p), .prop = (q), .remove = true \
    }
#define KERNEL_COMPATIBLE  "multiboot,kernel\0multiboot,module\0"
#define RAMDISK_COMPATIBLE "multiboot,ramdisk\0multiboot,module\0"

static u64 blob[8192];
static struct platform machine;

static inline void tree_add(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    size_t len = (size_t)(name - 1 - path);
    int parent = len ? fdt_path_offset_namelen(blob, path, (int)len) : 0;

    assert_true(parent >= 0);
    assert_true(fdt_add_subnode(blob, parent, name) >= 0);
}

static inline void tree_edit(const struct edit *e)
{
    int node = fdt_path_offset(blob, e->path);
    u32 cells[16];

    if (!e->prop) {
        tree_add(e->path);
        return;
    }
    assert_true(node >= 0);
    if (e->remove) {
        assert_int_equal(fdt_delprop(blob, node, e->prop), 0);
    } else if (e->n) {
        for (u32 i = 0; i < e->n; i++)
            cells[i] = cpu_to_fdt32(e->cells[i]);
        assert_int_equal(fdt_setprop(blob, node, e->prop, cells, (int)e->n * 4), 0);
    } else {
        int len = e->text ? (int)(e->len ? e->len : strlen(e->text) + 1) : 0;

        assert_int_equal(fdt_setprop(blob, node, e->prop, e->text ? e->text : "", len), 0);
    }
}

static inline void tree_edits(const struct edit *edits, u32 count)
{
    for (u32 i = 0; i < count && edits[i].path; i++)
        tree_edit(&edits[i]);
}

static inline void tree_good(void)
{
    static const struct edit good[] = {
        CELLS("/", "#address-cells", 1, 2),
        CELLS("/", "#size-cells", 1, 2),
        ADD_NODE("/cpus"),
        ADD_NODE("/chosen"),
        ADD_NODE("/chosen/pool0"),
        STR("/chosen/pool0", "compatible", "xen,cpupool"),
        CELLS("/chosen/pool0", "phandle", 1, 0xfffffffe),
        CELLS("/chosen/pool0", "cpupool-cpus", 2, 0x8001, 0x8003),
        STR("/chosen/pool0", "cpupool-sched", "null"),
        ADD_NODE(dom),
        STR(dom, "compatible", "xen,domain"),
        CELLS(dom, "#address-cells", 1, 2),
        CELLS(dom, "#size-cells", 1, 2),
        CELLS(dom, "memory", 2, 0, 0x20000),
        CELLS(dom, "cpus", 1, 2),
        EMPTY(dom, "vpl011"),
        ADD_NODE(ramdisk),
        RAW(ramdisk, "compatible", RAMDISK_COMPATIBLE),
        CELLS(ramdisk, "reg", 4, 0, 0x54000000, 0, 0x100000),
        ADD_NODE(kernel),
        RAW(kernel, "compatible", KERNEL_COMPATIBLE),
        CELLS(kernel, "reg", 4, 0, 0x50000000, 0, 0x2200000),
        STR(kernel, "bootargs", "console=ttyAMA0"),
    };

    assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    tree_edits(good, ARRAY_SIZE(good));
}

static inline u64 tree_number(const u8 *p)
{
    return (u64)fdt32_ld((const fdt32_t *)(const void *)p) << 32 |
           fdt32_ld((const fdt32_t *)(const void *)(p + 4));
}

/* As platform_from_fdt() would: each marked module with a whole reg of 2 + 2 cells. */
static inline void machine_modules(int parent, int domain)
{
    int child;

    fdt_for_each_subnode(child, blob, parent)
    {
        struct platform_module *m = &machine.modules[machine.module_count];
        int len = 0;
        const u8 *reg = fdt_getprop(blob, child, "reg", &len);

        if (fdt_node_check_compatible(blob, child, "xen,domain") == 0)
            machine_modules(child, child);
        if (fdt_node_check_compatible(blob, child, "multiboot,module") != 0 || len < 16)
            continue;
        m->range.base = tree_number(reg);
        m->range.size = tree_number(reg + 8);
        m->node = child;
        m->domain_node = domain;
        machine.module_count++;
    }
}

static inline void machine_read(void)
{
    memset(&machine, 0, sizeof(machine));
    machine.fdt = blob;
    machine.banks[0] = (struct mem_range){ 0x40000000, SZ_2M * 1024 };
    machine.bank_count = 1;
    machine.self = (struct mem_range){ 0x40200000, SZ_2M };
    machine.tree = (struct mem_range){ 0x48000000, SZ_1M };
    machine.reserved[0] = (struct mem_range){ 0xb0000000, SZ_2M };
    machine.reserved_count = 1;
    machine.gic.version = GIC_V3;
    for (u32 i = 0; i < 4; i++)
        machine.cpus[i] = (struct platform_cpu){ .mpidr = i, .phandle = 0x8000 + i };
    machine.cpu_count = 4;
    machine_modules(fdt_path_offset(blob, "/chosen"), -1);
    platform_read_static(&machine, fdt_path_offset(blob, "/chosen"));
}

#endif
