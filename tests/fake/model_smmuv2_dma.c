/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of SMMUv1 and v2: how a transaction goes, from the stream to the leaf, with the TLB,
 * and how it ends in the fault registers.
 */
#include "model_smmuv2_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <arch/mmu.h>

#include "fake_mmu.h"

void model_violate(struct model_smmuv2 *m, const char *fmt, ...)
{
    va_list ap;

    if (m->violations++)
        return;
    va_start(ap, fmt);
    vsnprintf(m->violation, sizeof(m->violation), fmt, ap);
    va_end(ap);
}

u32 model_group_count(const struct model_smmuv2 *m)
{
    return m->c.indexing ? 1u << MIN(m->c.numsidb, 7) : m->c.numsmrg;
}

bool model_extended(const struct model_smmuv2 *m)
{
    return m->cr0 & SMMU_CR0_EXIDENABLE;
}

/* ---- stream mapping ---- */

static bool group_valid(const struct model_smmuv2 *m, u32 n)
{
    if (model_extended(m))
        return m->s2cr[n] & SMMU_S2CR_EXIDVALID;
    return m->smr[n] & SMMU_SMR_VALID;
}

static u32 group_mask(const struct model_smmuv2 *m, u32 n)
{
    return (u32)FIELD_GET(model_extended(m) ? SMMU_SMR_EXMASK : SMMU_SMR_MASK, m->smr[n]);
}

static u32 group_id(const struct model_smmuv2 *m, u32 n)
{
    return (u32)FIELD_GET(model_extended(m) ? SMMU_SMR_EXID : SMMU_SMR_ID, m->smr[n]);
}

static bool group_matches(const struct model_smmuv2 *m, u32 n, u32 stream)
{
    return group_valid(m, n) && !((group_id(m, n) ^ stream) & ~group_mask(m, n));
}

static u32 group_bank(const struct model_smmuv2 *m, u32 n)
{
    if (FIELD_GET(SMMU_S2CR_TYPE, m->s2cr[n]) != S2CR_TRANSLATE)
        return SMMU_BANKS_MAX;
    return (u32)FIELD_GET(SMMU_S2CR_CBNDX, m->s2cr[n]);
}

/* No moment when a stream matches twice, or passes through a bank that is off. */
void model_check_mapping(struct model_smmuv2 *m)
{
    if (m->cr0 & SMMU_CR0_CLIENTPD)
        return;
    for (u32 i = 0; i < model_group_count(m); i++) {
        u32 bank = group_bank(m, i);

        if (!m->c.indexing && !group_valid(m, i))
            continue;
        if (bank < SMMU_BANKS_MAX && (bank >= m->c.numcb || !(m->bank[bank].sctlr & SMMU_SCTLR_M)))
            model_violate(m, "group %u leads to bank %u, which is off", i, bank);
        for (u32 j = 0; j < i && !m->c.indexing; j++)
            if (group_valid(m, j) &&
                !((group_id(m, i) ^ group_id(m, j)) & ~(group_mask(m, i) | group_mask(m, j))))
                model_violate(m, "groups %u and %u match the same stream", j, i);
    }
}

/* ---- faults ---- */

static void fault_global(struct model_smmuv2 *m, u32 bit, u32 stream, u64 addr, bool write)
{
    if (m->gfsr) {
        m->gfsr |= (u32)SMMU_GFSR_MULTI;
        return;
    }
    m->gfsr = bit;
    m->gfar = addr;
    m->gfsynr0 = write ? (u32)SMMU_GFSYNR0_WNR : 0;
    m->gfsynr1 = stream;
}

static void fault_bank(struct model_smmuv2 *m, u32 n, u64 bit, u32 stream, u64 addr, bool write)
{
    struct model_smmuv2_bank *b = &m->bank[n];

    if (!(b->sctlr & SMMU_SCTLR_CFRE))
        model_violate(m, "bank %u answers a fault without an abort", n);
    if (b->fsr & SMMU_FSR_FAULTS) {
        b->fsr |= (u32)SMMU_FSR_MULTI;
        return;
    }
    b->fsr |= (u32)bit;
    b->far = addr;
    b->fsynr0 = write ? (u32)SMMU_FSYNR0_WNR : 0;
    b->cbfrsynra = stream;
    if ((b->sctlr & SMMU_SCTLR_CFCFG) && !(m->cr0 & SMMU_CR0_STALLD))
        b->fsr |= (u32)SMMU_FSR_SS;
}

