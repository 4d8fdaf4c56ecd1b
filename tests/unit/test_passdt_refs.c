/* SPDX-License-Identifier: Apache-2.0 */
/* Partial device trees: interrupts, phandles, the node that stands for the GIC, and the limits. */
#include "pass_tree.h"

#define GIC "/gic"

static void check_irqs(u32 count, ...)
{
    va_list ap;

    assert_int_equal(pass.irq_count, count);
    va_start(ap, count);
    for (u32 i = 0; i < count; i++)
        assert_int_equal(pass.irqs[i].intid, va_arg(ap, u32));
    va_end(ap);
}

/* ---- interrupts ---- */

static void interrupts_of_the_host(void **state)
{
    del_prop(RTC, "interrupts");
    accepted();
    check_irqs(1, 34);
    set_cells(RTC, "interrupts", 0, 2, 1, 0, 2, 4); /* twice is what Xen's examples have */
    accepted();
    check_irqs(1, 34);
    assert_true(pass.irqs[0].level); /* the host's word counts */
    set_cells(RTC, "interrupts", 0, 2, 4, 0, 3, 4);
    refused(RTC ": interrupts = SPI 3: expected an SPI that the host's node has");
    set_cells(RTC, "interrupts", 1, 13, 4);
    refused(RTC ": interrupts = PPI 13: expected SPIs only: every CPU has its own PPIs");
    set_cells(RTC, "interrupts", 2, 13, 4);
    refused(RTC ": interrupts = type 2: expected 0, an SPI");
    set_cells(RTC, "interrupts", 0, 988, 4);
    refused(RTC ": interrupts = SPI 988: expected SPIs below 988");
    set_cells(RTC, "interrupts", 0, 0xffffffff, 4);
    refused(RTC ": interrupts = SPI 4294967295: expected SPIs below 988");
    set_cells(RTC, "interrupts", 0, 2);
    refused(RTC ": interrupts = <0x0 0x2>: expected three cells for each of at most 64 interrupts");
}

/* No registers: the node gives its interrupts and nothing else, without force. */
static void interrupts_only(void **state)
{
    del_prop(RTC, "xen,reg");
    del_prop(RTC, "xen,force-assign-without-iommu");
    accepted();
    assert_int_equal(pass.region_count, 0);
    assert_false(pass.devices[0].is_master);
    check_irqs(1, 34);
    del_prop(RTC, "interrupts");
    set_list(RTC, "xen,path", "/timer");
    refused(RTC ": interrupts = PPI 13: expected SPIs only: every CPU has its own PPIs");
    set_list(RTC, "xen,path", "/intc@8000000");
    refused(RTC ": interrupts = PPI 9: expected SPIs only: every CPU has its own PPIs");
    set_list(RTC, "xen,path", "/smmu@9050000");
    refused(RTC ": xen,path = \"/smmu@9050000\": expected a node beside an SMMU at 0x9050000");
    set_list(RTC, "xen,path", "/pl011@9000000");
    refused(RTC ": interrupts = SPI 1: expected no interrupt of the hypervisor's console");
    set_list(RTC, "xen,path", "/soc/odd@8000");
    refused(RTC ": interrupts = entry 1: expected SPIs; the host's node is malformed there");
    set_list(RTC, "xen,path", "/soc/phy@4180"); /* its interrupt goes to a combiner */
    accepted();
    check_irqs(0);
    set_list(RTC, "xen,path", "/soc/eth@2000"); /* extended, one of three to a combiner */
    accepted();
    check_irqs(2, 82, 83);
}

static void line_shared_in_the_tree(void **state)
{
    add_node(PASS, "other");
    set_list(PASS "/other", "xen,path", "/shared@9030000");
    accepted();
    assert_int_equal(pass.device_count, 2);
    check_irqs(1, 34);
}

