/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 model: how a transaction goes, from the stream to the leaf, by what is cached.
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
    u64 table = smmu_table_base(), index = stream, desc;

    if (stream >= BIT(FIELD_GET(SMMU_STRTAB_LOG2SIZE, m.strtab_cfg)))
        return EVT_C_BAD_STREAMID;
    if (in.ste_cached[stream]) {
        *out = in.ste[stream];
        return 0;
    }
    if (m.strtab_cfg & SMMU_STRTAB_TWO_LEVELS) {
        u64 *cached = &in.l1[stream >> smmu_split()];

        memcpy(&desc, smmu_structure(table + (stream >> smmu_split()) * sizeof(u64), 8),
               sizeof(desc));
        if (*cached)
            desc = *cached;
        if (!desc)
            return EVT_C_BAD_STREAMID;
        *cached = desc;
        table = desc & L1STD_L2PTR;
        index &= BIT(smmu_split()) - 1;
    }
    memcpy(out, smmu_structure(table + index * STE_BYTES, STE_BYTES), sizeof(*out));
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
        p = smmu_at(table + index * 8, 8);
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