bool model_smmuv2_global_irq(const struct model_smmuv2 *m)
{
    return m->gfsr && (m->cr0 & SMMU_CR0_GFIE);
}

bool model_smmuv2_bank_irq(const struct model_smmuv2 *m, u32 bank)
{
    const struct model_smmuv2_bank *b = &m->bank[bank];

    return (b->fsr & (SMMU_FSR_FAULTS | SMMU_FSR_SS)) && (b->sctlr & SMMU_SCTLR_CFIE);
}

/* ---- TLB ---- */

u16 model_bank_vmid(const struct model_smmuv2 *m, u32 n)
{
    if (m->cr0 & SMMU_CR0_VMID16EN)
        return (u16)FIELD_GET(SMMU_CBA2R_VMID16, m->bank[n].cba2r);
    return (u16)FIELD_GET(SMMU_CBAR_VMID, m->bank[n].cbar);
}

void model_doom(struct model_smmuv2 *m, s32 vmid, u64 ipa, u64 size, bool tables)
{
    for (u32 i = 0; i < MODEL_TLB_SIZE; i++) {
        struct model_smmuv2_entry *e = &m->tlb[i];

        if ((vmid < 0 || e->vmid == vmid) && (tables || !e->table) && e->ipa < ipa + size &&
            ipa < e->ipa + e->size)
            e->doomed = true;
    }
}

void model_sync_end(struct model_smmuv2 *m)
{
    for (u32 i = 0; i < MODEL_TLB_SIZE; i++)
        if (m->tlb[i].doomed)
            m->tlb[i] = (struct model_smmuv2_entry){ 0 };
    m->sync_active = false;
}

static const struct model_smmuv2_entry *tlb_find(const struct model_smmuv2 *m, u16 vmid, u64 ipa,
                                                 bool table, u8 level)
{
    for (u32 i = 0; i < MODEL_TLB_SIZE; i++) {
        const struct model_smmuv2_entry *e = &m->tlb[i];

        if (e->valid && e->vmid == vmid && e->table == table && ipa - e->ipa < e->size &&
            (!table || e->level == level))
            return e;
    }
    return NULL;
}

static void tlb_add(struct model_smmuv2 *m, const struct model_smmuv2_entry *e)
{
    m->tlb[m->tlb_next++ % MODEL_TLB_SIZE] = *e;
}

/* ---- the walk ---- */

struct walk {
    u16 vmid;
    bool va64, write;
    u32 input, output; /* bits */
    u8 start;
    u64 root;
};

static u32 size_bits(u64 field)
{
    static const u8 bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

    return bits[field & 7];
}

static void walk_setup(struct model_smmuv2 *m, u32 n, struct walk *w)
{
    const struct model_smmuv2_bank *b = &m->bank[n];
    s32 t0sz = (s32)FIELD_GET(SMMU_TCR_T0SZ, b->tcr);

    w->va64 = !m->c.v1 && (b->cba2r & SMMU_CBA2R_VA64);
    w->vmid = model_bank_vmid(m, n);
    if (w->va64) {
        w->input = (u32)(64 - t0sz);
        w->output = size_bits(FIELD_GET(SMMU_TCR_PS, b->tcr));
    } else {
        s32 low = t0sz & 15;

        if (((t0sz >> 4) & 1) != (low >> 3))
            model_violate(m, "bank %u: TCR.S is not the sign of T0SZ", n);
        if ((t0sz >> 5) || FIELD_GET(SMMU_TCR_PS, b->tcr))
            model_violate(m, "bank %u: TCR has bits of the AArch64 format", n);
        w->input = (u32)(32 - (low >= 8 ? low - 16 : low));
        w->output = 40;
    }
    w->output = MIN(w->output, size_bits(m->c.oas));
    w->start = (u8)(2 - FIELD_GET(SMMU_TCR_SL0, b->tcr));
    w->root = b->ttbr0 & GENMASK(47, 12);
    if (w->input > size_bits(m->c.ias) || w->start > 2 || (!w->va64 && w->start == 0))
        model_violate(m, "bank %u: %u bits from level %u", n, w->input, w->start);
}

/* Bytes that one entry of a level maps. */
static u64 entry_size(u32 level)
{
    return 1ull << (12 + 9 * (3 - level));
}

static bool read_desc(u64 pa, u64 *desc)
{
    if (pa - fake_ram_base >= fake_ram_size)
        return false;
    memcpy(desc, phys_to_virt(PA(pa)), 8);
    return true;
}

