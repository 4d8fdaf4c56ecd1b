/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both watchdogs over the real timer queue: each register, both timeouts at their very tick, the
 * ends of a life, and random lives whose invariants are looked at after each step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/vcpu.h>
#include <hw/psci.h>
#include <hw/sbsa_gwdt.h>

#define BASE    0x10000ull
#define CONTROL (BASE + VWDT_CONTROL)
#define REFRESH (BASE + VWDT_REFRESH)
#define INTID   33u
#define CNTVOFF 5000ull
#define S       1000000000ull
#define EN      ((u32)GWDT_WCS_EN)
#define WS0     ((u32)GWDT_WCS_WS0)
#define WS1     ((u32)GWDT_WCS_WS1)

static struct domain d;
static struct domcfg cfg;
static struct vcpu v = { .domain = &d };
static bool line;
static u32 line_changes;

void vgic_set_line(struct domain *to, u32 intid, bool level)
{
    assert_ptr_equal(to, &d);
    assert_int_equal(intid, INTID);
    line = level;
    line_changes++;
}

static enum mmio_result access(u64 ipa, u8 size, bool write, u64 *value)
{
    const struct mmio_region *r = mmio_find(&d.mmio, IPA(ipa));
    struct mmio_access a = { .ipa = IPA(ipa), .size = size, .write = write, .value = *value };
    enum mmio_result ret;

    assert_non_null(r);
    a.offset = ipa - r->base;
    ret = r->ops->access(&v, r->ctx, &a);
    *value = a.value;
    return ret;
}

static u64 get(u64 ipa, u8 size)
{
    u64 value = 0x5a5a5a5a5a5a5a5aull;

    assert_int_equal(access(ipa, size, false, &value), MMIO_OK);
    return value;
}

static void set(u64 ipa, u8 size, u64 value)
{
    assert_int_equal(access(ipa, size, true, &value), MMIO_OK);
}

static u32 status(void)
{
    return (u32)get(CONTROL + GWDT_WCS, 4);
}

static u64 count(void)
{
    return fake_time - CNTVOFF;
}

/* What irq_dispatch.c does at the timer's interrupt. True: the domain is to be ended. */
static bool fire(void)
{
    bool over = false;

    for (struct timer_entry *e = timer_expired(fake_time); e; e = timer_expired(fake_time)) {
        assert_int_equal(e->kind, TIMER_WATCHDOG);
        assert_ptr_equal(e->object, &d);
        over |= vwdt_expired(&d);
    }
    return over;
}

static void start(u8 kind)
{
    fake_reset(2);
    for (u32 i = 0; i < 2; i++)
        timer_queue_init(&cpu_get(i)->timers, i);
    memset(&d, 0, sizeof(d));
    memset(&cfg, 0, sizeof(cfg));
    d.cfg = &cfg;
    cfg.watchdog = kind;
    fake_time = 100000;
    d.cntvoff = CNTVOFF;
    line = false;
    line_changes = 0;
    assert_int_equal(vwdt_init(&d, BASE, INTID), CORBEL_OK);
}

static int setup(void **state)
{
    (void)state;
    start(WATCHDOG_SBSA);
    return 0;
}

/* --- the generic watchdog --------------------------------------------------------------------- */

static void test_reset_state(void **state)
{
    assert_int_equal(status(), 0);
    assert_int_equal(get(CONTROL + GWDT_WOR, 8), 0);
    assert_int_equal(get(CONTROL + GWDT_WCV, 8), 0);
    assert_int_equal(get(CONTROL + GWDT_W_IIDR, 4), 0x0431043b);
    assert_int_equal(get(REFRESH + GWDT_W_IIDR, 4), get(CONTROL + GWDT_W_IIDR, 4));
    assert_int_equal(get(REFRESH + GWDT_WRR, 4), 0);
    assert_int_equal(fake_deadline, ~0ull);
    fake_time += S;
    assert_false(fire());
    assert_int_equal(status(), 0);
}

