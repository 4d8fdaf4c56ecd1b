/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_PLATFORM_PMU_H
#define CORBEL_PLATFORM_PMU_H

#include <corbel/types.h>

/* The CPUs' performance monitors, as far as the tree tells. */
struct platform_pmu {
    u32 intid;           /* PPI, usually 23; 0: none */
    char compatible[48]; /* of all CPUs: copied into guest trees; "": nothing but the generic */
    u32 nodes;           /* how many there are: one, or one for each kind of CPU */
};

#endif
