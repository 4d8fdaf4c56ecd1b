/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who takes a guest's stage-2 abort: each kind of fault at an address that an emulated block
 * owns, that was mapped meanwhile, or that nobody knows, and what the guest gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"

#include <corbel/guest_abort.h>

#include <arch/vcpu.h>
#include <corbel/console.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/guest_ldst.h>
#include <corbel/p2m.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>

#define DEVICE 0x22000000ull
#define MAPPED 0x40000000ull /* by now */
#define NOBODY 0x60000000ull
#define GVA    0xffff000012345678ull

static struct domcfg cfg;
static struct domain d;
static struct vcpu v;

/* What was done about it. */
static struct {
    u32 data, insn, skips, syndromes, decodes, lookups, shutdowns;
    bool write, s1ptw;
    const struct mmio_region *region;
} got;
static enum ldst_result ldst_answer;
static u64 elr; /* ELR_EL1 */
static u64 poked;

/* --- the seam and the neighbours --- */

void arch_inject_data_abort(struct vcpu *vcpu, u64 gva, bool s1ptw, bool write)
{
    assert_int_equal(gva, GVA);
    got.data++;
    got.write = write;
    got.s1ptw = s1ptw;
}

void arch_inject_insn_abort(struct vcpu *vcpu, u64 gva, bool s1ptw)
{
    assert_int_equal(gva, GVA);
    got.insn++;
    got.s1ptw = s1ptw;
    vcpu->regs.pc = vcpu->regs.x[29]; /* the guest's vector */
}

bool arch_vcpu_is_at_elr(const struct vcpu *vcpu)
{
    return vcpu->regs.pc == elr;
}

bool arch_vcpu_is_in_vector_loop(const struct vcpu *vcpu)
{
    return vcpu->regs.pc == elr && elr == 0x200;
}

void vtimer_poke(struct vcpu *vcpu, u64 when)
{
    assert_ptr_equal(vcpu, &v);
    poked = when;
}

void arch_vcpu_skip(struct vcpu *vcpu, bool il32)
{
    got.skips++;
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
}

u64 arch_vcpu_sp(const struct vcpu *vcpu)
{
    return 0;
}

enum ldst_result guest_ldst_syndrome(struct vcpu *vcpu, const struct guest_exit *e,
                                     const struct mmio_region *region)
{
    got.syndromes++;
    got.region = region;
    return ldst_answer;
}

enum ldst_result guest_ldst_decode(struct vcpu *vcpu, const struct guest_exit *e,
                                   const struct mmio_region *region)
{
    got.decodes++;
    got.region = region;
    return ldst_answer;
}

enum corbel_err p2m_lookup(struct p2m *p2m, ipa_t ipa, struct stage2_map *out)
{
    assert_ptr_equal(p2m, &d.p2m);
    got.lookups++;
    return ipa.v - MAPPED < 0x1000 ? CORBEL_OK : ERR_NOENT;
}

void p2m_nearest(struct p2m *p2m, ipa_t ipa, struct p2m_near *out)
{
    memset(out, 0, sizeof(*out));
}

const char *s2_class_name(enum s2_class cls)
{
    return "";
}

static bool ends_already; /* another vCPU has begun the end */
static enum shutdown_reason reason_given;

bool domain_ends(struct vcpu *vcpu, enum shutdown_reason reason)
{
    assert_ptr_equal(vcpu, &v);
    reason_given = reason;
    return !ends_already;
}

void domain_shutdown(struct domain *domain, enum shutdown_reason reason)
{
    assert_int_equal(reason, reason_given);
    got.shutdowns++;
}

void console_tail(struct domain *domain, u32 lines)
{
}

static enum mmio_result nothing(struct vcpu *vcpu, void *ctx, struct mmio_access *a)
{
    return MMIO_OK;
}

static const struct mmio_ops ops = { "device", nothing };

/* --- tests --- */

static int setup(void **state)
{
    static const struct mmio_region region = { DEVICE, 0x1000, &ops, NULL };

    fake_reset(1);
    memset(&d, 0, sizeof(d));
    memset(&v, 0, sizeof(v));
    memset(&got, 0, sizeof(got));
    strcpy(d.name, "dom");
    cfg = (struct domcfg){ .trap_unmapped = true };
    d.cfg = &cfg;
    d.vcpus[0] = &v;
    d.vcpu_count = 1;
    v.domain = &d;
    v.regs.pc = 0x1000;
    v.regs.x[29] = 0x200;
    ldst_answer = LDST_DONE;
    elr = poked = 0;
    return mmio_add(&d.mmio, &region);
}