/* Reserved offsets read zero and ignore writes; both frames are as large as the tree says. */
static void test_reserved(void **state)
{
    for (u32 at = 0; at < GWDT_FRAME_SIZE; at += 4) {
        if (at == GWDT_W_IIDR)
            continue;
        if (at > GWDT_WCV_HI || at == 4) {
            set(CONTROL + at, 4, ~0u);
            assert_int_equal(get(CONTROL + at, 4), 0);
        }
        if (at != GWDT_WRR)
            set(REFRESH + at, 4, ~0u);
        assert_int_equal(get(REFRESH + at, 4), 0);
    }
    set(CONTROL + GWDT_W_IIDR, 4, 0);
    assert_int_equal(get(CONTROL + GWDT_WCV, 8), 0);
    assert_int_equal(status(), 0);
    assert_null(mmio_find(&d.mmio, IPA(CONTROL + GWDT_FRAME_SIZE)));
    assert_null(mmio_find(&d.mmio, IPA(REFRESH + GWDT_FRAME_SIZE)));
    assert_null(mmio_find(&d.mmio, IPA(BASE - 1)));
}

static void test_sizes(void **state)
{
    u64 value = 1;

    for (u32 frame = 0; frame < 2; frame++) {
        u64 base = frame ? REFRESH : CONTROL;

        for (u32 write = 0; write < 2; write++) {
            assert_int_equal(access(base, 1, write, &value), MMIO_ABORT);
            assert_int_equal(access(base, 2, write, &value), MMIO_ABORT);
            assert_int_equal(access(base + 2, 4, write, &value), MMIO_ABORT);
            assert_int_equal(access(base + 12, 8, write, &value), MMIO_ABORT);
        }
    }
    assert_int_equal(status(), 0);
    set(CONTROL + GWDT_WOR, 8, ~0ull);
    assert_int_equal(get(CONTROL + GWDT_WOR, 8), (1ull << 48) - 1);
    set(CONTROL + GWDT_WOR, 4, 0x11);
    assert_int_equal(get(CONTROL + GWDT_WOR, 8), 0xffff00000011);
    set(CONTROL + GWDT_WOR_HI, 4, 0x50002);
    assert_int_equal(get(CONTROL + GWDT_WOR, 8), 0x200000011);
    set(CONTROL + GWDT_WCV, 8, 0x0123456789abcdefull);
    assert_int_equal(get(CONTROL + GWDT_WCV, 4), 0x89abcdef);
    assert_int_equal(get(CONTROL + GWDT_WCV_HI, 4), 0x01234567);
    set(CONTROL + GWDT_WCV_HI, 4, 0xff);
    assert_int_equal(get(CONTROL + GWDT_WCV, 8), 0xff89abcdef);
}

static void test_two_stages(void **state)
{
    set(CONTROL + GWDT_WOR, 4, 1000);
    set(CONTROL + GWDT_WCS, 4, ~0u);
    assert_int_equal(status(), EN);
    assert_int_equal(get(CONTROL + GWDT_WCV, 8), count() + 1000);
    assert_int_equal(fake_deadline, fake_time + 1001);
    fake_time += 1000; /* not above the compare value yet */
    assert_false(fire());
    assert_int_equal(status(), EN);
    fake_time++;
    assert_int_equal(status(), EN | WS0); /* whether or not the timer was served */
    assert_false(line);
    assert_false(fire());
    assert_int_equal(status(), EN | WS0);
    assert_true(line);
    assert_int_equal(get(CONTROL + GWDT_WCV, 8), count() + 1000);
    fake_time += 1000;
    assert_false(fire());
    fake_time++;
    assert_int_equal(status(), EN | WS0 | WS1);
    assert_true(fire());
    assert_int_equal(status(), EN | WS0 | WS1);
    assert_int_equal(line_changes, 1);
    fake_time += S; /* once */
    assert_false(fire());
    assert_int_equal(fake_deadline, ~0ull);
}

