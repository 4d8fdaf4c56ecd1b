/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMCFG_STATIC_H
#define CORBEL_DOMCFG_STATIC_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * The memory that a domain node asks for by address; parts of domcfg_parse(), in this order.
 * Where two domains ask for the same memory, exactly one is refused: the later in the tree.
 */

/* direct-map and xen,static-mem. Fills cfg->direct_map, ->static_mem. Needs cfg->memory. */
enum corbel_err domcfg_static_parse(const struct platform *p, struct domcfg *cfg,
                                    struct cfg_error *e) __must_check;

/* The children xen,domain-shared-memory-v1. Fills cfg->shms. Needs the above. */
enum corbel_err domcfg_shm_parse(const struct platform *p, struct domcfg *cfg, struct cfg_error *e)
    __must_check;

/*
 * May a host range be given to this domain? Whole pages inside RAM, and nothing else there.
 * shm: the shared memory node that asks, whose id may be in use by other domains; negative:
 * static memory. On an error expected says what should have been.
 */
struct domcfg_claim {
    const struct platform *p;
    const struct domcfg *cfg;
    struct mem_range range;
    int shm;
};
enum corbel_err domcfg_claim_check(const struct domcfg_claim *claim, char *expected, size_t size)
    __must_check;

#endif
