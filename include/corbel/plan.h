/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PLAN_H
#define CORBEL_PLAN_H

#include <corbel/addrmap.h>
#include <corbel/compiler.h>
#include <corbel/directmem.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/image.h>
#include <corbel/passdt.h>
#include <corbel/types.h>

/*
 * Everything about a domain that can be known before any of it is built: parsed, checked
 * against the machine and the domains before it, its RAM chosen where that decides its
 * addresses, its address map solved, its modules placed. The hypervisor and the host
 * checker run the same code; they differ in plan_env. Boot CPU only.
 */
struct plan_env {
    const struct platform *platform;
    void (*read)(void *dst, u64 pa, u64 size); /* of host memory: modules */
    void *(*alloc)(u64 size);                  /* whole pages, zeroed; NULL: none left */
    void (*free)(void *ptr, u64 size);
    u32 (*read_register)(u64 pa); /* of a device; NULL: no machine at hand, as in the checker */
    u8 ipa_bits_max;              /* what all CPUs and all SMMUs that are driven walk */
    u32 line_count;               /* INTIDs of the host GIC */
};

/* Why the vPL011 is not where the host's UART is, in a direct-map domain. */
enum plan_uart_note {
    PLAN_UART_FINE,
    PLAN_UART_NO_PAGE,   /* the host has no UART with whole pages of its own */
    PLAN_UART_TAKEN,     /* a device of this domain is at that guest address */
    PLAN_UART_NO_SPI,    /* the host's UART has no SPI */
    PLAN_UART_SPI_TAKEN, /* a device of this domain has that SPI */
    PLAN_UART_SPI_RANGE, /* nr_spis is too small for it */
};

struct plan {
    const struct platform *platform;
    struct domcfg cfg;
    struct passdt pass;
    void *pass_copy; /* of the partial tree, pass_copy_size bytes by env->alloc; NULL: none */
    u64 pass_copy_size;
    struct mem_range banks[DIRECTMEM_BANKS_MAX]; /* host RAM chosen already, in guest order */
    u32 bank_count;                              /* 0: from the allocator while it is built */
    bool banks_owned;                            /* from the allocator: to be given back */
    pa_t shm[DOMCFG_SHM_MAX];                    /* frames of cfg.shms[] */
    u32 shm_count;                               /* of them held */
    struct addrmap map;
    struct image_info image;
    struct image_place place;
    u64 kernel_mem;  /* bytes the kernel needs in memory */
    u64 dtb_size;    /* room for the guest's tree */
    u32 vuart_intid; /* 0: no vPL011 */
    u32 wdt_intid;   /* 0: no generic watchdog */
    u8 uart_note;    /* enum plan_uart_note */
    u64 promised;    /* bytes of RAM counted against what is free */
};

/*
 * id: the domain's number. On an error e->text is the line, and plan holds nothing.
 * e->text of a domain without a usable name still begins with the node's path.
 */
enum corbel_err plan_domain(const struct plan_env *env, int node, u32 id, struct plan *plan,
                            struct cfg_error *e) __must_check;

/*
 * Give back what a plan still holds: RAM chosen (banks[] that the builder has not taken
 * over), shared memory, devices, the copy of the partial tree. Also at a domain's end.
 */
void plan_release(const struct plan_env *env, u32 id, struct plan *plan);

/* The copy of the partial tree is not needed any more: the guest's tree is written. */
void plan_drop_tree(const struct plan_env *env, struct plan *plan);

/*
 * Remarks for the log, one line each (plan_notes.c): fallbacks, and devices whose DMA nothing
 * confines; then what confines that of the others. False past the end.
 */
bool plan_note(const struct plan *plan, u32 index, char *buf, size_t size);
bool plan_protection(const struct plan *plan, u32 index, char *buf, size_t size);

/* "/smmu@9050000, streams 0x0-0xffff" of devices[device], "..." when cut; false: has none. */
bool plan_streams_text(const struct plan *plan, u32 device, char *buf, size_t size);

/*
 * Take the GICv2m frame in plan->pass.msi and its SPIs, which are read from it where the tree
 * does not say them, for domain id (plan_msi.c). Where the hypervisor has some of them itself,
 * the longest row without these is taken. Part of plan_domain().
 */
enum corbel_err plan_claim_msi(const struct plan_env *env, struct plan *plan, u32 id,
                               struct cfg_error *e) __must_check;

/* What plan_note() has to say about the frame; false: nothing. */
bool plan_msi_note(const struct plan *plan, char *buf, size_t size);

/* Whose interrupt of the hypervisor's own intid is, "console" or an SMMU's path; NULL: nobody's. */
const char *plan_own_irq(const struct platform *p, u32 intid);

/*
 * Look into the kernel module: fills plan->image and kernel_mem (plan_image.c). Part of
 * plan_domain().
 */
enum corbel_err plan_probe_kernel(const struct plan_env *env, struct plan *plan,
                                  struct cfg_error *e) __must_check;

#endif
