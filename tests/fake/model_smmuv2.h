/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_SMMUV2_H
#define MODEL_SMMUV2_H

#include <corbel/types.h>
#include <hw/smmuv2.h>

/*
 * An SMMU of architecture version 1 or 2 as seen through its registers (IHI 0062): it walks real
 * stage-2 tables in fake RAM (fake_mmu.h), keeps what it walked in a TLB and a cache of tables,
 * and drops it only when it is told to AND a sync has ended. Faults go to its fault registers.
 * What no driver may do is counted in violations, the first one named.
 */
#define MODEL_TLB_SIZE 256u

struct model_smmuv2_config {
    bool v1, indexing, page64, s1_only, no_va64, no_aarch32, exids, vmid16, cttw, mmu500;
    bool firmware; /* left by a firmware: a live stream, a bank, faults, a stalled transaction */
    u8 numpagendxb, numcb, numsmrg, numsidb, numirpt;
    u8 ias, oas;           /* as in IDR2 */
    u8 id_bits, mask_bits; /* of SMR that exist */
    u8 major;              /* IDR7 */
};

struct model_smmuv2_bank {
    u32 sctlr, actlr, tcr, fsr, fsynr0, cbar, cba2r, cbfrsynra;
    u64 ttbr0, far;
};

struct model_smmuv2_entry {
    bool valid, table; /* a leaf, or (table) where the next table is */
    bool doomed;       /* invalidated; gone after the next sync */
    u8 level;          /* of the descriptor */
    u16 vmid;
    u64 ipa, size;
    u64 desc;
};

struct model_smmuv2 {
    struct model_smmuv2_config c;
    uintptr_t base;
    u64 size; /* bytes of registers */
    u32 cr0, acr, gfsr, gfsynr0, gfsynr1;
    u64 gfar;
    u32 smr[SMMU_MAPS_MAX], s2cr[SMMU_MAPS_MAX];
    struct model_smmuv2_bank bank[SMMU_BANKS_MAX];
    struct model_smmuv2_entry tlb[MODEL_TLB_SIZE];
    u32 tlb_next;
    bool sync_active;
    u32 sync_reads; /* status reads until the sync ends */
    bool hang;      /* syncs do not end */
    u32 tlbi_vmid, tlbi_all, tlbi_ipa, tlbi_ipa_last, syncs, resumes;
    u32 violations;
    char violation[128]; /* the first */
};

enum model_result { MODEL_TRANSLATED, MODEL_PASSED, MODEL_ABORTED };

/* Reset to what registers hold after power-on; from now on fake_io is this model at m->base. */
void model_smmuv2_init(struct model_smmuv2 *m, const struct model_smmuv2_config *c);

/* ZynqMP's: MMU-500 r2, 16 banks, 48 groups, 15-bit stream IDs. */
extern const struct model_smmuv2_config model_mmu500;
/* 8 banks, 32 groups, version 1, 40 bits. */
extern const struct model_smmuv2_config model_mmu400;

/* A transaction of a device. *pa is set unless it is aborted. */
enum model_result model_smmuv2_access(struct model_smmuv2 *m, u32 stream, u64 addr, bool write,
                                      u64 *pa);

/* Are interrupt lines up: the global one, that of a bank? */
bool model_smmuv2_global_irq(const struct model_smmuv2 *m);
bool model_smmuv2_bank_irq(const struct model_smmuv2 *m, u32 bank);

#endif