/* Each of the three refreshes starts the time anew and takes the interrupt away. */
static void test_refresh(void **state)
{
    static const u64 refreshes[] = { REFRESH + GWDT_WRR, CONTROL + GWDT_WOR, CONTROL + GWDT_WCS };

    set(CONTROL + GWDT_WOR, 4, 1000);
    set(CONTROL + GWDT_WCS, 4, EN);
    for (u32 i = 0; i < ARRAY_SIZE(refreshes); i++) {
        fake_time += 1001;
        assert_false(fire());
        assert_true(line);
        fake_time += 1001;
        /* The last moment: overdue, but nobody has been told. */
        set(refreshes[i], 4, refreshes[i] == CONTROL + GWDT_WOR ? 1000 : EN);
        assert_int_equal(status(), EN);
        assert_false(line);
        assert_int_equal(get(CONTROL + GWDT_WCV, 8), count() + 1000);
        assert_false(fire());
        assert_int_equal(fake_deadline, fake_time + 1001);
    }
    for (u32 i = 0; i < 100; i++) {
        fake_time += 1000;
        assert_false(fire());
        set(REFRESH + GWDT_WRR, 4, i);
    }
    assert_int_equal(line_changes, 6);
    set(CONTROL + GWDT_WCS, 4, 0);
    assert_int_equal(fake_deadline, ~0ull);
    fake_time += S;
    assert_false(fire());
    assert_int_equal(status(), 0);
}

/* The deadline itself may be written: it is no refresh, and may be past or never. */
static void test_compare(void **state)
{
    set(CONTROL + GWDT_WOR, 4, 1000);
    set(CONTROL + GWDT_WCS, 4, EN);
    set(CONTROL + GWDT_WCV, 8, count() + 77);
    assert_int_equal(fake_deadline, fake_time + 78);
    set(CONTROL + GWDT_WCV, 8, ~0ull);
    assert_int_equal(fake_deadline, ~0ull);
    set(CONTROL + GWDT_WCV, 8, count() + (1ull << 62) - 1);
    assert_int_equal(fake_deadline, fake_time + (1ull << 62));
    set(CONTROL + GWDT_WCV, 8, count() - 1);
    assert_int_equal(fake_deadline, fake_time);
    assert_false(fire());
    assert_int_equal(status(), EN | WS0);
    set(CONTROL + GWDT_WCV, 8, 0); /* does not take WS0 away */
    assert_int_equal(status(), EN | WS0 | WS1);
    assert_true(fire());
}

/* No time at all: two timeouts, one after the other, and no endless loop. */
static void test_no_time(void **state)
{
    set(CONTROL + GWDT_WCS, 4, EN);
    assert_false(fire());
    fake_time++;
    assert_false(fire());
    fake_time++;
    assert_true(fire());
    assert_false(fire());
}

static void test_far_away(void **state)
{
    set(CONTROL + GWDT_WOR, 8, (1ull << 48) - 1);
    set(CONTROL + GWDT_WCS, 4, EN);
    assert_int_equal(fake_deadline, fake_time + (1ull << 48));
    fake_time += (1ull << 48) - 1;
    assert_false(fire());
    assert_int_equal(status(), EN);
}

/* The timer goes with whoever refreshed last, and leaves the queue of the CPU before. */
static void test_moves(void **state)
{
    set(CONTROL + GWDT_WOR, 4, 1000);
    set(CONTROL + GWDT_WCS, 4, EN);
    fake_set_cpu(1);
    fake_time += 500;
    set(REFRESH, 4, 0);
    fake_set_cpu(0);
    fake_time += 600;
    assert_false(fire());
    fake_time += 401;
    assert_false(fire());
    assert_int_equal(d.wdt.ws0, false);
    fake_set_cpu(1);
    assert_false(fire());
    assert_true(line);
}

/* A domain that ends is not ended again, whatever its vCPUs still do; the next life is clean. */
static void test_stop_and_reset(void **state)
{
    set(CONTROL + GWDT_WOR, 4, 1000);
    set(CONTROL + GWDT_WCS, 4, EN);
    fake_time += 1001;
    assert_false(fire());
    vwdt_stop(&d);
    assert_int_equal(fake_deadline, ~0ull);
    fake_time += 1001;
    assert_false(vwdt_expired(&d)); /* it was under way */
    set(CONTROL + GWDT_WCS, 4, EN);
    assert_int_equal(fake_deadline, ~0ull);
    vwdt_reset(&d);
    test_reset_state(state);
    assert_false(line);
    set(CONTROL + GWDT_WCS, 4, EN);
    fake_time++;
    assert_false(fire());
    assert_true(line);
}

