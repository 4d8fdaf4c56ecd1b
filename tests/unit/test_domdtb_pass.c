/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's tree with assigned devices and shared memory: what is copied, what is left out. */
#include "pass_tree.h"

#include <corbel/domdtb.h>

static struct domcfg cfg;
static struct addrmap map;
static struct domdtb_input in;
static u64 guest[PASSDT_SIZE_MAX / 4];
static u32 total;

static void write_guest(void)
{
    const char *failed;
    u32 size;

    memset(&in, 0, sizeof(in));
    in.cfg = &cfg;
    in.platform = &host;
    in.map = &map;
    in.pass = &pass;
    in.cpu_count = 1;
    in.vuart_intid = 33;
    size = domdtb_size_max(&in);
    assert_true(size <= sizeof(guest));
    memset(guest, 0xaa, size);
    assert_int_equal(domdtb_write(&in, guest, size, &total, &failed), CORBEL_OK);
    assert_true(total <= size);
    assert_int_equal(fdt_check_full(guest, total), 0);
}

static int guest_setup(void **state)
{
    pass_setup(state);
    host.gic.version = GIC_V3;
    memset(&cfg, 0, sizeof(cfg));
    memset(&pass, 0, sizeof(pass));
    cfg.memory = SZ_1G;
    cfg.cpus = 1;
    cfg.vpl011 = true;
    addrmap_init(&map);
    assert_int_equal(addrmap_add_xen_layout(&map, &cfg, &host.gic, &error), CORBEL_OK);
    assert_int_equal(addrmap_solve(&map, 40, &error), CORBEL_OK);
    return 0;
}

static int in_guest(const char *path)
{
    int at = fdt_path_offset(guest, path);

    if (at < 0)
        fail_msg("no node %s", path);
    return at;
}

static u32 cell_at(const char *path, const char *name)
{
    int len;
    const fdt32_t *cell = fdt_getprop(guest, in_guest(path), name, &len);

    if (!cell)
        fail_msg("no %s in %s", name, path);
    assert_true(len >= 4);
    return fdt32_ld(cell);
}

static bool has(const char *path, const char *name)
{
    return fdt_getprop(guest, in_guest(path), name, NULL) != NULL;
}

/* All of node b of the guest is node a of the partial tree: names, order, bytes. */
static void check_same(int a, int b)
{
    int pa = fdt_first_property_offset(pass.fdt, a), pb = fdt_first_property_offset(guest, b);

    assert_string_equal(fdt_get_name(pass.fdt, a, NULL), fdt_get_name(guest, b, NULL));
    while (pa >= 0 && pb >= 0) {
        const char *na, *nb;
        int la, lb;
        const void *da = fdt_getprop_by_offset(pass.fdt, pa, &na, &la);
        const void *db = fdt_getprop_by_offset(guest, pb, &nb, &lb);

        assert_string_equal(na, nb);
        assert_int_equal(la, lb);
        assert_memory_equal(da, db, (size_t)la);
        pa = fdt_next_property_offset(pass.fdt, pa);
        pb = fdt_next_property_offset(guest, pb);
    }
    assert_true(pa < 0 && pb < 0);
    a = fdt_first_subnode(pass.fdt, a);
    b = fdt_first_subnode(guest, b);
    for (; a >= 0 && b >= 0; a = fdt_next_subnode(pass.fdt, a), b = fdt_next_subnode(guest, b))
        check_same(a, b);
    assert_true(a < 0 && b < 0);
}

