/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm SMMUv3 driver (IHI 0070): registers, start and stop, and the calls of iommu_ops. Stage 2
 * only, Non-secure, no ATS, PRI or stalls. What it knows of one SMMU is in u->priv; locks are the
 * caller's. Stream tables are in smmuv3_strtab.c, queues in smmuv3_queue.c.
 */
#include <corbel/drivers.h>

#include <arch/io.h>
#include <arch/time.h>

#include <corbel/bits.h>
#include <corbel/log.h>

#include "smmuv3_priv.h"

#define ACK_TIMEOUT_NS 100000000ull /* a control register takes effect */

#define CMDQ_LOG2_MAX 8u  /* 256 commands */
#define EVTQ_LOG2_MAX 10u /* 1024 records: a refused 4 KiB transfer may write as many */

#define PA_BITS_MAX       48u /* 52 bits need other descriptors */
#define STALL_MODEL_FORCE 2u
#define TTENDIAN_BIG      3u

/* Single invalidations in one call beyond which the whole VMID is cheaper. */
#define TLBI_MAX 128u

/* ---- registers ---- */

/* Until the bits of mask in a register are value. */
static enum corbel_err poll(const struct iommu *u, u32 reg, u32 mask, u32 value)
{
    u64 deadline = arch_time_now() + arch_time_from_ns(ACK_TIMEOUT_NS);
    bool late;

    do {
        late = arch_time_now() > deadline;
        if ((mmio_read32(u->regs, reg) & mask) == value)
            return CORBEL_OK;
    } while (!late);
    return ERR_TIMEDOUT;
}

static enum corbel_err cr0_write(const struct iommu *u, u32 cr0)
{
    mmio_write32(u->regs, SMMU_CR0, cr0);
    return poll(u, SMMU_CR0ACK, ~0u, cr0);
}

/* Update guards the register: written together with it, clear when the value is in force. */
static enum corbel_err gbpa_write(const struct iommu *u, bool abort)
{
    const u32 update = (u32)SMMU_GBPA_UPDATE;
    enum corbel_err err = poll(u, SMMU_GBPA, update, 0);
    u32 gbpa;

    if (err)
        return err;
    gbpa = mmio_read32(u->regs, SMMU_GBPA) & ~(u32)SMMU_GBPA_ABORT;
    if (abort)
        gbpa |= (u32)SMMU_GBPA_ABORT;
    mmio_write32(u->regs, SMMU_GBPA, gbpa | update);
    return poll(u, SMMU_GBPA, update, 0);
}

static enum corbel_err irq_ctrl_write(const struct iommu *u, u32 ctrl)
{
    mmio_write32(u->regs, SMMU_IRQ_CTRL, ctrl);
    return poll(u, SMMU_IRQ_CTRLACK, ~0u, ctrl);
}

/* ---- probe ---- */

/* What disabled streams meet is decided before the SMMU is disabled: no moment without it. */
static enum corbel_err quiesce(struct iommu *u, const char **why)
{
    *why = "GBPA does not take ABORT";
    if (gbpa_write(u, true))
        return ERR_TIMEDOUT;
    *why = "it does not stop (CR0)";
    if (cr0_write(u, 0))
        return ERR_TIMEDOUT;
    *why = "it does not stop (IRQ_CTRL)";
    if (irq_ctrl_write(u, 0))
        return ERR_TIMEDOUT;
    mmio_write32(u->regs, SMMU_GERRORN, mmio_read32(u->regs, SMMU_GERROR));
    return CORBEL_OK;
}

/* What it cannot do, as text; NULL: nothing that is needed here. */
static const char *find_fault(u32 idr0, u32 idr1, u32 idr5)
{
    if (!(idr0 & SMMU_IDR0_S2P))
        return "no stage 2 translation";
    if (!(idr0 & SMMU_IDR0_TTF_AARCH64))
        return "no AArch64 tables";
    if (FIELD_GET(SMMU_IDR0_TTENDIAN, idr0) == TTENDIAN_BIG)
        return "big-endian tables";
    if (FIELD_GET(SMMU_IDR0_STALL_MODEL, idr0) == STALL_MODEL_FORCE)
        return "every fault stalls";
    if (idr1 & (SMMU_IDR1_QUEUES_PRESET | SMMU_IDR1_TABLES_PRESET))
        return "preset tables or queues";
    if (!(idr5 & SMMU_IDR5_GRAN4K))
        return "no 4 KiB granule";
    /* Every domain's tables are limited to it: the SMMU would take the memory above away. */
    if (FIELD_GET(SMMU_IDR5_OAS, idr5) == 0)
        return "output size of 32 bits";
    return NULL;
}

