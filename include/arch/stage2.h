/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_STAGE2_H
#define ARCH_STAGE2_H

#include <arch/stage2_inval.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/s2policy.h>
#include <corbel/types.h>

struct vcpu;

/*
 * A guest's translation tables: wrappers of the one walker (pgtable.c) that know VTTBR/VTCR and
 * the TLB rules, and nothing of policy, ownership or locks: those are common/p2m.c's, the caller.
 */

/* Where table pages come from: the domain's pool. alloc returns a zeroed page or NULL. */
struct stage2_pool {
    void *(*alloc)(void *ctx);
    void (*free)(void *ctx, void *page);
    void *ctx;
};

/* How a live block may be split into smaller entries that say the same. */
enum stage2_split_mode {
    STAGE2_SPLIT_BREAK,  /* break before make: walkers may fault meanwhile (no DMA, or it waits) */
    STAGE2_SPLIT_LEVEL2, /* no invalid moment: CPU and all SMMUs have BBM level 2 */
    STAGE2_SPLIT_REFUSE, /* ERR_BUSY: DMA may be under way, and there is no other way */
};

struct stage2 {
    void *root; /* EL2 address of the first of 1 << root_order concatenated root pages */
    u8 root_order;
    u8 start_level; /* 0..2 */
    u8 ipa_bits;    /* T0SZ = 64 - ipa_bits */
    u16 vmid;
    u64 vttbr, vtcr; /* as loaded; the SMMU copies their fields */
    const struct stage2_pool *pool;
    const struct stage2_walkers *walkers; /* NULL: only CPUs walk */
    u8 split;    /* enum stage2_split_mode, set by p2m.c before each change */
    bool no_cpu; /* CPUs never walk these (unshared SMMU tables): walkers only */
    bool clean;  /* a walker does not snoop: entries and tables are cleaned to the PoC */
    bool lost;   /* an invalidation failed: what was mapped may be reached for ever */
};

/* One contiguous range with one leaf attribute set (s2policy.h); all of it 4 KiB aligned. */
struct stage2_map {
    ipa_t ipa;
    pa_t pa;
    u64 size;
    struct s2_attr attr;
    bool pages; /* map single pages even where blocks fit: it will change page by page */
};

/* Number of root pages needed for ipa_bits (concatenation, decision 17); start level in *level. */
u32 stage2_root_pages(u8 ipa_bits, u8 *level);

/* Largest IPA size in bits that every CPU and SMMU of this host can walk (at most 48). */
u8 stage2_ipa_bits_max(void);

/*
 * Lower the limits to what SMMUs can do: ipa_bits for stage2_ipa_bits_max(), pa_bits for the
 * output size (VTCR_EL2.PS, which the SMMU copies). Both at most 48 (longer needs FEAT_LPA2
 * descriptors); calls add up. Boot CPU, before the first stage2_init().
 */
void stage2_limit(u8 ipa_bits, u8 pa_bits);

/* FEAT_BBM of all CPUs: 0 to 2. */
u8 stage2_bbm_level(void);

/* Bits of VMID that every CPU has (8 or 16). */
u8 stage2_vmid_bits(void);

/* root: zeroed pages, aligned to their total size. ipa_bits: 32..stage2_ipa_bits_max(). */
enum corbel_err stage2_init(struct stage2 *s2, u8 ipa_bits, u16 vmid, void *root,
                            const struct stage2_pool *pool) __must_check;

/*
 * Map, replacing what is there, with break-before-make where an entry was live. All or
 * nothing: ERR_NOMEM (pool), ERR_BUSY (a live block would have to be split, and s2->split says
 * REFUSE) and ERR_RANGE (beyond ipa_bits or VTCR_EL2.PS) leave the old map as it was. Uses
 * 1 GiB and 2 MiB blocks wherever ipa, pa and size allow; tables are not joined to blocks again
 * unless split says BREAK.
 *
 * The exception, here and in all changes below: an error of s2->walkers (ERR_TIMEDOUT, ERR_IO)
 * sets s2->lost and ends the operation as it is; the entry that was being changed stays
 * invalid, and table pages that were in use never go back to the pool.
 */
enum corbel_err stage2_map(struct stage2 *s2, const struct stage2_map *map) __must_check;

/* Unmap; holes are fine. Splits blocks that are partly covered. Empty tables go to the pool. */
enum corbel_err stage2_unmap(struct stage2 *s2, ipa_t ipa, u64 size) __must_check;

/*
 * Split the block that reaches across ipa, if there is one: the map stays the same,
 * and an unmap of pieces that end there needs no pages. ERR_NOMEM, ERR_BUSY: nothing changed.
 */
enum corbel_err stage2_split(struct stage2 *s2, ipa_t ipa) __must_check;

/* Look one IPA up in the tables. ERR_NOENT when nothing is mapped; *out gives the whole leaf. */
enum corbel_err stage2_lookup(const struct stage2 *s2, ipa_t ipa, struct stage2_map *out)
    __must_check;

/* First leaf that ends above ipa / last one that starts below it, for reports. ERR_NOENT. */
enum corbel_err stage2_next(const struct stage2 *s2, ipa_t ipa, struct stage2_map *out)
    __must_check;
enum corbel_err stage2_prev(const struct stage2 *s2, ipa_t ipa, struct stage2_map *out)
    __must_check;

/* Table pages a map of these ranges would take (dry run, root not counted). */
u32 stage2_pages_needed(u8 ipa_bits, const struct stage2_map *maps, u32 count);

/*
 * Drop every table page but the root, clear the root; TLBI VMALLS12E1IS for the VMID, and all
 * of it in the walkers. After an error of theirs (s2->lost) root and tables stay allocated.
 */
enum corbel_err stage2_destroy(struct stage2 *s2) __must_check;

/* TLBI VMALLS12E1IS for this VMID (VMID reuse), and all of it in the walkers. */
enum corbel_err stage2_flush_all(struct stage2 *s2) __must_check;

/* Write VTTBR_EL2/VTCR_EL2 of this CPU (with the speculative-AT rules), ISB. */
void stage2_load(const struct stage2 *s2);

/* This CPU holds no guest any more: VTTBR_EL2 leaves tables that may be freed next. */
void stage2_unload(void);

/*
 * AT S12E1R under s2 with stage 1 off, on this CPU, which holds no guest (nor afterwards): the
 * memory type that a guest would meet at ipa; attr as in MAIR, sh as in descriptors. False:
 * it could not read there.
 */
bool stage2_probe(const struct stage2 *s2, ipa_t ipa, u8 *attr, u8 *sh);

/* TLBI VMALLE1, local: another vCPU of the same VMID ran here (decision 18). */
void stage2_flush_local(void);

/* TLBI VMALLS12E1, local: after a TLB conflict abort, which a split by BBM level 2 may cause. */
void stage2_flush_vmid_local(void);

/*
 * AT S1E1R under the guest now loaded: gva -> ipa. False when stage 1 refuses. Serves
 * accesses from EL0 as well: what EL0 may read, EL1 may, and AT S1E1R knows no PAN. And writes:
 * what may be written may be read, even if hardware would have to set its dirty state first.
 */
bool stage2_translate_s1(u64 gva, ipa_t *out);

#endif
