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
 * checker run the same code; they differ in plan_env.
 */
struct plan_env {
    const struct platform *platform;
    void (*read)(void *dst, u64 pa, u64 size); /* of host memory: modules */
    void *(*alloc)(u64 size);                  /* whole pages, zeroed; NULL: none left */
    void (*free)(void *ptr, u64 size);
    u8 ipa_bits_max;
    u32 line_count; /* INTIDs of the host GIC */
};

struct plan {
    struct domcfg cfg;
    struct passdt pass;
    void *pass_copy; /* of the partial tree, pass_copy_size bytes by env->alloc; NULL: none */
    u64 pass_copy_size;
    struct mem_range banks[DIRECTMEM_BANKS_MAX]; /* host RAM chosen already, by address */
    u32 bank_count;                              /* 0: from the allocator while it is built */
    bool banks_owned;                            /* from the allocator: to be given back */
    struct addrmap map;
    struct image_info image;
    struct image_place place;
    u64 kernel_mem;  /* bytes the kernel needs in memory */
    u64 dtb_size;    /* room for the guest's tree */
    u32 vuart_intid; /* 0: no vPL011 */
    u64 promised;    /* bytes of RAM counted against what is free */
    char notes[512]; /* lines for the log: fallbacks, warnings; ended with NUL */
};

/* id: the domain's number. On an error e->text is the line, and plan holds nothing. */
enum corbel_err plan_domain(const struct plan_env *env, int node, u32 id, struct plan *plan,
                            struct cfg_error *e) __must_check;

/* Give back what a plan holds: RAM chosen, devices, the copy of the partial tree. */
void plan_release(const struct plan_env *env, u32 id, struct plan *plan);

#endif
