/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_core.h"

#include <corbel/irq.h>

/* Stands in for common/irq.c where a test only counts kicks. */
void irq_send_sgi(u32 cpu, enum host_sgi sgi)
{
    if (sgi == SGI_KICK)
        fake_kicks[cpu]++;
}
