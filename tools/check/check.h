/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_CHECK_H
#define CORBEL_CHECK_H

#include <corbel/plan.h>

/*
 * corbel-check: what the hypervisor would make of a host device tree, on a PC. main.c reads the
 * options, run.c goes the way of the hypervisor's boot with the hypervisor's own sources, text.c
 * and json.c say what came out. host.c stands for the CPU: memory, windows, log, panic.
 */
#define CHECK_MODULES_MAX  PLATFORM_MODULES_MAX
#define CHECK_DOMAINS_MAX  128u
#define CHECK_WARNINGS_MAX 64u

struct check_file {
    const char *path;
    u64 addr; /* host physical, where the boot loader puts it */
    u64 size;
    u8 *data;
};

/* The command line. */
struct check_options {
    struct check_file tree;  /* addr 0: its place in memory is not known */
    struct check_file image; /* the hypervisor; path NULL: likewise */
    struct check_file modules[CHECK_MODULES_MAX];
    u32 module_count;
    u32 pa_bits;                                /* of the CPUs: limits guest addresses */
    u32 smmu_bits;                              /* of what all SMMUs walk, likewise; 0: no limit */
    const char *not_driven[PLATFORM_IOMMU_MAX]; /* paths of SMMUs */
    u32 not_driven_count;
    u32 line_count; /* INTIDs of the GIC */
    bool no_modules;
    bool json;
};

struct check_domain {
    int node;
    char name[DOMAIN_NAME_MAX];
    bool refused;
    struct cfg_error e; /* when refused: the hypervisor's words */
    struct plan plan;   /* when not; its cfg also when refused, as far as it was read */
};

struct check {
    struct platform platform;
    u64 free; /* bytes of RAM for domains, before the first one */
    struct check_domain *domains[CHECK_DOMAINS_MAX];
    u32 domain_count;
    char *pool_errors[CHECK_WARNINGS_MAX]; /* CPU pools that are refused, one line each */
    u32 pool_error_count;
    char *warnings[CHECK_WARNINGS_MAX];
    u32 warning_count;
};

/* Plan everything. False: the hypervisor itself would not start; *why says what it lacks. */
bool check_run(struct check *c, const struct check_options *o, const char **why);
void check_free(struct check *c);

/* A line for the user; what exceeds CHECK_WARNINGS_MAX is dropped. */
void check_warn(struct check *c, const char *fmt, ...) __printf_like(2, 3);

u32 check_refused_count(const struct check *c);

/* All of it on standard output. */
void check_print_text(const struct check *c);
void check_print_json(const struct check *c);

/* What stands for the machine. Host memory holds the modules' files, and zeros. */
void host_init(struct check *c, const struct check_options *o);
void host_add(const struct check_file *file); /* one more, whose data it takes over */
bool host_has(const struct mem_range *range); /* a file at its beginning */
void host_read(void *dst, u64 pa, u64 size);
void host_exit(void);

#endif
