/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 model: registers, command queue, caches, and how a transaction goes. What software
 * must not do is an assertion here. IHI 0070; QEMU 10 where that leaves a choice.
 */
#include "fake_smmuv3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_core.h"
#include "fake_mmu.h"

#include <arch/barrier.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/drivers.h>
#include <hw/smmuv3.h>

#define RAM_BASE   0x80000000ull
#define RAM_SIZE   (24 * SZ_1M)
#define HEAP_PAGES 4096u /* 16 MiB for the driver, the rest for translation tables */
#define STREAMS    65536u
#define TLB_SIZE   256u
#define LINE       64u

#define CR0_ENABLED ((u32)(SMMU_CR0_SMMUEN | SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN))

struct fake_smmu fake_smmu;
#define m fake_smmu

struct ste {
    u64 dw[8];
};

static struct {
    u8 *dram, *synced; /* non-coherent: memory, and what the CPU's caches agreed with it on */
    u8 *before;        /* memory at the last barrier */
    u64 high;          /* of the heap: bytes ever used */
    bool page_taken[HEAP_PAGES];
    u64 next_page;
    struct ste *ste; /* cached entries, by stream */
    bool *ste_cached;
    u64 l1[STREAMS]; /* cached level-1 descriptors, by span */
    struct tlb {
        bool used;
        u16 vmid;
        u64 ipa, size, pa;
        u8 s2ap;
    } tlb[TLB_SIZE];
    u32 tlb_next;
    bool two_levels; /* FMT is never linear again */
} in;

static bool is_coherent(void)
{
    return m.idr0 & SMMU_IDR0_COHACC;
}

/* ---- memory ---- */

/* Where the SMMU finds this address; NULL: no memory there. */
static u8 *at(u64 pa, u64 size)
{
    if (pa < RAM_BASE || pa + size > RAM_BASE + RAM_SIZE)
        return NULL;
    return (is_coherent() ? fake_ram : in.dram) + (pa - RAM_BASE);
}

/* The driver's own structures: what it gave back must not be read any more. */
static const void *structure(u64 pa, u64 size)
{
    assert_true(pa >= RAM_BASE && pa + size <= RAM_BASE + HEAP_PAGES * PAGE_SIZE);
    assert_true(in.page_taken[(pa - RAM_BASE) / PAGE_SIZE]);
    return at(pa, size);
}

static void cache_hook(const void *va, size_t size, bool inval)
{
    u64 first = ALIGN_DOWN((u64)((const u8 *)va - fake_ram), LINE);
    u64 end = ALIGN_UP((u64)((const u8 *)va - fake_ram) + size, LINE);

    for (u64 i = first; i < end; i += LINE) {
        if (memcmp(fake_ram + i, in.synced + i, LINE))
            memcpy(in.dram + i, fake_ram + i, LINE);
        if (inval)
            memcpy(fake_ram + i, in.dram + i, LINE);
        memcpy(in.synced + i, fake_ram + i, LINE);
    }
    fake_barrier();
}

static void *heap_get(u64 size, u64 align)
{
    u64 pages = size / PAGE_SIZE, step = align / PAGE_SIZE;

    assert_true(size && IS_ALIGNED(size, PAGE_SIZE) && IS_ALIGNED(align, PAGE_SIZE));
    if (m.alloc_fail_at >= 0 && m.alloc_fail_at-- == 0)
        return NULL;
    for (u64 first = 0; first + pages <= HEAP_PAGES; first += step) {
        u64 n = 0;

        while (n < pages && !in.page_taken[first + n])
            n++;
        if (n < pages)
            continue;
        memset(&in.page_taken[first], true, pages);
        m.pages_used += pages;
        in.high = MAX(in.high, (first + pages) * PAGE_SIZE);
        return memset(fake_ram + first * PAGE_SIZE, 0, size);
    }
    return NULL;
}

/* Poison looks like entries that are valid. */
static void heap_put(void *ptr, u64 size)
{
    u64 offset = (u64)((u8 *)ptr - fake_ram);

    for (u32 i = 0; i < STREAMS; i++)
        assert_true((in.l1[i] & L1STD_L2PTR) != RAM_BASE + offset || !in.l1[i]);
    for (u64 i = 0; i < size / PAGE_SIZE; i++) {
        assert_true(in.page_taken[offset / PAGE_SIZE + i]);
        in.page_taken[offset / PAGE_SIZE + i] = false;
    }
    m.pages_used -= size / PAGE_SIZE;
    memset(ptr, 0xff, size);
}

