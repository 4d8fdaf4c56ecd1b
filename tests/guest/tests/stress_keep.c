/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stress payload must have to go on: interrupts that can wake it, and a UART to report
 * by. It is put right again from the very vCPU that may have changed it, so that no sleep lasts.
 */
#include "gic.h"
#include "stress.h"
#include "timer.h"

#define GICC_APR0        0xd0U
#define GICR_WAKER       0x14U
#define SGI_PAGE         0x1000U
#define TIMER_PRIORITIES 0x80808080U
#define ICC_SRE          s3_0_c12_c12_5
#define ICC_CTLR         s3_0_c12_c12_4
#define ICC_AP1R0        s3_0_c12_c9_0
#define ICC_AP0R0        s3_0_c12_c8_4
#define UART_IBRD        0x24U
#define UART_LCRH        0x2cU
#define UART_CR          0x30U
#define UART_IMSC        0x38U

static uintptr_t redists[MAX_CPUS];
static uint32_t groups;    /* of SGIs and PPIs, as the payload has set them */
static uint32_t dist_mask; /* GICD_CTLR: groups that are enabled */

/* SGIs and PPIs of one redistributor, or the banked ones of this vCPU. */
static void keep_private(uintptr_t frame)
{
    if (mmio_read32(frame + GICD_ISENABLER) != UINT32_MAX) {
        mmio_write32(frame + GICD_ISENABLER, UINT32_MAX);
    }
    for (unsigned int at = GICD_IPRIORITYR + 24; at < GICD_IPRIORITYR + 32; at += 4) {
        if (mmio_read32(frame + at) != TIMER_PRIORITIES) {
            mmio_write32(frame + at, TIMER_PRIORITIES);
        }
    }
    if (mmio_read32(frame + GICD_IGROUPR) != groups) {
        mmio_write32(frame + GICD_IGROUPR, groups);
    }
}

void stress_keep_init(void)
{
    groups = mmio_read32(gic_word(GICD_IGROUPR, 0));
    dist_mask = mmio_read32(gic_dist() + GICD_CTLR) & 3U;
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        redists[i] = 0;
    }
}

void stress_keep_own(void)
{
    uintptr_t frame = gic_cpu_frame();

    if (gic_version() == 3) {
        redists[this_cpu()->index] = frame;
        write_sysreg(1, ICC_SRE);
        isb();
        write_sysreg(0, ICC_AP1R0);
        write_sysreg(0, ICC_AP0R0);
        write_sysreg(0, ICC_CTLR);
        mmio_write32(frame + GICR_WAKER, 0);
        frame += GICR_SGI_FRAME;
    } else {
        mmio_write32(frame + GICC_APR0, 0);
        mmio_write32(frame + GICC_CTLR, 1);
        frame = gic_dist();
    }
    keep_private(frame);
    mmio_write32(frame + GICD_ICACTIVER, UINT32_MAX);
    gic_set_mask(0xf0);
    gic_set_group_enable(true);
    stress_keep_shared(gic_dist(), 0);
}

static bool is_near(uint64_t ipa, uint64_t reach, uint64_t base, uint64_t size)
{
    return ipa + reach >= base && ipa < base + size + reach;
}

/* A bit of ISACTIVER keeps an interrupt from coming. Whose it is must be asked: not always. */
static void keep_redist(uintptr_t base, uint64_t ipa, uint64_t reach)
{
    if (is_near(ipa, reach, base, GICR_SGI_FRAME)) {
        mmio_write32(base + GICR_WAKER, 0);
    }
    if (is_near(ipa, reach, base + GICR_SGI_FRAME, SGI_PAGE)) {
        keep_private(base + GICR_SGI_FRAME);
    }
    if (is_near(ipa, reach, base + GICR_SGI_FRAME + GICD_ISACTIVER, 4)) {
        mmio_write32(base + GICR_SGI_FRAME + GICD_ICACTIVER, UINT32_MAX);
    }
}

void stress_keep_shared(uint64_t ipa, uint64_t reach)
{
    if (is_near(ipa, reach, gic_dist(), SGI_PAGE) &&
        (mmio_read32(gic_dist() + GICD_CTLR) & dist_mask) != dist_mask) {
        gic_set_dist_enable(true);
    }
    for (unsigned int i = 0; gic_version() == 3 && i < MAX_CPUS; i++) {
        if (redists[i] != 0) {
            keep_redist(redists[i], ipa, reach);
        }
    }
}

void stress_keep_uart(void)
{
    uintptr_t uart = console_base();

    mmio_write32(uart + UART_IMSC, 0);
    mmio_write32(uart + UART_CR, 0);
    mmio_write32(uart + UART_IBRD, 0);
    mmio_write32(uart + UART_LCRH, 0x70);
    mmio_write32(uart + UART_CR, 0x301);
}