/* Nobody of the host to ask: the partial tree's own word, but never the console's. */
static void interrupts_without_host(void **state)
{
    empty_prop(RTC, "corbel,allow-unlisted");
    del_prop(RTC, "xen,path");
    set_cells(RTC, "xen,reg", 0, 0xb000000, 0, 0x1000, 0, 0xb000000);
    set_cells(RTC, "interrupts", 0, 90, 4, 0, 91, 1);
    accepted();
    assert_int_equal(pass.devices[0].host_node, -1);
    check_irqs(2, 122, 123);
    assert_true(pass.irqs[0].level);
    assert_false(pass.irqs[1].level);
    set_cells(RTC, "interrupts", 0, 1, 4);
    refused(RTC ": interrupts = SPI 1: expected no interrupt of the hypervisor's console");
    /* A page with eight devices belongs to none of them. */
    set_cells(RTC, "xen,reg", 0, 0xa000000, 0, 0x1000, 0, 0xa000000);
    set_cells(RTC, "interrupts", 0, 20, 4);
    accepted();
    assert_int_equal(pass.devices[0].host_node, -1);
    check_irqs(1, 52);
}

static void too_many_interrupts(void **state)
{
    u32 specifiers[65 * 3];

    partial_begin();
    for (u32 d = 0; d < 2; d++) {
        node(d ? "second" : "first");
        cells("xen,reg", 0, 0xb000000 + d * 0x1000, 0, 0x1000, 0, 0xb000000 + d * 0x1000);
        empty("xen,force-assign-without-iommu");
        empty("corbel,allow-unlisted");
        for (u32 i = 0; i < 64; i++) {
            specifiers[3 * i] = 0;
            specifiers[3 * i + 1] = cpu_to_fdt32(100 + d * 64 + i);
            specifiers[3 * i + 2] = cpu_to_fdt32(4);
        }
        tree_ok(fdt_property(tree_room, "interrupts", specifiers, (d ? 1 : 64) * 12));
        end();
    }
    partial_end();
    refused(
        "/passthrough/second: interrupts = SPI 164: expected at most 64 interrupts in one tree");
    memset(specifiers, 0, sizeof(specifiers));
    tree_ok(fdt_setprop(tree_room, tree_at(PASS "/first"), "interrupts", specifiers, 65 * 12));
    refused("/passthrough/first: interrupts = <0x0 0x0 0x0 0x0 0x0 0x0 ...>: expected three cells "
            "for each of at most 64 interrupts");
}

static void extended_in_the_partial_tree(void **state)
{
    add_node(PASS, "mux");
    set_cells(PASS "/mux", "phandle", 9);
    set_cells(PASS "/mux", "#interrupt-cells", 1);
    del_prop(RTC, "interrupts");
    set_cells(RTC, "interrupts-extended", 9, 77, 0, 1, 0, 2, 4);
    accepted();
    check_irqs(1, 34);
    set_cells(RTC, "interrupts-extended", 9, 77, 1, 0, 3, 4);
    refused(RTC ": interrupts = SPI 3: expected an SPI that the host's node has");
    set_cells(RTC, "interrupts-extended", 8, 0);
    refused(RTC ": interrupts-extended = <0x8 0x0>: expected phandles of nodes below /passthrough; "
                "0x8 is none");
    set_cells(RTC, "interrupts-extended", 9, 77, 1, 0, 2);
    refused(RTC ": interrupts-extended = <0x9 0x4d 0x1 0x0 0x2>: expected whole entries of phandle "
                "and #interrupt-cells");
    set_raw(RTC, "interrupts-extended", "\0\0\0\0\0");
    assert_int_equal(parse_partial(), ERR_INVAL);
}