static void test_no_room(void **state)
{
    assert_int_equal(vwdt_init(&d, BASE, INTID), ERR_EXIST);
    assert_int_equal(vwdt_init(&d, BASE + VWDT_REFRESH, INTID), ERR_EXIST);
    assert_int_equal(vwdt_init(&d, BASE - VWDT_REFRESH, INTID), ERR_EXIST);
}

static void test_none(void **state)
{
    start(WATCHDOG_NONE);
    assert_int_equal(d.mmio.count, 0);
    v.regs.x[0] = VWDT_SMC_ID;
    assert_false(vwdt_call(&v, VWDT_SMC_ID));
    vwdt_stop(&d);
    vwdt_reset(&d);
    assert_int_equal(line_changes, 0);
    start(WATCHDOG_SBSA);
    assert_false(vwdt_call(&v, VWDT_SMC_ID));
    assert_int_equal(v.regs.x[0], VWDT_SMC_ID);
}

/* --- calls of the firmware -------------------------------------------------------------------- */

static s32 call(u32 command, u64 arg)
{
    v.regs.x[0] = VWDT_SMC_ID;
    v.regs.x[1] = command;
    v.regs.x[2] = arg;
    v.regs.x[3] = 3;
    v.regs.x[4] = 4;
    assert_true(vwdt_call(&v, VWDT_SMC_ID));
    assert_int_equal(v.regs.x[3], 3);
    assert_int_equal(v.regs.x[4], 4);
    return (s32)v.regs.x[0];
}

