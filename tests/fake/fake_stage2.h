/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_STAGE2_H
#define FAKE_STAGE2_H

#include <corbel/types.h>

struct cpu_features;
struct stage2;
struct stage2_inval;

/*
 * The CPU's side of stage 2 (stage2_tlb.c) for host tests, below the real stage2.c
 * and pgtable.c. Features are 48-bit PA and 16-bit VMIDs unless a test changes them.
 */
extern struct cpu_features fake_features;
extern void (*fake_tlb_hook)(const struct stage2 *s2, const struct stage2_inval *inval);
extern u32 fake_tlb_syncs, fake_tlb_flushes; /* sync calls / those with something to do */
extern const struct stage2 *fake_stage2_loaded;

#endif
