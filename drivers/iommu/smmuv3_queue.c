/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv3's command and event queues, and GERROR, which tells of errors of both (IHI 0070 3.5,
 * 4.7, 7.5). Commands are sent in batches: entries, one CMD_SYNC, a bounded wait until the SMMU
 * has consumed it. Under u->lock; nothing here sleeps.
 */
#include "smmuv3_priv.h"

#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/string.h>

/* A CMD_SYNC waits for transactions under way, and those for memory: long, but not for ever. */
#define SYNC_TIMEOUT_NS 1000000000ull

#define CMD_DWORDS (CMD_BYTES / sizeof(u64))
#define EVT_DWORDS (EVT_BYTES / sizeof(u64))

static u64 *entry(const struct smmuv3_queue *q, u32 at, u32 dwords)
{
    return q->base + (at & (BIT(q->log2) - 1)) * dwords;
}

/* Index and wrap bit. */
static u32 position_mask(const struct smmuv3_queue *q)
{
    return (u32)BIT(q->log2 + 1u) - 1;
}

static u32 used(const struct smmuv3_queue *q)
{
    return (q->prod - q->cons) & position_mask(q);
}

static bool is_full(const struct smmuv3_queue *q)
{
    return used(q) == BIT(q->log2);
}

static u64 queue_size(const struct smmuv3_queue *q, u32 bytes)
{
    return ALIGN_UP((u64)bytes << q->log2, PAGE_SIZE);
}

void *smmuv3_alloc(const struct iommu *u, u64 size, u64 align)
{
    void *va = u->mem->alloc(size, align);

    if (va && (virt_to_phys(va).v + size - 1) >> u->caps.pa_bits) {
        u->mem->free(va, size);
        return NULL;
    }
    return va;
}

static bool queue_alloc(struct iommu *u, struct smmuv3_queue *q, u8 log2, u32 bytes)
{
    u64 size;

    *q = (struct smmuv3_queue){ .log2 = log2 };
    size = queue_size(q, bytes);
    /* Aligned to its size, which the base register does not say. */
    q->base = smmuv3_alloc(u, size, size);
    if (q->base && !u->caps.coherent)
        arch_cache_clean_inval(q->base, size);
    return q->base != NULL;
}

enum corbel_err smmuv3_queues_alloc(struct iommu *u, u8 cmdq_log2, u8 evtq_log2)
{
    struct smmuv3 *s = u->priv;

    if (!queue_alloc(u, &s->cmdq, cmdq_log2, CMD_BYTES))
        return ERR_NOMEM;
    if (queue_alloc(u, &s->evtq, evtq_log2, EVT_BYTES))
        return CORBEL_OK;
    smmuv3_queues_free(u);
    return ERR_NOMEM;
}

void smmuv3_queues_free(struct iommu *u)
{
    struct smmuv3 *s = u->priv;

    if (s->cmdq.base)
        u->mem->free(s->cmdq.base, queue_size(&s->cmdq, CMD_BYTES));
    if (s->evtq.base)
        u->mem->free(s->evtq.base, queue_size(&s->evtq, EVT_BYTES));
    s->cmdq.base = s->evtq.base = NULL;
}

u64 smmuv3_queue_base(const struct smmuv3_queue *q)
{
    return virt_to_phys(q->base).v | q->log2 | SMMU_BASE_HINT;
}

/* ---- errors of the SMMU ---- */

/*
 * Consumption stopped at the command that CONS shows. It goes on as soon as the error is
 * acknowledged, so what was illegal is replaced before (IHI 0070 7.1); an entry that could not be
 * fetched is tried again.
 */
