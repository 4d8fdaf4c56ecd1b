/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VGIC_RIG_H
#define VGIC_RIG_H

/* A domain on the fake of the GIC, and short words for what guests and devices do: test_vgic*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/cpu.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/gicr.h>
#include <hw/ich_lr.h>

static struct domain *d;
static struct vcpu *v0, *v1;

static inline void start(u8 version, u32 vcpus, u32 lrs)
{
    d = fake_vgic_setup(version, vcpus, 96, lrs);
    v0 = d->vcpus[0];
    v1 = d->vcpus[1];
    fake_load(0, v0);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 3);
}

/* SPI ready to fire at vCPU 0: enabled, priority. */
static inline void spi_on(u32 intid, u8 priority, bool edge)
{
    u64 cfg = mmio_get(v0, FAKE_GICD + GICD_ICFGR + intid / 16 * 4, 4);

    cfg &= ~(3ull << intid % 16 * 2);
    if (edge)
        cfg |= 2ull << intid % 16 * 2;
    mmio_set(v0, FAKE_GICD + GICD_ICFGR + intid / 16 * 4, 4, cfg);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + intid, 1, priority);
    mmio_set(v0, FAKE_GICD + GICD_ISENABLER + intid / 32 * 4, 4, BIT(intid % 32));
}

static inline void ppi_on(struct vcpu *v, u32 intid)
{
    u64 base = d->vgic.version == GIC_V3 ? FAKE_GICR + v->id * 0x20000ull + GICR_SGI : FAKE_GICD;

    mmio_set(v, base + GICD_IPRIORITYR + intid, 1, 0xa0);
    mmio_set(v, base + GICD_ISENABLER, 4, BIT(intid));
}

static inline int teardown(void **state)
{
    (void)state;
    if (d)
        fake_vgic_teardown();
    d = NULL;
    return 0;
}

static inline u64 spi_bit(u32 reg, u32 intid)
{
    return mmio_get(v0, FAKE_GICD + reg + intid / 32 * 4, 4) >> intid % 32 & 1;
}

#endif
