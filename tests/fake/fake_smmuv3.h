/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_SMMUV3_H
#define FAKE_SMMUV3_H

#include <corbel/iommu_ops.h>
#include <corbel/types.h>

/*
 * A model of one SMMUv3 at register level, behaving as QEMU's does where the architecture leaves
 * a choice. It reads stream tables, queues and translation tables from fake RAM (non-coherent:
 * from a memory of its own that only cleaning fills), caches entries, level-1 descriptors and
 * translations until told to forget, and asserts what software must not do: move a queue or table
 * that is in use, make an entry visible before its contents, free a table that is still cached,
 * write an illegal entry.
 */
#define FAKE_SMMU_REGS     0x7f000000ul
#define FAKE_SMMU_COMMANDS 4096u

struct fake_smmu_cmd {
    u64 dw[2];
};

extern struct fake_smmu {
    /* The part; fake_smmu_init() gives QEMU's virt-10.0. */
    u32 idr0, idr1, idr3, idr5;
    /* Defects. */
    bool gbpa_stuck, irq_stuck;
    u32 cr0_stuck;     /* bits that CR0ACK never shows, nor lets go of */
    u32 cmd_budget;    /* commands that it will still consume; ~0: no end */
    u32 cmd_per_poll;  /* not at once: so many at each look at CONS */
    u32 ill_in;        /* the n-th command from now is refused; 0: none */
    u32 abt_in;        /* likewise, it cannot be fetched once */
    bool fatal;        /* a refused command is the end: service failure mode */
    bool overflow_bit; /* a full event queue sets OVFLG, not GERROR */
    /* Registers, as far as software sees them. */
    u32 cr0, cr0ack, cr1, cr2, gbpa, irq_ctrl, gerror, gerrorn, strtab_cfg;
    u32 cmdq_prod, cmdq_cons, evtq_prod, evtq_cons;
    u64 strtab_base, cmdq_base, evtq_base;
    /* What happened. */
    struct fake_smmu_cmd cmds[FAKE_SMMU_COMMANDS]; /* consumed, in order */
    u32 cmd_count;
    u32 event_pulses, gerror_pulses, events_dropped;
    u64 pages_used;    /* of fake_smmu_mem */
    s32 alloc_fail_at; /* countdown to a failing alloc; -1: never */
    /* VMIDs that a visible entry may translate with; 0 ends. Checked at each barrier. */
    u16 vmids[4];
} fake_smmu;

/* Reset: fresh fake RAM, hooks installed. */
void fake_smmu_init(void);
void fake_smmu_exit(void);

/* An SMMU that uses the model; its priv is static. */
struct iommu *fake_smmu_iommu(void);
extern const struct iommu_mem fake_smmu_mem;

/* Pages of fake RAM for translation tables; never given back. */
void *fake_smmu_page(u32 order);

/* One transaction: true and where it went, or false, and what it recorded is in the queue. */
bool fake_smmu_dma(u32 stream, u64 ipa, bool write, u64 *pa);

/* Put a record into the event queue as the SMMU would. */
void fake_smmu_event(const u64 dw[4]);

/* Raise a global error. */
void fake_smmu_gerror(u32 bit);

#endif
