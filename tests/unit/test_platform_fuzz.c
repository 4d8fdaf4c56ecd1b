/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged trees: a good blob with bytes flipped by a fixed sequence of random
 * numbers. Whatever fdtr_check() lets pass, reading the platform must end, stay
 * inside the blob (a heap block of its exact size) and leave counts in bounds.
 */
#include <corbel/bits.h>
#include <corbel/devclass.h>
#include <corbel/iommu_map.h>
#include <corbel/mem_range.h>

#include "machines.h"

#define ROUNDS 7500 /* each anywhere and in the structure, of each machine */

static u64 random_state;

/* xorshift64: the same sequence on every host. */
static u32 random_next(u32 below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (u32)(random_state >> 32) % below;
}

static void check_bounds(void)
{
    static struct mem_range free_list[512];
    u64 end_before = 0;
    u32 count;
    u32 i;

    assert_true(p.bank_count <= PLATFORM_BANKS_MAX);
    assert_true(p.reserved_count <= PLATFORM_RESERVED_MAX);
    assert_true(p.module_count <= PLATFORM_MODULES_MAX);
    assert_true(p.no_map_count <= PLATFORM_NO_MAP_MAX);
    assert_true(p.hidden_count <= PLATFORM_HIDDEN_MAX);
    assert_true(p.static_count <= PLATFORM_STATIC_MAX);
    assert_true(p.static_heap_count <= PLATFORM_HEAP_MAX);
    for (i = 0; i < p.static_count; i++)
        assert_true(mem_range_inside_any(p.banks, p.bank_count, &p.statics[i].range));
    assert_true(p.iommu_count <= PLATFORM_IOMMU_MAX);
    for (i = 0; i < p.iommu_count; i++) {
        assert_true(p.iommus[i].irq_count <= PLATFORM_IOMMU_IRQS && p.iommus[i].regs.size > 0);
        assert_true(strnlen(p.iommus[i].path, sizeof(p.iommus[i].path)) < sizeof(p.iommus[i].path));
    }
    assert_true(p.cpu_count <= MAX_CPUS);
    assert_true(p.gic.gicr_count <= PLATFORM_GICR_MAX);
    assert_true(p.rng_seed_len <= sizeof(p.rng_seed));
    assert_true(strnlen(p.notes, sizeof(p.notes)) < sizeof(p.notes));
    assert_true(strnlen(p.uart.path, sizeof(p.uart.path)) < sizeof(p.uart.path));

    count = platform_free_ranges(&p, NULL, free_list, 512);
    for (i = 0; i < count; i++) {
        assert_true(free_list[i].size > 0 && free_list[i].size % PAGE_SIZE == 0);
        assert_true(free_list[i].base >= end_before && free_list[i].base % PAGE_SIZE == 0);
        end_before = free_list[i].base + free_list[i].size;
    }
}

static void check_streams(int at)
{
    struct iommu_map_entry entries[8];
    struct iommu_map_result result;

    if (iommu_map_node(&p, at, entries, ARRAY_SIZE(entries), &result) != CORBEL_OK) {
        assert_non_null(result.property);
        return;
    }
    assert_true(result.count <= ARRAY_SIZE(entries));
    for (u32 i = 0; i < result.count; i++) {
        assert_true(entries[i].iommu < p.iommu_count && entries[i].stream.count > 0);
        assert_true((u64)entries[i].stream.first + entries[i].stream.count <= BIT(32));
    }
}

/* The readers that platform.c does not call on every node. */
static void read_every_node(const void *blob)
{
    struct fdtr_irq irq;
    char path[24];
    int depth = -1;
    int at;
    u64 base;
    u64 size;
    u64 limit;

    for (at = fdtr_next_node(blob, -1, &depth); at >= 0; at = fdtr_next_node(blob, at, &depth)) {
        (void)!fdtr_irq(blob, at, 1, &irq);
        (void)!fdtr_reg_cpu(blob, at, 1, &base, &size);
        if (fdtr_has(blob, at, "dma-ranges"))
            (void)!hostmap_dma_limit(&p, at, &limit);
        check_streams(at);
        assert_true(strlen(fdtr_path_of(blob, at, path, sizeof(path))) < sizeof(path));
        assert_int_equal(fdtr_path(blob, "serial0") < 0, fdtr_path(blob, "serial0/") < 0);
    }
}

static u32 fuzz(const u8 *good, u32 size, u32 first, u32 last)
{
    u32 passed = 0;
    u32 round;

    for (round = 0; round < ROUNDS; round++) {
        u8 *blob = malloc(size);
        u32 flips = 1 + random_next(4);

        memcpy(blob, good, size);
        while (flips--)
            blob[first + random_next(last - first)] ^= (u8)(1 + random_next(255));
        if (fdtr_check(blob, size) == CORBEL_OK) {
            platform_from_fdt(&p, blob);
            check_bounds();
            if (round % 16 == 0)
                read_every_node(blob);
            passed++;
        }
        free(blob);
    }
    return passed;
}