static void a_device(void **state)
{
    set_cells("/gic", "phandle", 0xfde8);
    set_cells(RTC, "interrupt-parent", 0xfde8);
    set_cells(RTC, "iommus", 5, 6);
    set_cells(RTC, "iommu-map", 5, 6);
    set_cells(RTC, "iommu-map-mask", 5);
    set_list(RTC, "corbel,memory-attribute", "normal-nc");
    empty_prop(PASS, "corbel,allow-unlisted");
    add_node("/", "aliases");
    set_list("/aliases", "rtc0", RTC);
    add_node("/", "left-out");
    accepted();
    write_guest();
    assert_int_equal(cell_at("/interrupt-controller@3001000", "phandle"), 0xfde8);
    assert_int_equal(cell_at("/", "interrupt-parent"), 0xfde8);
    assert_int_equal(fdt_node_offset_by_phandle(guest, cell_at(RTC, "interrupt-parent")),
                     in_guest("/interrupt-controller@3001000"));
    assert_int_equal(fdt_node_offset_by_phandle(guest, cell_at(RTC, "clocks")),
                     in_guest(PASS "/apb-pclk"));
    assert_int_equal(fdt_path_offset(guest, "rtc0"), in_guest(RTC));
    assert_true(fdt_path_offset(guest, "/left-out") < 0);
    assert_true(fdt_path_offset(guest, "/gic") < 0);
    /* Without what was for the hypervisor the copy is the original. */
    del_prop(RTC, "xen,path");
    del_prop(RTC, "xen,reg");
    del_prop(RTC, "xen,force-assign-without-iommu");
    del_prop(RTC, "iommus");
    del_prop(RTC, "iommu-map");
    del_prop(RTC, "iommu-map-mask");
    del_prop(RTC, "corbel,memory-attribute");
    del_prop(PASS, "corbel,allow-unlisted");
    pass.fdt = tree_take();
    check_same(fdt_path_offset(pass.fdt, PASS), in_guest(PASS));
    check_same(fdt_path_offset(pass.fdt, "/aliases"), in_guest("/aliases"));
}

/* Sub-nodes of SRAM may hold what they like, even what looks like ours. */
static void sram_parts_are_untouched(void **state)
{
    static const char pool[] = "/passthrough/sram@70000000/pool@1000";
    static const char user[] = "/passthrough/user";

    partial_begin();
    node("user");
    cells("sram", 8);
    cells("iommus", 9); /* no device node: as it stands */
    end();
    node("sram@70000000");
    list("compatible", "mmio-sram");
    cells("reg", 0, 0x70000000, 0, 0x200000);
    cells("xen,reg", 0, 0x70000000, 0, 0x200000, 0, 0x70000000);
    list("xen,path", "/sram@70000000");
    cells("#address-cells", 1);
    cells("#size-cells", 1);
    cells("ranges", 0, 0, 0x70000000, 0x200000);
    node("pool@1000");
    cells("reg", 0x1000, 0x1000);
    empty("pool");
    list("xen,path", "/elsewhere");
    cells("xen,reg", 1);
    cells("corbel,thing", 1);
    cells("phandle", 8);
    node("inner");
    raw("data", "\1\2\3");
    end();
    end();
    end();
    partial_end();
    accepted();
    assert_int_equal(pass.device_count, 1);
    write_guest();
    check_same(fdt_path_offset(pass.fdt, pool), in_guest(pool));
    check_same(fdt_path_offset(pass.fdt, user), in_guest(user));
    assert_false(has("/passthrough/sram@70000000", "xen,reg"));
    assert_false(has("/passthrough/sram@70000000", "xen,path"));
    assert_true(has("/passthrough/sram@70000000", "ranges"));
    assert_int_equal(fdt_node_offset_by_phandle(guest, cell_at(user, "sram")), in_guest(pool));
}

static void no_gic_in_the_partial_tree(void **state)
{
    del_node("/gic");
    del_prop(RTC, "interrupt-parent");
    set_cells(PASS "/apb-pclk", "phandle", 65000);
    set_cells(RTC, "clocks", 65000);
    accepted();
    write_guest();
    assert_int_equal(cell_at("/interrupt-controller@3001000", "phandle"), 65001);
    assert_int_equal(cell_at("/", "interrupt-parent"), 65001);
}

static void no_partial_tree(void **state)
{
    write_guest(); /* pass has no tree */
    assert_int_equal(cell_at("/", "interrupt-parent"), 1);
    assert_true(fdt_path_offset(guest, PASS) < 0);
    assert_true(fdt_path_offset(guest, "/reserved-memory") < 0);
}

