/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of given devices that share a page with somebody else's: an entry each in the
 * domain's table of emulated blocks, whose access is carried out at the device. The window
 * is open for one access only, and a device that answers with an error gives the guest an
 * abort, as it would have had from a page that is mapped: EL2 itself goes on (arch/io.h).
 * Mapping and unmapping is a page-table write and a local TLBI, far below the cost of the
 * exit; keeping pages mapped for a guest in EL2 would not pay, and is against design
 * principle 4.
 */
#include <corbel/subpage.h>

#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/page.h>
#include <corbel/vdev.h>

struct subpage {
    u64 hpa, size;
};

static enum mmio_result forward(struct vcpu *v, void *ctx, struct mmio_access *a)
{
    const struct subpage *s = ctx;
    uintptr_t va;
    bool done;

    /* What guest_ldst.c has seen to already: EL2 would fault on anything else. */
    if (!IS_ALIGNED(a->offset + s->hpa, (u64)a->size) || a->offset >= s->size ||
        s->size - a->offset < a->size)
        return MMIO_ABORT;
    va = (uintptr_t)arch_window_open(WINDOW_SMALL_1, PA(s->hpa + a->offset), EL2_DEVICE);
    done = a->write ? arch_io_try_write(va, a->size, a->value)
                    : arch_io_try_read(va, a->size, &a->value);
    arch_window_close(WINDOW_SMALL_1);
    return done ? MMIO_OK : MMIO_ABORT;
}

static const struct mmio_ops ops = { "device registers in a shared page", forward };

u64 subpage_arena_size(void)
{
    return ALIGN_UP(sizeof(struct subpage), 16ull);
}

__init enum corbel_err subpage_add(struct domain *d, const struct subpage_region *r)
{
    struct mmio_region region = { .base = r->gpa, .size = r->size, .ops = &ops };
    struct subpage *s;

    if (!r->size || (r->gpa ^ r->hpa) & (PAGE_SIZE - 1) || r->hpa + r->size - 1 < r->hpa)
        return ERR_INVAL;
    s = arena_alloc(&d->arena, sizeof(*s));
    if (!s)
        return ERR_NOMEM;
    *s = (struct subpage){ r->hpa, r->size };
    region.ctx = s;
    return mmio_add(&d->mmio, &region);
}
