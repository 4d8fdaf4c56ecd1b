/* SPDX-License-Identifier: Apache-2.0 */
/* A GICv2 as a guest sees it: vgic_life.c says what is done with it. */
#include "vgic_life.h"

#include <corbel/platform.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    vgic_life(GIC_V2, data, size);
    return 0;
}
