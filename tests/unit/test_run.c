/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop between exits under requests that come as fast as they are served: what the other
 * vCPUs of a hostile guest can do to one of their own, on a CPU that is others', too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <arch/cpu.h>
#include <arch/stage2.h>
#include <arch/vcpu.h>
#include <corbel/build.h>
#include <corbel/console.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/guest_abort.h>
#include <corbel/irq_dispatch.h>
#include <corbel/run.h>
#include <corbel/vcpu.h>
#include <corbel/vpmu.h>

#define MANY 1000u

static struct domain domain;
static struct vcpu v;
static u32 storm;      /* requests, or wakes, that are still to come */
static u32 dispatched; /* 0: never; else what was left of the storm at the first time, plus 1 */
static bool irq_pending, blocked;
static struct vcpu next; /* the scheduler's choice, once v is not */
static bool serror;      /* pending since v ran */
static struct vcpu *blamed;

/* --- what happens --- */

void vgic_flush(struct vcpu *who)
{
    if (storm && storm--)
        who->req |= REQ_IRQ; /* another one, while this one was served */
}
bool vgic_pending(struct vcpu *who)
{
    return false;
}
bool vtimer_block(struct vcpu *who)
{
    return true;
}
bool sched_block(struct sched_unit *unit)
{
    blocked = !storm;
    storm -= storm != 0;
    return blocked;
}
struct sched_unit *sched_next(struct cpu *cpu)
{
    if (next.domain)
        cpu->sched.running = &next.unit;
    return cpu->sched.running;
}
bool arch_cpu_take_serror(u64 *esr)
{
    *esr = 0xbe000000;
    return serror && !(serror = false);
}
void guest_serror(struct vcpu *who, u32 esr)
{
    assert_int_equal(esr, 0xbe000000);
    assert_ptr_equal(who->resident, cpu_get(0)); /* its registers are still here for a report */
    blamed = who;
}
bool arch_cpu_irq_pending(void)
{
    return irq_pending;
}
void irq_dispatch(struct cpu *cpu)
{
    irq_pending = false;
    if (!dispatched)
        dispatched = storm + 1;
}

/* --- what does not --- */

void vgic_save(struct vcpu *who)
{
}
void vgic_load(struct vcpu *who)
{
}
void vgic_fold(struct vcpu *who)
{
}
void vtimer_save(struct vcpu *who)
{
}
void vtimer_watch(struct vcpu *who)
{
}

void vtimer_load(struct vcpu *who)
{
}
void vtimer_reset(struct vcpu *who)
{
}
void vpmu_saved(struct vcpu *who)
{
}
void vpmu_load(struct vcpu *who)
{
}
void vpmu_reset(struct vcpu *who)
{
}
void arch_vcpu_save(struct vcpu *who)
{
}
void arch_vcpu_load(struct vcpu *who)
{
}
void arch_vcpu_reset(struct vcpu *who, u64 entry, u64 context_id)
{
}
void arch_vcpu_set_wfx(struct vcpu *who, bool trap)
{
}
void arch_cpu_idle(void)
{
}
void stage2_flush_local(void)
{
}
void stage2_unload(void)
{
}
void console_drain_rest(void)
{
}
void vcpu_kick(struct vcpu *who, u32 req)
{
}
void sched_wake(struct sched_unit *unit)
{
}
void sched_release(struct sched_unit *unit)
{
}
enum sched_policy sched_pool_policy(const struct sched_pool *pool)
{
    return SCHED_FAIR;
}
enum task_result build_step(struct domain *d)
{
    return TASK_IDLE;
}

static void make_vcpu(struct vcpu *who)
{
    memset(who, 0, sizeof(*who));
    who->domain = &domain;
    who->power = VCPU_ON;
    who->unit.kind = UNIT_VCPU;
    who->vgic.list.next = who->vgic.list.prev = &who->vgic.list;
}

/* v runs on CPU 0. */
static int setup(void **state)
{
    struct cpu *cpu;

    fake_reset(2);
    cpu = cpu_get(0);
    make_vcpu(&v);
    memset(&next, 0, sizeof(next));
    v.resident = cpu;
    cpu->resident = cpu->current = &v;
    cpu->sched.running = &v.unit;
    storm = dispatched = 0;
    irq_pending = blocked = serror = false;
    blamed = NULL;
    return 0;
}

static void requested(void **state)
{
    v.req = REQ_IRQ;
    assert_ptr_equal(run_requested(&v), &v);
    assert_int_equal(v.req, 0);
}

/* A timer of somebody else is due on this CPU meanwhile. */
static void hail_of_requests(void **state)
{
    storm = MANY;
    irq_pending = true;
    v.req = REQ_IRQ;
    assert_ptr_equal(run_requested(&v), &v);
    assert_int_equal(storm, 0);
    assert_in_range(dispatched, MANY - 10, MANY);
}

static void wait(void **state)
{
    storm = 1; /* a wake from before: it is looked at again, and then waited */
    run_block(&v);
    assert_true(blocked);
    assert_int_equal(v.req, REQ_RESCHED);
}

static void hail_of_wakes(void **state)
{
    storm = MANY;
    run_block(&v);
    assert_in_range(storm, MANY - 10, MANY - 2);
    assert_false(blocked);
    assert_int_equal(v.req, 0);
}

/* A store of v's is answered with an error when it is not running any more. */
static void serror_at_a_switch(void **state)
{
    make_vcpu(&next);
    serror = true;
    v.req = REQ_RESCHED;
    assert_ptr_equal(run_requested(&v), &next);
    assert_ptr_equal(blamed, &v);
    assert_null(v.resident);
    assert_ptr_equal(next.resident, cpu_get(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(requested, setup),
        cmocka_unit_test_setup(hail_of_requests, setup),
        cmocka_unit_test_setup(wait, setup),
        cmocka_unit_test_setup(hail_of_wakes, setup),
        cmocka_unit_test_setup(serror_at_a_switch, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