const struct iommu_mem fake_smmu_mem = { .alloc = heap_get, .free = heap_put };

void *fake_smmu_page(u32 order)
{
    u64 size = PAGE_SIZE << order;

    in.next_page = ALIGN_UP(in.next_page, size) + size;
    assert_true(in.next_page <= RAM_SIZE);
    return memset(fake_ram + in.next_page - size, 0, size);
}

/* ---- the stream table ---- */

static u64 table_base(void)
{
    return m.strtab_base & GENMASK(51, 6);
}

static u32 split(void)
{
    return (u32)FIELD_GET(SMMU_STRTAB_SPLIT, m.strtab_cfg);
}

/* Is what stands at va as it was at the last barrier? */
static bool is_settled(const u8 *va, u64 size)
{
    const u8 *memory = is_coherent() ? fake_ram : in.dram;

    return !memcmp(va, in.before + (va - memory), size);
}

static bool is_translating(const struct ste *e)
{
    return e->dw[0] & STE_0_V && FIELD_GET(STE_0_CONFIG, e->dw[0]) >= STE_CONFIG_BYPASS;
}

/* No entry that the SMMU could read now is other than whole. */
static void check_entry(const struct ste *e, const struct ste *before)
{
    u16 vmid = (u16)FIELD_GET(STE_2_S2VMID, e->dw[2]);
    bool known = false;

    if (!is_translating(e))
        return;
    assert_memory_equal(&e->dw[1], &before->dw[1], STE_BYTES - 8);
    if (before->dw[0] & STE_0_V)
        assert_int_equal(e->dw[0], before->dw[0]);
    assert_int_equal(FIELD_GET(STE_1_SHCFG, e->dw[1]), STE_SHCFG_INCOMING);
    if (FIELD_GET(STE_0_CONFIG, e->dw[0]) == STE_CONFIG_BYPASS)
        return;
    assert_int_equal(FIELD_GET(STE_0_CONFIG, e->dw[0]), STE_CONFIG_S2);
    assert_true(e->dw[2] & STE_2_S2AA64 && e->dw[2] & STE_2_S2R && e->dw[3]);
    for (u32 i = 0; i < ARRAY_SIZE(m.vmids); i++)
        known |= m.vmids[i] && m.vmids[i] == vmid;
    assert_true(known);
}

static void check_table(const u8 *va, u32 count, bool reachable_before)
{
    const u8 *memory = is_coherent() ? fake_ram : in.dram;

    if (!reachable_before)
        assert_true(is_settled(va, (u64)count * STE_BYTES));
    for (u32 i = 0; i < count; i++) {
        const u8 *e = va + i * STE_BYTES;

        check_entry((const void *)e, (const void *)(in.before + (e - memory)));
    }
}

static void check_two_levels(void)
{
    u32 spans = (u32)BIT(FIELD_GET(SMMU_STRTAB_LOG2SIZE, m.strtab_cfg) - split());
    const u64 *l1 = structure(table_base(), spans * sizeof(u64));
    u64 last = 0;

    for (u32 i = 0; i < spans; i++) {
        if (!l1[i] || l1[i] == last)
            continue;
        last = l1[i];
        assert_int_equal(FIELD_GET(L1STD_SPAN, last), split() + 1);
        assert_true(IS_ALIGNED(last & L1STD_L2PTR, (u64)STE_BYTES << split()));
        check_table(structure(last & L1STD_L2PTR, PAGE_SIZE), (u32)BIT(split()),
                    is_settled((const u8 *)&l1[i], sizeof(u64)));
    }
}

/* At each barrier: stores since the last one may have become visible in any order. */
static void barrier_hook(void)
{
    if (m.cr0ack & SMMU_CR0_SMMUEN) {
        if (m.strtab_cfg & SMMU_STRTAB_TWO_LEVELS)
            check_two_levels();
        else
            check_table(structure(table_base(), PAGE_SIZE),
                        (u32)BIT(FIELD_GET(SMMU_STRTAB_LOG2SIZE, m.strtab_cfg)), true);
    }
    memcpy(in.before, is_coherent() ? fake_ram : in.dram, in.high);
}

