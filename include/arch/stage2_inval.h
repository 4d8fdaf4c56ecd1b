/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_STAGE2_INVAL_H
#define ARCH_STAGE2_INVAL_H

#include <corbel/err.h>
#include <corbel/types.h>

/*
 * What an operation made invalid: ranges, or (all) everything of the VMID. step: bytes that one
 * entry covered. More than fits, or more instructions than are worth it, becomes all.
 */
#define STAGE2_INVAL_RANGES 16u

struct stage2_inval {
    u32 count;
    u32 ops;  /* entries so far; those that join a range count, too */
    bool all; /* whole VMID */
    struct stage2_range {
        u64 ipa;
        u64 size;
        u64 step;
    } ranges[STAGE2_INVAL_RANGES];
};

/*
 * Who else walks these tables, beside the CPUs: told inside the break-before-make window, after
 * the CPUs' TLBs, before a broken entry is made again. An error (ERR_TIMEDOUT, ERR_IO) leaves
 * the entry broken, ends the operation with it and sets stage2.lost.
 */
struct stage2_walkers {
    enum corbel_err (*invalidate)(void *ctx, const struct stage2_inval *inv);
    void *ctx;
};

#endif
