/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DRIVERS_IOMMU_SMMUV3_PRIV_H
#define DRIVERS_IOMMU_SMMUV3_PRIV_H

#include <arch/stage2.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/iommu_ops.h>
#include <corbel/types.h>
#include <hw/smmuv3.h>

/*
 * What the files of the SMMUv3 driver share: smmuv3_enc.c (pure), smmuv3_queue.c,
 * smmuv3_strtab.c, smmuv3.c. All but the encoders run under u->lock.
 */
struct smmuv3_cmd {
    u64 dw[2];
};

struct smmuv3_ste {
    u64 dw[8];
};

/* A circular queue: prod and cons have a wrap bit above the index, as in the registers. */
struct smmuv3_queue {
    u64 *base;
    u8 log2; /* entries */
    u32 prod, cons;
};

/*
 * The stream table. Two levels: l1 has a descriptor per span of 1 << split streams; retired is
 * room for as many descriptors, of tables that the SMMU may still read. Else linear, one span.
 */
struct smmuv3_strtab {
    u64 *l1, *retired;
    struct smmuv3_ste *linear;
    u8 split, log2;
};

struct smmuv3 {
    struct smmuv3_queue cmdq, evtq;
    struct smmuv3_strtab strtab;
    enum corbel_err cmd_err; /* of the batch under way */
    bool stuck;              /* a SYNC timed out, and the queue has not moved on since */
    bool lost;               /* the event queue overflowed: to be reported */
    u32 overflow;            /* SMMU_QUEUE_OVFLG as last acknowledged */
    u32 gerror;              /* bits that were active: to be reported */
    u64 gerror_raw[4];       /* GERROR's active bits, CMDQ_CONS, the command that failed */
    u32 cr0_safe;            /* SMMU_CR0_ATSCHK where there is ATS */
    bool has_el2, has_msi;
};

/* ---- smmuv3_enc.c: numbers in, numbers out ---- */

/* Stage 2 on s2's tables. coherent false: walks are not cacheable, whatever VTCR says. */
struct smmuv3_ste smmuv3_ste_s2(const struct stage2 *s2, bool coherent);
struct smmuv3_ste smmuv3_ste_bypass(void);
struct smmuv3_ste smmuv3_ste_abort(void);

/* Level-1 descriptor of a level-2 table of 1 << split entries. */
u64 smmuv3_l1_desc(pa_t l2, u8 split);

/* CFGI_STE or CFGI_STE_RANGE for the largest aligned block that starts at *sid; moves on. */
struct smmuv3_cmd smmuv3_cmd_cfgi_next(u32 *sid, u32 *count);
struct smmuv3_cmd smmuv3_cmd_cfgi_all(void);

/*
 * TLBI_S2_IPA: one address; or as many pages as one range command takes so that a range is done
 * in the fewest, moving *ipa and *pages on. A page that is left alone goes without a range.
 */
struct smmuv3_cmd smmuv3_cmd_tlbi_ipa(u16 vmid, u64 ipa);
struct smmuv3_cmd smmuv3_cmd_tlbi_next(u16 vmid, u64 *ipa, u64 *pages);
struct smmuv3_cmd smmuv3_cmd_tlbi_vmid(u16 vmid);

/* A command that is an opcode only: CMD_OP_SYNC (no signal: CONS tells), _NSNH_ALL, _EL2_ALL. */
struct smmuv3_cmd smmuv3_cmd_plain(u8 op);

/* One event record. */
void smmuv3_event_decode(const u64 raw[4], struct iommu_fault *out);

/* ---- smmuv3_queue.c ---- */

/* Take memory for both queues. ERR_NOMEM. */
enum corbel_err smmuv3_queues_alloc(struct iommu *u, u8 cmdq_log2, u8 evtq_log2) __must_check;
void smmuv3_queues_free(struct iommu *u);

/* What *_BASE says of a queue. */
u64 smmuv3_queue_base(const struct smmuv3_queue *q);

/* Append a command to the batch; errors wait for smmuv3_cmd_sync(). Takes room by waiting. */
void smmuv3_cmd_add(struct iommu *u, struct smmuv3_cmd cmd);

/*
 * End the batch with CMD_SYNC and wait until it is done. ERR_TIMEDOUT; ERR_IO: a command was
 * refused. After a timeout nothing waits again before the queue has run empty.
 */
enum corbel_err smmuv3_cmd_sync(struct iommu *u) __must_check;

/*
 * Look at GERROR: repair the command queue (false: and what failed cannot be repaired),
 * acknowledge, note for smmuv3_gerror_next(). True: nothing stands in the way of commands.
 */
bool smmuv3_gerror_take(struct iommu *u);

/* Oldest record of the event queue, or what befell the queue or the SMMU; false: nothing. */
bool smmuv3_fault_next(struct iommu *u, struct iommu_fault *out);

/* Records that wait are passed over; returns how many. The SMMU's own errors stay. */
u32 smmuv3_faults_drop(struct iommu *u);

/* ---- smmuv3_strtab.c ---- */

/* Choose the format for so many bits of stream ID; returns how many it covers. */
u8 smmuv3_strtab_format(struct smmuv3_strtab *t, u8 sidsize, bool two_levels);

/* An empty table: every stream is refused and recorded. ERR_NOMEM. */
enum corbel_err smmuv3_strtab_alloc(struct iommu *u) __must_check;
void smmuv3_strtab_free(struct iommu *u);

/* Registers' view: STRTAB_BASE, STRTAB_BASE_CFG. */
u64 smmuv3_strtab_base(const struct iommu *u);
u32 smmuv3_strtab_cfg(const struct iommu *u);

/* How many of the streams have a valid entry; open: and one that lets something pass. */
u32 smmuv3_strtab_count(const struct iommu *u, u32 first, u32 count, bool open);

/*
 * Give the streams this entry, with all invalidations. Valid entries may become abort or
 * invalid; only invalid ones may become others. ERR_NOMEM: nothing changed.
 */
enum corbel_err smmuv3_strtab_set(struct iommu *u, u32 first, u32 count,
                                  const struct smmuv3_ste *ste) __must_check;

/* ---- for all: memory as the SMMU sees it ---- */

/* Zeroed pages that the SMMU reaches; NULL: none. Freed by u->mem->free(). */
void *smmuv3_alloc(const struct iommu *u, u64 size, u64 align);

/* What was written to [va, va + size) is visible to the SMMU before anything written later. */
void smmuv3_publish(const struct iommu *u, const void *va, size_t size);

#endif