static void read_caps(struct iommu *u, u32 idr0, u32 idr1, u32 idr5)
{
    static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 52, 56 };
    u32 idr3 = mmio_read32(u->regs, SMMU_IDR3);
    struct smmuv3 *s = u->priv;
    u64 bbml = FIELD_GET(SMMU_IDR3_BBML, idr3);

    u->caps = (struct iommu_caps){
        .pa_bits = (u8)MIN(bits[FIELD_GET(SMMU_IDR5_OAS, idr5)], PA_BITS_MAX),
        .vmid_bits = idr0 & SMMU_IDR0_VMID16 ? 16 : 8,
        .bbm_level = bbml <= 2 ? (u8)bbml : 0,
        .coherent = (idr0 & SMMU_IDR0_COHACC) != 0,
        .range_inv = (idr3 & SMMU_IDR3_RIL) != 0,
    };
    /* With AArch64 tables only, stage-2 inputs are as wide as outputs (IHI 0070 3.4.1). */
    u->caps.ipa_bits = u->caps.pa_bits;
    u->caps.stream_bits = smmuv3_strtab_format(&s->strtab, (u8)FIELD_GET(SMMU_IDR1_SIDSIZE, idr1),
                                               FIELD_GET(SMMU_IDR0_ST_LEVEL, idr0) == 1);
    u->caps.detail =
        s->strtab.split < s->strtab.log2 ? "2-level stream table" : "linear stream table";
}

static enum corbel_err smmuv3_probe(struct iommu *u, const char **why)
{
    u32 idr0 = mmio_read32(u->regs, SMMU_IDR0), idr1 = mmio_read32(u->regs, SMMU_IDR1);
    u32 idr5 = mmio_read32(u->regs, SMMU_IDR5);
    struct smmuv3 *s = u->priv;
    enum corbel_err err = quiesce(u, why);

    if (err)
        return err;
    *why = u->desc->regs.size < SMMU_REGS_SIZE ? "less than 128 KiB of registers"
                                               : find_fault(idr0, idr1, idr5);
    if (*why)
        return ERR_NOTSUP;
    s->cmdq.log2 = (u8)MIN(FIELD_GET(SMMU_IDR1_CMDQS, idr1), CMDQ_LOG2_MAX);
    s->evtq.log2 = (u8)MIN(FIELD_GET(SMMU_IDR1_EVENTQS, idr1), EVTQ_LOG2_MAX);
    if (idr0 & SMMU_IDR0_ATS)
        s->cr0_safe |= (u32)SMMU_CR0_ATSCHK;
    s->has_el2 = (idr0 & SMMU_IDR0_HYP) != 0;
    s->has_msi = (idr0 & SMMU_IDR0_MSI) != 0;
    read_caps(u, idr0, idr1, idr5);
    if (u->caps.coherent != u->desc->coherent)
        log_warn("%s: %s by its registers, the tree says otherwise", u->desc->path,
                 u->caps.coherent ? "coherent" : "not coherent");
    return CORBEL_OK;
}

/* ---- start, stop ---- */

static void memory_free(struct iommu *u)
{
    smmuv3_queues_free(u);
    smmuv3_strtab_free(u);
}

static enum corbel_err memory_alloc(struct iommu *u)
{
    struct smmuv3 *s = u->priv;
    enum corbel_err err = smmuv3_queues_alloc(u, s->cmdq.log2, s->evtq.log2);

    if (!err)
        err = smmuv3_strtab_alloc(u);
    if (err)
        memory_free(u);
    return err;
}