static void fuzz_machine(void)
{
    u8 *good = tree_take();
    u32 size = fdtr_total_size(good);
    u32 structure = fdt_off_dt_struct(good);

    random_state = 0x9e3779b97f4a7c15ull;
    /* Anywhere, header and strings included; then only the structure block. */
    (void)fuzz(good, size, 0, size);
    assert_true(fuzz(good, size, structure, structure + fdt_size_dt_struct(good)) > ROUNDS / 10);
}

static void damaged_virt(void **state)
{
    virt_machine(true);
    add_reserve(0x44000000, 0x1000);
    fuzz_machine();
}

/* Memory that the tree gives away, in each of its forms. */
static void damaged_static_memory(void **state)
{
    virt_machine(false);
    set_cells("/chosen", "xen,static-heap", 0, 0x70000000, 0, 0x10000000, 0, 0x50000000, 0,
              0x10000000);
    set_cells("/chosen/domU1", "xen,static-mem", 0, 0x60000000, 0, 0x1000000, 0, 0x80000000, 0,
              0x1000);
    set_cells("/chosen/domU1", "#xen,static-mem-address-cells", 2);
    set_cells("/chosen/domU1", "#xen,static-mem-size-cells", 2);
    add_node("/chosen/domU1", "shm");
    set_list("/chosen/domU1/shm", "compatible", "xen,domain-shared-memory-v1");
    set_list("/chosen/domU1/shm", "xen,shm-id", "id");
    set_cells("/chosen/domU1/shm", "xen,shared-mem", 0, 0x72000000, 0, 0, 0, 0x10000);
    add_node("/", "reserved-memory");
    add_node("/reserved-memory", "sram");
    set_cells("/reserved-memory/sram", "reg", 0, 0xa0000000, 0, 0x100000);
    tree_ok(fdt_setprop(tree_room, tree_at("/reserved-memory/sram"), "no-map", "", 0));
    add_node("/", "bus");
    add_node("/bus", "smmu");
    set_list("/bus/smmu", "compatible", "arm,smmu-v3");
    set_cells("/bus/smmu", "reg", 0, 0x9050000, 0, 0x20000);
    tree_ok(fdt_setprop(tree_room, tree_at("/bus"), "ranges", "", 0));
    set_cells("/bus", "dma-ranges", 0, 0, 0, 0, 0, 0xc0000000);
    fuzz_machine();
}

/* SMMUs of both kinds, and devices behind them by each binding. */
static void damaged_smmus(void **state)
{
    virt_machine(false);
    add_node("/", "smmu3");
    set_list("/smmu3", "compatible", "arm,smmu-v3");
    set_cells("/smmu3", "reg", 0, 0x9050000, 0, 0x20000);
    set_cells("/smmu3", "interrupts", 0, 74, 1, 0, 75, 1, 0, 76, 1, 0, 77, 1);
    set_list("/smmu3", "interrupt-names", "eventq\0priq\0cmdq-sync\0gerror");
    set_cells("/smmu3", "#iommu-cells", 1);
    set_cells("/smmu3", "phandle", 3);
    add_node("/", "smmu2");
    set_list("/smmu2", "compatible", "arm,mmu-500");
    set_cells("/smmu2", "reg", 0, 0x9090000, 0, 0x20000);
    set_cells("/smmu2", "#iommu-cells", 2);
    set_cells("/smmu2", "phandle", 2);
    set_cells("/smmu2", "mmu-masters", 4, 1, 2, 5, 3);
    add_node("/", "eth");
    set_cells("/eth", "phandle", 4);
    set_cells("/eth", "#stream-id-cells", 2);
    set_cells("/eth", "iommus", 3, 0x10, 2, 0x20, 0x1f, 3, 0x11);
    add_node("/", "pcie");
    set_cells("/pcie", "phandle", 5);
    set_cells("/pcie", "#stream-id-cells", 1);
    set_list("/pcie", "device_type", "pci");
    set_cells("/pcie", "bus-range", 0, 0xff);
    set_cells("/pcie", "iommu-map-mask", 0xffff);
    set_cells("/pcie", "iommu-map", 0, 3, 0, 0x100, 0x100, 2, 0x1000, 0xff00);
    fuzz_machine();
}

static void damaged_raspi(void **state)
{
    raspi_machine();
    fuzz_machine();
}

/* Cut at every length, with a total size that says so: the tree ends in the middle. */
static void trees_cut_short(void **state)
{
    const u8 *good;
    u32 size;
    u32 cut;

    virt_machine(false);
    good = tree_take();
    size = fdtr_total_size(good);
    for (cut = 0; cut < size; cut++) {
        u8 *blob = malloc(cut ? cut : 1);

        memcpy(blob, good, cut);
        assert_int_equal(fdtr_check(blob, cut), ERR_FORMAT);
        if (cut >= 8) {
            fdt_set_totalsize(blob, cut);
            if (fdtr_check(blob, cut) == CORBEL_OK) {
                platform_from_fdt(&p, blob);
                check_bounds();
            }
        }
        free(blob);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_virt),    cmocka_unit_test(damaged_static_memory),
        cmocka_unit_test(damaged_smmus),   cmocka_unit_test(damaged_raspi),
        cmocka_unit_test(trees_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, tree_free);
}