static void repair(struct iommu *u)
{
    struct smmuv3 *s = u->priv;
    u32 cons = mmio_read32(u->regs, SMMU_CMDQ_CONS);
    struct smmuv3_cmd sync = smmuv3_cmd_plain(CMD_OP_SYNC);
    u64 *bad = entry(&s->cmdq, cons, CMD_DWORDS);

    s->gerror_raw[1] = cons;
    memcpy(&s->gerror_raw[2], bad, CMD_BYTES);
    s->cmd_err = ERR_IO;
    if (FIELD_GET(SMMU_CMDQ_CONS_ERR, cons) == SMMU_CERROR_ABT)
        return;
    memcpy(bad, sync.dw, CMD_BYTES);
    smmuv3_publish(u, bad, CMD_BYTES);
}

bool smmuv3_gerror_take(struct iommu *u)
{
    struct smmuv3 *s = u->priv;
    u32 ack = mmio_read32(u->regs, SMMU_GERRORN);
    u32 active = (mmio_read32(u->regs, SMMU_GERROR) ^ ack) & (u32)SMMU_GERROR_ALL;

    if (!active)
        return true;
    s->gerror |= active;
    s->gerror_raw[0] |= active;
    if (active & SMMU_GERROR_CMDQ_ERR && s->cmdq.base)
        repair(u);
    mmio_write32(u->regs, SMMU_GERRORN, ack ^ active);
    /* Service failure mode: everything aborts, nothing is consumed. */
    return !(active & SMMU_GERROR_SFM_ERR);
}

/* ---- commands ---- */

/* Until the queue is empty, or (room) not full. */
static enum corbel_err cmdq_wait(struct iommu *u, bool room)
{
    struct smmuv3 *s = u->priv;
    struct smmuv3_queue *q = &s->cmdq;
    u64 deadline = arch_time_now() + arch_time_from_ns(SYNC_TIMEOUT_NS);
    bool late;

    do {
        late = arch_time_now() > deadline;
        q->cons = mmio_read32(u->regs, SMMU_CMDQ_CONS) & position_mask(q);
        if (room ? !is_full(q) : !used(q))
            return CORBEL_OK;
        if (!smmuv3_gerror_take(u)) {
            s->stuck = true;
            return ERR_IO;
        }
    } while (!late);
    s->stuck = true;
    return ERR_TIMEDOUT;
}

/* A queue that timed out may have recovered meanwhile; if not, nobody waits again. */
static bool is_stuck(struct iommu *u)
{
    struct smmuv3 *s = u->priv;

    if (s->stuck) {
        s->cmdq.cons = mmio_read32(u->regs, SMMU_CMDQ_CONS) & position_mask(&s->cmdq);
        s->stuck = used(&s->cmdq) != 0;
    }
    return s->stuck;
}

/* The DSB or the cleaning completes the entries before the SMMU is told of them. */
static void cmdq_ring(struct iommu *u)
{
    const struct smmuv3 *s = u->priv;

    dsb_sy();
    mmio_write32(u->regs, SMMU_CMDQ_PROD, s->cmdq.prod);
}

void smmuv3_cmd_add(struct iommu *u, struct smmuv3_cmd cmd)
{
    struct smmuv3 *s = u->priv;
    struct smmuv3_queue *q = &s->cmdq;
    u64 *at;

    if (!s->cmd_err && is_stuck(u))
        s->cmd_err = ERR_TIMEDOUT;
    if (s->stuck)
        return;
    if (is_full(q)) {
        enum corbel_err err;

        cmdq_ring(u);
        err = cmdq_wait(u, true);
        if (err) {
            s->cmd_err = err;
            return;
        }
    }
    at = entry(q, q->prod, CMD_DWORDS);
    memcpy(at, cmd.dw, CMD_BYTES);
    if (!u->caps.coherent)
        arch_cache_clean(at, CMD_BYTES);
    q->prod = (q->prod + 1) & position_mask(q);
    u->stats.commands++;
}

enum corbel_err smmuv3_cmd_sync(struct iommu *u)
{
    struct smmuv3 *s = u->priv;
    enum corbel_err err;