static void write_bases(const struct iommu *u)
{
    const struct smmuv3 *s = u->priv;

    mmio_write32(u->regs, SMMU_CR1, u->caps.coherent ? SMMU_CR1_COHERENT : 0);
    mmio_write32(u->regs, SMMU_CR2, (u32)(SMMU_CR2_RECINVSID | SMMU_CR2_PTM));
    mmio_write64(u->regs, SMMU_STRTAB_BASE, smmuv3_strtab_base(u));
    mmio_write32(u->regs, SMMU_STRTAB_BASE_CFG, smmuv3_strtab_cfg(u));
    mmio_write64(u->regs, SMMU_CMDQ_BASE, smmuv3_queue_base(&s->cmdq));
    mmio_write32(u->regs, SMMU_CMDQ_PROD, 0);
    mmio_write32(u->regs, SMMU_CMDQ_CONS, 0);
    mmio_write64(u->regs, SMMU_EVENTQ_BASE, smmuv3_queue_base(&s->evtq));
    mmio_write32(u->regs, SMMU_EVENTQ_PROD, 0);
    mmio_write32(u->regs, SMMU_EVENTQ_CONS, 0);
    /* Address 0: no messages, the wires of the tree. */
    if (s->has_msi) {
        mmio_write64(u->regs, SMMU_GERROR_IRQ_CFG0, 0);
        mmio_write64(u->regs, SMMU_EVENTQ_IRQ_CFG0, 0);
    }
}

/* Whatever was cached under the owner before us. */
static enum corbel_err forget_all(struct iommu *u)
{
    const struct smmuv3 *s = u->priv;

    smmuv3_cmd_add(u, smmuv3_cmd_cfgi_all());
    if (s->has_el2)
        smmuv3_cmd_add(u, smmuv3_cmd_plain(CMD_OP_EL2_ALL));
    smmuv3_cmd_add(u, smmuv3_cmd_plain(CMD_OP_NSNH_ALL));
    return smmuv3_cmd_sync(u);
}

static enum corbel_err switch_on(struct iommu *u, const char **why)
{
    const u32 cmdq = (u32)SMMU_CR0_CMDQEN, evtq = cmdq | (u32)SMMU_CR0_EVENTQEN;
    const struct smmuv3 *s = u->priv;
    enum corbel_err err;

    *why = "its command queue does not start";
    err = cr0_write(u, cmdq);
    if (err)
        return err;
    *why = "it does not execute commands";
    err = forget_all(u);
    if (err)
        return err;
    *why = "its event queue does not start";
    err = cr0_write(u, evtq);
    if (err)
        return err;
    *why = "its interrupts do not start";
    err = irq_ctrl_write(u, (u32)(SMMU_IRQ_CTRL_GERROR | SMMU_IRQ_CTRL_EVENTQ));
    if (err)
        return err;
    *why = "it does not start";
    return cr0_write(u, evtq | s->cr0_safe | (u32)SMMU_CR0_SMMUEN);
}

/* ABORT is still in GBPA. Memory goes back only when the SMMU has let go of it. */
static void switch_off(struct iommu *u)
{
    (void)irq_ctrl_write(u, 0);
    if (!cr0_write(u, 0))
        memory_free(u);
}

static enum corbel_err smmuv3_start(struct iommu *u, const char **why)
{
    enum corbel_err err = memory_alloc(u);

    *why = "no memory for its tables and queues";
    if (err)
        return err;
    write_bases(u);
    err = switch_on(u, why);
    if (err) {
        switch_off(u);
        return err;
    }
    *why = NULL;
    return CORBEL_OK;
}

static void smmuv3_set_bypass(struct iommu *u, bool bypass)
{
    if (cr0_write(u, 0) || gbpa_write(u, !bypass))
        log_err("%s: does not %s", u->desc->path, bypass ? "let streams pass" : "stop streams");
}

/* ---- streams ---- */

static enum corbel_err check_streams(const struct iommu *u, const struct iommu_stream *s)
{
    if (!s->count || s->mask)
        return ERR_INVAL;
    return (u64)s->first + s->count > BIT(u->caps.stream_bits) ? ERR_RANGE : CORBEL_OK;
}

/* An entry that the SMMU would call illegal is never written. */
static enum corbel_err check_tables(const struct iommu *u, const struct stage2 *s2,
                                    const char **why)
{
    *why = "the domain's addresses are wider than what the SMMU translates";
    if (s2->ipa_bits > u->caps.ipa_bits)
        return ERR_NOTSUP;
    *why = "the domain's tables are beyond the SMMU's output size";
    if (smmuv3_ste_s2(s2, true).dw[3] >> u->caps.pa_bits)
        return ERR_NOTSUP;
    *why = "the domain's VMID is wider than the SMMU's";
    return s2->vmid >> u->caps.vmid_bits ? ERR_NOTSUP : CORBEL_OK;
}

