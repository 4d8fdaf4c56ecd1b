# SPDX-License-Identifier: Apache-2.0
"""Devices given to domains by partial trees, driven by the payload's `device` group."""
import pytest

import fdt
import partdt
from harness import HV, mkdtb, payload


def given(domain, *devices):
    """The domain with a partial tree of devices."""
    domain.modules.append(mkdtb.device_tree(partdt.partial(devices)))
    return domain


def nothing():
    """Addresses where nobody answers: half a page that is forwarded, and a page that is mapped."""
    return partdt.Device("nothing@b800000", "corbel,nothing",
                         [(0xb800000, 0x800), (0xb802000, 0x1000)],
                         props={"corbel,allow-unlisted": fdt.empty()})


def run(boot, gic, vcpus, smp, cpu="cortex-a57", rounds=10000):
    """UART, RTC and two slots of a page for one domain, for another a third slot and bus errors."""
    config = mkdtb.Config(
        machine=mkdtb.Machine(gic=gic, cpu=cpu, smp=smp, ram="1G"), qemu_args=["-serial", "null"],
        domains=[
            given(payload("domU1", "payload", "test=device rounds=%d" % rounds, cpus=vcpus),
                  partdt.pl011(), partdt.pl031(), partdt.virtio_mmio(1), partdt.virtio_mmio(3)),
            given(payload("domU2", "payload", "test=device"), partdt.virtio_mmio(2), nothing())])
    vm = boot(config, limit=100)
    for domain in ("domU1", "domU2"):
        passed, failed = vm.tap(domain, 90)
        assert failed == []
        assert passed
    # Both have powered off: what they held is the host's again.
    ended = {vm.expect(HV, r"(domU\d): destroyed", 20).group(1) for _ in range(2)}
    assert ended == {"domU1", "domU2"}


@pytest.mark.fast
@pytest.mark.parametrize("gic,vcpus", [("2", 2), ("3", 3)])
def test_device_payload(boot, gic, vcpus):
    """10,000 interrupts over all vCPUs, held back, by hand; an alarm; registers in shared pages."""
    run(boot, gic, vcpus, smp=2)


@pytest.mark.full
@pytest.mark.parametrize("gic,vcpus,smp,cpu", [
    ("2", 1, 1, "cortex-a53"), ("3", 2, 1, "cortex-a72"), ("2", 4, 2, "max"), ("3", 4, 4, "max")])
def test_device_payload_more(boot, gic, vcpus, smp, cpu):
    """The same on other machines, overcommitted as well."""
    run(boot, gic, vcpus, smp, cpu)
