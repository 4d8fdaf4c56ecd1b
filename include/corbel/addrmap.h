/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_ADDRMAP_H
#define CORBEL_ADDRMAP_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/s2policy.h>
#include <corbel/types.h>

struct passdt;

/*
 * The address-map solver: places every guest-physical range of a domain. Knows
 * fixed ranges (Xen's guest layout, native addresses, xen,reg) and floating ones,
 * rejects each overlap naming both, and prints the table. Pure; also linked into
 * the host checker.
 */
#define ADDRMAP_MAX      224u /* 32 banks, 48 regions in 3 parts, 8 shared, 32 kept out, 8 others */
#define ADDRMAP_BITS_MAX 52u  /* of an address; no machine and no stage 2 has more */

enum addrmap_kind {
    MAP_RAM,
    MAP_GICD,
    MAP_GICR,
    MAP_GICC,
    MAP_VUART,
    MAP_GNTTAB,
    MAP_DEVICE,
    MAP_SHMEM,
    MAP_SRAM,
    MAP_VWDT,     /* the frames of the virtual watchdog (vwdt.h) */
    MAP_MSI,      /* the GICv2m frame of an assigned PCIe root complex, one or more pages */
    MAP_KEEP_OUT, /* not there for the guest: floating ranges go elsewhere; dropped when solved */
};

struct addrmap_entry {
    u64 base, size;
    u8 kind;       /* enum addrmap_kind */
    u8 cls;        /* enum s2_class for mapped ranges */
    bool floating; /* base to be chosen */
    bool trapped;  /* MAP_DEVICE: not a whole page; EL2 forwards accesses, nothing is mapped */
    u64 align;     /* for floating ranges */
    u64 pa;        /* host address of it; MAP_DEVICE, _SRAM, RAM 1:1, _SHMEM (0: from allocator) */
    char what[24]; /* "RAM bank 0", "GICD", ... */
};

struct addrmap {
    struct addrmap_entry entries[ADDRMAP_MAX]; /* sorted by base once solved */
    u32 count;
    u8 ipa_bits;   /* smallest that holds it all, >= 32 */
    char path[96]; /* the domain's node, in front of each refusal; "": "address map" */
};

void addrmap_init(struct addrmap *map);

/* Refusals name this node of the host tree from now on. */
void addrmap_set_path(struct addrmap *map, const void *fdt, int node);

/*
 * ERR_NOMEM: full, ERR_INVAL: no size or an align that is no power of two, ERR_RANGE: the end
 * is beyond 64 bits. The second form writes the refusal, too; the third does nothing else.
 */
enum corbel_err addrmap_add(struct addrmap *map, const struct addrmap_entry *entry) __must_check;
enum corbel_err addrmap_add_named(struct addrmap *map, const struct addrmap_entry *entry,
                                  struct cfg_error *e) __must_check;
void addrmap_refuse(const struct addrmap *map, const struct addrmap_entry *entry,
                    const char *expected, struct cfg_error *e);

/*
 * Place floating entries, check overlaps and limit (1 << max_bits), drop what is kept out,
 * sort; e names the clash. Ranges consist of whole pages but the trapped ones: several of those
 * may be in one page. MAP_KEEP_OUT is for floating ranges only: fixed ones may lie in it, it
 * may be anywhere and does not count for ipa_bits. ERR_INVAL, ERR_RANGE, ERR_EXIST.
 */
enum corbel_err addrmap_solve(struct addrmap *map, u8 max_bits, struct cfg_error *e) __must_check;

const struct addrmap_entry *addrmap_find(const struct addrmap *map, enum addrmap_kind kind,
                                         u32 nth);

/* One line per entry for logs and the checker; index 0.. until false. */
bool addrmap_line(const struct addrmap *map, u32 index, char *buf, size_t size);

/*
 * Xen's guest layout (public/arch-arm.h, facts): GICv2 GICD 0x03001000/4K GICC 0x03002000/8K;
 * GICv3 GICD 0x03001000/64K GICR 0x03020000/128K each; vPL011 0x22000000/4K SPI 32 (INTID 32);
 * RAM0 0x40000000 up to 3 GiB, RAM1 0x200000000 up to 1016 GiB; grant table 0x38000000/16M.
 */
enum corbel_err addrmap_add_xen_layout(struct addrmap *map, const struct domcfg *cfg,
                                       const struct platform_gic *gic, struct cfg_error *e)
    __must_check;

/*
 * The layout of a direct-map domain: RAM banks (host ranges, sorted) at their own addresses,
 * the GIC at the host's: GICD, GICC (8 KiB) or, of the first GICR region, one frame per vCPU;
 * ERR_INVAL when that has fewer frames than vCPUs. vPL011 at the host UART's page where *uart
 * has whole pages (size 0: none), else floating. Host RAM is kept out for all that floats.
 * Sets the map's path. common/addrmap_native.c, as are the next two.
 */
struct addrmap_native {
    const struct platform *platform;
    const struct mem_range *banks;
    u32 bank_count;
    struct mem_range uart;
};
enum corbel_err addrmap_add_native_layout(struct addrmap *map, const struct domcfg *cfg,
                                          const struct addrmap_native *native, struct cfg_error *e)
    __must_check;

/*
 * The regions of given devices at their guest addresses: whole pages to be mapped, what is
 * less (head, tail, or all of it) trapped; memory (S2_SRAM) has no such parts. ERR_INVAL,
 * ERR_RANGE, ERR_NOMEM with the refusal in e.
 */
enum corbel_err addrmap_add_device(struct addrmap *map, const struct passdt *pass,
                                   struct cfg_error *e) __must_check;

/*
 * The GICv2m frame of an assigned root complex, if there is one: at the host's address (native),
 * as direct-map domains have everything, else floating.
 */
enum corbel_err addrmap_add_msi(struct addrmap *map, const struct passdt *pass, bool native,
                                struct cfg_error *e) __must_check;

/* The frames of the generic watchdog, if the domain has one: wherever there is room. */
enum corbel_err addrmap_add_watchdog(struct addrmap *map, const struct domcfg *cfg,
                                     struct cfg_error *e) __must_check;

/* Static shared memory at its guest addresses; read-only where this domain borrows it so. */
enum corbel_err addrmap_add_shm(struct addrmap *map, const struct domcfg *cfg, struct cfg_error *e)
    __must_check;

#endif