static struct guest_exit fault(u64 ipa, enum abort_kind kind)
{
    struct guest_exit e = { .reason = EXIT_DATA_ABORT, .il32 = true };

    e.u.abort.gva = GVA;
    e.u.abort.ipa = IPA(ipa);
    e.u.abort.kind = (u8)kind;
    e.u.abort.isv = true;
    e.u.abort.size = 4;
    return e;
}

static bool logged(const char *text)
{
    return strstr(fake_log, text) != NULL;
}

static void emulated(void **state)
{
    struct guest_exit e = fault(DEVICE + 8, ABORT_TRANSLATION);

    guest_data_abort(&v, &e);
    assert_int_equal(got.syndromes, 1);
    assert_ptr_equal(got.region, &d.mmio.regions[0]);
    e.u.abort.isv = false;
    guest_data_abort(&v, &e);
    assert_int_equal(got.decodes, 1);
    ldst_answer = LDST_RETRY;
    guest_data_abort(&v, &e);
    assert_int_equal(got.data + got.skips, 0);
    ldst_answer = LDST_ABORT;
    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 1);
    assert_true(logged("(device)"));
    ldst_answer = LDST_UNKNOWN;
    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 2);
    assert_true(logged("by an instruction that is not emulated"));
    e.u.abort.cache_op = true; /* DC by address: nothing of a device is cached */
    guest_data_abort(&v, &e);
    assert_int_equal(got.skips, 1);
    assert_int_equal(got.data, 2);
    assert_int_equal(got.lookups, 0); /* the hot path takes no p2m lock */
}

/* Mapped by another CPU between the fault and now: the instruction just runs again. */
static void meanwhile(void **state)
{
    struct guest_exit e = fault(MAPPED + 0x10, ABORT_TRANSLATION);

    guest_data_abort(&v, &e);
    e.u.abort.s1ptw = true;
    guest_data_abort(&v, &e);
    e = fault(MAPPED, ABORT_TRANSLATION);
    e.reason = EXIT_INSN_ABORT;
    guest_insn_abort(&v, &e);
    e.u.abort.s1ptw = true;
    guest_insn_abort(&v, &e);
    assert_int_equal(got.lookups, 4);
    assert_int_equal(got.data + got.insn + got.skips + got.syndromes + got.decodes, 0);
    assert_int_equal(v.regs.pc, 0x1000);
    assert_int_equal(fake_log[0], 0);
}

/* A write to registers that are mapped for reading is one to a device like any other. */
static void emulated_write(void **state)
{
    struct guest_exit e = fault(DEVICE + 8, ABORT_PERMISSION);

    e.u.abort.write = true;
    guest_data_abort(&v, &e);
    assert_int_equal(got.syndromes, 1);
    assert_ptr_equal(got.region, &d.mmio.regions[0]);
    assert_ptr_equal(v.region, got.region);
    e.u.abort.isv = false;
    guest_data_abort(&v, &e);
    assert_int_equal(got.decodes, 1);
    e.u.abort.write = false;
    e.u.abort.cache_op = true; /* DC IVAC */
    guest_data_abort(&v, &e);
    assert_int_equal(got.skips, 1);
    e.u.abort.cache_op = false;
    e.u.abort.s1ptw = true; /* its stage-1 tables are there */
    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 1);
    assert_true(logged("a stage-1 table is there"));
    assert_int_equal(got.lookups, 0);
}

/* Any other permission fault would come again for ever: injected, wherever it is. */
static void permission(void **state)
{
    static const u64 at[] = { MAPPED, NOBODY };

    cfg.trap_unmapped = false;
    for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
        struct guest_exit e = fault(at[i], ABORT_PERMISSION);

        setup(NULL);
        e.u.abort.write = true;
        guest_data_abort(&v, &e);
        assert_int_equal(got.data, 1);
        assert_true(got.write);
        assert_true(logged("(not permitted)"));
        e.u.abort.s1ptw = true;
        guest_data_abort(&v, &e);
        assert_true(got.s1ptw);
        e.u.abort.s1ptw = false;
        e.u.abort.cache_op = true; /* DC IVAC of a read-only page: WnR reads as one there */
        e.u.abort.write = false;
        guest_data_abort(&v, &e);
        assert_int_equal(got.data, 3);
        assert_true(got.write);
        e = fault(at[i], ABORT_PERMISSION);
        e.reason = EXIT_INSN_ABORT; /* code on a device page */
        guest_insn_abort(&v, &e);
        assert_int_equal(got.insn, 1);
        assert_true(logged("instruction abort") && logged("(not executable)"));
        assert_int_equal(got.lookups + got.skips + got.syndromes, 0);
    }
}