    smmuv3_cmd_add(u, smmuv3_cmd_plain(CMD_OP_SYNC));
    if (!s->stuck) {
        u->stats.syncs++;
        cmdq_ring(u);
        err = cmdq_wait(u, false);
        if (err)
            s->cmd_err = err;
        /* What devices wrote before is seen by reads after: pairs with CONS. */
        dsb_sy();
    }
    err = s->cmd_err;
    s->cmd_err = CORBEL_OK;
    return err;
}

/* ---- events ---- */

static void cons_write(struct iommu *u)
{
    const struct smmuv3 *s = u->priv;

    mmio_write32(u->regs, SMMU_EVENTQ_CONS, s->evtq.cons | s->overflow);
}

/* How far the SMMU has written; positions beyond a whole queue are nonsense, and records lost. */
static void evtq_refresh(struct iommu *u)
{
    struct smmuv3 *s = u->priv;
    struct smmuv3_queue *q = &s->evtq;
    u32 prod = mmio_read32(u->regs, SMMU_EVENTQ_PROD);
    bool nonsense;

    q->prod = prod & position_mask(q);
    nonsense = used(q) > BIT(q->log2);
    if (nonsense)
        q->cons = q->prod;
    if (nonsense || (prod & SMMU_QUEUE_OVFLG) != s->overflow) {
        s->overflow = prod & (u32)SMMU_QUEUE_OVFLG;
        s->lost = true;
        cons_write(u);
    }
    /* Records are read after PROD, which says that they are there. */
    dsb_sy();
}

static void event_take(struct iommu *u, struct iommu_fault *out)
{
    struct smmuv3 *s = u->priv;
    struct smmuv3_queue *q = &s->evtq;
    const u64 *at = entry(q, q->cons, EVT_DWORDS);
    u64 raw[EVT_DWORDS];

    /* Never written by a CPU since it was cleaned: this only drops what a CPU may have cached. */
    if (!u->caps.coherent)
        arch_cache_clean_inval(at, EVT_BYTES);
    memcpy(raw, at, EVT_BYTES);
    q->cons = (q->cons + 1) & position_mask(q);
    /* The copy is made before the SMMU may write there again. */
    dsb_sy();
    cons_write(u);
    smmuv3_event_decode(raw, out);
}

/* An event that could not be written is lost; any other error is the SMMU's own. */
static void gerror_report(struct smmuv3 *s, struct iommu_fault *out)
{
    u32 lost = (u32)SMMU_GERROR_EVENTQ_ABT_ERR;
    bool own = (s->gerror & ~lost) != 0;

    *out = (struct iommu_fault){ .kind = own ? IOMMU_FAULT_GLOBAL : IOMMU_FAULT_LOST };
    out->type = own ? s->gerror & ~lost : lost;
    memcpy(out->raw, s->gerror_raw, sizeof(out->raw));
    s->gerror &= ~out->type;
    if (!s->gerror)
        memset(s->gerror_raw, 0, sizeof(s->gerror_raw));
}

bool smmuv3_fault_next(struct iommu *u, struct iommu_fault *out)
{
    struct smmuv3 *s = u->priv;

    if (!used(&s->evtq)) {
        (void)smmuv3_gerror_take(u);
        evtq_refresh(u);
    }
    if (s->gerror) {
        gerror_report(s, out);
    } else if (s->lost) {
        s->lost = false;
        *out = (struct iommu_fault){ .kind = IOMMU_FAULT_LOST };
    } else if (used(&s->evtq)) {
        event_take(u, out);
    } else {
        return false;
    }
    u->stats.faults++;
    return true;
}

u32 smmuv3_faults_drop(struct iommu *u)
{
    struct smmuv3_queue *q = &((struct smmuv3 *)u->priv)->evtq;
    u32 n;

    (void)smmuv3_gerror_take(u);
    evtq_refresh(u);
    n = used(q);
    q->cons = q->prod;
    if (n)
        cons_write(u);
    u->stats.faults += n;
    return n;
}

void smmuv3_publish(const struct iommu *u, const void *va, size_t size)
{
    if (u->caps.coherent)
        dsb_sy();
    else
        arch_cache_clean(va, size);
}
