/* SPDX-License-Identifier: Apache-2.0 */
/* Every register of both versions: reset value, what a write leaves, sizes, ends of banks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_vgic.h"

#include <corbel/platform.h>
#include <corbel/vcpu.h>
#include <hw/gicd.h>
#include <hw/gicr.h>

#define SPIS 72u /* not a multiple of 32: INTIDs 32..103 */

static struct domain *d;
static struct vcpu *v0, *v1;

static int setup_v2(void **state)
{
    (void)state;
    d = fake_vgic_setup(GIC_V2, 3, SPIS, 4);
    v0 = d->vcpus[0];
    v1 = d->vcpus[1];
    fake_load(0, v0);
    fake_load(1, v1);
    return 0;
}

static int setup_v3(void **state)
{
    (void)state;
    d = fake_vgic_setup(GIC_V3, 3, SPIS, 4);
    v0 = d->vcpus[0];
    v1 = d->vcpus[1];
    fake_load(0, v0);
    fake_load(1, v1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_vgic_teardown();
    return 0;
}

static u64 get(u64 reg)
{
    return mmio_get(v0, reg, 4);
}

static void set(u64 reg, u64 value)
{
    mmio_set(v0, reg, 4, value);
}

/* Bank of one bit per INTID at gicd + reg: writable for the SPIs that exist, zero beyond. */
static void check_bits(u64 base, u32 reg, u32 first, u32 last)
{
    for (u32 n = 0; n < 1024; n += 32) {
        u64 mask = 0;

        for (u32 i = 0; i < 32; i++)
            if (n + i >= first && n + i <= last)
                mask |= BIT(i);
        set(base + reg + n / 8, 0xffffffff);
        assert_int_equal(get(base + reg + n / 8), mask);
    }
}

static void clear_bits(u64 base, u32 clear, u32 state, u32 words)
{
    for (u32 n = 0; n < words * 32; n += 32) {
        set(base + clear + n / 8, 0xffffffff);
        assert_int_equal(get(base + state + n / 8), 0);
        assert_int_equal(get(base + clear + n / 8), 0);
    }
}

static void check_spi_banks(u32 first)
{
    check_bits(FAKE_GICD, GICD_IGROUPR, first, 103);
    check_bits(FAKE_GICD, GICD_ISENABLER, first, 103);
    clear_bits(FAKE_GICD, GICD_ICENABLER, GICD_ISENABLER, 4);
    for (u32 n = 1; n < 5; n++) {
        set(FAKE_GICD + GICD_ISPENDR + 4 * n, 0xffffffff);
        assert_int_equal(get(FAKE_GICD + GICD_ISPENDR + 4 * n), n < 3    ? 0xffffffff
                                                                : n == 3 ? 0xff
                                                                         : 0);
        set(FAKE_GICD + GICD_ISACTIVER + 4 * n, 0xffffffff);
        assert_int_equal(get(FAKE_GICD + GICD_ICACTIVER + 4 * n), n < 3    ? 0xffffffff
                                                                  : n == 3 ? 0xff
                                                                           : 0);
        fake_serve(d);
    }
    /* A zero written changes nothing. */
    set(FAKE_GICD + GICD_ICPENDR + 4, 0);
    set(FAKE_GICD + GICD_ICACTIVER + 4, 0);
    assert_int_equal(get(FAKE_GICD + GICD_ISPENDR + 4), 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_ISACTIVER + 4), 0xffffffff);
    for (u32 n = 1; n < 4; n++) {
        set(FAKE_GICD + GICD_ICPENDR + 4 * n, 0xffffffff);
        set(FAKE_GICD + GICD_ICACTIVER + 4 * n, 0xffffffff);
        assert_int_equal(get(FAKE_GICD + GICD_ICPENDR + 4 * n), 0);
        assert_int_equal(get(FAKE_GICD + GICD_ISACTIVER + 4 * n), 0);
    }
}

