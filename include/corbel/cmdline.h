/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_CMDLINE_H
#define CORBEL_CMDLINE_H

#include <corbel/types.h>

/*
 * Boot options (requirements A5), parsed from the command line by a pure function.
 * Unknown words are collected in unknown[] and named once in the log.
 */
struct boot_options {
    char dtuart[128];
    bool console_dtuart; /* console=dtuart (default) */
    u8 loglvl;           /* enum log_level, hypervisor messages */
    u8 guest_loglvl;     /* enum log_level, lines caused by guests */
    u8 sched;            /* enum sched_policy */
    bool vwfi_native;
    bool bootscrub; /* bootscrub=1|0, yes/no/on/off; default 1 as Xen */
    bool sync_console;
    bool p2m_report;     /* corbel,p2m-report */
    u64 dom0_mem;        /* KiB, 0: not given; K, M, G suffixes */
    u32 dom0_max_vcpus;  /* 0: not given */
    bool iommu_off;      /* iommu=off (no, false, 0): SMMUs are left alone, DMA is not confined */
    bool iommu_unshared; /* iommu=no-sharept: SMMUs get tables of their own */
    bool iommu_no_inval; /* iommu=debug-no-inval, debug builds: tests see what it would break */
    u32 max_cpus;        /* maxcpus=, 0: all */
    char unknown[256];
    char bad[256]; /* options known, with a value that is not: "sched=foo: expected ..." */
};

void cmdline_parse(const char *line, struct boot_options *out);

#endif
