/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_VDEV_H
#define CORBEL_VDEV_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

struct domain;
struct vcpu;

/*
 * Emulated register blocks, and forwarded ones (subpage.h). A domain has a table of regions
 * sorted by address, filled while it is built; guest_abort.c looks an abort's IPA up in it.
 */
struct mmio_access {
    ipa_t ipa;
    u64 offset; /* from the start of the region */
    u64 value;  /* write: zero-extended data; read: the answer */
    u32 size;   /* 1, 2, 4, 8 bytes */
    bool write;
};

/* How an emulator answered. */
enum mmio_result {
    MMIO_OK,
    MMIO_ABORT, /* inject an external abort */
    MMIO_RETRY, /* needs remote or long work: keep the PC, run again (decision 14) */
};

struct mmio_ops {
    const char *name;
    enum mmio_result (*access)(struct vcpu *v, void *ctx, struct mmio_access *a);
};

struct mmio_region {
    u64 base, size;
    const struct mmio_ops *ops;
    void *ctx;
};

/* Each of the regions of a partial tree (passdt.h) may leave a trapped part at both its ends. */
#define MMIO_REGIONS_MAX 128u

struct mmio_table {
    struct mmio_region regions[MMIO_REGIONS_MAX];
    u32 count;
};

/* Building only. ERR_EXIST on overlap, ERR_NOMEM when the table is full. */
enum corbel_err mmio_add(struct mmio_table *t, const struct mmio_region *region) __must_check;
const struct mmio_region *mmio_find(const struct mmio_table *t, ipa_t ipa);

/*
 * One access: all of a is set but, of a read, value; offset lies in the region. MMIO_ABORT where
 * it is not aligned or ends outside. Of a value read, bits above the size mean nothing.
 */
static inline enum mmio_result mmio_access(struct vcpu *v, const struct mmio_region *r,
                                           struct mmio_access *a)
{
    u64 last = a->size - 1ull;

    if (unlikely(a->ipa.v & last || a->offset + last >= r->size))
        return MMIO_ABORT;
    return r->ops->access(v, r->ctx, a);
}

#endif