static void check_priorities(void)
{
    set(FAKE_GICD + GICD_IPRIORITYR + 32, 0xff7f3f01);
    assert_int_equal(get(FAKE_GICD + GICD_IPRIORITYR + 32), 0xf8783800); /* 5 bits */
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_IPRIORITYR + 34, 1), 0x78);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 33, 1, 0xa5);
    assert_int_equal(get(FAKE_GICD + GICD_IPRIORITYR + 32), 0xf878a000);
    set(FAKE_GICD + GICD_IPRIORITYR + 100, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_IPRIORITYR + 100), 0xf8f8f8f8);
    set(FAKE_GICD + GICD_IPRIORITYR + 104, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_IPRIORITYR + 104), 0);
    /* half words do not exist, nor do double words */
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 32, 2, 0);
    mmio_set(v0, FAKE_GICD + GICD_IPRIORITYR + 32, 8, 0);
    assert_int_equal(get(FAKE_GICD + GICD_IPRIORITYR + 32), 0xf878a000);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_IPRIORITYR + 32, 2), 0);
}

static void check_config(void)
{
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR + 8), 0);
    set(FAKE_GICD + GICD_ICFGR + 8, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR + 8), 0xaaaaaaaa);
    set(FAKE_GICD + GICD_ICFGR + 8, 0x55555555);
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR + 8), 0);
    set(FAKE_GICD + GICD_ICFGR + 24, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR + 24), 0xaaaa); /* 96..103 */
    mmio_set(v0, FAKE_GICD + GICD_ICFGR + 8, 1, 0xff);
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR + 8), 0);
}

/* What is not there, reads as zero and ignores writes, in every size. */
static void check_holes(const u32 *holes, u32 count, u64 base)
{
    for (u32 i = 0; i < count; i++) {
        for (u8 size = 1; size <= 8; size *= 2) {
            mmio_set(v0, base + holes[i], size, ~0ull);
            assert_int_equal(mmio_get(v0, base + holes[i], size), 0);
        }
    }
    mmio_set(v0, base + GICD_TYPER, 4, 0);
    assert_int_equal(mmio_get(v0, base + GICD_IIDR, 1), 0);
    assert_int_equal(mmio_get(v0, base + GICD_IIDR, 2), 0);
    assert_int_equal(mmio_get(v0, base + GICD_IIDR, 8), 0);
}

static void test_v2(void **state)
{
    static const u32 holes[] = { 0x00c, 0x040, 0x07c, 0x0d00, 0x0e00, 0x0f04, 0x0f30, 0x0fcc };

    (void)state;
    assert_int_equal(get(FAKE_GICD + GICD_CTLR), 0);
    set(FAKE_GICD + GICD_CTLR, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_CTLR), 3);
    set(FAKE_GICD + GICD_CTLR, 0);
    fake_serve(d);
    assert_int_equal(get(FAKE_GICD + GICD_TYPER), 3 | 2 << 5); /* 128 lines, 3 CPUs */
    assert_int_equal(get(FAKE_GICD + GICD_IIDR), 0x4300043b);
    assert_int_equal(get(FAKE_GICD + GICD_V2_ICPIDR2), 0x2b);
    assert_int_equal(get(FAKE_GICD + GICD_V2_ICCIDR0), 0x0d);
    assert_int_equal(get(FAKE_GICD + GICD_V2_ICCIDR0 + 12), 0xb1);
    check_holes(holes, ARRAY_SIZE(holes), FAKE_GICD);
    check_spi_banks(0);
    check_priorities();
    check_config();
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR), 0xaaaaaaaa); /* SGIs: edge, fixed */
    set(FAKE_GICD + GICD_ICFGR, 0);
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR), 0xaaaaaaaa);
    set(FAKE_GICD + GICD_ICFGR + 4, 0x80);
    assert_int_equal(get(FAKE_GICD + GICD_ICFGR + 4), 0x80);
    /* SGIs are made pending through SGIR only. */
    set(FAKE_GICD + GICD_ISPENDR, 0x0010ffff);
    assert_int_equal(get(FAKE_GICD + GICD_ISPENDR), 0x00100000);
    assert_int_equal(get(FAKE_GICD + GICD_SGIR), 0);
    set(FAKE_GICD + GICD_SGIR, 3u << 24); /* reserved filter */
    assert_int_equal(get(FAKE_GICD + GICD_ISPENDR), 0x00100000);
}