/* ---- queues ---- */

static u32 queue_log2(u64 base)
{
    return (u32)FIELD_GET(GENMASK(4, 0), base);
}

static u32 queue_mask(u64 base)
{
    return (u32)BIT(queue_log2(base) + 1) - 1;
}

static u64 queue_entry(u64 base, u32 pos, u32 bytes)
{
    u32 log2 = queue_log2(base);
    u64 pa = base & GENMASK(51, 5);

    assert_true(IS_ALIGNED(pa, MAX((u64)bytes << log2, 32ull)));
    return pa + (pos & (BIT(log2) - 1)) * bytes;
}

void fake_smmu_gerror(u32 bit)
{
    if ((m.gerror ^ m.gerrorn) & bit)
        return;
    m.gerror ^= bit;
    m.gerror_pulses += (m.irq_ctrl & SMMU_IRQ_CTRL_GERROR) != 0;
}

/* Lines of the event queue that software left dirty may go to memory at any time: now. */
static void evict_events(void)
{
    u64 first = (m.evtq_base & GENMASK(51, 5)) - RAM_BASE;

    for (u64 i = first; i < first + ((u64)EVT_BYTES << queue_log2(m.evtq_base)); i += LINE) {
        if (memcmp(fake_ram + i, in.synced + i, LINE))
            memcpy(in.dram + i, fake_ram + i, LINE);
    }
}

void fake_smmu_event(const u64 dw[4])
{
    u32 mask = queue_mask(m.evtq_base), used = (m.evtq_prod - m.evtq_cons) & mask;
    u32 ovflg = m.evtq_prod & (u32)SMMU_QUEUE_OVFLG;

    if (!(m.cr0ack & SMMU_CR0_EVENTQEN))
        return;
    if (used == BIT(queue_log2(m.evtq_base))) {
        m.events_dropped++;
        if (!m.overflow_bit)
            fake_smmu_gerror((u32)SMMU_GERROR_EVENTQ_ABT_ERR);
        else if (ovflg == (m.evtq_cons & SMMU_QUEUE_OVFLG))
            m.evtq_prod ^= (u32)SMMU_QUEUE_OVFLG;
        return;
    }
    memcpy(at(queue_entry(m.evtq_base, m.evtq_prod, EVT_BYTES), EVT_BYTES), dw, EVT_BYTES);
    evict_events();
    m.evtq_prod = ((m.evtq_prod + 1) & mask) | ovflg;
    m.event_pulses += (m.irq_ctrl & SMMU_IRQ_CTRL_EVENTQ) != 0;
}

static void forget_streams(u32 first, u64 count)
{
    for (u64 i = first; i < first + count && i < STREAMS; i++) {
        in.ste_cached[i] = false;
        if (m.strtab_cfg & SMMU_STRTAB_TWO_LEVELS)
            in.l1[i >> split()] = 0;
    }
}

static void forget_pages(u16 vmid, u64 ipa, u64 size)
{
    for (u32 i = 0; i < TLB_SIZE; i++) {
        struct tlb *t = &in.tlb[i];

        if (t->vmid == vmid && t->ipa < ipa + size && ipa < t->ipa + t->size)
            t->used = false;
    }
}

/* False: CERROR_ILL. */
static bool do_tlbi_ipa(const struct fake_smmu_cmd *c)
{
    u64 num = FIELD_GET(CMD_TLBI_0_NUM, c->dw[0]), scale = FIELD_GET(CMD_TLBI_0_SCALE, c->dw[0]);
    u64 tg = FIELD_GET(CMD_TLBI_1_TG, c->dw[1]);

    assert_true(m.idr3 & SMMU_IDR3_RIL || (!tg && !num && !scale));
    if (tg && (tg != 1 || !(num | scale)))
        return false;
    forget_pages((u16)FIELD_GET(CMD_TLBI_0_VMID, c->dw[0]), c->dw[1] & CMD_TLBI_1_ADDRESS,
                 tg ? ((num + 1) << scale) * PAGE_SIZE : 1);
    return true;
}

