/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_IOMMU_OPS_H
#define CORBEL_IOMMU_OPS_H

#include <arch/spinlock.h>
#include <arch/stage2.h>
#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * The seam between SMMU drivers (drivers/iommu/) and their user (common/iommu.c). A driver
 * knows registers, queues and stream tables; it knows no domain, takes no lock and keeps no
 * policy. The core holds u->lock (RANK_SMMU) in every call, unless stated otherwise.
 */

/* What an SMMU can do, by its ID registers; set by probe. */
struct iommu_caps {
    u8 ipa_bits;        /* widest stage-2 input of the 4 KiB granule that it walks */
    u8 pa_bits;         /* output size: OAS */
    u8 vmid_bits;       /* 8 or 16 */
    u8 stream_bits;     /* stream IDs are below 1 << this */
    u8 bbm_level;       /* 0 to 2: how a block may change its size (Arm ARM D8.16.1; IDR3.BBML) */
    bool coherent;      /* its table walks and queue accesses snoop the CPUs' caches */
    bool range_inv;     /* has range invalidation */
    u32 contexts;       /* domains that may be attached at once; 0: no limit */
    const char *detail; /* for the boot log, e.g. "2-level stream table"; static text or NULL */
};

/*
 * Streams of one master. count consecutive IDs from first; or, where the SMMU matches by mask
 * (v1, v2), count is 1 and mask has the bits of the ID that are not compared.
 */
struct iommu_stream {
    u32 first, count;
    u32 mask;
};

enum iommu_fault_kind {
    IOMMU_FAULT_TRANSLATION, /* nothing mapped there */
    IOMMU_FAULT_PERMISSION,  /* mapped, but not for this */
    IOMMU_FAULT_ACCESS,      /* access flag clear: never, in our tables */
    IOMMU_FAULT_SIZE,        /* input or output address out of range */
    IOMMU_FAULT_WALK,        /* external abort on a table walk */
    IOMMU_FAULT_STREAM,      /* a stream that belongs to nobody: no valid table entry, no match */
    IOMMU_FAULT_GLOBAL,      /* the SMMU itself: command or queue error, external abort; raw says */
    IOMMU_FAULT_LOST,        /* records were dropped since the queue was full */
    IOMMU_FAULT_OTHER,
    IOMMU_FAULT_KINDS
};

/* One record of an SMMU, decoded. */
struct iommu_fault {
    u8 kind; /* enum iommu_fault_kind */
    bool has_stream, has_address;
    bool write; /* else a read */
    u32 stream;
    u64 ipa;    /* input address, to the byte where the SMMU gives it so */
    u32 type;   /* the SMMU's own number: event type, FSR */
    u64 raw[4]; /* as it came, for reports */
};

/* Counted by drivers; shown by the debug key. */
struct iommu_stats {
    u64 commands; /* queue commands or TLB register writes */
    u64 syncs;
    u64 faults; /* records taken */
};

struct iommu;

/* Where a driver's tables and queues come from: zeroed, EL2-mapped, physically contiguous. */
struct iommu_mem {
    void *(*alloc)(u64 size, u64 align); /* whole pages; NULL: none left */
    void (*free)(void *ptr, u64 size);
};

/*
 * Errors of all functions: ERR_TIMEDOUT, ERR_IO: the hardware did not do it; the caller must
 * treat what the streams may reach as lost. Others as stated. *why: a static text, short.
 */
struct iommu_ops {
    const char *name; /* "SMMUv3" */
    u64 priv_size;    /* bytes of u->priv, allocated zeroed by the core */

    /*
     * Read the ID registers into u->caps; make every stream abort (and whatever the firmware
     * left behind stop), without needing memory. ERR_NOTSUP: cannot do what is needed.
     */
    enum corbel_err (*probe)(struct iommu *u, const char **why);

    /* Tables, queues, interrupts on; from now on streams without attach() abort, recorded. */
    enum corbel_err (*start)(struct iommu *u, const char **why);

    /* Not driven: streams abort, or (bypass) pass untranslated. Also after a failed start. */
    void (*set_bypass)(struct iommu *u, bool bypass);

    /*
     * The streams walk s2's tables from now on, all commands done; s2 NULL: they pass
     * untranslated. s2 stays where it is until detach. An entry is never visible half-written.
     * ERR_EXIST: attached already; ERR_RANGE: no such stream ID; ERR_INVAL: a mask or a count
     * that this SMMU does not know; ERR_NOTSUP: it cannot walk such tables; ERR_NOMEM: no memory,
     * no free stream-match register or context bank. *why says.
     */
    enum corbel_err (*attach)(struct iommu *u, const struct iommu_stream *s,
                              const struct stage2 *s2, const char **why);

    /*
     * The streams abort from now on; when it returns, no transaction of theirs that began
     * before is still under way. quiet: refuse without records (quarantine; s may be one stream
     * of an attached range). ERR_NOENT: not attached, or in quarantine already. ERR_NOMEM, only
     * for a part of what one attach() named: nothing changed.
     */
    enum corbel_err (*detach)(struct iommu *u, const struct iommu_stream *s, bool quiet);

    /* Forget translations of that VMID; done, in all of the SMMU, when it returns. */
    enum corbel_err (*invalidate)(struct iommu *u, u16 vmid, const struct stage2_inval *inv);

    /* Take the oldest fault record; false: none. Acknowledges errors of the SMMU as it goes. */
    bool (*next_fault)(struct iommu *u, struct iommu_fault *out);

    /*
     * Forget all fault records that wait, without reading each: how many. What the SMMU reports
     * about itself stays for next_fault().
     */
    u32 (*drop_faults)(struct iommu *u);

    /* Whether faults raise the interrupt. While they do not, records pile up or are dropped. */
    void (*set_fault_irq)(struct iommu *u, bool on);
};

/* One SMMU of the machine. */
struct iommu {
    const struct iommu_ops *ops;
    const struct platform_iommu *desc;
    const struct iommu_mem *mem;
    spinlock_t lock; /* RANK_SMMU */
    uintptr_t regs;  /* EL2 address of desc->regs */
    struct iommu_caps caps;
    struct iommu_stats stats;
    void *priv; /* the driver's */
    bool driven;
};

#endif