/* Banked: each CPU its own; ITARGETSR of private interrupts tells who asks. */
static void test_v2_banked(void **state)
{
    (void)state;
    set(FAKE_GICD + GICD_IPRIORITYR + 16, 0x80808080);
    assert_int_equal(mmio_get(v1, FAKE_GICD + GICD_IPRIORITYR + 16, 4), 0);
    for (u32 n = 0; n < 32; n += 4) {
        set(FAKE_GICD + GICD_ITARGETSR + n, 0);
        assert_int_equal(get(FAKE_GICD + GICD_ITARGETSR + n), 0x01010101);
        assert_int_equal(mmio_get(v1, FAKE_GICD + GICD_ITARGETSR + n, 4), 0x02020202);
    }
    set(FAKE_GICD + GICD_ITARGETSR + 32, 0xff060402);
    assert_int_equal(get(FAKE_GICD + GICD_ITARGETSR + 32), 0x07060402);
    assert_int_equal(mmio_get(v0, FAKE_GICD + GICD_ITARGETSR + 34, 1), 6);
    mmio_set(v0, FAKE_GICD + GICD_ITARGETSR + 34, 1, 0xf8);
    assert_int_equal(mmio_get(v1, FAKE_GICD + GICD_ITARGETSR + 34, 1), 0);
    assert_null(d->vgic.spis[2].target);
    assert_ptr_equal(d->vgic.spis[0].target, v1);
    set(FAKE_GICD + GICD_ITARGETSR + 104, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_ITARGETSR + 104), 0);
}

static void test_v2_single(void **state)
{
    (void)state;
    teardown(NULL);
    d = fake_vgic_setup(GIC_V2, 1, SPIS, 4);
    v0 = d->vcpus[0];
    set(FAKE_GICD + GICD_ITARGETSR + 32, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_ITARGETSR + 32), 0);
    assert_int_equal(get(FAKE_GICD + GICD_ITARGETSR), 0);
    assert_ptr_equal(d->vgic.spis[0].target, v0);
}

static void test_v3(void **state)
{
    static const u32 holes[] = { 0x00c,  0x010,  0x040,  0x07c,  0x080,        0x100, 0x800,
                                 0xbfc,  0xd00,  0xe00,  0xf00,  0xf10,        0xf20, 0x6000,
                                 0x60f8, 0x6340, 0x7ff8, 0x8000, 0xfff0 - 0x24 };
    static const u8 ids[] = { 0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1 };

    (void)state;
    assert_int_equal(get(FAKE_GICD + GICD_CTLR), 0x50); /* ARE, DS */
    set(FAKE_GICD + GICD_CTLR, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_CTLR), 0x53);
    set(FAKE_GICD + GICD_CTLR, 0);
    assert_int_equal(get(FAKE_GICD + GICD_CTLR), 0x50);
    assert_int_equal(get(FAKE_GICD + GICD_TYPER), 3 | 9 << 19 | 1 << 25);
    assert_int_equal(get(FAKE_GICD + GICD_IIDR), 0x4300043b);
    for (u32 i = 0; i < 12; i++)
        assert_int_equal(get(FAKE_GICD + GICD_V3_PIDR4 + 4 * i), ids[i]);
    check_holes(holes, ARRAY_SIZE(holes), FAKE_GICD);
    check_spi_banks(32);
    check_priorities();
    check_config();
}

static void test_v3_route(void **state)
{
    u64 reg = FAKE_GICD + GICD_IROUTER + 8 * 40;

    (void)state;
    assert_int_equal(mmio_get(v0, reg, 8), 0);
    mmio_set(v0, reg, 8, ~0ull);
    assert_int_equal(mmio_get(v0, reg, 8), 0xff00ffffffull); /* IRM does not stick */
    assert_null(d->vgic.spis[8].target);
    set(reg + 4, 0);
    set(reg, 2);
    assert_int_equal(mmio_get(v0, reg, 8), 2);
    assert_int_equal(get(reg), 2);
    assert_int_equal(get(reg + 4), 0);
    assert_ptr_equal(d->vgic.spis[8].target, d->vcpus[2]);
    mmio_set(v0, reg, 1, 0xff);
    assert_int_equal(mmio_get(v0, reg, 8), 2);
}

