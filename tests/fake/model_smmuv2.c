/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of SMMUv1 and v2: its registers.
 */
#include "model_smmuv2_priv.h"

#include <string.h>

#include <arch/io.h>
#include <arch/mmu.h>
#include <corbel/page.h>

#include "fake_mmu.h"

#define BASE       0x10000000u
#define SYNC_READS 3u

const struct model_smmuv2_config model_mmu500 = { .numpagendxb = 3,
                                                  .numcb = 16,
                                                  .numsmrg = 48,
                                                  .numsidb = 15,
                                                  .ias = 5,
                                                  .oas = 5,
                                                  .id_bits = 15,
                                                  .mask_bits = 15,
                                                  .cttw = true,
                                                  .mmu500 = true,
                                                  .major = 2 };
const struct model_smmuv2_config model_mmu400 = { .v1 = true,
                                                  .numpagendxb = 2,
                                                  .numcb = 8,
                                                  .numsmrg = 32,
                                                  .numsidb = 14,
                                                  .numirpt = 2,
                                                  .ias = 2,
                                                  .oas = 2,
                                                  .id_bits = 14,
                                                  .mask_bits = 14,
                                                  .cttw = true,
                                                  .major = 1 };

static struct model_smmuv2 *model;

static u32 page_shift(const struct model_smmuv2 *m)
{
    return m->c.page64 ? 16 : 12;
}

static u32 page_count(const struct model_smmuv2 *m)
{
    return 2u << m->c.numpagendxb;
}

/* ---- registers ---- */

static u32 idr0(const struct model_smmuv2 *m)
{
    const struct model_smmuv2_config *c = &m->c;

    return (u32)((c->s1_only ? BIT(30) : SMMU_IDR0_S2TS) | (c->indexing ? 0 : SMMU_IDR0_SMS) |
                 (c->no_aarch32 ? SMMU_IDR0_PTFS_NO : 0) | (c->cttw ? SMMU_IDR0_CTTW : 0) |
                 (c->exids ? SMMU_IDR0_EXIDS : 0) | FIELD_PREP(SMMU_IDR0_NUMIRPT, c->numirpt) |
                 FIELD_PREP(SMMU_IDR0_NUMSIDB, c->numsidb) |
                 FIELD_PREP(SMMU_IDR0_NUMSMRG, c->numsmrg));
}

static u32 idr1(const struct model_smmuv2 *m)
{
    return (u32)((m->c.page64 ? SMMU_IDR1_PAGESIZE : 0) |
                 FIELD_PREP(SMMU_IDR1_NUMPAGENDXB, m->c.numpagendxb) |
                 FIELD_PREP(SMMU_IDR1_NUMCB, m->c.numcb));
}

static u32 idr2(const struct model_smmuv2 *m)
{
    return (u32)((m->c.vmid16 ? SMMU_IDR2_VMID16S : 0) |
                 (m->c.v1 || m->c.no_va64 ? 0 : SMMU_IDR2_PTFSV8_4K) |
                 FIELD_PREP(SMMU_IDR2_OAS, m->c.oas) | FIELD_PREP(SMMU_IDR2_IAS, m->c.ias));
}

/* A stalled transaction holds what a sync waits for. */
static bool is_stalled(const struct model_smmuv2 *m)
{
    bool stalled = false;

    for (u32 i = 0; i < m->c.numcb; i++)
        stalled |= (m->bank[i].fsr & SMMU_FSR_SS) != 0;
    return stalled;
}

static u32 sync_status(struct model_smmuv2 *m)
{
    if (m->sync_active && !m->hang && !is_stalled(m) && m->sync_reads-- == 0)
        model_sync_end(m);
    return m->sync_active;
}

