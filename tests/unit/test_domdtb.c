/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's tree, read back with libfdt and by dtc, for both GICs and at the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <corbel/domdtb.h>
#include <libfdt.h>

static struct domcfg cfg;
static struct platform host;
static struct addrmap map;
static struct domdtb_input in;
static struct cfg_error error;
static u8 seed[DOMDTB_SEED_SIZE];
static u64 buf[8192];
static u32 total;
static const char *failed;

static void prepare(u8 gic, u64 memory, u32 cpus)
{
    memset(&cfg, 0, sizeof(cfg));
    memset(&host, 0, sizeof(host));
    memset(&in, 0, sizeof(in));
    cfg.memory = memory;
    cfg.cpus = cpus;
    cfg.vpl011 = true;
    strcpy(cfg.bootargs, "console=ttyAMA0");
    host.gic.version = gic;
    strcpy(host.cpus[0].compatible, "arm,cortex-a57");
    addrmap_init(&map);
    assert_int_equal(addrmap_add_xen_layout(&map, &cfg, &host.gic, &error), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    for (u32 i = 0; i < sizeof(seed); i++)
        seed[i] = (u8)(i * 7 + 1);
    in.cfg = &cfg;
    in.platform = &host;
    in.map = &map;
    in.initrd_start = 0x48200000;
    in.initrd_end = 0x482f0cb3;
    in.seed = seed;
    in.cpu_count = cpus;
    in.vuart_intid = 32;
    for (u32 i = 0; i < cpus; i++)
        in.vcpu_mpidr[i] = 0x80000000 | (i / 16) << 8 | i % 16;
}

static void write_tree(void)
{
    u32 size = domdtb_size_max(&in);

    assert_true(size <= sizeof(buf));
    memset(buf, 0xaa, sizeof(buf));
    assert_int_equal(domdtb_write(&in, buf, size, &total, &failed), CORBEL_OK);
    assert_true(total <= size);
    assert_int_equal(fdt_check_full(buf, total), 0);
}

static void check_prop(const char *path, const char *name, const void *data, int len)
{
    int node = fdt_path_offset(buf, path);
    int got = 0;
    const void *prop;

    if (node < 0)
        fail_msg("no node %s", path);
    prop = fdt_getprop(buf, node, name, &got);
    if (!prop)
        fail_msg("no property %s in %s", name, path);
    assert_int_equal(got, len);
    assert_memory_equal(prop, data, (size_t)len);
}

static void check_string(const char *path, const char *name, const char *text)
{
    check_prop(path, name, text, (int)strlen(text) + 1);
}

static void check_cells(const char *path, const char *name, int count, ...)
{
    fdt32_t cells[16];
    va_list ap;

    va_start(ap, count);
    for (int i = 0; i < count; i++)
        cells[i] = cpu_to_fdt32(va_arg(ap, u32));
    va_end(ap);
    check_prop(path, name, cells, count * 4);
}

static void check_absent(const char *path, const char *name)
{
    int node = fdt_path_offset(buf, path);

    assert_true(node < 0 || !name || !fdt_getprop(buf, node, name, NULL));
}

/* dtc must have nothing to say about it, not even a warning. */
static void check_with_dtc(void)
{
    char path[] = "/tmp/corbel-domdtb-XXXXXX";
    char command[96], said[512] = "";
    int fd;
    FILE *pipe;

    if (system("command -v dtc >/dev/null") != 0)
        return;
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, buf, total), total);
    close(fd);
    snprintf(command, sizeof(command), "dtc -I dtb -O dts -o /dev/null %s 2>&1", path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    (void)!fread(said, 1, sizeof(said) - 1, pipe);
    assert_int_equal(pclose(pipe), 0);
    unlink(path);
    assert_string_equal(said, "");
}

