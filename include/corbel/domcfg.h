/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMCFG_H
#define CORBEL_DOMCFG_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * The parsed, validated description of one domain. The parser is a pure function
 * of the tree: reads every binding of requirements D1, checks all of it, and
 * refuses with ONE line: "/chosen/domU2: memory = <0x0>: expected ...".
 */
#define DOMCFG_BANKS_MAX 16u

#define DOMCFG_PATH_MAX 128u

struct domcfg_module {
    struct mem_range range; /* size 0: absent; may be larger than the file (image_size) */
    int node;
    char path[DOMCFG_PATH_MAX]; /* of node, for the log: the tree's reader goes with the boot */
};

struct domcfg_vcpu {
    cpumask_t affinity; /* 0: any */
};

/* passthrough = "enabled" | "disabled"; absent: devices of the partial tree are protected. */
enum domcfg_passthrough { PASSTHROUGH_DEFAULT, PASSTHROUGH_ENABLED, PASSTHROUGH_DISABLED };

enum domcfg_dma_policy { DMA_FAULT_LOG, DMA_FAULT_QUARANTINE, DMA_FAULT_CRASH };

/* Its watchdog, whose expiry is a crash (vwdt.h). */
enum domcfg_watchdog { WATCHDOG_NONE, WATCHDOG_SBSA, WATCHDOG_SMC };

/* What becomes of a domain that reboots or crashes. */
enum domcfg_action { ACTION_HALT, ACTION_RESTART, ACTION_HOST_RESET };

/*
 * Static shared memory (child xen,domain-shared-memory-v1). Users of one id see the same
 * frames; domcfg_parse() has checked that all nodes of the tree with this id agree on
 * size and host address, and that no other id's host range overlaps.
 */
#define DOMCFG_SHM_MAX 8u
#define SHM_ID_SIZE    16u

struct domcfg_shm {
    char id[SHM_ID_SIZE]; /* xen,shm-id, 1 to 15 characters */
    u64 gpa, size;        /* whole pages */
    u64 hpa;              /* only with has_hpa; else frames come from the allocator */
    bool has_hpa;
    bool owner;     /* role = "owner"; several borrowers, at most one owner in the tree */
    bool read_only; /* corbel,read-only: this user may only read and execute */
    int node;       /* in the host tree */
};

struct domcfg {
    char name[DOMAIN_NAME_MAX]; /* node name without unit address; made unique by the caller */
    int node;                   /* in the host tree */
    char path[DOMCFG_PATH_MAX]; /* of node, for the log */
    u64 memory;                 /* bytes, a multiple of 4 KiB */
    u32 cpus;
    bool vpl011;
    bool nr_spis_given;
    u32 nr_spis;
    u32 weight;                  /* corbel,weight, default 256 */
    u32 pool_phandle;            /* domain-cpupool, 0: default pool */
    u32 p2m_mem_mb;              /* xen,domain-p2m-mem-mb, 0: computed */
    bool trap_unmapped;          /* trap-unmapped-accesses, default true */
    bool direct_map;             /* guest-physical == host-physical for all RAM */
    bool enhanced;               /* known; refused by domcfg_parse until it works */
    u8 passthrough;              /* enum domcfg_passthrough */
    bool no_iommu;               /* corbel,no-iommu: its devices pass their SMMUs untranslated */
    bool pmu_off;                /* corbel,pmu = "off": the CPUs have no PMU */
    u8 on_dma_fault;             /* enum domcfg_dma_policy, corbel,on-dma-fault */
    u8 on_reboot;                /* enum domcfg_action, corbel,on-reboot; default halt */
    u8 on_crash;                 /* likewise corbel,on-crash */
    u8 watchdog;                 /* enum domcfg_watchdog, corbel,watchdog; default none */
    u32 restarts_max;            /* corbel,restart-limit = <count seconds>: as many restarts ... */
    u32 restarts_seconds;        /* ... in so many seconds; default 3 in 60 */
    struct mem_range debug_hook; /* corbel,debug-hook: guest RAM in pages; debug builds only */
    struct domcfg_module kernel, ramdisk, dtb;
    char bootargs[1024];
    struct domcfg_vcpu vcpus[MAX_VCPUS];
    struct mem_range static_mem[DOMCFG_BANKS_MAX]; /* host addresses, in the tree's order */
    u32 static_mem_count;                          /* 0: RAM comes from the allocator */
    struct domcfg_shm shms[DOMCFG_SHM_MAX];
    u32 shm_count;
};

/* Text of a refusal, without the domain's name in front. */
struct cfg_error {
    char text[200];
};

/* Set the error "path: property = value: expected what" (value formatted by the caller). */
void cfg_error_set(struct cfg_error *e, const char *path, const char *property, const char *value,
                   const char *expected);

/*
 * Parse the xen,domain node. On ERR_* e->text is the line to print. Values that
 * need the machine (total memory, number of CPUs, GIC version, module ranges)
 * are checked against p.
 */
enum corbel_err domcfg_parse(const struct platform *p, int node, struct domcfg *cfg,
                             struct cfg_error *e) __must_check;

/* Next xen,domain node under /chosen after prev (-1: first) in tree order, negative at the end. */
int domcfg_next(const void *fdt, int prev);

/* Boot-time CPU pools (xen,cpupool). */
struct poolcfg {
    u32 phandle;
    cpumask_t cpus; /* by index in platform.cpus */
    u8 policy;      /* enum sched_policy */
    char name[DOMAIN_NAME_MAX];
};
int poolcfg_next(const void *fdt, int prev);
enum corbel_err poolcfg_parse(const struct platform *p, int node, struct poolcfg *pool,
                              struct cfg_error *e) __must_check;

/* "0-3,5" -> mask; ERR_FORMAT on anything else, ERR_RANGE beyond 63. */
enum corbel_err cpulist_parse(const char *text, cpumask_t *out) __must_check;

#endif