/* Another controller of the partial tree: its specifiers are between the guest and it. */
static void parent_in_the_partial_tree(void **state)
{
    add_node(PASS, "mux");
    set_cells(PASS "/mux", "phandle", 9);
    set_cells(PASS "/mux", "#interrupt-cells", 1);
    set_cells(RTC, "interrupt-parent", 9);
    set_cells(RTC, "interrupts", 77);
    accepted();
    check_irqs(1, 34);
    del_prop(RTC, "interrupt-parent");
    set_cells(PASS, "interrupt-parent", 9); /* inherited */
    accepted();
    /* Not from the partial root: the guest's root points to its GIC. */
    del_prop(PASS, "interrupt-parent");
    set_cells("/", "interrupt-parent", 9);
    refused(RTC ": interrupts = <0x4d>: expected three cells for each of at most 64 interrupts");
    /* A nexus above a node is its parent. */
    set_cells(PASS, "#interrupt-cells", 1);
    accepted();
}

/* ---- phandles ---- */

static void dangling(void **state)
{
    set_cells(RTC, "interrupt-parent", 3);
    refused(RTC ": interrupt-parent = <0x3>: expected the phandle of the GIC, or of a node below "
                "/passthrough");
    set_raw(RTC, "interrupt-parent", "ab");
    refused(RTC ": interrupt-parent = (2 bytes): expected a phandle in one cell");
    set_cells(RTC, "interrupt-parent", 1);
    set_cells(RTC, "clocks", 2, 5);
    refused(RTC ": clocks = <0x2 0x5>: expected phandles of nodes below /passthrough; 0x5 is none");
    set_cells(RTC, "clocks", 1);
    refused(RTC ": clocks = <0x1>: expected nodes with #clock-cells; 0x1 has none");
    set_cells(RTC, "clocks", 0, 2, 0, 2);
    accepted();
    set_cells(PASS "/apb-pclk", "#clock-cells", 2);
    set_cells(RTC, "clocks", 2, 0, 0, 2, 0);
    refused(RTC ": clocks = <0x2 0x0 0x0 0x2 0x0>: expected whole entries of phandle and "
                "#clock-cells");
    set_cells(PASS "/apb-pclk", "#clock-cells", 0xffffffff);
    assert_int_equal(parse_partial(), ERR_INVAL);
    set_cells(PASS "/apb-pclk", "#clock-cells", 0);
    tree_ok(fdt_setprop(tree_room, tree_at(RTC), "clocks", host_blob, 1028));
    assert_int_equal(parse_partial(), ERR_INVAL);
    del_prop(RTC, "clocks");
    /* Beside /passthrough is not in the guest's tree. */
    add_node("/", "clock");
    set_cells("/clock", "phandle", 6);
    set_cells("/clock", "#clock-cells", 0);
    set_cells(RTC, "clocks", 6);
    refused(RTC ": clocks = <0x6>: expected phandles of nodes below /passthrough; 0x6 is none");
    /* Nodes that are no devices may point where they like, but not with interrupts. */
    set_cells(PASS "/apb-pclk", "clocks", 6);
    set_cells(RTC, "clocks", 2);
    accepted();
    set_cells(PASS "/apb-pclk", "interrupt-parent", 6);
    assert_int_equal(parse_partial(), ERR_INVAL);
}

static void gic_of_the_tree(void **state)
{
    set_cells(GIC, "phandle", 0xfde8);
    set_cells(RTC, "interrupt-parent", 0xfde8);
    accepted();
    assert_int_equal(pass.gic_phandle, 0xfde8);
    set_cells(GIC, "#interrupt-cells", 4);
    refused("/gic: #interrupt-cells = <0x4>: expected 3: this node stands for the guest's GIC");
    del_prop(GIC, "#interrupt-cells");
    accepted();
    del_prop(RTC, "clocks");
    set_cells(PASS "/apb-pclk", "phandle", 0xfde8);
    refused("/passthrough/apb-pclk: phandle = <0xfde8>: expected another than the GIC's");
    set_cells(PASS "/apb-pclk", "phandle", 2);
    /* By its property, whatever it is called. */
    del_node(GIC);
    add_node("/", "controller@1");
    empty_prop("/controller@1", "interrupt-controller");
    set_cells("/controller@1", "phandle", 7);
    set_cells(RTC, "interrupt-parent", 7);
    accepted();
    assert_int_equal(pass.gic_phandle, 7);
}