static void test_gicv3_tree(void **state)
{
    u32 at[2];

    prepare(GIC_V3, SZ_1G, 2);
    host.timer.clock_frequency = 62500000;
    write_tree();
    check_prop("/", "compatible", "corbel,domu\0linux,dummy-virt", 29);
    check_string("/", "model", "Corbel domU");
    check_cells("/", "interrupt-parent", 1, 1);
    check_string("/chosen", "bootargs", "console=ttyAMA0");
    check_string("/chosen", "stdout-path", "/serial@22000000");
    check_cells("/chosen", "linux,initrd-start", 2, 0, 0x48200000);
    check_cells("/chosen", "linux,initrd-end", 2, 0, 0x482f0cb3);
    check_prop("/chosen", "rng-seed", seed, 64);
    check_prop("/chosen", "kaslr-seed", seed + 64, 8);
    domdtb_find_seeds(buf, at);
    assert_memory_equal((const u8 *)buf + at[0], seed, DOMDTB_RNG_SEED_SIZE);
    assert_memory_equal((const u8 *)buf + at[1], seed + DOMDTB_RNG_SEED_SIZE,
                        DOMDTB_KASLR_SEED_SIZE);
    check_string("/memory@40000000", "device_type", "memory");
    check_cells("/memory@40000000", "reg", 4, 0, 0x40000000, 0, 0x40000000);
    check_absent("/memory@200000000", NULL);
    check_cells("/cpus", "#address-cells", 1, 1);
    check_cells("/cpus", "#size-cells", 1, 0);
    check_string("/cpus/cpu@1", "compatible", "arm,cortex-a57");
    check_string("/cpus/cpu@1", "enable-method", "psci");
    check_cells("/cpus/cpu@1", "reg", 1, 1);
    check_prop("/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
    check_string("/psci", "method", "hvc");
    check_string("/timer", "compatible", "arm,armv8-timer");
    check_cells("/timer", "interrupts", 12, 1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8);
    check_cells("/timer", "clock-frequency", 1, 62500000);
    check_string("/interrupt-controller@3001000", "compatible", "arm,gic-v3");
    check_cells("/interrupt-controller@3001000", "reg", 8, 0, 0x3001000, 0, 0x10000, 0, 0x3020000,
                0, 0x40000);
    check_cells("/interrupt-controller@3001000", "phandle", 1, 1);
    check_cells("/interrupt-controller@3001000", "#interrupt-cells", 1, 3);
    check_string("/serial@22000000", "compatible", "arm,sbsa-uart");
    check_cells("/serial@22000000", "reg", 4, 0, 0x22000000, 0, 0x1000);
    check_cells("/serial@22000000", "interrupts", 3, 0, 0, 4);
    check_cells("/serial@22000000", "current-speed", 1, 115200);
    check_with_dtc();
}

static void test_gicv2_tree(void **state)
{
    prepare(GIC_V2, 4 * SZ_1G, 8);
    host.cpus[0].compatible[0] = '\0';
    in.vuart_intid = 33;
    write_tree();
    check_cells("/memory@40000000", "reg", 4, 0, 0x40000000, 0, 0xc0000000);
    check_cells("/memory@200000000", "reg", 4, 2, 0, 0, 0x40000000);
    check_string("/cpus/cpu@7", "compatible", "arm,armv8");
    check_cells("/timer", "interrupts", 12, 1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08, 1, 10, 0xf08);
    check_absent("/timer", "clock-frequency");
    check_prop("/interrupt-controller@3001000", "compatible", "arm,gic-400\0arm,cortex-a15-gic",
               31);
    check_cells("/interrupt-controller@3001000", "reg", 8, 0, 0x3001000, 0, 0x1000, 0, 0x3002000, 0,
                0x2000);
    check_absent("/interrupt-controller@3001000", "#redistributor-regions");
    check_cells("/serial@22000000", "interrupts", 3, 0, 1, 4);
    check_with_dtc();
}

static void test_watchdogs(void **state)
{
    prepare(GIC_V3, SZ_1G, 1);
    write_tree();
    check_absent("/watchdog", NULL);
    cfg.watchdog = WATCHDOG_SBSA;
    addrmap_init(&map);
    assert_int_equal(addrmap_add_xen_layout(&map, &cfg, &host.gic, &error), CORBEL_OK);
    assert_int_equal(addrmap_add_watchdog(&map, &cfg, &error), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    in.wdt_intid = 35;
    write_tree();
    check_string("/watchdog@10000", "compatible", "arm,sbsa-gwdt");
    check_cells("/watchdog@10000", "reg", 8, 0, 0x10000, 0, 0x1000, 0, 0x20000, 0, 0x1000);
    check_cells("/watchdog@10000", "interrupts", 3, 0, 3, 4);
    check_absent("/watchdog", "arm,smc-id");
    check_with_dtc();
    prepare(GIC_V2, SZ_1G, 1);
    cfg.watchdog = WATCHDOG_SMC;
    write_tree();
    check_string("/watchdog", "compatible", "arm,smc-wdt");
    check_cells("/watchdog", "arm,smc-id", 1, 0x82003d06);
    check_cells("/watchdog", "timeout-sec", 1, 10);
    check_with_dtc();
}

static void test_pmu(void **state)
{
    prepare(GIC_V3, SZ_1G, 1);
    write_tree();
    check_absent("/pmu", NULL);

    in.pmu = true;
    write_tree();
    check_string("/pmu", "compatible", "arm,armv8-pmuv3");
    check_absent("/pmu", "interrupts");

    in.pmu_interrupts = true;
    strcpy(host.pmu.compatible, "arm,armv8-pmuv3"); /* not twice */
    write_tree();
    check_string("/pmu", "compatible", "arm,armv8-pmuv3");
    check_cells("/pmu", "interrupts", 3, 1, 7, 4);
    check_with_dtc();

    memset(host.pmu.compatible, 'x', sizeof(host.pmu.compatible) - 1); /* the longest there is */
    write_tree();
    check_with_dtc();
    prepare(GIC_V2, SZ_1G, 1);
    in.pmu = in.pmu_interrupts = true;
    strcpy(host.pmu.compatible, "arm,cortex-a72-pmu");
    write_tree();
    check_prop("/pmu", "compatible", "arm,cortex-a72-pmu\0arm,armv8-pmuv3", 35);
    check_cells("/pmu", "interrupts", 3, 1, 7, 0xf04);
    check_with_dtc();
}

static void test_bare_tree(void **state)
{
    prepare(GIC_V3, SZ_1G, 1);
    cfg.vpl011 = false;
    cfg.bootargs[0] = '\0';
    addrmap_init(&map);
    assert_int_equal(addrmap_add_xen_layout(&map, &cfg, &host.gic, &error), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    in.initrd_start = in.initrd_end = 0;
    in.seed = NULL;
    write_tree();
    check_absent("/serial@22000000", NULL);
    check_absent("/chosen", "stdout-path");
    check_absent("/chosen", "linux,initrd-start");
    check_absent("/chosen", "rng-seed");
    check_absent("/chosen", "kaslr-seed");
    check_string("/chosen", "bootargs", "");
    check_with_dtc();
}

/* Aff3 needs two cells; bits of VMPIDR that are no affinity stay out. */
static void test_wide_mpidr(void **state)
{
    prepare(GIC_V3, SZ_1G, 2);
    in.vcpu_mpidr[1] = 0x01c1000102;
    write_tree();
    check_cells("/cpus", "#address-cells", 1, 2);
    check_cells("/cpus/cpu@0", "reg", 2, 0, 0);
    check_cells("/cpus/cpu@100000102", "reg", 2, 1, 0x102);
    check_with_dtc();
}

static void test_largest_tree(void **state)
{
    prepare(GIC_V3, 1019ull * SZ_1G, MAX_VCPUS);
    memset(cfg.bootargs, 'x', sizeof(cfg.bootargs) - 1);
    memset(host.cpus[0].compatible, 'y', sizeof(host.cpus[0].compatible) - 1);
    for (u32 i = 0; i < MAX_VCPUS; i++)
        in.vcpu_mpidr[i] = 0xff00ffff00 + i;
    write_tree();
    check_with_dtc();
}

static void test_same_input_same_bytes(void **state)
{
    static u64 copy[8192];
    u32 size;

    prepare(GIC_V3, SZ_1G, 4);
    write_tree();
    memcpy(copy, buf, total);
    size = total;
    write_tree();
    assert_int_equal(total, size);
    assert_memory_equal(copy, buf, size);
}

/* Each size that is too small: an error that names a node, and no byte beyond the buffer. */
static void test_too_small(void **state)
{
    prepare(GIC_V3, SZ_1G, 2);
    write_tree();
    for (u32 size = 0; size < total; size += 8) {
        u64 *small = malloc(size + (size == 0));
        u32 unused;

        assert_int_not_equal(domdtb_write(&in, small, size, &unused, &failed), CORBEL_OK);
        assert_int_equal(failed[0], '/');
        free(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gicv3_tree),   cmocka_unit_test(test_gicv2_tree),
        cmocka_unit_test(test_bare_tree),    cmocka_unit_test(test_wide_mpidr),
        cmocka_unit_test(test_largest_tree), cmocka_unit_test(test_same_input_same_bytes),
        cmocka_unit_test(test_too_small),    cmocka_unit_test(test_watchdogs),
        cmocka_unit_test(test_pmu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
