/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both watchdogs under any sequence of accesses and calls, time, timers on two CPUs, ends and new
 * lives. After each step line and timer are what the registers say, and no domain is ended that a
 * second, simpler reading of the specification would let live.
 */
#include "fuzz.h"

#include "fake_core.h"

#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/vcpu.h>
#include <hw/sbsa_gwdt.h>

#define BASE    0x10000ull
#define INTID   33u
#define CNTVOFF 1000ull
#define NEVER   (1ull << 61) /* further away than a timer is set */

static struct domain d;
static struct domcfg cfg;
static struct vcpu v = { .domain = &d };
static bool line, ended;
static u32 timeouts; /* since the last refresh */

void vgic_set_line(struct domain *to, u32 intid, bool level)
{
    assert_ptr_equal(to, &d);
    assert_int_equal(intid, INTID);
    line = level;
}

static u64 count(void)
{
    return fake_time - CNTVOFF;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void step_access(struct fuzz_in *in)
{
    static const u32 regs[] = { GWDT_WCS,    GWDT_WOR,    GWDT_WOR_HI, GWDT_WCV,
                                GWDT_WCV_HI, GWDT_W_IIDR, 4,           0xffc };
    u64 base = BASE + (fuzz_below(in, 2) ? VWDT_REFRESH : VWDT_CONTROL);
    u32 choice = fuzz_below(in, ARRAY_SIZE(regs) + 1);
    u64 at = choice < ARRAY_SIZE(regs) ? regs[choice] : fuzz_below(in, GWDT_FRAME_SIZE);
    struct mmio_access a = { .ipa = IPA(base + at), .offset = at };
    const struct mmio_region *r = mmio_find(&d.mmio, a.ipa);
    bool refresh;

    a.size = (u8)BIT(fuzz_below(in, 4));
    a.write = fuzz_below(in, 2);
    a.value = fuzz_below(in, 2) ? fuzz_number(in) : count() + fuzz_take(in, 1);
    if (!r || at + a.size > GWDT_FRAME_SIZE)
        return;
    refresh = a.write && a.size >= 4 && at % a.size == 0 &&
              (base == BASE ? at == GWDT_WCS || at == GWDT_WOR || at == GWDT_WOR_HI : at == 0);
    assert_int_equal(r->ops->access(&v, r->ctx, &a),
                     a.size < 4 || at % a.size ? MMIO_ABORT : MMIO_OK);
    if (refresh)
        timeouts = 0;
}

static void step_call(struct fuzz_in *in)
{
    u32 function = VWDT_SMC_ID + (fuzz_below(in, 16) == 15);
    u64 command = fuzz_below(in, 8), x2 = fuzz_below(in, 2) ? fuzz_below(in, 4) : fuzz_number(in);
    bool taken = cfg.watchdog == WATCHDOG_SMC && function == VWDT_SMC_ID;

    v.regs.x[0] = function;
    v.regs.x[1] = command;
    v.regs.x[2] = x2;
    assert_int_equal(vwdt_call(&v, function), taken);
    if (!taken) {
        assert_int_equal(v.regs.x[0], function);
    } else if (!v.regs.x[0] && command >= VWDT_SMC_SET_TIMEOUT && command <= VWDT_SMC_PET) {
        assert_false(d.wdt.ws1);
        timeouts = 0;
    } else if (!v.regs.x[0] && command == VWDT_SMC_GET_TIMELEFT) {
        assert_true(v.regs.x[1] <= 86400);
    }
}

static void step_time(struct fuzz_in *in)
{
    u64 ticks = fuzz_number(in);

    /* What is too far away for a timer stays so: vwdt.c bets on nobody waiting for centuries. */
    fake_time += MIN(ticks, NEVER - fake_time);
}

/* The interrupt of one CPU's timer. */
static void step_timer(struct fuzz_in *in)
{
    fake_set_cpu(fuzz_below(in, 2));
    for (struct timer_entry *e = timer_expired(fake_time); e; e = timer_expired(fake_time)) {
        bool ws0 = d.wdt.ws0, due = d.wdt.enabled && count() > d.wdt.compare;

        assert_ptr_equal(e->object, &d);
        timeouts += due;
        if (!vwdt_expired(&d)) {
            assert_true(!due || (!ws0 && cfg.watchdog == WATCHDOG_SBSA));
            continue;
        }
        assert_true(due && timeouts == (cfg.watchdog == WATCHDOG_SBSA ? 2 : 1));
        ended = true;
    }
}

/* The domain ends, its vCPUs do something all the same, and it begins anew. */
static void step_end(struct fuzz_in *in)
{
    vwdt_stop(&d);
    step_access(in);
    step_call(in);
    step_time(in);
    assert_false(timer_is_set(&d.wdt.timer));
    assert_false(vwdt_expired(&d));
    vwdt_reset(&d);
    assert_false(d.wdt.enabled || d.wdt.ws0 || d.wdt.ws1 || d.wdt.stopped);
    timeouts = 0;
    ended = false;
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check_state(void)
{
    const struct vwdt *w = &d.wdt;

    assert_int_equal(line, w->ws0);
    assert_true(w->ws0 || !w->ws1 || cfg.watchdog == WATCHDOG_SMC);
    assert_true(w->offset < 1ull << 48);
    if (!w->enabled || w->ws1)
        assert_false(timer_is_set(&w->timer));
    else if (w->compare < count() || w->compare - count() < NEVER)
        assert_true(timer_is_set(&w->timer));
    if (timer_is_set(&w->timer) && w->compare >= count())
        assert_int_equal(w->timer.deadline, w->compare + CNTVOFF + 1);
    assert_true(!w->ws1 || ended);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static void (*const steps[])(struct fuzz_in *) = { step_access, step_call, step_time,
                                                       step_timer };
    struct fuzz_in in = { data, MIN(size, (size_t)4096) };

    fake_reset(2);
    for (u32 i = 0; i < 2; i++)
        timer_queue_init(&cpu_get(i)->timers, i);
    memset(&d, 0, sizeof(d));
    memset(&cfg, 0, sizeof(cfg));
    d.cfg = &cfg;
    d.cntvoff = CNTVOFF;
    fake_time = 100000;
    line = ended = false;
    timeouts = 0;
    cfg.watchdog = fuzz_below(&in, 2) ? WATCHDOG_SBSA : WATCHDOG_SMC;
    assert_int_equal(vwdt_init(&d, BASE, INTID), CORBEL_OK);
    while (in.left) {
        u32 kind = fuzz_below(&in, 64);

        if (kind == 63)
            step_end(&in);
        else
            steps[kind % ARRAY_SIZE(steps)](&in);
        check_state();
    }
    return 0;
}
