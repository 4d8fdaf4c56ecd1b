/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_MMIO_H
#define FAKE_MMIO_H

#include <stddef.h>

#include <corbel/vdev.h>

/* One access to what is at ipa, by no vCPU in particular. The suite includes cmocka first. */
static inline enum mmio_result mmio_once(const struct mmio_table *table, u64 ipa, u8 size,
                                         bool write, u64 *value)
{
    const struct mmio_region *r = mmio_find(table, IPA(ipa));
    struct mmio_access a = { .ipa = IPA(ipa), .size = size, .write = write, .value = *value };
    enum mmio_result result;

    assert_non_null(r);
    a.offset = ipa - r->base;
    result = r->ops->access(NULL, r->ctx, &a);
    *value = a.value;
    return result;
}

#endif