static bool do_command(const struct fake_smmu_cmd *c)
{
    u32 sid = (u32)FIELD_GET(CMD_CFGI_0_SID, c->dw[0]);
    u64 range = FIELD_GET(CMD_CFGI_1_RANGE, c->dw[1]);

    switch (FIELD_GET(CMD_0_OP, c->dw[0])) {
    case CMD_OP_CFGI_STE:
        forget_streams(sid, 1);
        return true;
    case CMD_OP_CFGI_RANGE:
        forget_streams((u32)(sid & ~(BIT(range + 1) - 1)), BIT(range + 1));
        return true;
    case CMD_OP_S2_IPA:
        return m.idr0 & SMMU_IDR0_S2P && do_tlbi_ipa(c);
    case CMD_OP_S12_VMALL:
        forget_pages((u16)FIELD_GET(CMD_TLBI_0_VMID, c->dw[0]), 0, BIT(52));
        return m.idr0 & SMMU_IDR0_S2P;
    case CMD_OP_NSNH_ALL:
        for (u32 i = 0; i < TLB_SIZE; i++)
            in.tlb[i].used = false;
        return true;
    case CMD_OP_EL2_ALL:
        return m.idr0 & SMMU_IDR0_HYP;
    case CMD_OP_SYNC:
        return true;
    default:
        return false;
    }
}

static void refuse(u32 why)
{
    m.cmdq_cons = (m.cmdq_cons & queue_mask(m.cmdq_base)) | why << 24;
    fake_smmu_gerror((u32)SMMU_GERROR_CMDQ_ERR);
    if (m.fatal)
        fake_smmu_gerror((u32)SMMU_GERROR_SFM_ERR);
}

static bool consume_one(void)
{
    struct fake_smmu_cmd c;

    memcpy(&c, structure(queue_entry(m.cmdq_base, m.cmdq_cons, CMD_BYTES), CMD_BYTES), sizeof(c));
    if (m.abt_in && !--m.abt_in) {
        refuse(SMMU_CERROR_ABT);
        return false;
    }
    if ((m.ill_in && !--m.ill_in) || !do_command(&c)) {
        refuse(SMMU_CERROR_ILL);
        return false;
    }
    assert_true(m.cmd_count < FAKE_SMMU_COMMANDS);
    m.cmds[m.cmd_count++] = c;
    /* The error field stays. */
    m.cmdq_cons =
        (m.cmdq_cons & (u32)SMMU_CMDQ_CONS_ERR) | ((m.cmdq_cons + 1) & queue_mask(m.cmdq_base));
    return true;
}

static void consume(u32 most)
{
    u32 mask = queue_mask(m.cmdq_base);

    while (m.cr0ack & SMMU_CR0_CMDQEN && most-- && m.cmd_budget &&
           !((m.gerror ^ m.gerrorn) & (SMMU_GERROR_CMDQ_ERR | SMMU_GERROR_SFM_ERR)) &&
           ((m.cmdq_prod ^ m.cmdq_cons) & mask)) {
        if (!consume_one())
            return;
        m.cmd_budget -= m.cmd_budget != ~0u;
    }
}

/* ---- a transaction ---- */

static bool record(u32 type, u32 stream, u64 dw1, u64 ipa)
{
    u64 dw[4] = { type | (u64)stream << 32, dw1, ipa, ipa };

    fake_smmu_event(dw);
    return false;
}

/* The entry, by the caches where they have it. 0, or the event that it is instead. */
static u32 find_ste(u32 stream, struct ste *out)
{
    u64 table = table_base(), index = stream, desc;

    if (stream >= BIT(FIELD_GET(SMMU_STRTAB_LOG2SIZE, m.strtab_cfg)))
        return EVT_C_BAD_STREAMID;
    if (in.ste_cached[stream]) {
        *out = in.ste[stream];
        return 0;
    }
    if (m.strtab_cfg & SMMU_STRTAB_TWO_LEVELS) {
        u64 *cached = &in.l1[stream >> split()];

        memcpy(&desc, structure(table + (stream >> split()) * sizeof(u64), 8), sizeof(desc));
        if (*cached)
            desc = *cached;
        if (!desc)
            return EVT_C_BAD_STREAMID;
        *cached = desc;
        table = desc & L1STD_L2PTR;
        index &= BIT(split()) - 1;
    }
    memcpy(out, structure(table + index * STE_BYTES, STE_BYTES), sizeof(*out));
    /* The architecture lets invalid entries be cached, too. */
    in.ste[stream] = *out;
    in.ste_cached[stream] = true;
    return 0;
}