static void gic_without_a_phandle(void **state)
{
    char name[16];

    del_prop(RTC, "interrupt-parent");
    del_prop(GIC, "phandle");
    accepted();
    assert_int_equal(pass.gic_phandle, 65000);
    del_node(GIC);
    set_cells(RTC, "interrupt-parent", 65000); /* as Xen calls it without being told */
    accepted();
    assert_int_equal(pass.gic_phandle, 65000);
    del_prop(RTC, "interrupt-parent");
    for (u32 i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        add_node(PASS, name);
        tree_ok(fdt_setprop_u32(tree_room, fdt_subnode_offset(tree_room, tree_at(PASS), name),
                                "phandle", 65000 + i));
        if (i == 63)
            break;
        accepted();
        assert_int_equal(pass.gic_phandle, 65001 + i);
    }
    refused("/: gic = (missing): expected a node with a phandle: the nodes use 65000 and 63 more");
}

/* ---- limits ---- */

static void too_many_devices(void **state)
{
    char name[16];

    partial_begin();
    for (u32 i = 0; i < 33; i++) {
        snprintf(name, sizeof(name), "d%u", i);
        node(name);
        list("xen,path", "/pl031@9010000");
        end();
    }
    partial_end();
    refused("/passthrough/d32: (node) = (present): expected at most 32 devices in one tree");
    del_node(PASS "/d32");
    accepted();
    assert_int_equal(pass.device_count, 32);
}

static void too_many_regions(void **state)
{
    u32 reg[49 * 3];

    partial_begin();
    node("d");
    empty("corbel,allow-unlisted");
    empty("xen,force-assign-without-iommu");
    for (u32 i = 0; i < 49; i++) {
        reg[3 * i] = reg[3 * i + 2] = cpu_to_fdt32(0xc000000 + i * 0x1000);
        reg[3 * i + 1] = cpu_to_fdt32(0x1000);
    }
    tree_ok(fdt_property(tree_room, "xen,reg", reg, sizeof(reg)));
    end();
    partial_end();
    set_cells(PASS, "#address-cells", 1);
    set_cells(PASS, "#size-cells", 1);
    refused("/passthrough/d: xen,reg = 0xc030000+0x1000: expected at most 48 regions in one tree");
    tree_ok(fdt_setprop(tree_room, tree_at(PASS "/d"), "xen,reg", reg, sizeof(reg) - 12));
    accepted();
    assert_int_equal(pass.region_count, 48);
}

/* levels nodes below /passthrough, each in the one before. */
static void deep_tree(u32 levels)
{
    partial_begin();
    for (u32 i = 0; i < levels; i++)
        node("n");
    list("xen,path", "/pl031@9010000");
    for (u32 i = 0; i < levels; i++)
        end();
    partial_end();
}

static void too_deep(void **state)
{
    deep_tree(14);
    accepted();
    assert_int_equal(pass.device_count, 1);
    deep_tree(15);
    refused("/passthrough/n/n/n/n/n/n/n/n/n/n/n/n/n/n/n: (node) = (present): expected at most 14 "
            "levels below /passthrough");
    deep_tree(60);
    assert_int_equal(parse_partial(), ERR_INVAL);
}

static void names(void **state)
{
    char *name;

    add_node(PASS, "bad-name");
    name = (char *)(uintptr_t)fdt_get_name(tree_room, tree_at(PASS "/bad-name"), NULL);
    name[3] = '/';
    refused("/passthrough/bad/name: (node) = (present): expected a name without a slash");
    name[0] = '\0';
    assert_int_equal(parse_partial(), ERR_INVAL);
    partial_rtc();
    empty_prop(RTC, "a-name-of-sixty-four-characters--------------------------------");
    accepted();
    empty_prop(RTC, "a-name-of-sixty-four-characters---------------------------------");
    refused(RTC ": (property) = (present): expected names of at most 63 characters");
    del_prop(RTC, "a-name-of-sixty-four-characters---------------------------------");
    add_node("/", "aliases");
    empty_prop("/aliases", "a-name-of-sixty-four-characters---------------------------------");
    assert_int_equal(parse_partial(), ERR_INVAL);
}