static u32 read_gr0(struct model_smmuv2 *m, u32 reg)
{
    if (reg >= SMMU_SMR(0) && reg < SMMU_SMR(model_group_count(m)) && !m->c.indexing)
        return m->smr[(reg - SMMU_SMR(0)) / 4];
    if (reg >= SMMU_S2CR(0) && reg < SMMU_S2CR(model_group_count(m)))
        return m->s2cr[(reg - SMMU_S2CR(0)) / 4];
    switch (reg) {
    case SMMU_CR0:
        return m->cr0;
    case SMMU_ACR:
        return m->acr;
    case SMMU_IDR0:
        return idr0(m);
    case SMMU_IDR1:
        return idr1(m);
    case SMMU_IDR2:
        return idr2(m);
    case SMMU_IDR7:
        return (u32)m->c.major << 4;
    case SMMU_GFAR:
        return (u32)m->gfar;
    case SMMU_GFAR + 4:
        return (u32)(m->gfar >> 32);
    case SMMU_GFSR:
        return m->gfsr;
    case SMMU_GFSYNR0:
        return m->gfsynr0;
    case SMMU_GFSYNR1:
        return m->gfsynr1;
    case SMMU_TLBGSTATUS:
        return sync_status(m);
    case SMMU_PIDR0:
        return m->c.mmu500 ? 0x81 : 0x80;
    case SMMU_PIDR1:
        return 0xb4;
    default:
        model_violate(m, "read of global register %#x", reg);
        return 0;
    }
}

static u32 read_gr1(struct model_smmuv2 *m, u32 reg)
{
    u32 n = reg % 0x400 / 4;

    if (n < m->c.numcb && reg < 0x400)
        return m->bank[n].cbar;
    if (n < m->c.numcb && reg < 0x800)
        return m->bank[n].cbfrsynra;
    if (n < m->c.numcb && reg < 0xc00 && !m->c.v1)
        return m->bank[n].cba2r;
    model_violate(m, "read of global register %#x in space 1", reg);
    return 0;
}

static u32 read_bank(struct model_smmuv2 *m, struct model_smmuv2_bank *b, u32 reg)
{
    switch (reg) {
    case SMMU_CB_SCTLR:
        return b->sctlr;
    case SMMU_CB_ACTLR:
        return b->actlr;
    case SMMU_CB_TTBR0:
        return (u32)b->ttbr0;
    case SMMU_CB_TTBR0 + 4:
        return (u32)(b->ttbr0 >> 32);
    case SMMU_CB_TCR:
        return b->tcr;
    case SMMU_CB_FSR:
        return b->fsr;
    case SMMU_CB_FAR:
        return (u32)b->far;
    case SMMU_CB_FAR + 4:
        return (u32)(b->far >> 32);
    case SMMU_CB_FSYNR0:
        return b->fsynr0;
    default:
        model_violate(m, "read of bank register %#x", reg);
        return 0;
    }
}

/* An ID bit under a mask bit may not be kept; this model does not. */
static u32 smr_bits(const struct model_smmuv2 *m, u32 v)
{
    u32 mask = (v >> 16) & (u32)(BIT(m->c.mask_bits) - 1);
    u32 id = v & (u32)(BIT(m->c.id_bits) - 1) & ~mask;

    return mask << 16 | id | (model_extended(m) ? 0 : v & (u32)SMMU_SMR_VALID);
}

static void sync_start(struct model_smmuv2 *m)
{
    if (m->sync_active)
        model_violate(m, "a sync on top of one that has not ended");
    m->syncs++;
    m->sync_active = true;
    m->sync_reads = SYNC_READS;
}

