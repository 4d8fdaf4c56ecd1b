/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMAIN_H
#define CORBEL_DOMAIN_H

#include <arch/spinlock.h>
#include <corbel/addrmap.h>
#include <corbel/compiler.h>
#include <corbel/console.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/iommu_domain.h>
#include <corbel/lifecycle.h>
#include <corbel/log.h>
#include <corbel/p2m.h>
#include <corbel/page.h>
#include <corbel/polyhash.h>
#include <corbel/types.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>
#include <corbel/vgic.h>
#include <corbel/vuart.h>
#include <corbel/vwdt.h>

#define FAULT_REPORTS_SECONDS 60u /* in which a guest gets LOG_LIMIT_BURST blocks about aborts */

struct build_job;
struct plan;

/*
 * The modules of a domain that may restart: what they were once it had started, and how far
 * summing up has come (build_restart.c).
 */
#define SUMMED_MODULES 2u /* kernel, ramdisk; of the partial tree EL2 has a copy */

struct module_sums {
    u64 key;
    u64 sums[SUMMED_MODULES];
    struct polyhash hash;
    u64 pos; /* in the module that is being looked at */
    u32 module;
    bool begun, taken; /* taken: sums[] are complete */
};

/*
 * The guest's tree as it was written once (build_dtb.c), kept where the domain may restart: each
 * start puts fresh seeds in.
 */
struct guest_dtb {
    u8 *blob;       /* heap; NULL: not yet, or not any more */
    u32 room, size; /* bytes allocated, of the tree */
    u32 seed_at[2]; /* domdtb_find_seeds() */
};

/*
 * A domain's life (design section 4); a restart goes from STOPPING to BUILDING (docs/lifecycle.md).
 * The reason of the end is kept.
 */
enum domain_state { DOMAIN_BUILDING, DOMAIN_RUNNING, DOMAIN_STOPPING, DOMAIN_DEAD, DOMAIN_FAILED };

struct domain {
    char name[DOMAIN_NAME_MAX]; /* node name in /chosen: the prefix of all its lines */
    u32 id;                     /* 1.. in tree order; slot + 1 = VMID */
    u8 state;                   /* enum domain_state; lock */
    u8 reason;                  /* enum shutdown_reason; lock */
    spinlock_t lock;            /* RANK_DOMAIN: state, power, pauses */
    struct plan *plan;          /* beside this, for life: holds the next two */
    struct domcfg *cfg;
    struct addrmap *map;   /* solved */
    struct build_job *job; /* only while it is being built */
    struct guest_dtb dtb;  /* the task's alone */
    struct arena arena;    /* vCPUs, SPIs, console ring */
    struct p2m p2m;
    struct iommu_domain iommu;
    struct mmio_table mmio;
    struct vgic vgic;
    struct vuart vuart;
    struct vwdt wdt;
    struct console_ring console;
    struct log_limit limit;  /* guest-caused lines */
    struct log_limit faults; /* blocks about aborts that nothing backs */
    struct vcpu *vcpus[MAX_VCPUS];
    u32 vcpu_count;
    u64 cntvoff;             /* counter at the (re)start */
    struct sched_unit task;  /* long work: build, teardown */
    u8 stage;                /* enum build_stage; the task's alone */
    u8 next;                 /* enum domcfg_action, while it ends; the task's alone */
    u8 turn;                 /* to be built at boot: atomic, build_queue.c's */
    bool report;             /* print the stage-2 map when it starts (corbel,p2m-report) */
    bool scrub_ram;          /* zero RAM before the guest gets it (bootscrub) */
    u64 quiet_round;         /* teardown: see quiet.h */
    u64 clean_pos;           /* teardown: bytes of SRAM cleaned */
    u64 freed;               /* bytes of RAM given back by the teardown, for its last line */
    struct lifecycle life;   /* the task's alone */
    struct module_sums sums; /* the task's alone */
};

/* Domains by slot; NULL for an unused one. Fixed once boot is over. */
struct domain *domain_get(u32 slot);
u32 domain_slots(void);

/* Give d the next slot and its id. Boot. ERR_NOMEM: there are MAX_DOMAINS already. */
enum corbel_err domain_add(struct domain *d) __must_check;

/*
 * v ends its domain, or it ends by what v is responsible for. True for the first one: it says so,
 * while no vCPU is stopped yet, then calls domain_shutdown(). False: another one does; v is paused.
 * Any CPU, no locks.
 */
bool domain_ends(struct vcpu *v, enum shutdown_reason reason);

/*
 * Stop d: no vCPU of it enters the guest again. Its task tears it down and does what the
 * domain's policy says for this reason. Any CPU; the first reason counts.
 */
void domain_shutdown(struct domain *d, enum shutdown_reason reason);

#endif