static enum corbel_err smmuv3_attach(struct iommu *u, const struct iommu_stream *s,
                                     const struct stage2 *s2, const char **why)
{
    struct smmuv3_ste ste, none = { { 0 } };
    enum corbel_err err = check_streams(u, s);

    *why = "no such stream";
    if (!err && s2)
        err = check_tables(u, s2, why);
    if (err)
        return err;
    *why = "a stream is attached already";
    if (smmuv3_strtab_count(u, s->first, s->count, false))
        return ERR_EXIST;
    ste = s2 ? smmuv3_ste_s2(s2, u->caps.coherent) : smmuv3_ste_bypass();
    err = smmuv3_strtab_set(u, s->first, s->count, &ste);
    *why = err == ERR_NOMEM ? "no memory for the stream table" : "it does not execute commands";
    if (err && err != ERR_NOMEM && smmuv3_strtab_set(u, s->first, s->count, &none))
        log_err("%s: streams may stay attached", u->desc->path);
    if (!err)
        *why = NULL;
    return err;
}

static enum corbel_err smmuv3_detach(struct iommu *u, const struct iommu_stream *s, bool quiet)
{
    struct smmuv3_ste ste = quiet ? smmuv3_ste_abort() : (struct smmuv3_ste){ { 0 } };

    if (check_streams(u, s) || smmuv3_strtab_count(u, s->first, s->count, false) != s->count)
        return ERR_NOENT;
    if (quiet && !smmuv3_strtab_count(u, s->first, s->count, true))
        return ERR_NOENT;
    return smmuv3_strtab_set(u, s->first, s->count, &ste);
}

/* ---- invalidation ---- */

/* Commands that a range takes one entry at a time, cut at more than are worth it. */
static u64 singles(const struct stage2_range *r)
{
    u64 step = MAX(r->step, PAGE_SIZE);

    return MIN(DIV_ROUND_UP(r->size, step), TLBI_MAX + 1ull);
}

static bool too_many(const struct iommu *u, const struct stage2_inval *inv)
{
    u64 n = 0;

    for (u32 i = 0; i < inv->count && !u->caps.range_inv; i++)
        n += singles(&inv->ranges[i]);
    return n > TLBI_MAX;
}

static void invalidate_range(struct iommu *u, u16 vmid, const struct stage2_range *r)
{
    u64 ipa = ALIGN_DOWN(r->ipa, PAGE_SIZE), step = MAX(r->step, PAGE_SIZE);
    u64 pages = DIV_ROUND_UP(r->ipa - ipa + r->size, PAGE_SIZE);

    if (u->caps.range_inv) {
        while (pages)
            smmuv3_cmd_add(u, smmuv3_cmd_tlbi_next(vmid, &ipa, &pages));
        return;
    }
    for (u64 done = 0; done < r->size; done += step)
        smmuv3_cmd_add(u, smmuv3_cmd_tlbi_ipa(vmid, r->ipa + done));
}

static enum corbel_err smmuv3_invalidate(struct iommu *u, u16 vmid, const struct stage2_inval *inv)
{
    if (!inv->all && !inv->count)
        return CORBEL_OK;
    if (inv->all || too_many(u, inv)) {
        smmuv3_cmd_add(u, smmuv3_cmd_tlbi_vmid(vmid));
    } else {
        for (u32 i = 0; i < inv->count; i++)
            invalidate_range(u, vmid, &inv->ranges[i]);
    }
    return smmuv3_cmd_sync(u);
}

/* ---- faults ---- */

static void smmuv3_set_fault_irq(struct iommu *u, bool on)
{
    if (irq_ctrl_write(u, on ? (u32)(SMMU_IRQ_CTRL_GERROR | SMMU_IRQ_CTRL_EVENTQ) : 0))
        log_err("%s: IRQ_CTRL is not acknowledged", u->desc->path);
}

const struct iommu_ops smmuv3_ops = {
    .name = "SMMUv3",
    .priv_size = sizeof(struct smmuv3),
    .probe = smmuv3_probe,
    .start = smmuv3_start,
    .set_bypass = smmuv3_set_bypass,
    .attach = smmuv3_attach,
    .detach = smmuv3_detach,
    .invalidate = smmuv3_invalidate,
    .next_fault = smmuv3_fault_next,
    .drop_faults = smmuv3_faults_drop,
    .set_fault_irq = smmuv3_set_fault_irq,
};