static void write_gr0(struct model_smmuv2 *m, u32 reg, u32 v)
{
    if (reg >= SMMU_SMR(0) && reg < SMMU_SMR(model_group_count(m)) && !m->c.indexing) {
        m->smr[(reg - SMMU_SMR(0)) / 4] = smr_bits(m, v);
        return;
    }
    if (reg >= SMMU_S2CR(0) && reg < SMMU_S2CR(model_group_count(m))) {
        m->s2cr[(reg - SMMU_S2CR(0)) / 4] = v;
        return;
    }
    switch (reg) {
    case SMMU_CR0:
        m->cr0 = v;
        break;
    case SMMU_ACR:
        m->acr = v;
        break;
    case SMMU_GFSR:
        m->gfsr &= ~v;
        break;
    case SMMU_TLBIVMID:
        m->tlbi_vmid++;
        model_doom(m, (s32)(v & (m->cr0 & SMMU_CR0_VMID16EN ? 0xffff : 0xff)), 0, BIT(63), true);
        break;
    case SMMU_TLBIALLNSNH:
        m->tlbi_all++;
        model_doom(m, -1, 0, BIT(63), true);
        break;
    case SMMU_TLBIALLH:
        break;
    case SMMU_TLBGSYNC:
        sync_start(m);
        break;
    default:
        model_violate(m, "write of global register %#x", reg);
    }
}

static void write_gr1(struct model_smmuv2 *m, u32 reg, u32 v)
{
    u32 n = reg % 0x400 / 4;

    if (n < m->c.numcb && (m->bank[n].sctlr & SMMU_SCTLR_M))
        model_violate(m, "attributes of bank %u written while it is on", n);
    if (n < m->c.numcb && reg < 0x400)
        m->bank[n].cbar = v;
    else if (n < m->c.numcb && reg >= 0x800 && reg < 0xc00 && !m->c.v1)
        m->bank[n].cba2r = v;
    else
        model_violate(m, "write of global register %#x in space 1", reg);
}

static void write_ttbr(struct model_smmuv2 *m, struct model_smmuv2_bank *b, u64 keep, u64 v)
{
    if (b->sctlr & SMMU_SCTLR_M)
        model_violate(m, "tables of bank %u written while it is on", (u32)(b - m->bank));
    b->ttbr0 = (b->ttbr0 & keep) | v;
}

static void inval_ipa(struct model_smmuv2 *m, struct model_smmuv2_bank *b, u64 v, bool last)
{
    if (m->c.v1)
        model_violate(m, "TLBIIPAS2 does not exist in version 1");
    if (last)
        m->tlbi_ipa_last++;
    else
        m->tlbi_ipa++;
    model_doom(m, model_bank_vmid(m, (u32)(b - m->bank)), v << 12, SZ_4K, !last);
}

static void write_bank(struct model_smmuv2 *m, struct model_smmuv2_bank *b, u32 reg, u32 v)
{
    switch (reg) {
    case SMMU_CB_SCTLR:
        b->sctlr = v;
        break;
    case SMMU_CB_ACTLR:
        if (!(m->acr & MMU500_ACR_CACHE_LOCK))
            b->actlr = v;
        break;
    case SMMU_CB_RESUME:
        m->resumes++;
        b->fsr &= ~(u32)SMMU_FSR_SS;
        break;
    case SMMU_CB_TTBR0:
        write_ttbr(m, b, GENMASK(63, 32), v);
        break;
    case SMMU_CB_TTBR0 + 4:
        write_ttbr(m, b, GENMASK(31, 0), (u64)v << 32);
        break;
    case SMMU_CB_TCR:
        b->tcr = v;
        break;
    case SMMU_CB_FSR:
        b->fsr &= ~(v & ~(u32)SMMU_FSR_SS);
        break;
    case SMMU_CB_TLBIIPAS2:
    case SMMU_CB_TLBIIPAS2L:
        if (b->cba2r & SMMU_CBA2R_VA64)
            model_violate(m, "half of a 64-bit TLBIIPAS2 written");
        inval_ipa(m, b, v & GENMASK(27, 0), reg == SMMU_CB_TLBIIPAS2L);
        break;
    default:
        model_violate(m, "write of bank register %#x", reg);
    }
}

/* Which page an offset is in: 0, 1, or NULL with *b set. */
static u32 decode(struct model_smmuv2 *m, uintptr_t base, u32 offset, u32 size,
                  struct model_smmuv2_bank **b)
{
    u32 page = offset >> page_shift(m), bank = page - page_count(m);

