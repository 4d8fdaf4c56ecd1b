# SPDX-License-Identifier: Apache-2.0
"""The tree builder: partial trees, what they name in the host tree, and domain nodes."""
import argparse
import pathlib
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools"))
import fdt  # noqa: E402
import mkdtb  # noqa: E402
import partdt  # noqa: E402

HAND_WRITTEN = """/dts-v1/;
/ {
    #address-cells = <2>; #size-cells = <2>;
    gic { #interrupt-cells = <3>; interrupt-controller; phandle = <1>; };
    aliases { rtc0 = "/passthrough/rtc@9010000"; };
    passthrough {
        compatible = "simple-bus"; ranges; #address-cells = <2>; #size-cells = <2>;
        rtc@9010000 {
            compatible = "arm,pl031", "arm,primecell";
            reg = <0 0x9010000 0 0x1000>;
            xen,reg = <0 0x9010000 0 0x1000 0 0x9010000>;
            interrupts = <0 2 4>; interrupt-parent = <1>;
            clocks = <2>; clock-names = "apb_pclk";
            xen,path = "/pl031@9010000"; xen,force-assign-without-iommu;
        };
        apb-pclk {
            compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <24000000>;
            clock-output-names = "clk24mhz"; phandle = <2>;
        };
    };
};
"""

needs_qemu = pytest.mark.skipif(not shutil.which(mkdtb.QEMU), reason="no QEMU")
needs_dtc = pytest.mark.skipif(not shutil.which("dtc"), reason="no dtc")


def sorted_source(blob):
    """A blob as dtc writes it, properties in order."""
    done = subprocess.run(["dtc", "-q", "-s", "-I", "dtb", "-O", "dts"], input=blob,
                          capture_output=True, check=True)
    return done.stdout.decode()


@needs_dtc
def test_partial_tree_as_written_by_hand():
    tree = partdt.partial([partdt.pl031()], aliases={"rtc0": "/passthrough/rtc@9010000"})
    by_hand = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=HAND_WRITTEN.encode(),
                             capture_output=True, check=True).stdout
    assert sorted_source(tree.pack()) == sorted_source(by_hand)


def test_device_can_be_spoilt():
    rtc = partdt.pl031(path=None, force=False, interrupts=(), gpa=0x1000,
                       props={"clocks": None, "xen,reg": b"\1"})
    node = rtc.node()
    assert node.name == "rtc@1000" and node.props["xen,reg"] == b"\1"
    assert not {"clocks", "interrupts", "xen,path"} & set(node.props)
    assert "xen,force-assign-without-iommu" not in node.props


def test_static_mem_and_shared_memory():
    props = mkdtb.static_mem((0x50000000, 1 << 24), direct_map=True)
    assert props["xen,static-mem"] == fdt.u64(0x50000000, 1 << 24)
    assert props["direct-map"] == b""
    assert list(mkdtb.static_mem((1, 2), cells=False)) == ["xen,static-mem"]
    node = mkdtb.shm_node("x", 0x70000000, 0x1000, hpa=0x60000000, role="owner", read_only=True)
    assert node.name == "shared-mem@60000000"
    assert node.props["xen,shared-mem"] == fdt.u64(0x60000000, 0x70000000, 0x1000)


@needs_qemu
def test_devices_are_in_the_host_tree(tmp_path):
    """Each device here has its registers and interrupt in QEMU's tree, at the path it names."""
    host = mkdtb.dump_tree(mkdtb.Machine(), serials=2)
    for device in (partdt.pl031(), partdt.pl061(), partdt.pl011(), partdt.virtio_mmio(31)):
        mine, its = device.node(), host.get(device.path)
        assert its is not None, device.path
        assert its.props["reg"] == mine.props["reg"]
        assert its.props["interrupts"] == mine.props["interrupts"]
        assert its.texts("compatible") == mine.texts("compatible")


def interrupt_map(node, parent_cells):
    """{(slot, pin): (SPI, flags)} of a root complex."""
    cells = node.cells("interrupt-map")
    step = 4 + 1 + parent_cells + 3
    rows = [cells[at:at + step] for at in range(0, len(cells), step)]
    return {(row[0] >> 11, row[3]): tuple(row[-2:]) for row in rows}


