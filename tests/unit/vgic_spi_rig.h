/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VGIC_SPI_RIG_H
#define VGIC_SPI_RIG_H

/*
 * A domain whose SPIs are linked to the host's, on the fake of the GIC: what the suites of
 * assigned interrupts start from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/ich_lr.h>

#define VCPUS 3u
#define SPIS  64u
#define FIRST 40u /* of the assigned ones: edge, level, edge ... */
#define COUNT 8u
#define STEPS 30000u

static struct domain *d;
static struct vcpu *v0, *v1;

static inline void start(u8 version, u32 lrs)
{
    d = fake_vgic_setup(version, VCPUS, SPIS, lrs);
    v0 = d->vcpus[0];
    v1 = d->vcpus[1];
    fake_load(0, v0);
    mmio_set(v0, FAKE_GICD + GICD_CTLR, 4, 3);
}

static inline int teardown(void **state)
{
    if (d)
        fake_vgic_teardown();
    d = NULL;
    return 0;
}

static inline void write_bit(struct vcpu *v, u32 reg, u32 intid)
{
    mmio_set(v, FAKE_GICD + reg + intid / 32 * 4, 4, BIT(intid % 32));
}

static inline bool read_bit(struct vcpu *v, u32 reg, u32 intid)
{
    return mmio_get(v, FAKE_GICD + reg + intid / 32 * 4, 4) >> intid % 32 & 1;
}

static inline void target(struct vcpu *v, u32 intid, u32 to)
{
    if (d->vgic.version == GIC_V3)
        mmio_set(v, FAKE_GICD + GICD_IROUTER + 8 * intid, 8, to < VCPUS ? to : 0x101);
    else
        mmio_set(v, FAKE_GICD + GICD_ITARGETSR + intid, 1, to < VCPUS ? 1u << to : 0x80);
}

static inline struct virq *spi(u32 intid)
{
    return &d->vgic.spis[intid - 32];
}

#endif