static void bus(void **state)
{
    struct guest_exit e = fault(0, ABORT_OTHER);

    guest_data_abort(&v, &e);
    e.reason = EXIT_INSN_ABORT;
    guest_insn_abort(&v, &e);
    assert_int_equal(got.data, 1);
    assert_int_equal(got.insn, 1);
    assert_true(logged("bus answered"));
    assert_int_equal(got.lookups, 0);
}

static void walk(void **state)
{
    struct guest_exit e = fault(DEVICE, ABORT_TRANSLATION); /* no walk is emulated */

    e.u.abort.s1ptw = true;
    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 1);
    assert_true(got.s1ptw && logged("a stage-1 table is there"));
    assert_int_equal(got.syndromes, 0);
    cfg.trap_unmapped = false; /* nor ignored */
    e.u.abort.ipa = IPA(NOBODY);
    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 2);
}

static void nobody(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 1);
    assert_true(logged("read of 4 bytes at IPA 0x60000000 (nothing is mapped there)"));
    e.reason = EXIT_INSN_ABORT;
    guest_insn_abort(&v, &e);
    assert_int_equal(got.insn, 1);
    assert_int_equal(got.shutdowns, 0);
}

static void ignored(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    cfg.trap_unmapped = false;
    guest_data_abort(&v, &e);
    assert_int_equal(got.syndromes, 1);
    assert_null(got.region);
    assert_int_equal(got.data, 0);
    e.u.abort.isv = false;
    guest_data_abort(&v, &e);
    assert_int_equal(got.decodes, 1);
    ldst_answer = LDST_UNKNOWN;
    guest_data_abort(&v, &e);
    assert_int_equal(got.data, 1);
    e.u.abort.cache_op = true;
    guest_data_abort(&v, &e);
    assert_int_equal(got.skips, 1);
}

/* A vector that cannot be fetched ends the domain instead of spinning. */
static void vector_loop(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    e.reason = EXIT_INSN_ABORT;
    v.regs.pc = v.regs.x[29];
    guest_insn_abort(&v, &e);
    assert_int_equal(got.shutdowns, 1);
    assert_true(logged("exception vector"));
}

#define STUCK 1000u

/* The handler's first store faults, and so does the handler of that. */
static void handler_loop(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    fake_log_limit = LOG_LIMIT_BURST;
    for (u32 i = 0; i < STUCK; i++) {
        assert_int_equal(got.shutdowns, 0);
        assert_int_equal(got.data, i);
        guest_data_abort(&v, &e);
        elr = v.regs.pc; /* what the injection leaves; PC: the handler is there again */
        fake_time += 20;
    }
    fake_log_limit = ~0u;
    assert_int_equal(got.shutdowns, 1);
    assert_int_equal(got.data, STUCK - 1);
    assert_true(logged("crashed: its exception handler comes from, and faults at 0x1000"));
}

static void handler_loop_code(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    e.reason = EXIT_INSN_ABORT;
    elr = 0x1000;
    for (u32 i = 0; i < STUCK; i++) {
        v.regs.pc = 0x1000; /* its handler jumps there */
        guest_insn_abort(&v, &e);
    }
    assert_int_equal(got.shutdowns, 1);
    assert_int_equal(got.insn, STUCK - 1);
    assert_false(guest_is_stuck(&v)); /* counted anew */
}

/* The same access faults thousands of times, and the guest goes on after each. */
static void prober_lives(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    for (u32 i = 0; i < 20 * STUCK; i++) {
        v.regs.pc = 0x1000;
        elr = i % 2 ? 0x1004 : 0; /* the handler went on behind it, or an interrupt came */
        guest_data_abort(&v, &e);
    }
    assert_int_equal(got.shutdowns, 0);
    for (u32 i = 0; i < 20 * STUCK; i++) { /* two handlers in turns */
        v.regs.pc = elr = 0x1000 + i % 2 * 4;
        guest_data_abort(&v, &e);
    }
    assert_int_equal(got.shutdowns, 0);
}