static void test_v3_redist(void **state)
{
    static const u32 holes[] = { 0x0000,  0x0010,  0x0018,  0x0040,  0x0070,  0x0078,
                                 0x00a0,  0x00b0,  0x00c0,  0x10084, 0x10104, 0x10420,
                                 0x10800, 0x10c08, 0x10d00, 0x10e00, 0x1fff0 };

    (void)state;
    for (u32 i = 0; i < 3; i++) {
        u64 base = FAKE_GICR + i * 0x20000ull;
        u64 typer = (u64)i << 32 | i << 8 | (i == 2 ? BIT(4) : 0);

        assert_int_equal(mmio_get(v0, base + GICR_TYPER, 8), typer);
        assert_int_equal(get(base + GICR_TYPER), (u32)typer);
        assert_int_equal(get(base + GICR_TYPER + 4), typer >> 32);
        assert_int_equal(get(base + GICR_IIDR), 0x4300043b);
        assert_int_equal(get(base + GICR_PIDR2), 0x3b);
        assert_int_equal(get(base + GICR_WAKER), 0);
        set(base + GICR_WAKER, 2);
        assert_int_equal(get(base + GICR_WAKER), 6);
        set(base + GICR_WAKER, 0);
        assert_int_equal(get(base + GICR_WAKER), 0);
        for (u32 k = 0; k < ARRAY_SIZE(holes); k++)
            for (u8 size = 1; size <= 8; size *= 2) {
                mmio_set(v0, base + holes[k], size, ~0ull);
                assert_int_equal(mmio_get(v0, base + holes[k], size), 0);
            }
    }
    set(FAKE_GICR + GICR_IGROUPR0, 0x0ff00ff0);
    assert_int_equal(get(FAKE_GICR + GICR_IGROUPR0), 0x0ff00ff0);
    assert_int_equal(get(FAKE_GICR + 0x20000 + GICR_IGROUPR0), 0xffffffff);
    assert_int_equal(get(FAKE_GICR + GICR_ISENABLER0), 0xffff);
    set(FAKE_GICR + GICR_ICENABLER0, 0x8001);
    set(FAKE_GICR + GICR_ISENABLER0, 0x08000000);
    assert_int_equal(get(FAKE_GICR + GICR_ICENABLER0), 0x08007ffe);
    /* vCPU 1 handles vCPU 0's private interrupts, SGIs included. */
    mmio_set(v1, FAKE_GICR + GICR_ISPENDR0, 4, 0x00100008);
    assert_int_equal(get(FAKE_GICR + GICR_ISPENDR0), 0x00100008);
    mmio_set(v1, FAKE_GICR + GICR_ICPENDR0, 4, 0x00100000);
    assert_int_equal(mmio_get(v1, FAKE_GICR + GICR_ICPENDR0, 4), 8);
    mmio_set(v1, FAKE_GICR + GICR_ISACTIVER0, 4, 0x00100000);
    fake_serve(d);
    assert_int_equal(get(FAKE_GICR + GICR_ISACTIVER0), 0x00100000);
    mmio_set(v1, FAKE_GICR + GICR_ICACTIVER0, 4, 0x00100000);
    assert_int_equal(get(FAKE_GICR + GICR_ICACTIVER0), 0);
    mmio_set(v1, FAKE_GICR + GICR_IPRIORITYR + 31, 1, 0xff);
    assert_int_equal(get(FAKE_GICR + GICR_IPRIORITYR + 28), 0xf8000000);
    set(FAKE_GICR + GICR_ICFGR0, 0);
    assert_int_equal(get(FAKE_GICR + GICR_ICFGR0), 0xaaaaaaaa);
    set(FAKE_GICR + GICR_ICFGR0 + 4, 0xffffffff);
    assert_int_equal(get(FAKE_GICR + GICR_ICFGR0 + 4), 0xaaaaaaaa);
}