    *b = NULL;
    if (base != m->base || offset >= m->size || offset % size || (size != 4 && size != 8))
        model_violate(m, "access of %u bytes at %#x", size, offset);
    else if (page >= page_count(m) && bank < m->c.numcb)
        *b = &m->bank[bank];
    else if (page > 1)
        model_violate(m, "access to page %u", page);
    return page;
}

static u64 io_read(uintptr_t base, u32 offset, u32 size)
{
    struct model_smmuv2 *m = model;
    struct model_smmuv2_bank *b;
    u32 page = decode(m, base, offset, size, &b), reg = offset & (u32)(BIT(page_shift(m)) - 1);

    if (size != 4)
        model_violate(m, "64-bit read at %#x", offset);
    if (b)
        return read_bank(m, b, reg);
    return page == 1 ? read_gr1(m, reg) : page == 0 ? read_gr0(m, reg) : 0;
}

static void io_write(uintptr_t base, u32 offset, u32 size, u64 v)
{
    struct model_smmuv2 *m = model;
    struct model_smmuv2_bank *b;
    u32 page = decode(m, base, offset, size, &b), reg = offset & (u32)(BIT(page_shift(m)) - 1);

    if (size == 8 && b && (b->cba2r & SMMU_CBA2R_VA64) &&
        (reg == SMMU_CB_TLBIIPAS2 || reg == SMMU_CB_TLBIIPAS2L))
        inval_ipa(m, b, v & GENMASK(35, 0), reg == SMMU_CB_TLBIIPAS2L);
    else if (size != 4)
        model_violate(m, "64-bit write at %#x", offset);
    else if (b)
        write_bank(m, b, reg, (u32)v);
    else if (page == 1)
        write_gr1(m, reg, (u32)v);
    else if (page == 0)
        write_gr0(m, reg, (u32)v);
    model_check_mapping(m);
}

/* As a firmware leaves it that showed something on a screen, and had a device stall. */
static void leave_firmware_state(struct model_smmuv2 *m)
{
    m->cr0 = 0;
    m->s2cr[0] = (u32)FIELD_PREP(SMMU_S2CR_CBNDX, 1);
    m->smr[0] = (u32)SMMU_SMR_VALID | 5;
    m->s2cr[1] = (u32)FIELD_PREP(SMMU_S2CR_TYPE, S2CR_BYPASS);
    m->smr[1] = (u32)SMMU_SMR_VALID | 6;
    m->bank[1].sctlr = (u32)(SMMU_SCTLR_M | SMMU_SCTLR_CFCFG | SMMU_SCTLR_CFRE);
    m->bank[1].fsr = (u32)(SMMU_FSR_TF | SMMU_FSR_SS);
    m->gfsr = (u32)(SMMU_GFSR_USF | SMMU_GFSR_MULTI);
    m->tlb[0] =
        (struct model_smmuv2_entry){ .valid = true, .vmid = 3, .size = BIT(30), .desc = 0x7c1 };
}

void model_smmuv2_init(struct model_smmuv2 *m, const struct model_smmuv2_config *c)
{
    memset(m, 0, sizeof(*m));
    m->c = *c;
    m->base = BASE;
    m->size = (u64)page_count(m) * 2 << page_shift(m);
    m->cr0 = (u32)SMMU_CR0_CLIENTPD;
    m->acr = c->mmu500 ? (u32)(MMU500_ACR_CACHE_LOCK | MMU500_ACR_SMTNMB_TLBEN |
                               MMU500_ACR_S2CRB_TLBEN | BIT(4))
                       : 0;
    for (u32 i = 0; i < SMMU_BANKS_MAX; i++) {
        m->bank[i].cbar = (u32)FIELD_PREP(SMMU_CBAR_TYPE, 2);
        m->bank[i].actlr = 3;
        m->bank[i].sctlr = (u32)SMMU_SCTLR_HUPCF;
    }
    if (c->firmware)
        leave_firmware_state(m);
    model = m;
    fake_io.read = io_read;
    fake_io.write = io_write;
}
