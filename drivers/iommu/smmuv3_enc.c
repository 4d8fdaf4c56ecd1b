/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv3's structures, made and read: stream table entries, level-1 descriptors, commands, event
 * records (IHI 0070 chapters 4, 5, 7). Pure: no memory, no registers, no state.
 */
#include "smmuv3_priv.h"

#include <corbel/bits.h>
#include <corbel/string.h>

/* VTCR_EL2: walk attributes IRGN0, ORGN0, SH0; outer shareable is what Non-cacheable means. */
#define VTCR_WALK      GENMASK(13, 8)
#define VTCR_WALK_NC   FIELD_PREP(GENMASK(13, 12), 2)
#define VTCR_STE       GENMASK(18, 0)
#define TLBI_NUM_BITS  5u
#define TLBI_SCALE_MAX 31u
#define TLBI_TG_4K     1u
#define CFGI_RANGE_ALL 31u

/* Stage 1 is bypassed; incoming attributes are kept and combined with the tables' ones. */
struct smmuv3_ste smmuv3_ste_s2(const struct stage2 *s2, bool coherent)
{
    u64 vtcr = s2->vtcr & VTCR_STE;
    struct smmuv3_ste ste = { { 0 } };

    if (!coherent)
        vtcr = (vtcr & ~VTCR_WALK) | VTCR_WALK_NC;
    ste.dw[0] = STE_0_V | FIELD_PREP(STE_0_CONFIG, STE_CONFIG_S2);
    ste.dw[1] = FIELD_PREP(STE_1_SHCFG, STE_SHCFG_INCOMING);
    ste.dw[2] = FIELD_PREP(STE_2_S2VMID, s2->vmid) | FIELD_PREP(STE_2_VTCR, vtcr) | STE_2_S2AA64 |
                STE_2_S2R;
    ste.dw[3] = s2->vttbr & GENMASK(47, 4);
    return ste;
}

struct smmuv3_ste smmuv3_ste_bypass(void)
{
    struct smmuv3_ste ste = { { STE_0_V | FIELD_PREP(STE_0_CONFIG, STE_CONFIG_BYPASS),
                                FIELD_PREP(STE_1_SHCFG, STE_SHCFG_INCOMING) } };

    return ste;
}

struct smmuv3_ste smmuv3_ste_abort(void)
{
    struct smmuv3_ste ste = { { STE_0_V | FIELD_PREP(STE_0_CONFIG, STE_CONFIG_ABORT) } };

    return ste;
}

u64 smmuv3_l1_desc(pa_t l2, u8 split)
{
    return (l2.v & L1STD_L2PTR) | FIELD_PREP(L1STD_SPAN, split + 1u);
}

struct smmuv3_cmd smmuv3_cmd_plain(u8 op)
{
    struct smmuv3_cmd cmd = { { FIELD_PREP(CMD_0_OP, op), 0 } };

    return cmd;
}

/* Leaf stays 0: cached level-1 descriptors go, too. */
struct smmuv3_cmd smmuv3_cmd_cfgi_next(u32 *sid, u32 *count)
{
    u32 fits = bit_highest(*count);
    u32 log2 = *sid ? MIN(bit_lowest(*sid), fits) : fits;
    struct smmuv3_cmd cmd = smmuv3_cmd_plain(log2 ? CMD_OP_CFGI_RANGE : CMD_OP_CFGI_STE);

    cmd.dw[0] |= FIELD_PREP(CMD_CFGI_0_SID, *sid);
    if (log2)
        cmd.dw[1] = FIELD_PREP(CMD_CFGI_1_RANGE, log2 - 1);
    *sid += (u32)BIT(log2);
    *count -= (u32)BIT(log2);
    return cmd;
}

struct smmuv3_cmd smmuv3_cmd_cfgi_all(void)
{
    struct smmuv3_cmd cmd = smmuv3_cmd_plain(CMD_OP_CFGI_RANGE);

    cmd.dw[1] = FIELD_PREP(CMD_CFGI_1_RANGE, CFGI_RANGE_ALL);
    return cmd;
}

struct smmuv3_cmd smmuv3_cmd_tlbi_vmid(u16 vmid)
{
    struct smmuv3_cmd cmd = smmuv3_cmd_plain(CMD_OP_S12_VMALL);

