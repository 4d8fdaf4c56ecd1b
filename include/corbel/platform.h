/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PLATFORM_H
#define CORBEL_PLATFORM_H

#include <arch/smccc.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/platform_iommu.h>
#include <corbel/platform_pmu.h>
#include <corbel/types.h>

/*
 * What the host device tree says about the machine, read once at boot by a pure
 * function into this one struct (ACPI will fill the same struct). Nothing here
 * is trusted: overlaps and nonsense are cut with one line in notes.
 */
#define PLATFORM_BANKS_MAX    32u
#define PLATFORM_RESERVED_MAX 128u
#define PLATFORM_MODULES_MAX  128u
#define PLATFORM_GICR_MAX     8u
#define PLATFORM_NO_MAP_MAX   32u
#define PLATFORM_HEAP_MAX     8u
#define PLATFORM_HIDDEN_MAX   64u
#define PLATFORM_STATIC_MAX   128u
#define PLATFORM_CMDLINE_MAX  2048u
#define PLATFORM_IOMMU_MAX    16u

enum cpu_method { CPU_METHOD_PSCI, CPU_METHOD_SPIN_TABLE, CPU_METHOD_NONE };

struct platform_cpu {
    u64 mpidr;
    u64 release_addr;
    u8 method; /* enum cpu_method */
    u32 phandle;
    char compatible[48]; /* first string, copied into guest trees */
};

enum gic_version { GIC_NONE, GIC_V2, GIC_V3 };

struct platform_gic {
    u8 version; /* enum gic_version */
    u32 phandle;
    struct mem_range gicd;
    struct mem_range gicc, gich, gicv;        /* v2 */
    struct mem_range gicr[PLATFORM_GICR_MAX]; /* v3 */
    u32 gicr_count;
    u64 gicr_stride;       /* 0: from GICR_TYPER */
    u32 maintenance_intid; /* PPI, usually 25 */
};

enum uart_kind { UART_NONE, UART_PL011, UART_SBSA };

struct platform_uart {
    u8 kind; /* enum uart_kind */
    struct mem_range regs;
    u32 intid; /* 0: none, poll */
    bool level;
    char path[128];
};

struct platform_timer {
    u32 phys_secure, phys, virt, hyp; /* INTIDs: 29, 30, 27, 26 */
    u32 clock_frequency;              /* 0: not in the tree */
};

enum module_kind { MODULE_UNKNOWN, MODULE_KERNEL, MODULE_RAMDISK, MODULE_DTB, MODULE_XSM };

struct platform_module {
    struct mem_range range;
    u8 kind;         /* enum module_kind */
    int node;        /* offset in the host tree */
    int domain_node; /* the xen,domain node it is under, or negative: dom0's */
    bool used;       /* nobody reads it any more, its memory may go (build_modules.c) */
};

/* No domain is given these, nor the console's: each GIC, ITS, GICv2m frame, SMMU, also disabled. */
struct platform_hidden {
    struct mem_range range;
    const char *what; /* "a GIC", "a GIC ITS", "a GICv2m frame", "an SMMU" */
};

/* Whole pages of RAM that the tree gives to a domain: xen,static-mem, xen,shared-mem. */
struct platform_static {
    struct mem_range range;
    int domain_node; /* of equal ranges only the first in the tree is listed */
    int node;        /* the domain's, or the shared memory node */
};

struct platform {
    const void *fdt;
    struct mem_range self; /* the hypervisor's image in RAM; set by main.c, size 0: not known */
    struct mem_range tree; /* the device tree itself, likewise; size 0: nobody reads it any more */
    struct mem_range banks[PLATFORM_BANKS_MAX]; /* RAM, sorted, merged, no overlap */
    u32 bank_count;
    struct mem_range reserved[PLATFORM_RESERVED_MAX]; /* memreserve, /reserved-memory */
    u32 reserved_count;
    struct platform_static statics[PLATFORM_STATIC_MAX]; /* reserved for domains */
    u32 static_count;
    struct mem_range no_map[PLATFORM_NO_MAP_MAX]; /* those of /reserved-memory with no-map */
    u32 no_map_count;
    struct mem_range static_heap[PLATFORM_HEAP_MAX]; /* xen,static-heap, sorted: all that is */
    u32 static_heap_count; /* allocated comes from here; 0: from all free RAM */
    struct platform_hidden hidden[PLATFORM_HIDDEN_MAX];
    u32 hidden_count;
    struct platform_iommu iommus[PLATFORM_IOMMU_MAX];
    u32 iommu_count;
    struct platform_module modules[PLATFORM_MODULES_MAX];
    u32 module_count;
    struct platform_cpu cpus[MAX_CPUS];
    u32 cpu_count; /* enabled cpu nodes, in tree order; the boot CPU is among them */
    u32 cpus_ignored;
    struct platform_gic gic;
    struct platform_uart uart;
    struct platform_timer timer;
    struct platform_pmu pmu;
    u8 psci_conduit; /* enum smccc_conduit */
    bool psci_0_1;   /* only function numbers of PSCI 0.1: not used */
    char cmdline[PLATFORM_CMDLINE_MAX];
    u8 rng_seed[64];
    u32 rng_seed_len;
    char model[64];
    char notes[1024]; /* one line per oddity found, for the boot log */
};

/*
 * Fill p from a tree that fdtr_check() accepted. Never fails as a whole: what is
 * missing stays zero (gic.version GIC_NONE, no banks, ...) and main.c decides.
 */
void platform_from_fdt(struct platform *p, const void *fdt);

/*
 * The first thing at boot: the console UART only (early console), from dtuart= in
 * the command line, else /chosen/stdout-path, else the first PL011 that is enabled.
 */
void platform_find_uart(const void *fdt, struct platform_uart *uart);

/* The hypervisor's command line with Xen's precedence (A5). Always ended with NUL. */
void platform_cmdline(const void *fdt, char *buf, size_t size);

/*
 * Free RAM = the static heap, or all banks without one, less reserved and static memory,
 * modules that are not used, device tree and hypervisor; of whole pages within (NULL: all).
 * Writes sorted ranges of whole pages, returns how many (cut at max).
 */
u32 platform_free_ranges(const struct platform *p, const struct mem_range *within,
                         struct mem_range *out, u32 max);

#endif