/* The timer's PPI of another vCPU, wherever that vCPU is. */
static void test_v3_remote_timer(void **state)
{
    (void)state;
    assert_int_equal(vgic_link(d, v1, 27, 27), CORBEL_OK);
    fake_vif[1].cntv_ctl = 5;
    assert_int_equal(get(FAKE_GICR + 0x20000 + GICR_ISPENDR0), BIT(27));
    fake_vif[1].cntv_ctl = 7; /* masked by the guest */
    assert_int_equal(get(FAKE_GICR + 0x20000 + GICR_ISPENDR0), 0);
    fake_vif[1].cntv_ctl = 1;
    fake_vif[1].cntv_cval = 1000;
    fake_save(v1);
    assert_int_equal(get(FAKE_GICR + 0x20000 + GICR_ISPENDR0), 0);
    fake_time = 1000;
    assert_int_equal(get(FAKE_GICR + 0x20000 + GICR_ISPENDR0), BIT(27));
    fake_load(1, v1);
    /* Disabled, yet acknowledged at EL2: cleared from afar on the CPU that has it. */
    fake_vif[1].cntv_ctl = 5;
    fake_phys_deliver(d);
    assert_true(fake_ppi[1][27].active);
    mmio_set(v0, FAKE_GICR + 0x20000 + GICR_ICPENDR0, 4, BIT(27));
    assert_false(fake_ppi[1][27].active);
    fake_phys_deliver(d);
    assert_true(fake_ppi[1][27].active);
    fake_save(v1);
    mmio_set(v0, FAKE_GICR + 0x20000 + GICR_ICPENDR0, 4, BIT(27));
    fake_load(2, v1);
    assert_false(fake_ppi[2][27].active);
}

static void test_limits(void **state)
{
    struct mmio_access a = { .ipa = IPA(FAKE_GICR + 0x60000), .size = 4, .offset = 0x60000 };

    (void)state;
    assert_null(mmio_find(&d->mmio, a.ipa)); /* three redistributors and no more */
    assert_int_equal(mmio_find(&d->mmio, IPA(FAKE_GICR))->ops->access(v0, NULL, &a), MMIO_ABORT);
    d->mmio.count = 0;
    assert_int_equal(vgic_init(d, GIC_V3, 989), ERR_RANGE);
    assert_int_equal(vgic_init(d, 9, 32), ERR_NOTSUP);
    d->vcpu_count = 9;
    assert_int_equal(vgic_init(d, GIC_V2, 0), ERR_RANGE);
    d->vcpu_count = 3;
    assert_int_equal(vgic_init(d, GIC_V3, 0), CORBEL_OK);
    assert_int_equal(get(FAKE_GICD + GICD_TYPER) & 0x1f, 0);
    d->mmio.count = 0;
    assert_int_equal(vgic_init(d, GIC_V3, 988), CORBEL_OK);
    assert_int_equal(get(FAKE_GICD + GICD_TYPER) & 0x1f, 31);
    set(FAKE_GICD + GICD_ISENABLER + 124, 0xffffffff);
    assert_int_equal(get(FAKE_GICD + GICD_ISENABLER + 124), 0x0fffffff); /* up to 1019 */
    d->arena.used = d->arena.size;
    d->mmio.count = 0;
    assert_int_equal(vgic_init(d, GIC_V3, 988), ERR_NOMEM);
    assert_int_equal(vgic_arena_size(988) % 16, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_v2, setup_v2, teardown),
        cmocka_unit_test_setup_teardown(test_v2_banked, setup_v2, teardown),
        cmocka_unit_test_setup_teardown(test_v2_single, setup_v2, teardown),
        cmocka_unit_test_setup_teardown(test_v3, setup_v3, teardown),
        cmocka_unit_test_setup_teardown(test_v3_route, setup_v3, teardown),
        cmocka_unit_test_setup_teardown(test_v3_redist, setup_v3, teardown),
        cmocka_unit_test_setup_teardown(test_v3_remote_timer, setup_v3, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup_v3, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