    cmd.dw[0] |= FIELD_PREP(CMD_TLBI_0_VMID, vmid);
    return cmd;
}

/* Leaf stays 0: what was cached of the walk goes, too. */
struct smmuv3_cmd smmuv3_cmd_tlbi_ipa(u16 vmid, u64 ipa)
{
    struct smmuv3_cmd cmd = smmuv3_cmd_plain(CMD_OP_S2_IPA);

    cmd.dw[0] |= FIELD_PREP(CMD_TLBI_0_VMID, vmid);
    cmd.dw[1] = ipa & CMD_TLBI_1_ADDRESS;
    return cmd;
}

/*
 * A command covers (NUM + 1) << SCALE pages, NUM of five bits: five bits of the count at a time,
 * from its lowest set bit on, which no other division beats. NUM = SCALE = TTL = 0 is reserved
 * (IHI 0070 4.4.1.1), so one page is said the old way.
 */
struct smmuv3_cmd smmuv3_cmd_tlbi_next(u16 vmid, u64 *ipa, u64 *pages)
{
    u32 scale = MIN(bit_lowest(*pages), TLBI_SCALE_MAX);
    u64 num = (*pages >> scale) & (BIT(TLBI_NUM_BITS) - 1);
    struct smmuv3_cmd cmd = smmuv3_cmd_tlbi_ipa(vmid, *ipa);

    /* From 44 bits of addresses on SCALE's own five bits are the limit. */
    if (scale == TLBI_SCALE_MAX)
        num = MIN(*pages >> scale, BIT(TLBI_NUM_BITS));
    if (num << scale > 1) {
        cmd.dw[0] |= FIELD_PREP(CMD_TLBI_0_NUM, num - 1) | FIELD_PREP(CMD_TLBI_0_SCALE, scale);
        cmd.dw[1] |= FIELD_PREP(CMD_TLBI_1_TG, TLBI_TG_4K);
    }
    *ipa += (num << scale) * PAGE_SIZE;
    *pages -= num << scale;
    return cmd;
}

/* ---- events ---- */

/* What a record's type means, and what else stands in it. */
static const struct event_type {
    u8 type;
    u8 kind;      /* enum iommu_fault_kind */
    bool address; /* InputAddr and RnW are there */
} event_types[] = {
    { EVT_F_UUT, IOMMU_FAULT_OTHER, true },
    { EVT_C_BAD_STREAMID, IOMMU_FAULT_STREAM, false },
    { EVT_F_STE_FETCH, IOMMU_FAULT_WALK, false },
    { EVT_C_BAD_STE, IOMMU_FAULT_STREAM, false },
    { EVT_F_TRANSL_FORBIDDEN, IOMMU_FAULT_OTHER, true },
    { EVT_F_WALK_EABT, IOMMU_FAULT_WALK, true },
    { EVT_F_TRANSLATION, IOMMU_FAULT_TRANSLATION, true },
    { EVT_F_ADDR_SIZE, IOMMU_FAULT_SIZE, true },
    { EVT_F_ACCESS, IOMMU_FAULT_ACCESS, true },
    { EVT_F_PERMISSION, IOMMU_FAULT_PERMISSION, true },
    { EVT_F_TLB_CONFLICT, IOMMU_FAULT_OTHER, true },
};

static struct event_type event_type(u8 type)
{
    struct event_type other = { type, IOMMU_FAULT_OTHER, false };

    for (u32 i = 0; i < ARRAY_SIZE(event_types); i++)
        if (event_types[i].type == type)
            return event_types[i];
    return other;
}

void smmuv3_event_decode(const u64 raw[4], struct iommu_fault *out)
{
    struct event_type e = event_type((u8)FIELD_GET(EVT_0_TYPE, raw[0]));

    *out = (struct iommu_fault){ .kind = e.kind, .type = e.type, .has_stream = true };
    out->stream = (u32)FIELD_GET(EVT_0_SID, raw[0]);
    if (e.address) {
        out->has_address = true;
        out->write = !(raw[1] & EVT_1_RNW);
        /* InputAddr: with stage 1 off it is the IPA, and unlike dword 3 it is exact. */
        out->ipa = raw[2];
    }
    memcpy(out->raw, raw, sizeof(out->raw));
}
