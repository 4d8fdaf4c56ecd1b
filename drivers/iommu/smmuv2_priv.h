/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_IOMMU_SMMUV2_PRIV_H
#define DRIVERS_IOMMU_SMMUV2_PRIV_H

#include <arch/io.h>
#include <corbel/compiler.h>
#include <corbel/iommu_ops.h>
#include <hw/smmuv2.h>

/* What the files of the SMMUv1/v2 driver share; their tests may look in, nobody else does. */
#define SMMUV2_NO_BANK 0xffu

enum smmuv2_map_state { SMMUV2_MAP_FREE, SMMUV2_MAP_ATTACHED, SMMUV2_MAP_QUIET };

/* A stream mapping register group, as written. The streams are those that id matches by mask. */
struct smmuv2_map {
    u8 state; /* enum smmuv2_map_state */
    u8 bank;  /* SMMUV2_NO_BANK: bypass, or (quiet) a recorded fault for want of a bank */
    u16 id, mask;
};

/* A lost bank is never used again: what its tables gave away may still be under way. */
enum smmuv2_bank_state { SMMUV2_BANK_FREE, SMMUV2_BANK_USED, SMMUV2_BANK_SINK, SMMUV2_BANK_LOST };

struct smmuv2_bank {
    u8 state;   /* enum smmuv2_bank_state */
    bool stale; /* a stream left: its VMID's translations are to be dropped */
    u16 vmid;
    u16 users; /* stream mapping groups that lead here */
    u64 ttbr;
};

/* u->priv */
struct smmuv2 {
    u32 page_shift; /* of the registers' pages: 12 or 16 */
    u32 bank_base;  /* offset of bank 0 */
    u32 map_count, bank_count;
    u32 irq_count;          /* v1: context interrupts, shared by all banks */
    u32 next_bank;          /* where next_fault() looks first */
    u32 cr0;                /* without the interrupt enables */
    u16 id_bits, mask_bits; /* bits that SMR.ID and SMR.MASK have */
    u16 sink_vmid;          /* no domain's */
    bool v2, va64, matching, exids, vmid16, mmu500;
    bool irqs;  /* faults interrupt */
    bool stuck; /* a TLB sync has not come to its end */
    bool lost;  /* a dropped fault is to be told */
    u32 lost_type;
    void *sink_root; /* an empty table, for streams that are refused in silence */
    struct smmuv2_map maps[SMMU_MAPS_MAX];
    struct smmuv2_bank banks[SMMU_BANKS_MAX];
};

/* Streams of one struct iommu_stream, as a match. */
struct smmuv2_match {
    u16 id, mask;
};

/* ---- pure: smmuv2_encode.c ---- */

/* Address bits by a size field of IDR2 or VTCR_EL2.PS; values that are reserved mean 48. */
u8 smmuv2_size_bits(u64 field);

/* CR0 of an SMMU whose streams abort unless mapped; interrupts off. */
u32 smmuv2_cr0(bool exids, bool vmid16);

u32 smmuv2_smr(u16 id, u16 mask, bool exids);
u32 smmuv2_s2cr(u8 type, u8 bank, bool exid_valid);

/* Stage 2 only. irptndx: v1. A 16-bit VMID (vmid16) goes to CBA2R. */
u32 smmuv2_cbar(u16 vmid, bool vmid16, u8 irptndx);
u32 smmuv2_cba2r(u16 vmid, bool vmid16, bool va64);

/*
 * TCR for tables of this VTCR_EL2 (4 KiB granule). Without va64 the AArch32 long format: T0SZ in
 * 5 bits and no PS; its descriptors are the same. A walker that is not coherent reads uncached.
 */
u32 smmuv2_tcr(u64 vtcr, bool va64, bool coherent);

/* SCTLR of a bank that translates; faults terminate, and others go on meanwhile. */
u32 smmuv2_sctlr(bool irq);

/* enum iommu_fault_kind of a bank's FSR / of GFSR. */
u8 smmuv2_fsr_kind(u32 fsr);
u8 smmuv2_gfsr_kind(u32 gfsr);

/* Do two matches have a stream in common? Is every stream of inner one of outer's? */
bool smmuv2_match_overlap(const struct smmuv2_match *a, const struct smmuv2_match *b);
bool smmuv2_match_inside(const struct smmuv2_match *outer, const struct smmuv2_match *inner);

/* ---- TLB: smmuv2_tlb.c. Commands are only sent; sync waits for all: ERR_TIMEDOUT ---- */

void smmuv2_tlb_all(struct iommu *u);
void smmuv2_tlb_vmid(struct iommu *u, u16 vmid);
enum corbel_err smmuv2_tlb_sync(struct iommu *u) __must_check;
enum corbel_err smmuv2_invalidate(struct iommu *u, u16 vmid, const struct stage2_inval *inv);

/* ---- context banks: smmuv2_bank.c ---- */

/* The bank for these tables, another user of it or a new one. ERR_NOMEM: all are taken. */
enum corbel_err smmuv2_bank_get(struct iommu *u, const struct stage2 *s2, u8 *bank,
                                const char **why) __must_check;

/* The bank that refuses without interrupts; SMMUV2_NO_BANK when there is none. */
u8 smmuv2_bank_sink(struct iommu *u);

/* One user less. The bank works on until smmuv2_bank_sweep(). */
void smmuv2_bank_put(struct iommu *u, u8 bank);

/*
 * Drop what is cached of banks that lost users, wait for what is under way, turn off those that
 * have no user left. ERR_TIMEDOUT: they are lost.
 */
enum corbel_err smmuv2_bank_sweep(struct iommu *u) __must_check;

/* Its fault forgotten, a stalled transaction terminated. What FSR was. */
u32 smmuv2_bank_clear(struct iommu *u, u32 bank);

/* Off, and cleared. No stream may lead there, nor be under way: it would pass untranslated. */
void smmuv2_bank_off(struct iommu *u, u32 bank);

/* ---- the others of struct iommu_ops: smmuv2_streams.c, smmuv2_fault.c ---- */

enum corbel_err smmuv2_attach(struct iommu *u, const struct iommu_stream *s,
                              const struct stage2 *s2, const char **why);
enum corbel_err smmuv2_detach(struct iommu *u, const struct iommu_stream *s, bool quiet);
bool smmuv2_next_fault(struct iommu *u, struct iommu_fault *out);
u32 smmuv2_drop_faults(struct iommu *u);
void smmuv2_set_fault_irq(struct iommu *u, bool on);

/* Every stream mapping group invalid, every S2CR to fault. */
void smmuv2_maps_reset(struct iommu *u);

/* ---- registers ---- */

static inline struct smmuv2 *smmuv2_of(const struct iommu *u)
{
    return u->priv;
}

static inline u32 smmuv2_gr1(const struct iommu *u, u32 offset)
{
    return (1u << smmuv2_of(u)->page_shift) + offset;
}

static inline u32 smmuv2_cb(const struct iommu *u, u32 bank, u32 offset)
{
    return smmuv2_of(u)->bank_base + (bank << smmuv2_of(u)->page_shift) + offset;
}

#endif