static void shared_memory(void **state)
{
    static const char mine[] = "/reserved-memory/xen-shmem@90000000";
    static const char theirs[] = "/reserved-memory/xen-shmem@1200000000";
    const char *text;
    int len;

    cfg.shms[0] = (struct domcfg_shm){ .id = "mine", .gpa = 0x90000000, .size = 0x100000 };
    cfg.shms[0].owner = true;
    cfg.shms[1] =
        (struct domcfg_shm){ .id = "a-long-name-15x", .gpa = 0x1200000000, .size = 0x1000 };
    cfg.shm_count = 2;
    write_guest();
    assert_int_equal(cell_at("/reserved-memory", "#address-cells"), 2);
    assert_int_equal(cell_at("/reserved-memory", "#size-cells"), 2);
    assert_true(has("/reserved-memory", "ranges"));
    text = fdt_getprop(guest, in_guest(mine), "compatible", &len);
    assert_int_equal(len, 21);
    assert_string_equal(text, "xen,shared-memory-v1");
    text = fdt_getprop(guest, in_guest(mine), "reg", &len);
    assert_int_equal(len, 16);
    assert_memory_equal(text, "\0\0\0\0\x90\0\0\0\0\0\0\0\0\x10\0\0", 16);
    assert_string_equal(fdt_getprop(guest, in_guest(mine), "xen,id", NULL), "mine");
    assert_false(has(mine, "xen,offset"));
    text = fdt_getprop(guest, in_guest(theirs), "reg", &len);
    assert_memory_equal(text, "\0\0\0\x12\0\0\0\0\0\0\0\0\0\0\x10\0", 16);
    assert_string_equal(fdt_getprop(guest, in_guest(theirs), "xen,id", NULL), "a-long-name-15x");
    text = fdt_getprop(guest, in_guest(theirs), "xen,offset", &len);
    assert_int_equal(len, 8);
    assert_memory_equal(text, "\0\0\0\0\0\0\0\0", 8);
}

static void most_shared_memory(void **state)
{
    for (u32 i = 0; i < DOMCFG_SHM_MAX; i++) {
        cfg.shms[i].gpa = 0xfffffffff000 - i * 0x1000;
        cfg.shms[i].size = 0x1000;
        memset(cfg.shms[i].id, 'i', SHM_ID_SIZE - 1);
    }
    cfg.shm_count = DOMCFG_SHM_MAX;
    write_guest();
}

/* Names that share their ends in the partial tree, and cannot in the copy. */
static void bound_holds_without_shared_names(void **state)
{
    static const char name[] = "a-name-of-sixty-three-characters-------------------------------";

    partial_begin();
    node("d");
    for (u32 i = 1; i < sizeof(name); i++)
        tree_ok(fdt_property(tree_room, name + sizeof(name) - 1 - i, &i, i % 5));
    end();
    end();
    node("longest");
    empty(name);
    end();
    tree_end();
    accepted();
    write_guest();
    check_same(fdt_path_offset(pass.fdt, PASS), in_guest(PASS));
}

static void too_small(void **state)
{
    const char *failed;

    accepted();
    write_guest();
    for (u32 size = 0; size < total; size += 8) {
        u64 *small = malloc(size + (size == 0));
        u32 unused;

        assert_int_not_equal(domdtb_write(&in, small, size, &unused, &failed), CORBEL_OK);
        assert_int_equal(failed[0], '/');
        free(small);
    }
}

/* passdt_parse() does not let such a tree in; the writer does not trust it. */
static void deeper_than_the_writer(void **state)
{
    const char *failed;
    u32 levels[] = { 14, 15, 40 };

    for (u32 i = 0; i < 3; i++) {
        partial_begin();
        for (u32 n = 0; n < levels[i]; n++)
            node("n");
        empty("deep");
        for (u32 n = 0; n < levels[i]; n++)
            end();
        partial_end();
        memset(&pass, 0, sizeof(pass));
        pass.fdt = tree_take();
        pass.gic_phandle = 1;
        if (levels[i] == 14) {
            write_guest();
            check_same(fdt_path_offset(pass.fdt, PASS), in_guest(PASS));
            continue;
        }
        assert_int_equal(domdtb_write(&in, guest, sizeof(guest), &total, &failed), ERR_INVAL);
        assert_memory_equal(failed, "/passthrough/n/n/n", 18);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, guest_setup, tree_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_device),
        T(sram_parts_are_untouched),
        T(no_gic_in_the_partial_tree),
        T(no_partial_tree),
        T(shared_memory),
        T(most_shared_memory),
        T(bound_holds_without_shared_names),
        T(too_small),
        T(deeper_than_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