static void test_calls(void **state)
{
    start(WATCHDOG_SMC);
    assert_int_equal(d.mmio.count, 0);
    assert_false(vwdt_call(&v, VWDT_SMC_ID + 1));
    assert_int_equal(call(VWDT_SMC_INIT, 0), 0);
    assert_int_equal(v.regs.x[1], 1);
    assert_int_equal(v.regs.x[2], 86400);
    assert_int_equal(call(VWDT_SMC_SET_TIMEOUT, 0), PSCI_INVALID_PARAMETERS);
    assert_int_equal(call(VWDT_SMC_SET_TIMEOUT, 86401), PSCI_INVALID_PARAMETERS);
    assert_int_equal(call(VWDT_SMC_SET_TIMEOUT, UINT32_MAX), PSCI_INVALID_PARAMETERS);
    assert_int_equal(call(VWDT_SMC_ENABLE, 2), PSCI_INVALID_PARAMETERS);
    assert_int_equal(call(5, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(call(UINT32_MAX, 0), PSCI_NOT_SUPPORTED);
    assert_int_equal(call(VWDT_SMC_GET_TIMELEFT, 0), 0);
    assert_int_equal(v.regs.x[1], 0);
    assert_int_equal(fake_deadline, ~0ull);
    assert_int_equal(call(VWDT_SMC_SET_TIMEOUT, 0x500000003ull), 0); /* SMC32: the low words */
    assert_int_equal(call(VWDT_SMC_ENABLE, 1), 0);
    assert_int_equal(fake_deadline, fake_time + 3 * S + 1);
    fake_time += S / 2;
    assert_int_equal(call(VWDT_SMC_GET_TIMELEFT, 0), 0);
    assert_int_equal(v.regs.x[1], 2);
}

static void test_call_expires(void **state)
{
    start(WATCHDOG_SMC);
    assert_int_equal(call(VWDT_SMC_SET_TIMEOUT, 2), 0);
    assert_int_equal(call(VWDT_SMC_ENABLE, 1), 0);
    for (u32 i = 0; i < 5; i++) {
        fake_time += 2 * S;
        assert_false(fire());
        assert_int_equal(call(VWDT_SMC_PET, 0), 0);
    }
    assert_int_equal(call(VWDT_SMC_ENABLE, 0), 0);
    fake_time += 10 * S;
    assert_false(fire());
    assert_int_equal(call(VWDT_SMC_ENABLE, 1), 0);
    fake_time += 2 * S + 1;
    assert_true(fire());
    assert_int_equal(call(VWDT_SMC_GET_TIMELEFT, 0), 0);
    assert_int_equal(v.regs.x[1], 0);
    assert_false(fire());
    assert_int_equal(line_changes, 0);
}

/* Started without a time, and in a new life: the longest one. */
static void test_call_default(void **state)
{
    start(WATCHDOG_SMC);
    assert_int_equal(call(VWDT_SMC_ENABLE, 1), 0);
    assert_int_equal(fake_deadline, fake_time + 86400 * S + 1);
    assert_int_equal(call(VWDT_SMC_SET_TIMEOUT, 1), 0);
    vwdt_stop(&d);
    vwdt_reset(&d);
    assert_int_equal(fake_deadline, ~0ull);
    assert_int_equal(call(VWDT_SMC_ENABLE, 1), 0);
    assert_int_equal(fake_deadline, fake_time + 86400 * S + 1);
}

/* --- random lives ----------------------------------------------------------------------------- */

static u64 rng;

static u64 draw(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

static void random_step(void)
{
    static const u32 regs[] = { GWDT_WCS, GWDT_WOR, GWDT_WOR_HI, GWDT_WCV, GWDT_WCV_HI, 0x800 };
    u64 value = draw() >> (draw() % 64), base = draw() % 2 ? CONTROL : REFRESH;
    u64 at = base + (draw() % 4 ? regs[draw() % ARRAY_SIZE(regs)] : draw() % GWDT_FRAME_SIZE);
    u8 size = (u8)BIT(draw() % 4);

    if (at + size > base + GWDT_FRAME_SIZE)
        return;
    if (draw() % 4 == 0 && at == CONTROL + GWDT_WCV)
        value = count() + value % 4096;
    (void)access(at, size, draw() % 2, &value);
    fake_set_cpu(draw() % 2);
    fake_time += draw() % 2048;
}

/* Timer and line are what the registers say, in each state that a guest can bring about. */
static void check_invariants(void)
{
    const struct vwdt *w = &d.wdt;

    assert_int_equal(line, w->ws0);
    assert_true(w->ws0 || !w->ws1);
    assert_true(w->offset < 1ull << 48);
    if (!w->enabled || w->ws1)
        assert_false(timer_is_set(&w->timer));
    else if (w->compare >= count() && w->compare - count() < 1ull << 61)
        assert_int_equal(w->timer.deadline, w->compare + CNTVOFF + 1);
    else if (w->compare < count())
        assert_true(timer_is_set(&w->timer));
}

static void test_random_lives(void **state)
{
    u32 ends = 0, interrupts = 0;

    for (u32 life = 0; life < 400; life++) {
        rng = 0x9e3779b97f4a7c15ull * (life + 1);
        for (u32 i = 0; i < 100; i++) {
            random_step();
            check_invariants();
            for (u32 cpu = 0; cpu < 2; cpu++) {
                fake_set_cpu(cpu);
                if (!fire())
                    continue;
                assert_true(d.wdt.ws1);
                ends++;
            }
            check_invariants();
            interrupts += line;
        }
        vwdt_stop(&d);
        assert_false(fire());
        vwdt_reset(&d);
        check_invariants();
    }
    assert_true(ends > 100 && interrupts > 1000); /* it was about something */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reset_state, setup),
        cmocka_unit_test_setup(test_reserved, setup),
        cmocka_unit_test_setup(test_sizes, setup),
        cmocka_unit_test_setup(test_two_stages, setup),
        cmocka_unit_test_setup(test_refresh, setup),
        cmocka_unit_test_setup(test_compare, setup),
        cmocka_unit_test_setup(test_no_time, setup),
        cmocka_unit_test_setup(test_far_away, setup),
        cmocka_unit_test_setup(test_moves, setup),
        cmocka_unit_test_setup(test_stop_and_reset, setup),
        cmocka_unit_test_setup(test_no_room, setup),
        cmocka_unit_test_setup(test_none, setup),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_call_expires),
        cmocka_unit_test(test_call_default),
        cmocka_unit_test_setup(test_random_lives, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