/* The leaf for ipa, from the TLB or from memory; else the fault, a bit of FSR. */
static u64 walk(struct model_smmuv2 *m, const struct walk *w, u64 ipa, u64 *leaf, u64 *size)
{
    const struct model_smmuv2_entry *hit = tlb_find(m, w->vmid, ipa, false, 0);
    u64 table = w->root, mask = BIT(w->input) - 1;

    if (ipa & ~mask)
        return SMMU_FSR_TF;
    if (hit) {
        *leaf = hit->desc;
        *size = hit->size;
        return 0;
    }
    for (u8 level = w->start; level <= 3; level++) {
        u64 index =
            level == w->start ? (ipa & mask) / entry_size(level) : ipa / entry_size(level) % 512;
        struct model_smmuv2_entry e = { .valid = true,
                                        .level = level,
                                        .vmid = w->vmid,
                                        .ipa = ALIGN_DOWN(ipa, entry_size(level)),
                                        .size = entry_size(level) };

        hit = tlb_find(m, w->vmid, ipa, true, level);
        if (hit)
            e.desc = hit->desc;
        else if (!read_desc(table + 8 * index, &e.desc))
            return SMMU_FSR_EF;
        if (!(e.desc & 1) || (level == 3 && !(e.desc & 2)) || (level == 0 && !(e.desc & 2)))
            return SMMU_FSR_TF;
        if ((e.desc & GENMASK(47, 12)) >> w->output)
            return SMMU_FSR_ASF;
        e.table = level < 3 && (e.desc & 2);
        if (!hit)
            tlb_add(m, &e);
        table = e.desc & GENMASK(47, 12);
        *leaf = e.desc;
        *size = e.size;
        if (!e.table)
            return 0;
    }
    return SMMU_FSR_TF;
}

static enum model_result translate(struct model_smmuv2 *m, u32 n, u32 stream, u64 addr, bool write,
                                   u64 *pa)
{
    struct model_smmuv2_bank *b = &m->bank[n];
    u64 leaf = 0, size = 1, fault;
    struct walk w;

    if (n >= m->c.numcb || FIELD_GET(SMMU_CBAR_TYPE, b->cbar) != SMMU_CBAR_STAGE2) {
        model_violate(m, "stream %#x goes to bank %u, no bank of stage 2", stream, n);
        return MODEL_ABORTED;
    }
    if (!(b->sctlr & SMMU_SCTLR_M)) {
        *pa = addr;
        return MODEL_PASSED;
    }
    if ((b->fsr & SMMU_FSR_FAULTS) && !(b->sctlr & SMMU_SCTLR_HUPCF))
        return MODEL_ABORTED;
    walk_setup(m, n, &w);
    fault = walk(m, &w, addr, &leaf, &size);
    if (!fault && !(leaf & BIT(10)))
        fault = SMMU_FSR_AFF;
    if (!fault && !(leaf & (write ? BIT(7) : BIT(6))))
        fault = SMMU_FSR_PF;
    if (fault) {
        fault_bank(m, n, fault, stream, addr, write);
        return MODEL_ABORTED;
    }
    *pa = (leaf & GENMASK(47, 12) & ~(size - 1)) | (addr & (size - 1));
    return MODEL_TRANSLATED;
}

enum model_result model_smmuv2_access(struct model_smmuv2 *m, u32 stream, u64 addr, bool write,
                                      u64 *pa)
{
    u32 group = SMMU_MAPS_MAX, matches = 0;

    *pa = addr;
    if (m->cr0 & SMMU_CR0_CLIENTPD)
        return MODEL_PASSED;
    if (m->c.indexing) {
        group = stream;
        matches = stream < model_group_count(m);
    }
    for (u32 i = 0; i < model_group_count(m) && !m->c.indexing; i++) {
        if (group_matches(m, i, stream)) {
            group = i;
            matches++;
        }
    }
    if (matches != 1) {
        u64 gate = matches ? SMMU_CR0_SMCFCFG : SMMU_CR0_USFCFG;

        if (!(m->cr0 & gate))
            return MODEL_PASSED;
        fault_global(m, (u32)(matches ? SMMU_GFSR_SMCF : SMMU_GFSR_USF), stream, addr, write);
        return MODEL_ABORTED;
    }
    switch (FIELD_GET(SMMU_S2CR_TYPE, m->s2cr[group])) {
    case S2CR_TRANSLATE:
        return translate(m, group_bank(m, group), stream, addr, write, pa);
    case S2CR_BYPASS:
        return MODEL_PASSED;
    default:
        fault_global(m, (u32)SMMU_GFSR_ICF, stream, addr, write);
        return MODEL_ABORTED;
    }
}
