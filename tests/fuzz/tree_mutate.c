/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutation of device trees as trees: nodes and properties appear, vanish, are copied and renamed,
 * cells become numbers that mean something to this machine. Without it nearly every mutant is no
 * tree any more. One time in eight bytes are changed like any others.
 */
#include "fuzz_tree.h"

#include "fake_core.h"

#include <libfdt.h>

#include <corbel/bits.h>
#include <corbel/compiler.h>

#define ROOM     0x20000u
#define NODES    512u
#define PROPS    64u
#define VALUE    512u
#define ATTEMPTS 3u

static u8 room[ROOM] __attribute__((aligned(8)));
static u8 value[VALUE] __attribute__((aligned(8)));
static int nodes[NODES];
static u32 node_count;
static u64 state;

static u32 rnd(u32 below)
{
    return (u32)(fake_random(&state) >> 32) % below;
}

/* --- what there is to choose from ------------------------------------------------------------- */

static void list_nodes(void)
{
    node_count = 0;
    for (int n = fdt_next_node(room, -1, NULL); n >= 0 && node_count < NODES;
         n = fdt_next_node(room, n, NULL))
        nodes[node_count++] = n;
}

/* The configuration is in few nodes of many: choose those more often. */
static int any_node(void)
{
    int chosen = fdt_path_offset(room, "/chosen"), node = nodes[rnd(node_count)];

    if (chosen < 0)
        chosen = fdt_path_offset(room, "/passthrough");
    if (chosen < 0 || rnd(3) == 0)
        return node;
    for (u32 i = 0; i < 20 && fdt_parent_offset(room, node) != chosen; i++)
        node = nodes[rnd(node_count)];
    return node;
}

static const void *any_prop(int node, const char **name, int *len)
{
    int props[PROPS], count = 0, prop;

    fdt_for_each_property_offset(prop, room, node) if (count < (int)PROPS) props[count++] = prop;
    return count ? fdt_getprop_by_offset(room, props[rnd((u32)count)], name, len) : NULL;
}

static u32 any_cell(void)
{
    static const u32 cells[] = { 0,          1,          2,          3,          4,
                                 8,          31,         32,         0xfff,      0x1000,
                                 0x10000,    0xffff,     0x200000,   0x7fffffff, 0x80000000,
                                 0xffffffff, 0xfffff000, 0x40000000, 0x8000000,  0x9000000,
                                 0x60000000, 0x64000000, 0xb0000000, 0x22000000, 0x3001000 };

    switch (rnd(4)) {
    case 0:
        return rnd(1024);
    case 1: { /* a phandle that is there */
        u32 phandle = fdt_get_phandle(room, nodes[rnd(node_count)]);

        return phandle ? phandle : 1;
    }
    default:
        return cells[rnd(ARRAY_SIZE(cells))];
    }
}

static const char *any_name(void)
{
    static const char *const names[] = {
        "memory",
        "cpus",
        "vpl011",
        "nr_spis",
        "direct-map",
        "xen,static-mem",
        "xen,enhanced",
        "#xen,static-mem-address-cells",
        "#xen,static-mem-size-cells",
        "xen,static-heap",
        "xen,shared-mem",
        "xen,shm-id",
        "role",
        "corbel,read-only",
        "xen,passthrough",
        "passthrough",
        "xen,reg",
        "xen,path",
        "xen,force-assign-without-iommu",
        "interrupts",
        "interrupts-extended",
        "interrupt-parent",
        "interrupt-map",
        "interrupt-map-mask",
        "reg",
        "ranges",
        "dma-ranges",
        "#address-cells",
        "#size-cells",
        "#interrupt-cells",
        "iommus",
        "iommu-map",
        "iommu-map-mask",
        "#iommu-cells",
        "msi-map",
        "msi-parent",
        "bus-range",
        "mmu-masters",
        "stream-match-mask",
        "device_type",
        "compatible",
        "status",
        "phandle",
        "domain-cpupool",
        "cpupool-cpus",
        "cpupool-sched",
        "hard-affinity",
        "id",
        "sched-weight",
        "corbel,on-reboot",
        "corbel,on-crash",
        "corbel,on-dma-fault",
        "corbel,no-iommu",
        "corbel,debug-hook",
        "corbel,pmu",
        "corbel,watchdog",
        "bootargs",
        "linux,initrd-start",
        "no-map",
        "xen,xen-bootargs",
        "enable-method",
        "pool",
        "capacity",
        "llc-colors",
        "v8plus",
    };

    return names[rnd(ARRAY_SIZE(names))];
}

static const char *any_string(void)
{
    static const char *const strings[] = {
        "",
        "enabled",
        "disabled",
        "okay",
        "pci",
        "memory",
        "cpu",
        "owner",
        "borrower",
        "restart",
        "halt",
        "host-reset",
        "crash",
        "off",
        "0-3",
        "0,5-",
        "%s%n",
        "all",
        "console=dtuart",
        "iommu=off",
        "xen,domain",
        "xen,cpupool",
        "xen,vcpu",
        "xen,domain-shared-memory-v1",
        "multiboot,kernel",
        "multiboot,ramdisk",
        "multiboot,device-tree",
        "multiboot,module",
        "arm,smmu-v3",
        "arm,mmu-500",
        "arm,gic-v3",
        "arm,cortex-a15-gic",
        "arm,gic-v2m-frame",
        "arm,pl011",
        "simple-bus",
        "mmio-sram",
        "pci-host-ecam-generic",
        "psci",
        "spin-table",
        "a-string-that-is-longer-than-the-names-that-anybody-gives-to-a-node-of-a-device-tree",
        "\x1b[2J",
    };

    return strings[rnd(ARRAY_SIZE(strings))];
}

/* --- changes ---------------------------------------------------------------------------------- */