/* Tries again and again, but gives the device some time between. */
static void patient_one_lives(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    elr = v.regs.pc;
    for (u32 i = 0; i < 10 * STUCK; i++) {
        guest_data_abort(&v, &e);
        fake_time += 1100 * 1000; /* ns */
    }
    assert_int_equal(got.shutdowns, 0);
}

/* A vector that stage 1 does not map: EL2 sees it by interrupts only. */
static void sampled(void **state)
{
    elr = 0x200;
    for (u32 i = 0; i < 100; i++)
        guest_sample(&v); /* interrupts elsewhere */
    v.regs.pc = 0x200;
    guest_sample(&v);
    assert_int_equal(poked, fake_time + 20000000);
    fake_time += 19999999;
    guest_sample(&v); /* an interrupt that came earlier */
    assert_int_equal(got.shutdowns, 0);
    fake_time += 1;
    guest_sample(&v);
    assert_int_equal(got.shutdowns, 1);
    assert_true(logged("crashed: nothing can be run in its exception vector at 0x200"));
}

/* Aborts that EL2 has seen in between are progress of a kind: both ways count for themselves. */
static void sampled_and_moved(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    elr = v.regs.pc = 0x200;
    guest_sample(&v);
    v.regs.pc = 0x300;
    guest_data_abort(&v, &e);
    v.regs.pc = 0x200;
    fake_time += 30000000;
    guest_sample(&v);
    assert_int_equal(got.shutdowns, 0);
    fake_time += 20000000;
    guest_sample(&v);
    assert_int_equal(got.shutdowns, 1);
}

static void asked_for(void **state)
{
    guest_shutdown(&v, true);
    assert_int_equal(reason_given, SHUTDOWN_RESET);
    assert_true(logged("reset by PSCI SYSTEM_RESET\n"));
    assert_true(logged("last console lines"));
    fake_log[0] = '\0';
    guest_shutdown(&v, false);
    assert_int_equal(reason_given, SHUTDOWN_POWEROFF);
    assert_true(logged("powered off by PSCI SYSTEM_OFF\n"));
    assert_false(logged("last console lines"));
    assert_int_equal(got.shutdowns, 2);
}

/* All vCPUs ask at once, or crash: one tells why, and stops the domain once all is said. */
static void one_report(void **state)
{
    ends_already = true;
    guest_shutdown(&v, true);
    guest_shutdown(&v, false);
    guest_serror(&v, 0xbe000011);
    ends_already = false;
    assert_int_equal(got.shutdowns, 0);
    assert_string_equal(fake_log, "");
}

static void serror(void **state)
{
    guest_serror(&v, 0xbe000011);
    assert_int_equal(got.shutdowns, 1);
    assert_int_equal(reason_given, SHUTDOWN_CRASH);
    assert_true(logged("vCPU0: crashed: SError while it ran, syndrome 0xbe000011"));
}

static void reports_end(void **state)
{
    struct guest_exit e = fault(NOBODY, ABORT_TRANSLATION);

    fake_log_limit = 3;
    for (u32 i = 0; i < 20; i++) {
        e.u.abort.ipa = IPA(NOBODY + 8ull * i);
        guest_data_abort(&v, &e);
    }
    fake_log_limit = ~0u;
    assert_int_equal(got.data, 20);
    assert_true(logged("at IPA 0x60000008"));
    assert_false(logged("at IPA 0x60000010"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(emulated, setup),
        cmocka_unit_test_setup(meanwhile, setup),
        cmocka_unit_test_setup(emulated_write, setup),
        cmocka_unit_test_setup(permission, setup),
        cmocka_unit_test_setup(bus, setup),
        cmocka_unit_test_setup(walk, setup),
        cmocka_unit_test_setup(nobody, setup),
        cmocka_unit_test_setup(ignored, setup),
        cmocka_unit_test_setup(vector_loop, setup),
        cmocka_unit_test_setup(reports_end, setup),
        cmocka_unit_test_setup(handler_loop, setup),
        cmocka_unit_test_setup(handler_loop_code, setup),
        cmocka_unit_test_setup(prober_lives, setup),
        cmocka_unit_test_setup(patient_one_lives, setup),
        cmocka_unit_test_setup(asked_for, setup),
        cmocka_unit_test_setup(one_report, setup),
        cmocka_unit_test_setup(serror, setup),
        cmocka_unit_test_setup(sampled, setup),
        cmocka_unit_test_setup(sampled_and_moved, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
