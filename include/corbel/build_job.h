/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BUILD_JOB_H
#define CORBEL_BUILD_JOB_H

#include <corbel/build.h>
#include <corbel/err.h>
#include <corbel/gunzip.h>
#include <corbel/plan.h>
#include <corbel/types.h>

struct domain;
struct platform;

/*
 * What a domain's task remembers between steps while it builds: one heap range, gone
 * when the domain runs. Between build.c (create), build_load.c (images), build_step.c (the
 * machine) and build_end.c (its way out) only.
 */
enum build_stage {
    BUILD_RAM,
    BUILD_SCRUB,
    BUILD_KERNEL,
    BUILD_RAMDISK,
    BUILD_CLEAN,
    BUILD_MAP,
    BUILD_START,
    BUILD_SUMS, /* running: modules are summed, for a restart */
    BUILD_DONE, /* running: the task sleeps */
    END_WAIT,   /* teardown: vCPUs leave their CPUs */
    END_BUSES,  /* the PCI functions that it has start no more DMA */
    END_RELEASE,
    END_QUIET, /* no CPU is in the middle of using what was found before */
    END_MEMORY,
    END_REGIONS, /* what was cacheable and not RAM leaves the caches */
    END_SUMS,    /* restart: are the modules what they were? */
    END_AGAIN,   /* restart: everything else into its first state, then BUILD_RAM */
    END_DEAD,
};

struct build_job {
    u64 pos;       /* bytes done in the current stage */
    u32 map_index; /* RAM entry of the address map being filled */
    u32 bank;      /* of plan->banks[] being handed over */
    u64 bank_pos;  /* bytes of it that are the domain's */
    struct gunzip *gunzip;
    u64 gz_in; /* compressed bytes consumed */
    u8 work[GUNZIP_WORK_SIZE] __aligned(16);
};

/*
 * The end, in the same machine (build_end.c): begin when the domain stops, whatever stage it is
 * in; then each END_ stage in steps.
 */
enum task_result build_end_begin(struct domain *d);
enum task_result build_end_step(struct domain *d);

/*
 * Restarts (build_restart.c). Sum up d's modules, piece by piece: after its first start, and
 * what was missed when it ended early. A domain that never restarts has none.
 */
enum task_result build_sums_step(struct domain *d);
enum task_result build_restart_step(struct domain *d);

/* Empty tables for CPUs and SMMUs, sized for what the plan maps. d->p2m has none. */
enum corbel_err build_make_tables(struct domain *d) __must_check;

/*
 * d runs, or never will: the next one is built, and the boot may be over (boot_end.h).
 * Any CPU, no locks; later calls do nothing.
 */
void build_count(struct domain *d, bool started);
/* Has d been counted, so that the boot's own code may be gone? */
bool build_is_counted(const struct domain *d);

/*
 * Write the guest's tree into d->dtb (build_dtb.c), before the first start only; ERR_RANGE: the
 * plan has no room for it, ERR_NOMEM. Then, at each start, into its place in RAM with fresh
 * seeds (build_load.c); and free it.
 */
enum corbel_err build_dtb_write(struct domain *d) __must_check;
enum corbel_err build_load_dtb(struct domain *d) __must_check;
void build_dtb_free(struct domain *d);

/*
 * The boot is over: the loader's device tree is free memory from now on, and so are all modules
 * but those of domains that may restart. image_bytes of the image are so already, for the report.
 * Once, any CPU; takes RANK_DOMAIN_LIST.
 */
void build_modules_boot_over(u64 image_bytes);

/* A domain has come to its last end: its modules go, too. Nothing while the boot goes on. */
void build_modules_release(void);

/* Free a domain that was never started, with all it reserved. */
void build_free(struct domain *d);

/* Copy a piece of the kernel / the ramdisk. ERR_AGAIN until done, ERR_FORMAT: bad gzip data. */
/*
 * What loading writes as a whole anyway need not be zeroed before. Bytes of that from the page at
 * ipa on; or 0, and *n is cut at where the next of it begins.
 */
u64 build_load_covers(const struct domain *d, u64 ipa, u64 *n);
enum corbel_err build_load_kernel(struct domain *d, struct build_job *job) __must_check;
enum corbel_err build_load_ramdisk(struct domain *d, struct build_job *job) __must_check;

/* What planning gets from the hypervisor; the machine that build_set_platform() named. */
void build_plan_env(struct plan_env *env);
const struct platform *build_platform(void);

/* Read host memory that EL2 does not map (modules), through WINDOW_LARGE_A. */
void build_read_phys(void *dst, u64 pa, u64 size);

#endif
