/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IOMMU_FAULT_RIG_H
#define IOMMU_FAULT_RIG_H

/*
 * Two SMMUs, two domains with streams, and a clock that is the test's: what the suites of DMA
 * faults start from. The log is the real one, with its limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_iommu.h"

#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/cmdline.h>
#include <corbel/cpu.h>
#include <corbel/iommu.h>
#include <corbel/iommu_parts.h>
#include <corbel/timer.h>

#define MS 1000000ull
#define S  (1000 * MS)

static struct boot_options options;

static inline struct domain *dom(u32 id)
{
    return &fake_domains[id - 1];
}

/* Two SMMUs; dom1 has streams 0x20-0x2f of the first, dom2 0x100 of it and 5 of the second. */
static inline void setup(void)
{
    char why[160];

    memset(iommu_all(), 0, sizeof(struct iommu_set));
    fake_iommu_setup(2, 2);
    iommu_init(&fake_platform, &options);
    fake_give(dom(1), 0, 0x20, 16, PASSDT_BY_SMMU);
    fake_give(dom(2), 0, 0x100, 1, PASSDT_BY_SMMU);
    fake_give(dom(2), 1, 5, 1, PASSDT_BY_SMMU);
    for (u32 id = 1; id <= 2; id++)
        assert_int_equal(iommu_attach(dom(id), why, sizeof(why)), CORBEL_OK);
    fake_log_text();
}

static inline const char *irq(u32 iommu)
{
    assert_true(iommu_irq(FAKE_INTID + 4 * iommu));
    return fake_log_text();
}

/* Time goes by; the timer of this CPU expires as it should. */
static inline void run_until(u64 end)
{
    while (fake_deadline <= end) {
        struct timer_entry *e;

        fake_time = MAX(fake_time, fake_deadline);
        while ((e = timer_expired(fake_time)) != NULL) {
            assert_int_equal(e->kind, TIMER_IOMMU);
            iommu_timer();
        }
    }
    fake_time = end;
}

static inline void assert_has(const char *log, const char *text)
{
    if (!strstr(log, text))
        fail_msg("no \"%s\" in:\n%s", text, log);
}

#endif
