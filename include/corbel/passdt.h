/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PASSDT_H
#define CORBEL_PASSDT_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/fdt_write.h>
#include <corbel/iommu_map.h>
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
#define PASSDT_STREAMS_MAX 64u
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

/* What keeps a device's DMA to its domain's memory. */
enum passdt_protection {
    PASSDT_NO_DMA,  /* not a master: nothing to keep */
    PASSDT_BY_SMMU, /* its streams walk the domain's tables */
    PASSDT_BYPASS,  /* corbel,no-iommu or passthrough = "disabled": streams pass untranslated */
    PASSDT_FORCED,  /* behind no SMMU that is driven, xen,force-assign-without-iommu */
};

/* Of all masters, driven SMMU or not. What devices have in common is listed with the first. */
struct passdt_stream {
    struct iommu_map_entry entry;
    u8 device;
};

/*
 * The GICv2m frame to which msi-map (or msi-parent) of a root complex leads on the host, where
 * the partial tree has a node that stands for it: a child with compatible arm,gic-v2m-frame of
 * the node that stands for the GIC. Its SPIs (edge-triggered) are
 * the device's, too, and not in irqs[].
 */
struct passdt_msi {
    struct mem_range frame; /* host address, whole pages; size 0: none */
    u32 first_intid, count; /* count 0: MSI_TYPER of the frame says, for the plan to read */
    u32 own;                /* an INTID that the frame raises and the hypervisor keeps; 0: none */
    u32 phandle;            /* of the stand-in: what the guest's node is called */
    u8 device;
};

struct passdt_device {
    int node;      /* in the partial tree */
    int host_node; /* xen,path, else the enabled host node whose reg holds the first region; -1 */
    bool forced;   /* xen,force-assign-without-iommu */
    bool is_master;
    u8 protection;         /* enum passdt_protection */
    bool stray;            /* has registers of no node, or of another one: their DMA is unknown */
    bool partly;           /* BY_SMMU, but not all: of a bridge's requester IDs no SMMU sees ... */
    u32 gap;               /* ... this one, the lowest; xen,force-assign-without-iommu, too */
    s8 undriven;           /* index of an SMMU it is behind that is not driven; -1: none */
    struct mem_range ecam; /* of a root complex given whole: config space; size 0: none */
    u8 first_bus, last_bus;
    bool has_msi;  /* its MSIs go to passdt.msi; else the guest's tree knows no way for them */
    char name[24]; /* node name for maps and reports, cut */
    char path[64]; /* of host_node, for reports; else the name */
};

struct passdt {
    const void *fdt; /* NULL: the domain has none */
    u32 gic_phandle; /* what the partial tree calls the GIC; free of clashes when it has none */
    struct passdt_device devices[PASSDT_DEVICES_MAX];
    struct passdt_region regions[PASSDT_REGIONS_MAX];
    struct passdt_irq irqs[PASSDT_IRQS_MAX];
    u32 device_count, region_count, irq_count;
    struct passdt_stream streams[PASSDT_STREAMS_MAX];
    u32 stream_count;
    struct passdt_msi msi;
    u32 gic_address_cells; /* what the partial tree's GIC has, 0 to 2; its interrupt-maps use it */
    u64 dma_limit;         /* host addresses that all masters given reach; 0: no limit */
};

/* A partial tree as it came. */
struct passdt_source {
    const void *fdt; /* memory that stays, e.g. of the heap */
    u64 size;
    const struct domcfg *cfg; /* of its domain, as parsed: whose devices are protected, and how */
};

/*
 * Read a partial tree. Refuses with the path inside it in e->text. ERR_FORMAT: no sound tree.
 */
enum corbel_err passdt_parse(const struct platform *p, const struct passdt_source *source,
                             struct passdt *out, struct cfg_error *e) __must_check;

/*
 * Write /aliases and /passthrough of the partial tree into a guest tree whose root is open:
 * every node and property as it stands, phandles included, but xen,reg, xen,path,
 * xen,force-assign-without-iommu, corbel,* and iommus, iommu-map, iommu-map-mask; of devices
 * without has_msi also msi-map, msi-map-mask, msi-parent.
 */
void passdt_write(const struct passdt *pass, struct fdtw *w);

/* Upper bound of the bytes that passdt_write() adds. */
u32 passdt_size_max(const struct passdt *pass);

#endif
