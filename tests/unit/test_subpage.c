/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding of registers in shared pages, from the table of regions to the device: two
 * pages of bytes that record each access and may answer with a bus error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <corbel/subpage.h>

#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/stage2.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/guest_ldst.h>
#include <corbel/page.h>
#include <corbel/vdev.h>

#define HPA  0x0a000000ull
#define GPA  0x10000000ull
#define SLOT 0x200ull

static u8 device[2 * PAGE_SIZE];
static bool window_open, bus_error;
static u32 accesses;
static struct {
    u64 hpa, value;
    u32 size;
    bool write;
} last;
static struct domain d;
static struct vcpu v;
static u8 arena[1024];

/* --- the seam --- */

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    assert_int_equal(attr, EL2_DEVICE);
    assert_false(window_open);
    window_open = true;
    assert_true(pa.v >= HPA && pa.v < HPA + sizeof(device));
    return device + (pa.v - HPA);
}

void arch_window_close(enum window_slot slot)
{
    assert_true(window_open);
    window_open = false;
}

static void record(uintptr_t addr, u32 size, bool write, u64 value)
{
    assert_true(window_open);
    assert_true(IS_ALIGNED(addr - (uintptr_t)device, size));
    accesses++;
    last.hpa = HPA + (addr - (uintptr_t)device);
    last.size = size;
    last.write = write;
    last.value = value;
}

bool arch_io_try_read(uintptr_t addr, u32 size, u64 *value)
{
    record(addr, size, false, 0);
    if (bus_error)
        return false;
    *value = 0;
    memcpy(value, (const void *)addr, size);
    return true;
}

bool arch_io_try_write(uintptr_t addr, u32 size, u64 value)
{
    record(addr, size, true, value);
    if (bus_error)
        return false;
    memcpy((void *)addr, &value, size);
    return true;
}

void *arena_alloc(struct arena *a, u64 size)
{
    void *p = a->base + a->used;

    if (size > a->size - a->used)
        return NULL;
    a->used += ALIGN_UP(size, 16ull);
    return p;
}

/* What else guest_ldst.c needs: no instruction is decoded here. */
void arch_vcpu_skip(struct vcpu *vcpu, bool il32)
{
    vcpu->regs.pc += 4;
}

bool arch_insn_is_a64(const struct vcpu *vcpu)
{
    return false;
}

u64 arch_insn_sp_get(const struct vcpu *vcpu)
{
    return 0;
}

void arch_insn_sp_set(struct vcpu *vcpu, u64 value)
{
}

bool stage2_translate_s1(u64 gva, ipa_t *out)
{
    return false;
}

enum corbel_err p2m_ram_at(const struct p2m *p2m, ipa_t ipa, pa_t *pa, u64 *contiguous)
{
    return ERR_NOENT;
}

/* --- a guest --- */

static int setup(void **state)
{
    memset(&d, 0, sizeof(d));
    memset(&v, 0, sizeof(v));
    memset(&last, 0, sizeof(last));
    d.arena = (struct arena){ .base = arena, .size = sizeof(arena) };
    v.domain = &d;
    bus_error = false;
    accesses = 0;
    for (u32 i = 0; i < sizeof(device); i++)
        device[i] = (u8)(i * 13 + 5);
    return 0;
}

static enum corbel_err add(u64 offset, u64 size)
{
    const struct subpage_region r = { GPA + offset, HPA + offset, size };

    return subpage_add(&d, &r);
}

static enum ldst_result guest(u64 offset, u8 size, bool write)
{
    struct guest_exit e = { .reason = EXIT_DATA_ABORT, .il32 = true };
    const struct mmio_region *region = mmio_find(&d.mmio, IPA(GPA + offset));

    e.u.abort.ipa = IPA(GPA + offset);
    e.u.abort.size = size;
    e.u.abort.write = write;
    e.u.abort.rt64 = true;
    e.u.abort.isv = true;
    if (!region)
        return LDST_UNKNOWN;
    return guest_ldst_syndrome(&v, &e, region);
}

/* --- tests --- */

static void widths(void **state)
{
    assert_int_equal(add(SLOT, SLOT), CORBEL_OK);
    for (u8 size = 1; size <= 8; size *= 2) {
        u64 want = 0;

        memcpy(&want, device + SLOT + 0x40, size);
        assert_int_equal(guest(SLOT + 0x40, size, false), LDST_DONE);
        assert_int_equal(v.regs.x[0], want);
        assert_int_equal(last.hpa, HPA + SLOT + 0x40);
        assert_int_equal(last.size, size);
        assert_false(last.write || window_open);
        v.regs.x[0] = 0x8877665544332211ull;
        assert_int_equal(guest(SLOT + 0x48, size, true), LDST_DONE);
        assert_true(last.write);
        assert_int_equal(last.size, size);
        assert_int_equal(last.value, size == 8 ? v.regs.x[0] : v.regs.x[0] & (BIT(8 * size) - 1));
        assert_int_equal(device[SLOT + 0x48 + size], (u8)((SLOT + 0x48 + size) * 13 + 5));
    }
    assert_int_equal(accesses, 8);
}

