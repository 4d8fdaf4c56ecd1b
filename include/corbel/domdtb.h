/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_DOMDTB_H
#define CORBEL_DOMDTB_H

#include <corbel/addrmap.h>
#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/passdt.h>
#include <corbel/types.h>

/*
 * The guest's device tree, one function per node: root (compatible, model),
 * chosen (bootargs, initrd, stdout-path, rng-seed, kaslr-seed), memory,
 * reserved-memory (static shared memory), cpus, psci, timer, pmu, GIC, vPL011,
 * watchdog, then aliases and passthrough of the partial tree. Pure: same input, same bytes.
 */
struct domdtb_input {
    const struct domcfg *cfg;
    const struct platform *platform;
    const struct addrmap *map;
    const struct passdt *pass;    /* NULL, or no tree in it: none */
    u64 initrd_start, initrd_end; /* 0: none */
    const u8 *seed;               /* 64 + 8 bytes from the DRBG: rng-seed, kaslr-seed; or NULL */
    u64 vcpu_mpidr[MAX_VCPUS];    /* only the affinity fields count */
    u32 cpu_count;
    u32 vuart_intid;     /* an SPI */
    u32 wdt_intid;       /* likewise */
    bool pmu;            /* its CPUs have performance monitors */
    bool pmu_interrupts; /* VPMU_INTID says when they overflow */
};
#define DOMDTB_RNG_SEED_SIZE   64u
#define DOMDTB_KASLR_SEED_SIZE 8u
#define DOMDTB_SEED_SIZE       (DOMDTB_RNG_SEED_SIZE + DOMDTB_KASLR_SEED_SIZE)

/* Upper bound of the size for these inputs. */
u32 domdtb_size_max(const struct domdtb_input *in);

/*
 * Write into buf; *total = size. ERR_NOMEM if it does not fit: then *failed is the
 * path of the node that was being written, kept in buf itself. ERR_INVAL: a tree that does not
 * come from passdt_parse().
 */
enum corbel_err domdtb_write(const struct domdtb_input *in, void *buf, u32 size, u32 *total,
                             const char **failed) __must_check;

/*
 * Byte offsets of the values of rng-seed and kaslr-seed in a tree that domdtb_write() made with a
 * seed: DOMDTB_RNG_SEED_SIZE and DOMDTB_KASLR_SEED_SIZE bytes that may be overwritten.
 */
void domdtb_find_seeds(const void *dtb, u32 at[2]);

#endif
