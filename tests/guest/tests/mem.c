/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM and device tree of the guest: all memory that the tree promises is there, and the tree holds
 * what Linux likes to find.
 */
#include "cpu.h"
#include "fdt.h"

static bool is_own(uintptr_t at)
{
    uintptr_t image = (uintptr_t)image_head;
    uintptr_t end = (uintptr_t)_image_end;

    return (at >= (image & ~0xfffUL) && at < end) ||
           (at >= (fdt_base() & ~0xfffUL) && at < fdt_base() + fdt_size());
}

/* Write every page's own address into it, then read all of it back. */
static void test_bank(uint64_t base, uint64_t size)
{
    uint64_t wrong = 0;
    uint64_t pages = 0;

    for (uint64_t at = base; at < base + size; at += 4096) {
        if (!is_own(at)) {
            mmio_write64(at, at ^ 0x5a5a5a5aUL);
            mmio_write64(at + 4088, ~at);
            pages++;
        }
    }
    for (uint64_t at = base; at < base + size; at += 4096) {
        if (!is_own(at)) {
            wrong += mmio_read64(at) != (at ^ 0x5a5a5a5aUL) ? 1 : 0;
            wrong += mmio_read64(at + 4088) != ~at ? 1 : 0;
        }
    }
    ok(wrong == 0, "RAM 0x%lx + 0x%lx: %lu pages hold what was written (%lu wrong)", base, size,
       pages, wrong);
}

static void test_ram(void)
{
    unsigned int banks = 0;
    uint64_t base;
    uint64_t size;

    for (; fdt_ram(banks, &base, &size); banks++) {
        test_bank(base, size);
    }
    ok(banks > 0, "%u banks of RAM", banks);
}

static void test_unaligned(void)
{
    static uint8_t buffer[64];
    uint64_t value = 0;
    struct fault fault;

    for (unsigned int i = 0; i < sizeof(buffer); i++) {
        buffer[i] = (uint8_t)i;
    }
    fault = guarded(__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(buffer + 3) : "memory"));
    ok(!fault.taken && value == 0x0a09080706050403UL, "unaligned load: 0x%lx", value);
    fault = guarded(__asm__ volatile("dc zva, %0" ::"r"(((uintptr_t)buffer + 63) & ~63UL)
                                     : "memory"));
    ok(!fault.taken, "DC ZVA on RAM");
}

static void test_mmu_toggle(void)
{
    uint64_t sctlr = read_sysreg(sctlr_el1);

    for (unsigned int i = 0; i < 4; i++) {
        write_sysreg(sctlr & ~(BIT(0) | BIT(2) | BIT(12)), sctlr_el1);
        isb();
        write_sysreg(sctlr, sctlr_el1);
        isb();
    }
    ok(read_sysreg(sctlr_el1) == sctlr, "MMU and caches off and on");
}

void test_mem(void)
{
    test_ram();
    test_unaligned();
    test_mmu_toggle();
}

static void check_seed(const char *name, size_t least)
{
    size_t size = 0;
    const uint8_t *value = fdt_prop(fdt_path("/chosen"), name, &size);
    unsigned int bits = 0;

    for (size_t i = 0; value != NULL && i < size; i++) {
        bits |= value[i];
    }
    if (ok(value != NULL && size >= least && bits != 0, "/chosen/%s: %lu bytes", name, size)) {
        print("# SEED %s ", name);
        for (size_t i = 0; i < size; i++) {
            print("%02x", value[i]);
        }
        print("\n");
    }
}

static void test_cpus(void)
{
    int parent = fdt_path("/cpus");
    unsigned int good = 0;
    const char *compatible = NULL;

    for (int node = fdt_child(parent, -1); node >= 0; node = fdt_child(parent, node)) {
        const char *method = fdt_text(node, "enable-method");

        if (strncmp(fdt_name(node), "cpu@", 4) != 0) {
            continue;
        }
        compatible = fdt_text(node, "compatible");
        good += compatible != NULL && (method == NULL || strcmp(method, "psci") == 0) ? 1 : 0;
    }
    ok(good == smp_count() && good > 0, "%u cpu nodes, compatible %s", good,
       compatible != NULL ? compatible : "(none)");
    ok(cpus[0].mpidr == (read_sysreg(mpidr_el1) & 0xff00ffffffUL), "cpu@0: reg is MPIDR 0x%lx",
       read_sysreg(mpidr_el1));
}

void test_tree(void)
{
    int chosen = fdt_path("/chosen");
    int timer = fdt_compatible("arm,armv8-timer");
    int psci = fdt_path("/psci");
    size_t size;

    ok(fdt_text(chosen, "stdout-path") != NULL, "/chosen/stdout-path = %s",
       fdt_text(chosen, "stdout-path"));
    ok(fdt_text(chosen, "bootargs") != NULL, "/chosen/bootargs");
    check_seed("rng-seed", 32);
    check_seed("kaslr-seed", 8);
    test_cpus();
    ok(fdt_prop(timer, "interrupts", &size) != NULL && size >= 36, "timer: interrupts");
    ok(fdt_text(psci, "method") != NULL, "/psci: method %s", fdt_text(psci, "method"));
    ok(fdt_is_compatible(psci, "arm,psci-1.0") || fdt_is_compatible(psci, "arm,psci-0.2"),
       "/psci: compatible %s", fdt_text(psci, "compatible"));
    ok(fdt_cell(0, "interrupt-parent", 0, 0) != 0 || fdt_cell(timer, "interrupt-parent", 0, 0) != 0,
       "interrupt-parent");
    ok(fdt_base() % 8 == 0, "tree at 0x%lx, %lu bytes", fdt_base(), fdt_size());
}
