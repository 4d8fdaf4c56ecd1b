/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_SMMUV2_PRIV_H
#define MODEL_SMMUV2_PRIV_H

#include "model_smmuv2.h"

/* What the two files of the model share. */

/* What no driver may do. */
__attribute__((format(printf, 2, 3))) void model_violate(struct model_smmuv2 *m, const char *fmt,
                                                         ...);

/* Stream mapping groups that it has. */
u32 model_group_count(const struct model_smmuv2 *m);

/* Are stream IDs of 16 bits in use? */
bool model_extended(const struct model_smmuv2 *m);

/* No moment when a stream matches twice, or passes through a bank that is off. */
void model_check_mapping(struct model_smmuv2 *m);

u16 model_bank_vmid(const struct model_smmuv2 *m, u32 n);

/* An invalidation (vmid negative: of all), and the end of a sync, when it has happened. */
void model_doom(struct model_smmuv2 *m, s32 vmid, u64 ipa, u64 size, bool tables);

void model_sync_end(struct model_smmuv2 *m);

#endif
