/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_core.h"

#include <corbel/cpu.h>
#include <corbel/irq.h>

/* Stands in for common/irq.c where a test only counts kicks. */
void irq_send_sgi(const struct cpu *target, enum host_sgi sgi)
{
    if (sgi == SGI_KICK)
        fake_kicks[target->id]++;
}
