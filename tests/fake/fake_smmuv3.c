/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 model: registers, queues, and what commands drop from the caches. What software
 * must not do is an assertion here. IHI 0070; QEMU 10 where that leaves a choice.
 */
#include "fake_smmuv3_priv.h"

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

struct fake_smmu fake_smmu;
struct fake_smmu_state fake_smmu_state;

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
    memcpy(smmu_at(queue_entry(m.evtq_base, m.evtq_prod, EVT_BYTES), EVT_BYTES), dw, EVT_BYTES);
    evict_events();
    m.evtq_prod = ((m.evtq_prod + 1) & mask) | ovflg;
    m.event_pulses += (m.irq_ctrl & SMMU_IRQ_CTRL_EVENTQ) != 0;
}

static void forget_streams(u32 first, u64 count)
{
    for (u64 i = first; i < first + count && i < STREAMS; i++) {
        in.ste_cached[i] = false;
        if (m.strtab_cfg & SMMU_STRTAB_TWO_LEVELS)
            in.l1[i >> smmu_split()] = 0;
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

    memcpy(&c, smmu_structure(queue_entry(m.cmdq_base, m.cmdq_cons, CMD_BYTES), CMD_BYTES),
           sizeof(c));
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
        assert_int_equal(value, smmu_is_coherent() ? SMMU_CR1_COHERENT : 0);
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
    fake_cache_hook = smmu_cache_hook;
    fake_barrier_hook = smmu_barrier_hook;
}

struct iommu *fake_smmu_iommu(void)
{
    static struct platform_iommu desc;
    static u64 priv[256];
    static struct iommu u;

    memset(priv, 0, sizeof(priv));
    desc = (struct platform_iommu){ .kind = IOMMU_SMMU_V3,
                                    .coherent = smmu_is_coherent(),
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
