/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_VUART_H
#define FAKE_VUART_H

/*
 * The frame of a vPL011 and the p2m that maps it, for one domain: the seam as far as vuart.c uses
 * it, and the property that the guest relies on. Definitions, for the one file of a program that
 * wants them: other programs have windows from fake_mmu.c. The suite includes cmocka first.
 */
#include "fake_mmio.h"

#include <arch/mmu.h>
#include <corbel/domain.h>
#include <corbel/p2m.h>
#include <corbel/page.h>
#include <hw/pl011.h>

#define FRAME 0x7654000ull

static u32 frame[PAGE_SIZE / 4];
static u64 mapped_at; /* 0: nowhere */
static bool frame_taken;
static u32 open_windows, map_count, unmap_count;
static enum corbel_err alloc_answer, map_answer, unmap_answer;

static inline void frame_reset(void)
{
    memset(frame, 0xa5, sizeof(frame));
    mapped_at = 0;
    frame_taken = false;
    open_windows = map_count = unmap_count = 0;
    alloc_answer = map_answer = unmap_answer = CORBEL_OK;
}

enum corbel_err page_alloc(u32 order, u64 limit, pa_t *out)
{
    assert_int_equal(order, 0);
    assert_false(frame_taken);
    if (alloc_answer == CORBEL_OK) {
        *out = PA(FRAME);
        frame_taken = true;
    }
    return alloc_answer;
}

void page_free(pa_t pa, u32 order)
{
    assert_true(frame_taken && pa.v == FRAME && !order);
    frame_taken = false;
}

void page_scrub(pa_t pa, u64 size)
{
    assert_true(frame_taken && pa.v == FRAME && size == PAGE_SIZE);
    memset(frame, 0, sizeof(frame));
}

/* Never cacheable: the guest's accesses are not either. */
void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    assert_true(frame_taken && pa.v == FRAME);
    assert_int_equal(attr, EL2_DEVICE);
    assert_int_equal(open_windows++, 0);
    return frame;
}

void arch_window_close(enum window_slot slot)
{
    assert_int_equal(open_windows--, 1);
}

enum corbel_err p2m_map(struct p2m *p2m, ipa_t ipa, pa_t pa, u64 size, enum s2_class cls)
{
    assert_true(frame_taken && pa.v == FRAME && size == PAGE_SIZE && !open_windows);
    assert_int_equal(cls, S2_MMIO_RO);
    assert_int_equal(mapped_at, 0);
    map_count++;
    if (map_answer == CORBEL_OK)
        mapped_at = ipa.v;
    return map_answer;
}

/* Comes before anything is in the FIFO. */
enum corbel_err p2m_unmap(struct p2m *p2m, ipa_t ipa, u64 size)
{
    const struct domain *d = list_entry(p2m, struct domain, p2m);

    assert_true(mapped_at == ipa.v && size == PAGE_SIZE && !open_windows);
    assert_int_equal(d->vuart.rx.count, 0);
    unmap_count++;
    if (unmap_answer == CORBEL_OK)
        mapped_at = 0;
    return unmap_answer;
}

static inline void word_check(const struct domain *d, u32 offset)
{
    u64 value = 0;

    assert_int_equal(mmio_once(&d->mmio, mapped_at + offset, 4, false, &value), MMIO_OK);
    if (frame[offset / 4] != (u32)value)
        fail_msg("register 0x%x: 0x%x in the page, 0x%llx read", offset, frame[offset / 4],
                 (unsigned long long)value);
}

/* The property: while the page is mapped, each word of it is what a read that exits would give. */
static inline void frame_check(const struct domain *d)
{
    static const u32 none[PAGE_SIZE / 4];

    assert_int_equal(d->vuart.shown, mapped_at != 0);
    if (!mapped_at)
        return;
    assert_int_equal(d->vuart.rx.count, 0);
    for (u32 offset = 0; offset < PL011_SIZE; offset += 4)
        if (offset < 0x100 || offset >= PL011_PERIPHID0)
            word_check(d, offset);
    assert_memory_equal(&frame[0x100 / 4], none, PL011_PERIPHID0 - 0x100);
}

#endif
