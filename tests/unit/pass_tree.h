/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PASS_TREE_H
#define PASS_TREE_H

#include <corbel/devclass.h>
#include <corbel/fdt_read.h>
#include <corbel/passdt.h>

#include "tree.h"

/*
 * A machine with one of everything that a partial tree can trip over, and the smallest good
 * partial tree, left open for edits.
 */
static u64 host_blob[2048];
static struct platform host;
static struct domcfg domain_cfg; /* whose the partial tree is */
static struct passdt pass;
static struct cfg_error error;

#define RTC  "/passthrough/rtc@9010000"
#define PASS "/passthrough"

static inline void device(const char *name, u32 base, u32 size, u32 spi)
{
    node(name);
    cells("reg", 0, base, 0, size);
    cells("interrupts", 0, spi, 4);
    end();
}

static inline void host_soc(void)
{
    node("soc");
    cells("#address-cells", 1);
    cells("#size-cells", 1);
    cells("ranges", 0x1000, 0, 0x10001000, 0xff000);
    list("compatible", "fsl,aips-bus\0simple-bus");
    cells("reg", 0, 0x10001000, 0, 0xff000); /* its own, and over all of its devices */
    node("eth@2000");
    cells("reg", 0x2000, 0x1000, 0x4100, 0x80);
    cells("interrupts-extended", 1, 0, 50, 4, 1, 0, 51, 1, 2, 7);
    node("mdio");
    cells("#address-cells", 1);
    cells("#size-cells", 0);
    node("phy@1");
    cells("reg", 1);
    end();
    end();
    end();
    node("phy@4180");
    cells("reg", 0x4180, 0x80);
    cells("interrupts", 7);
    cells("interrupt-parent", 2);
    end();
    node("off@6000");
    list("status", "disabled");
    node("inner@6000");
    cells("reg", 0x6000, 0x1000);
    end();
    end();
    node("far@200000");
    cells("reg", 0x200000, 0x1000); /* no ranges for it */
    end();
    node("odd@8000");
    cells("reg", 0x8000, 0x100);
    cells("interrupts", 0, 60, 4, 0, 61);
    end();
    end();
}

static inline void host_memory(void)
{
    node("memory@40000000");
    list("device_type", "memory");
    cells("reg", 0, 0x40000000, 0, 0x40000000);
    end();
    node("reserved-memory");
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    empty("ranges");
    node("hole@70000000");
    cells("reg", 0, 0x70000000, 0, 0x200000);
    empty("no-map");
    end();
    end();
    node("sram@70000000");
    list("compatible", "mmio-sram");
    cells("reg", 0, 0x70000000, 0, 0x200000);
    cells("ranges", 0, 0, 0x70000000, 0x200000);
    cells("#address-cells", 1);
    cells("#size-cells", 1);
    node("pool@1000");
    cells("reg", 0x1000, 0x1000);
    end();
    end();
}

static inline void host_gic(void)
{
    node("intc@8000000");
    list("compatible", "arm,gic-v3");
    cells("phandle", 1);
    cells("#interrupt-cells", 3);
    empty("interrupt-controller");
    cells("reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
    cells("interrupts", 1, 9, 4);
    end();
    node("combiner");
    cells("phandle", 2);
    cells("#interrupt-cells", 1);
    empty("interrupt-controller");
    end();
    node("smmu@9050000");
    list("compatible", "arm,smmu-v3");
    cells("reg", 0, 0x9050000, 0, 0x20000);
    cells("interrupts", 0, 74, 1, 0, 75, 1);
    end();
    node("timer");
    cells("interrupts", 1, 13, 4, 1, 14, 4);
    end();
}

static inline void host_machine(void)
{
    char name[32];

    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    cells("interrupt-parent", 1);
    host_memory();
    host_gic();
    host_soc();
    node("pl011@9000000");
    list("compatible", "arm,pl011\0arm,primecell");
    cells("reg", 0, 0x9000000, 0, 0x1000);
    cells("interrupts", 0, 1, 4);
    end();
    device("pl031@9010000", 0x9010000, 0x1000, 2);
    device("alone@9020000", 0x9020100, 0x80, 3);
    device("shared@9030000", 0x9030000, 0x1000, 2);
    for (u32 i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "virtio_mmio@%x", 0xa000000 + i * 0x200);
        device(name, 0xa000000 + i * 0x200, 0x200, 16 + i);
    }
    node("chosen");
    list("stdout-path", "/pl011@9000000");
    end();
    tree_end();
    tree_ok(fdt_open_into(tree_take(), host_blob, sizeof(host_blob)));
    platform_from_fdt(&host, host_blob);
    host.self = (struct mem_range){ 0x40200000, SZ_2M };
}

/* dma-ranges of the host's /soc, in cells of 1, 2 and 1. */
static inline void host_dma(u32 from, u32 to, u32 size)
{
    const u32 ranges[] = { cpu_to_fdt32(from), 0, cpu_to_fdt32(to), cpu_to_fdt32(size) };
    int soc = fdt_path_offset(host_blob, "/soc");

    assert_int_equal(fdt_setprop(host_blob, soc, "dma-ranges", ranges, sizeof(ranges)), 0);
    platform_from_fdt(&host, host_blob);
}

/* ---- partial trees ---- */

static inline void partial_begin(void)
{
    tree_begin();
    cells("#address-cells", 2);
    cells("#size-cells", 2);
    node("gic");
    cells("#interrupt-cells", 3);
    empty("interrupt-controller");
    cells("phandle", 1);
    end();
    node("passthrough");
    list("compatible", "simple-bus");
    empty("ranges");
    cells("#address-cells", 2);
    cells("#size-cells", 2);
}

static inline void partial_end(void)
{
    end();
    tree_end();
}

/* The PL031 of QEMU virt as a partial tree for Xen has it. */
static inline void partial_rtc(void)
{
    partial_begin();
    node("rtc@9010000");
    list("compatible", "arm,pl031\0arm,primecell");
    cells("reg", 0, 0x9010000, 0, 0x1000);
    cells("interrupts", 0, 2, 4);
    cells("interrupt-parent", 1);
    cells("clocks", 2);
    list("clock-names", "apb_pclk");
    list("xen,path", "/pl031@9010000");
    cells("xen,reg", 0, 0x9010000, 0, 0x1000, 0, 0x9010000);
    empty("xen,force-assign-without-iommu");
    end();
    node("apb-pclk");
    list("compatible", "fixed-clock");
    cells("clock-frequency", 24000000);
    cells("#clock-cells", 0);
    cells("phandle", 2);
    end();
    partial_end();
}

static inline enum corbel_err parse_blob(const void *blob, u64 size)
{
    const struct passdt_source source = { blob, size, &domain_cfg };

    return passdt_parse(&host, &source, &pass, &error);
}

static inline enum corbel_err parse_partial(void)
{
    const void *blob = tree_take();

    memset(&pass, 0xa5, sizeof(pass));
    return parse_blob(blob, fdt_totalsize(blob));
}

static inline void accepted(void)
{
    if (parse_partial() != CORBEL_OK)
        fail_msg("refused: %s", error.text);
    assert_string_equal(error.text, "");
    assert_ptr_equal(pass.fdt, tree_taken);
}

static inline void refused(const char *line)
{
    if (parse_partial() == CORBEL_OK)
        fail_msg("accepted: %s", line);
    assert_string_equal(error.text, line);
    assert_null(pass.fdt);
}

static inline int pass_setup(void **state)
{
    (void)state;
    memset(&domain_cfg, 0, sizeof(domain_cfg));
    host_machine();
    partial_rtc();
    return 0;
}

#endif