static void change_value(int node)
{
    const char *name;
    int len = 0;
    const void *old = any_prop(node, &name, &len);
    char kept[64];

    if (!old || len > (int)VALUE - 8 || strlen(name) >= sizeof(kept))
        return;
    memcpy(value, old, (size_t)len);
    strcpy(kept, name);
    switch (rnd(6)) {
    case 0:
    case 1:
    case 2:
        if (len >= 4)
            ((u32 *)value)[rnd((u32)len / 4)] = cpu_to_fdt32(any_cell());
        break;
    case 3: /* cut */
        len = (int)rnd((u32)len + 1);
        break;
    case 4: /* once more, or another cell */
        if (len && len <= (int)VALUE / 2 && rnd(2)) {
            memcpy(value + len, value, (size_t)len);
            len *= 2;
        } else {
            u32 cell = cpu_to_fdt32(any_cell());

            memcpy(value + len, &cell, 4);
            len += 4;
        }
        break;
    default:
        if (len)
            value[rnd((u32)len)] ^= (u8)(1u << rnd(8));
    }
    (void)!fdt_setprop(room, node, kept, value, len);
}

static void set_cells_of(int node)
{
    u32 count = rnd(9), *cells = (u32 *)value;

    for (u32 i = 0; i < count; i++)
        cells[i] = cpu_to_fdt32(any_cell());
    (void)!fdt_setprop(room, node, any_name(), value, (int)count * 4);
}

static void set_string_of(int node)
{
    const char *name = NULL, *string = any_string(); /* fdt_setprop_string() is a macro */
    int len;

    if (rnd(2))
        (void)any_prop(node, &name, &len);
    (void)!fdt_setprop_string(room, node, name ? name : any_name(), string);
}

static void delete_some(int node)
{
    const char *name;
    int len;

    if (rnd(4) == 0 && node)
        (void)!fdt_del_node(room, node);
    else if (any_prop(node, &name, &len))
        (void)!fdt_delprop(room, node, name);
}

/* A property of another node, by its name. */
static void copy_prop(int node)
{
    int from = any_node(), len;
    const char *name;
    const void *old = any_prop(from, &name, &len);
    char kept[64];

    if (!old || len > (int)VALUE || strlen(name) >= sizeof(kept))
        return;
    memcpy(value, old, (size_t)len);
    strcpy(kept, name);
    (void)!fdt_setprop(room, node, kept, value, len);
}

/* A node like another, without what is below, here or beside it. */
static void copy_node(int node)
{
    char path[256], name[64];
    int parent = rnd(2) ? fdt_parent_offset(room, node) : any_node(), copy, prop, count = 0;
    const char *old = fdt_get_name(room, node, NULL);

    if (parent < 0 || !old || strlen(old) > sizeof(name) - 8 ||
        fdt_get_path(room, node, path, sizeof(path)))
        return;
    snprintf(name, sizeof(name), "%s%s", old, rnd(2) ? "1" : "");
    copy = fdt_add_subnode(room, parent, name);
    if (copy < 0)
        return;
    /* Offsets move with each property: look for both again. */
    for (;;) {
        int from = fdt_path_offset(room, path), at = 0, len;
        const char *prop_name;
        const void *data;

        if (from < 0)
            return;
        prop = fdt_first_property_offset(room, from);
        for (; prop >= 0 && at < count; at++)
            prop = fdt_next_property_offset(room, prop);
        data = prop < 0 ? NULL : fdt_getprop_by_offset(room, prop, &prop_name, &len);
        if (!data || len > (int)VALUE || copy == from)
            return;
        memcpy(value, data, (size_t)len);
        snprintf(name, sizeof(name), "%s", prop_name);
        if (from < copy || fdt_setprop(room, copy, name, value, len))
            return;
        count++;
    }
}

static void rename_node(int node)
{
    static const char *const names[] = { "x",   "memory@1", "passthrough", "module@50000000",
                                         "a@@", "domU1",    "%s%n",        "\x1b[2J" };

    (void)!fdt_set_name(room, node, names[rnd(ARRAY_SIZE(names))]);
}

static void change(void)
{
    static void (*const changes[])(int) = { change_value, change_value,  change_value, change_value,
                                            set_cells_of, set_string_of, delete_some,  copy_prop,
                                            copy_node,    rename_node };

    for (u32 i = 0; i < 1 + rnd(ATTEMPTS); i++) {
        list_nodes();
        if (!node_count)
            return;
        changes[rnd(ARRAY_SIZE(changes))](any_node());
    }
}

/* One of the trees of the input; its offset, and its size as it is now. */
static size_t pick_tree(const u8 *data, size_t size, size_t *at)
{
    size_t starts[8], count = 0, pos = 0;

    while (pos < size && count < ARRAY_SIZE(starts)) {
        starts[count++] = pos;
        pos += fuzz_tree_size(data + pos, size - pos);
    }
    *at = count ? starts[rnd((u32)count)] : 0;
    return size ? fuzz_tree_size(data + *at, size - *at) : 0;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
    size_t at, old, now, rest;

    state = seed * 0x9e3779b97f4a7c15ull + 1;
    old = pick_tree(data, size, &at);
    if (rnd(8) == 0 || old < sizeof(struct fdt_header) || old > ROOM / 2)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(room, data + at, old);
    if (fdt_check_full(room, old) || fdt_open_into(room, room, ROOM))
        return LLVMFuzzerMutate(data, size, max_size);
    change();
    if (fdt_pack(room))
        return LLVMFuzzerMutate(data, size, max_size);
    now = fdt_totalsize(room);
    rest = size - at - old;
    if (at + now + rest > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memmove(data + at + now, data + at + old, rest);
    memcpy(data + at, room, now);
    return at + now + rest;
}
