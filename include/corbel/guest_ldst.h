/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_GUEST_LDST_H
#define CORBEL_GUEST_LDST_H

#include <corbel/types.h>

struct guest_exit;
struct mmio_region;
struct vcpu;

/*
 * Accesses of the loaded vCPU to an emulated register block; region NULL: to nothing, where the
 * domain's configuration has reads answer 0 and writes ignored.
 */
enum ldst_result {
    LDST_DONE,    /* registers written, PC advanced */
    LDST_RETRY,   /* nothing changed: the same instruction runs again (decision 14) */
    LDST_ABORT,   /* the block has no such register, or not all of the access lies in it */
    LDST_UNKNOWN, /* the instruction cannot be read, or is none that is emulated */
};

/* One access, fully described by the syndrome (e->u.abort.isv). */
enum ldst_result guest_ldst_syndrome(struct vcpu *v, const struct guest_exit *e,
                                     const struct mmio_region *region);

/* Without a syndrome: read the instruction at the PC and do its accesses one by one. */
enum ldst_result guest_ldst_decode(struct vcpu *v, const struct guest_exit *e,
                                   const struct mmio_region *region);

#endif
