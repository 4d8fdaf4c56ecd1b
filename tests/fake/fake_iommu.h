/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_IOMMU_H
#define FAKE_IOMMU_H

#include <corbel/domain.h>
#include <corbel/iommu_ops.h>
#include <corbel/p2m.h>
#include <corbel/plan.h>
#include <corbel/platform.h>
#include <corbel/types.h>

/*
 * For common/iommu*.c: SMMUs that keep a list of what is attached and a queue of fault
 * records, and the domains, p2m and interrupts around them. Each call of a driver asserts
 * that the SMMU's lock is held, each call of the p2m that it is not.
 */
#define FAKE_IOMMUS  3u
#define FAKE_DOMAINS 3u
#define FAKE_QUEUE   4096u
#define FAKE_REGS    0x09050000ull /* of SMMU 0; the others follow in 128 KiB */
#define FAKE_INTID   106u          /* of SMMU 0; the others in steps of 4 */

struct fake_iommu {
    struct iommu_caps caps; /* what probe finds */
    enum corbel_err probe_err, start_err;
    const char *why; /* of those two */
    bool probed, started, irq_on, passes;
    u32 probed_as; /* 1, 2, ..: order of probe and start calls over all SMMUs */
    u32 started_as;
    struct {
        struct iommu_stream stream;
        const struct stage2 *s2;
    } attached[64];
    u32 attached_count;
    struct iommu_stream quiet[8];
    u32 quiet_count;
    struct iommu_fault queue[FAKE_QUEUE];
    u32 head, tail;
    u32 taken, dropped;                            /* records */
    s32 fail_attach, fail_detach, fail_invalidate; /* calls until one fails; -1: none */
    enum corbel_err fail_with;
    u32 invalidates;
    u16 last_vmid;
    struct stage2_inval last_inv;
};

extern struct fake_iommu fake_iommus[FAKE_IOMMUS];
extern struct iommu_ops fake_iommu_ops;
extern struct platform fake_platform;
extern struct domain fake_domains[FAKE_DOMAINS];
extern u32 fake_domain_count;
extern u32 fake_shutdowns[FAKE_DOMAINS]; /* calls of domain_shutdown() with SHUTDOWN_CRASH */
extern u32 fake_woken;                   /* calls of sched_wake() */
extern u32 fake_lost;                    /* calls of p2m_set_lost() */
extern u32 fake_walkers[FAKE_DOMAINS];   /* by p2m_io_attached() and p2m_io_detached() */
extern u8 fake_limit_ipa, fake_limit_pa; /* stage2_limit(); 0: not called */
extern struct p2m_near fake_near;
extern struct stage2_map fake_map; /* what p2m_lookup() finds; size 0: nothing */
extern bool fake_no_driver, fake_no_memory;
extern u32 fake_irq_requests, fake_irq_edges;
extern u64 fake_irqs_off; /* by irq_mask(); bit: INTID less FAKE_INTID */

/* SMMUs and domains as if the tree had them, nothing attached; the log is empty. */
void fake_iommu_setup(u32 iommus, u32 domains);

/* Device and streams for a domain: SMMU index, first stream, count; what protects it. */
void fake_give(struct domain *d, u32 iommu, u32 first, u32 count, u8 protection);

/* What a device does: a record in the queue, lost when it is full. */
void fake_fault(u32 iommu, u8 kind, u32 stream, bool write, u64 ipa);

/* The log since the last call, with NUL; whether it has text; how many lines. */
const char *fake_log_text(void);
u32 fake_log_lines(const char *log);

#endif