static bool is_legal(const struct ste *e)
{
    u64 t0sz = FIELD_GET(GENMASK(37, 32), e->dw[2]), sl0 = FIELD_GET(GENMASK(39, 38), e->dw[2]);
    u32 oas[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
    u32 bits = oas[m.idr5 & SMMU_IDR5_OAS];

    assert_true(e->dw[2] & STE_2_S2AA64); /* QEMU itself would end here */
    return m.idr0 & SMMU_IDR0_S2P && 64 - t0sz <= bits && e->dw[3] >> bits == 0 &&
           (sl0 == 2   ? t0sz <= 24
            : sl0 == 1 ? t0sz >= 21 && t0sz <= 33
                       : false) &&
           (m.idr0 & SMMU_IDR0_VMID16 || FIELD_GET(STE_2_S2VMID, e->dw[2]) < 256);
}

/* 0 and a translation, or the event. */
static u32 walk(const struct ste *e, u64 ipa, struct tlb *t)
{
    static const u8 ps_bits[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
    u32 level = 2u - (u32)FIELD_GET(GENMASK(39, 38), e->dw[2]);
    u32 bits = 64u - (u32)FIELD_GET(GENMASK(37, 32), e->dw[2]), shift;
    u64 table = e->dw[3] & STE_3_S2TTB, pte, pa;

    if (ipa >> bits)
        return EVT_F_TRANSLATION;
    for (;; level++) {
        /* Concatenated tables: the first level's index is as wide as the input. */
        u64 index = ipa >> (shift = 39 - 9 * level);
        const u8 *p;

        if (level != 2u - FIELD_GET(GENMASK(39, 38), e->dw[2]))
            index &= 511;
        p = at(table + index * 8, 8);
        if (!p)
            return EVT_F_WALK_EABT;
        memcpy(&pte, p, sizeof(pte));
        if (!(pte & 1))
            return EVT_F_TRANSLATION;
        pa = pte & GENMASK(47, 12);
        if (level == 3 || !(pte & 2))
            break;
        table = pa;
    }
    pa &= ~(BIT(shift) - 1);
    if (pa >> ps_bits[FIELD_GET(GENMASK(50, 48), e->dw[2])])
        return EVT_F_ADDR_SIZE;
    if (!(pte & BIT(10)))
        return EVT_F_ACCESS;
    *t = (struct tlb){ true,
                       (u16)FIELD_GET(STE_2_S2VMID, e->dw[2]),
                       ipa & ~(BIT(shift) - 1),
                       BIT(shift),
                       pa,
                       (u8)(pte >> 6 & 3) };
    return 0;
}

static u32 translate(const struct ste *e, u64 ipa, struct tlb **out)
{
    u16 vmid = (u16)FIELD_GET(STE_2_S2VMID, e->dw[2]);
    u32 event;

    for (u32 i = 0; i < TLB_SIZE; i++) {
        struct tlb *t = &in.tlb[i];

        if (t->used && t->vmid == vmid && ipa - t->ipa < t->size) {
            *out = t;
            return 0;
        }
    }
    *out = &in.tlb[in.tlb_next];
    event = walk(e, ipa, *out);
    in.tlb_next = (in.tlb_next + !event) % TLB_SIZE;
    return event;
}

bool fake_smmu_dma(u32 stream, u64 ipa, bool write, u64 *pa)
{
    u64 dw1 = (write ? 0 : EVT_1_RNW) | BIT(39) | 2ull << 40;
    struct ste e = { { 0 } };
    struct tlb *t;
    u32 event;

    *pa = ipa;
    if (!(m.cr0ack & SMMU_CR0_SMMUEN))
        return !(m.gbpa & SMMU_GBPA_ABORT);
    event = find_ste(stream, &e);
    if (event == EVT_C_BAD_STREAMID && !(m.cr2 & SMMU_CR2_RECINVSID))
        return false;
    if (!event && !(e.dw[0] & STE_0_V))
        event = EVT_C_BAD_STE;
    if (event)
        return record(event, stream, 0, 0);
    if (FIELD_GET(STE_0_CONFIG, e.dw[0]) == STE_CONFIG_ABORT)
        return false;
    if (FIELD_GET(STE_0_CONFIG, e.dw[0]) == STE_CONFIG_BYPASS)
        return true;
    if (!is_legal(&e))
        return record(EVT_C_BAD_STE, stream, 0, 0);
    if (ipa >> 48)
        return false;
    event = translate(&e, ipa, &t);
    if (!event && !(t->s2ap & (write ? 2 : 1)))
        event = EVT_F_PERMISSION;
    if (event)
        return e.dw[2] & STE_2_S2R ? record(event, stream, dw1, ipa) : false;
    *pa = t->pa + (ipa - t->ipa);
    return true;
}

/* ---- registers ---- */

static u64 io_read(uintptr_t base, u32 offset, u32 size)
{
    assert_int_equal(base, FAKE_SMMU_REGS);
    assert_int_equal(size, 4);
    fake_time += 1000;
    if (offset == SMMU_CMDQ_CONS && m.cmd_per_poll)
        consume(m.cmd_per_poll);
    switch (offset) {
    case SMMU_IDR0:
        return m.idr0;
    case SMMU_IDR1:
        return m.idr1;
    case SMMU_IDR3:
        return m.idr3;
    case SMMU_IDR5:
        return m.idr5;
    case SMMU_CR0ACK:
        return m.cr0ack;
    case SMMU_GBPA:
        return m.gbpa;
    case SMMU_IRQ_CTRLACK:
        return m.irq_stuck ? ~m.irq_ctrl : m.irq_ctrl;
    case SMMU_GERROR:
        return m.gerror;
    case SMMU_GERRORN:
        return m.gerrorn;
    case SMMU_CMDQ_CONS:
        return m.cmdq_cons;
    case SMMU_EVENTQ_PROD:
        return m.evtq_prod;
    default:
        fail_msg("read of register 0x%x", offset);
        return 0;
    }
}

static void write_cr0(u32 value)
{
    m.cr0 = value;
    m.cr0ack = (m.cr0ack & m.cr0_stuck) | (value & ~m.cr0_stuck);
    if (m.cr0ack & SMMU_CR0_ATSCHK)
        assert_true(m.idr0 & SMMU_IDR0_ATS);
    consume(~0u);
}

/* The protocol: written together with Update, and only while that is clear. */
static void write_gbpa(u32 value)
{
    assert_false(m.gbpa & SMMU_GBPA_UPDATE);
    assert_true(value & SMMU_GBPA_UPDATE);
    m.gbpa = m.gbpa_stuck ? value : value & ~(u32)SMMU_GBPA_UPDATE;
}

static void write_gerrorn(u32 value)
{
    m.gerrorn = value;
    if (!m.cmd_per_poll)
        consume(~0u);
}

/* Registers that may change only while nothing uses them. */
static void write_config(u32 offset, u64 value)
{
    switch (offset) {
    case SMMU_CR1:
        assert_false(m.cr0ack & CR0_ENABLED);
        assert_int_equal(value, is_coherent() ? SMMU_CR1_COHERENT : 0);
        m.cr1 = (u32)value;
        break;
    case SMMU_CR2:
        assert_false(m.cr0ack & SMMU_CR0_SMMUEN);
        m.cr2 = (u32)value;
        break;
    case SMMU_STRTAB_BASE:
        assert_false(m.cr0ack & SMMU_CR0_SMMUEN);
        m.strtab_base = value;
        break;
    case SMMU_STRTAB_BASE_CFG:
        assert_false(m.cr0ack & SMMU_CR0_SMMUEN);
        assert_false(in.two_levels && !(value & SMMU_STRTAB_TWO_LEVELS));
        in.two_levels |= (value & SMMU_STRTAB_TWO_LEVELS) != 0;
        assert_true(!in.two_levels || FIELD_GET(SMMU_IDR0_ST_LEVEL, m.idr0) == 1);
        m.strtab_cfg = (u32)value;
        break;
    case SMMU_CMDQ_BASE:
        assert_false(m.cr0ack & SMMU_CR0_CMDQEN);
        m.cmdq_base = value;
        break;
    case SMMU_EVENTQ_BASE:
        assert_false(m.cr0ack & SMMU_CR0_EVENTQEN);
        m.evtq_base = value;
        break;
    case SMMU_GERROR_IRQ_CFG0:
    case SMMU_EVENTQ_IRQ_CFG0:
        assert_true(m.idr0 & SMMU_IDR0_MSI && !value);
        break;
    default:
        fail_msg("write of register 0x%x", offset);
    }
}

static bool is_wide(u32 offset)
{
    return offset == SMMU_STRTAB_BASE || offset == SMMU_CMDQ_BASE || offset == SMMU_EVENTQ_BASE ||
           offset == SMMU_GERROR_IRQ_CFG0 || offset == SMMU_EVENTQ_IRQ_CFG0;
}

static void io_write(uintptr_t base, u32 offset, u32 size, u64 value)
{
    assert_int_equal(base, FAKE_SMMU_REGS);
    assert_int_equal(size, is_wide(offset) ? 8 : 4);
    switch (offset) {
    case SMMU_CR0:
        write_cr0((u32)value);
        break;
    case SMMU_GBPA:
        write_gbpa((u32)value);
        break;
    case SMMU_IRQ_CTRL:
        m.irq_ctrl = (u32)value;
        break;
    case SMMU_GERRORN:
        write_gerrorn((u32)value);
        break;
    case SMMU_CMDQ_PROD:
        m.cmdq_prod = (u32)value;
        if (!m.cmd_per_poll)
            consume(~0u);
        break;
    case SMMU_CMDQ_CONS:
        assert_false(m.cr0ack & SMMU_CR0_CMDQEN);
        m.cmdq_cons = (u32)value;
        break;
    case SMMU_EVENTQ_PROD:
        assert_false(m.cr0ack & SMMU_CR0_EVENTQEN);
        m.evtq_prod = (u32)value;
        break;
    case SMMU_EVENTQ_CONS:
        m.evtq_cons = (u32)value;
        break;
    default:
        write_config(offset, value);
    }
}

/* ---- life ---- */

void fake_smmu_exit(void)
{
    fake_cache_hook = NULL;
    fake_barrier_hook = NULL;
    free(in.dram);
    free(in.synced);
    free(in.before);
    free(in.ste);
    free(in.ste_cached);
    memset(&in, 0, sizeof(in));
    fake_ram_exit();
}

void fake_smmu_init(void)
{
    fake_smmu_exit();
    fake_reset(1);
    fake_ram_init(RAM_BASE, RAM_SIZE);
    memset(&m, 0, sizeof(m));
    m.idr0 = 0x0d44101b;
    m.idr1 = 0x02730010;
    m.idr3 = 0x1414;
    m.idr5 = 0x74;
    m.gbpa = 0x1000;
    m.cmd_budget = ~0u;
    m.alloc_fail_at = -1;
    in.dram = calloc(1, RAM_SIZE);
    in.synced = calloc(1, RAM_SIZE);
    in.before = calloc(1, RAM_SIZE);
    in.ste = calloc(STREAMS, sizeof(*in.ste));
    in.ste_cached = calloc(STREAMS, sizeof(bool));
    in.next_page = HEAP_PAGES * PAGE_SIZE;
    /* Memory that nobody has cleaned holds what was there before. */
    memset(in.dram, 0xff, RAM_SIZE);
    memset(in.synced, 0xff, RAM_SIZE);
    fake_io.read = io_read;
    fake_io.write = io_write;
    fake_cache_hook = cache_hook;
    fake_barrier_hook = barrier_hook;
}

struct iommu *fake_smmu_iommu(void)
{
    static struct platform_iommu desc;
    static u64 priv[256];
    static struct iommu u;

    memset(priv, 0, sizeof(priv));
    desc = (struct platform_iommu){ .kind = IOMMU_SMMU_V3,
                                    .coherent = is_coherent(),
                                    .regs = { 0x9050000, SMMU_REGS_SIZE },
                                    .path = "/smmuv3@9050000" };
    u = (struct iommu){ .ops = &smmuv3_ops,
                        .desc = &desc,
                        .mem = &fake_smmu_mem,
                        .regs = FAKE_SMMU_REGS,
                        .priv = priv };
    assert_true(smmuv3_ops.priv_size <= sizeof(priv));
    return &u;
}