@needs_qemu
@pytest.mark.parametrize("gic", ["2", "3"])
def test_root_complex(gic):
    """Windows and interrupts as QEMU's tree has them, however many cells the stand-in has."""
    host = mkdtb.dump_tree(mkdtb.Machine(gic=gic, options=("iommu=smmuv3",)))
    its = host.get("/pcie@10000000")
    frame = host.get("/intc@8000000").child("v2m")
    tree = partdt.pcie_tree(msi=frame is not None, mem32=partdt.PCIE_MEM32)
    mine = tree.get("/passthrough/pcie@10000000")
    for name in ("compatible", "reg", "ranges", "bus-range", "interrupt-map-mask", "device_type"):
        assert mine.props[name] == its.props[name], name
    cells = tree.get("/gic").cells("#address-cells")[0]
    assert cells == (2 if gic == "2" else 0)
    assert interrupt_map(mine, cells) == interrupt_map(its, 2)
    assert ("msi-map" in mine.props) == (gic == "2")
    if frame is not None:
        stand_in = tree.get("/gic").children[0]
        assert stand_in.props["reg"] == frame.props["reg"]
        assert stand_in.texts("compatible") == frame.texts("compatible")
        assert mine.cells("msi-map") == [0, stand_in.cells("phandle")[0], 0, 0x10000]
    low = partdt.pcie().node()
    assert low.cells("ranges")[12:14] == [0, 0x10000000]
    assert len(low.props["xen,reg"]) == 4 * 24


def test_older_boards():
    """The board's name goes to QEMU."""
    machine = mkdtb.Machine(board="virt-9.1", options=("iommu=smmuv3",))
    assert machine.args()[1] == "virt-9.1,virtualization=on,gic-version=3,iommu=smmuv3"


def test_root_complex_by_option():
    """--pcie: an SMMU, and the root complex for the first domain; MSIs where they are GICv2m's."""
    parser = argparse.ArgumentParser()
    mkdtb.add_options(parser)
    for gic, frames in (("2", 1), ("3", 0)):
        config = mkdtb.config_from_options(parser.parse_args(["--pcie", "--gic", gic]))
        assert config.machine.options == ("iommu=smmuv3",)
        kinds = [[module.kind for module in domain.modules] for domain in config.domains]
        assert "device-tree" in kinds[0] and "device-tree" not in kinds[1]
        tree = fdt.Tree(config.domains[0].modules[-1].content)
        assert len(tree.get("/gic").children) == frames


@needs_qemu
def test_modules_made_by_build(tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_bytes(bytes(4096))
    domain = mkdtb.payload_domain("domU1", str(kernel))
    domain.modules.append(mkdtb.device_tree(partdt.partial([partdt.sram(0x7f000000, 0x10000)])))
    config = mkdtb.Config(domains=[domain], edits=[partdt.sram_edit(0x7f000000, 0x10000)])
    built = mkdtb.build(config, str(tmp_path))
    tree = fdt.Tree(pathlib.Path(built.dtb).read_bytes())
    module = tree.get("/chosen/domU1").children[1]
    assert module.texts("compatible") == ["multiboot,device-tree", "multiboot,module"]
    addr, size, path = built.placed[1]
    assert module.props["reg"] == fdt.u64(addr, size)
    assert fdt.Tree(pathlib.Path(path).read_bytes()).get("/passthrough/sram@7f000000")
    assert tree.get("/sram@7f000000") and tree.get("/reserved-memory/hole@7f000000")


@needs_qemu
def test_seeds_stay_fresh():
    """The cached tree does not freeze QEMU's randomness."""
    seeds = [mkdtb.dump_tree(mkdtb.Machine()).get("/chosen").props["rng-seed"] for _ in range(2)]
    assert seeds[0] != seeds[1]
    still = mkdtb.Machine(randomness=False)
    assert "rng-seed" not in mkdtb.dump_tree(still).get("/chosen").props
