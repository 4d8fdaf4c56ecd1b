/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_VCPU_H
#define ASM_VCPU_H

#include <corbel/types.h>

struct arch_vcpu {
    u64 hcr;
    u64 cntv_ctl, cntv_cval; /* what a resident vCPU's timer registers hold */
};

static inline bool arch_pmu_is_live(const struct arch_vcpu *a)
{
    return false;
}

#endif
