/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_CHECK_SHOW_H
#define CORBEL_CHECK_SHOW_H

#include "check.h"

/* What both reports say of things: words for numbers. Pure. */

/* How an address range of a domain is backed. */
struct show_entry {
    const char
        *how; /* "mapped", "emulated" (traps to an emulator), "forwarded" (device, in part) */
    const char *cls;  /* "RAM", "MMIO", ...; NULL when nothing is mapped */
    const char *attr; /* stage-2 memory type; NULL likewise */
    char access[4];   /* "rwx", "rw-"; "" likewise */
    bool has_host;
    u64 host;
};

struct show_entry show_entry(const struct platform *p, const struct plan *plan,
                             const struct addrmap_entry *e);

/* Is this module the first of the machine's with its range? Several domains may share one. */
bool show_module_is_new(const struct platform *p, u32 index);

/* "kernel", "ramdisk", ... */
const char *show_module_kind(u8 kind);
const char *show_uart_kind(u8 kind);

/* "SMMUv1" ...; what becomes of a device's DMA: "smmu", "bypass", "none", "no-dma". */
const char *show_iommu_kind(u8 kind);
const char *show_protection(u8 protection);

/* Words of the domain's policy, as in the tree. */
const char *show_dma_policy(u8 policy);
const char *show_action(u8 action);
const char *show_watchdog(u8 watchdog);

/* The parts of "node: property = value: expected what"; what is not there is "". */
struct show_refusal {
    char node[200], property[200], value[200], expected[200];
};
void show_refusal(const char *line, struct show_refusal *out);

#endif