/* What is inherited from the partial root would be lost: the guest's root has 2 and 2. */
static void cells_of_the_root(void **state)
{
    del_prop(PASS, "#size-cells");
    accepted();
    set_cells("/", "#size-cells", 1);
    refused("/passthrough: #size-cells = (missing): expected it here: the root of the guest's tree "
            "has 2");
    set_cells(PASS, "#size-cells", 2);
    accepted();
    set_cells(PASS, "#address-cells", 3);
    refused("/passthrough: #address-cells = <0x3>: expected 1 or 2, as #size-cells");
}

static enum corbel_err parse_big(u32 nodes, u32 props)
{
    static u64 big[PASSDT_SIZE_MAX / 8];
    char name[16];

    assert_int_equal(fdt_create_with_flags(big, sizeof(big), FDT_CREATE_FLAG_NO_NAME_DEDUP), 0);
    tree_ok(fdt_finish_reservemap(big));
    tree_ok(fdt_begin_node(big, ""));
    tree_ok(fdt_property_u32(big, "#size-cells", 2));
    tree_ok(fdt_begin_node(big, "passthrough"));
    for (u32 i = 0; i < props; i++) {
        snprintf(name, sizeof(name), "p%u", i);
        tree_ok(fdt_property(big, name, "", 0));
    }
    for (u32 i = 0; i < nodes; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        tree_ok(fdt_begin_node(big, name));
        tree_ok(fdt_end_node(big));
    }
    tree_ok(fdt_end_node(big));
    tree_ok(fdt_end_node(big));
    tree_ok(fdt_finish(big));
    return parse_blob(big, fdt_totalsize(big));
}

static void too_much(void **state)
{
    assert_int_equal(parse_big(4094, 0), CORBEL_OK);
    assert_int_equal(parse_big(4095, 0), ERR_INVAL);
    assert_string_equal(error.text, "/passthrough/n4094: (node) = (present): expected at most 4096 "
                                    "nodes in the tree");
    assert_int_equal(parse_big(0, 8192), CORBEL_OK);
    assert_int_equal(parse_big(0, 8193), ERR_INVAL);
    assert_string_equal(error.text, "/passthrough: (property) = (present): expected at most 8192 "
                                    "properties in the tree");
}

/* A few hundred thousand wrong bytes: an answer each time, and nothing read outside the blob. */
static void random_damage(void **state)
{
    u32 seed = 12345, accepted_count = 0;

    for (u32 round = 0; round < 3000; round++) {
        u8 *blob = tree_take();
        u32 size = fdt_totalsize(blob);

        for (u32 i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1664525 + 1013904223;
            blob[0x28 + (seed >> 8) % (size - 0x28)] = (u8)(seed >> 3);
        }
        if (parse_blob(blob, size) == CORBEL_OK)
            accepted_count++;
        else
            assert_true(error.text[0]);
    }
    assert_true(accepted_count > 100 && accepted_count < 2900);
}

#define T(name) cmocka_unit_test_setup_teardown(name, pass_setup, tree_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(interrupts_of_the_host),
        T(interrupts_only),
        T(line_shared_in_the_tree),
        T(interrupts_without_host),
        T(too_many_interrupts),
        T(extended_in_the_partial_tree),
        T(parent_in_the_partial_tree),
        T(dangling),
        T(gic_of_the_tree),
        T(gic_without_a_phandle),
        T(too_many_devices),
        T(too_many_regions),
        T(too_deep),
        T(names),
        T(cells_of_the_root),
        T(too_much),
        T(random_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