static void bounds(void **state)
{
    assert_int_equal(add(0x204, 0x10), CORBEL_OK); /* 0x204..0x213 */
    assert_int_equal(guest(0x200, 4, false), LDST_UNKNOWN);
    assert_int_equal(guest(0x214, 1, false), LDST_UNKNOWN);
    assert_int_equal(guest(0x210, 8, false), LDST_ABORT); /* half of it is outside */
    assert_int_equal(guest(0x206, 4, true), LDST_ABORT);  /* not aligned */
    assert_int_equal(guest(0x204, 8, true), LDST_ABORT);  /* likewise: by address, not by offset */
    assert_int_equal(accesses, 0);
    assert_int_equal(guest(0x208, 8, false), LDST_DONE);
    assert_int_equal(guest(0x213, 1, false), LDST_DONE);
    assert_int_equal(last.hpa, HPA + 0x213);
}

/* Also when somebody else calls: an access that EL2 cannot do never reaches the device. */
static void defended(void **state)
{
    static const struct mmio_access bad[] = {
        { .offset = 2, .size = 4 },
        { .offset = 0x10, .size = 4 },
        { .offset = 0xc, .size = 8 },
        { .offset = ~0ull - 3, .size = 4 },
    };

    assert_int_equal(add(0x200, 0x10), CORBEL_OK);
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        struct mmio_access a = bad[i];

        assert_int_equal(d.mmio.regions[0].ops->access(&v, d.mmio.regions[0].ctx, &a), MMIO_ABORT);
    }
    assert_int_equal(accesses, 0);
}

static void bus_errors(void **state)
{
    u64 pc = v.regs.pc;

    assert_int_equal(add(0, SLOT), CORBEL_OK);
    bus_error = true;
    v.regs.x[0] = 7;
    assert_int_equal(guest(0, 4, false), LDST_ABORT);
    assert_int_equal(guest(0, 4, true), LDST_ABORT);
    assert_int_equal(v.regs.x[0], 7);
    assert_int_equal(v.regs.pc, pc);
    assert_false(window_open);
}

/* Neighbours in one page, in another order than their addresses, and one across pages. */
static void several(void **state)
{
    assert_int_equal(add(5 * SLOT, SLOT), CORBEL_OK);
    assert_int_equal(add(0, SLOT), CORBEL_OK);
    assert_int_equal(add(7 * SLOT, 2 * SLOT), CORBEL_OK);
    assert_int_equal(add(SLOT, SLOT), CORBEL_OK);
    assert_int_equal(guest(2 * SLOT - 4, 4, false), LDST_DONE);
    assert_int_equal(last.hpa, HPA + 2 * SLOT - 4);
    assert_int_equal(guest(2 * SLOT, 4, false), LDST_UNKNOWN);
    assert_int_equal(guest(5 * SLOT + 8, 4, false), LDST_DONE);
    assert_int_equal(last.hpa, HPA + 5 * SLOT + 8);
    assert_int_equal(guest(8 * SLOT, 8, true), LDST_DONE); /* in the second page */
    assert_int_equal(last.hpa, HPA + PAGE_SIZE);
    assert_int_equal(guest(9 * SLOT, 8, true), LDST_UNKNOWN);
}

static void refused(void **state)
{
    static const struct subpage_region bad[] = {
        { GPA, HPA, 0 },
        { GPA, HPA + 0x200, 0x200 },
        { GPA, ~0ull & ~0xfffull, 0x1001 },
    };

    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(subpage_add(&d, &bad[i]), ERR_INVAL);
    assert_int_equal(add(0, SLOT), CORBEL_OK);
    assert_int_equal(add(SLOT - 1, SLOT), ERR_EXIST);
    d.arena.used = d.arena.size;
    assert_int_equal(add(SLOT, SLOT), ERR_NOMEM);
    assert_int_equal(d.mmio.count, 1);
    assert_true(subpage_arena_size() >= 16 && subpage_arena_size() % 16 == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(widths, setup),   cmocka_unit_test_setup(bounds, setup),
        cmocka_unit_test_setup(defended, setup), cmocka_unit_test_setup(bus_errors, setup),
        cmocka_unit_test_setup(several, setup),  cmocka_unit_test_setup(refused, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
