/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PASSDT_H
#define CORBEL_PASSDT_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/fdt_write.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * The partial device tree of a domain (module multiboot,device-tree): which host devices it
 * is given. Binding: Xen's docs/misc/arm/passthrough.txt; ours in docs/bindings.md. Parsing is
 * pure and checks everything against the host tree; nothing is taken yet.
 */
#define PASSDT_DEVICES_MAX 32u
#define PASSDT_REGIONS_MAX 48u
#define PASSDT_IRQS_MAX    64u
#define PASSDT_SIZE_MAX    SZ_1M

/* One xen,reg entry. Only what lies on whole pages is mapped; the rest is forwarded. */
struct passdt_region {
    u64 hpa, gpa, size; /* hpa and gpa agree in their lowest 12 bits */
    u8 cls;             /* enum s2_class, by the device's class and corbel,memory-attribute */
    u8 device;          /* index in devices[] */
};

struct passdt_irq {
    u32 intid; /* the physical SPI, 32..1019; the guest sees the same number */
    bool level;
    u8 device;
};

struct passdt_device {
    int node;      /* in the partial tree */
    int host_node; /* xen,path, else the enabled host node whose reg holds the first region; -1 */
    bool forced;   /* xen,force-assign-without-iommu */
    bool is_master;
    char name[24]; /* node name for maps and reports, cut */
};

struct passdt {
    const void *fdt; /* NULL: the domain has none */
    u32 gic_phandle; /* what the partial tree calls the GIC; free of clashes when it has none */
    struct passdt_device devices[PASSDT_DEVICES_MAX];
    struct passdt_region regions[PASSDT_REGIONS_MAX];
    struct passdt_irq irqs[PASSDT_IRQS_MAX];
    u32 device_count, region_count, irq_count;
    u64 dma_limit; /* lowest of all masters given; 0: none */
};

/*
 * Read the partial tree at fdt (size bytes of memory that stays, e.g. of the heap). Refuses
 * with the path inside the partial tree in e->text. ERR_FORMAT: no sound tree.
 */
enum corbel_err passdt_parse(const struct platform *p, const void *fdt, u64 size,
                             struct passdt *out, struct cfg_error *e) __must_check;

/*
 * Write /aliases and /passthrough of the partial tree into a guest tree whose root is open:
 * every node and property as it stands, phandles included, but xen,reg, xen,path,
 * xen,force-assign-without-iommu, corbel,* and iommus, iommu-map, iommu-map-mask.
 */
void passdt_write(const struct passdt *pass, struct fdtw *w);

/* Upper bound of the bytes that passdt_write() adds. */
u32 passdt_size_max(const struct passdt *pass);

#endif
