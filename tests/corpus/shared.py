# SPDX-License-Identifier: Apache-2.0
"""Static shared memory that is refused."""
from fdt import empty, u32, u64
from corpus import MIB, SHARED_AT, case
from mkdtb import shm_node

BASE = 0x80000000                        # host RAM that the cases of this file share out
GUEST = 0x70000000


def sharing(kit, name, *nodes, **more):
    """A domain with these shared-memory nodes."""
    return kit.domain(name, children=list(nodes), **more)


@case("{node}/shared-mem@70000000: xen,shm-id = (missing): expected a string of 1 to 15 "
      "characters")
def shm_id_missing(kit, name):
    return sharing(kit, name, shm_node("x", GUEST, MIB, props={"xen,shm-id": None}))


@case('{node}/shared-mem@70000000: xen,shm-id = "": expected a string of 1 to 15 characters')
def shm_id_empty(kit, name):
    return sharing(kit, name, shm_node("", GUEST, MIB))


@case('{node}/shared-mem@70000000: xen,shm-id = "sixteen-letters-": expected a string of 1 '
      "to 15 characters")
def shm_id_too_long(kit, name):
    return sharing(kit, name, shm_node("sixteen-letters-", GUEST, MIB))


@case("{node}/shared-mem@70000000: xen,shm-id = (3 bytes): expected a string of 1 to 15 "
      "characters")
def shm_id_not_a_string(kit, name):
    return sharing(kit, name, shm_node("x", GUEST, MIB, props={"xen,shm-id": b"abc"}))


@case('{node}/shared-mem@70100000: xen,shm-id = "twice": expected each id once in a domain')
def shm_id_twice(kit, name):
    return sharing(kit, name, shm_node("twice", GUEST, MIB), shm_node("twice", GUEST + MIB, MIB))


@case("{node}/shared-mem@70000000: xen,shared-mem = <0x0 0x70000000 0x0 0x200000>: expected "
      "size 0x100000 as in /chosen/has-shared/shared-mem@70200000", beside=("has-shared",))
def shm_size_differs(kit, name):
    return sharing(kit, name, shm_node("loose", GUEST, 2 * MIB))


@case("{node}/shared-mem@80000000: xen,shared-mem = <0x0 0x80000000 0x0 0x70000000 0x0 "
      "0x100000>: expected host address 0x64000000 as in "
      "/chosen/has-shared/shared-mem@64000000", beside=("has-shared",))
def shm_host_differs(kit, name):
    return sharing(kit, name, shm_node("pool", GUEST, MIB, hpa=BASE))


@case("{node}/shared-mem@70000000: xen,shared-mem = <0x0 0x70000000 0x0 0x100000>: expected "
      "a host address as in /chosen/has-shared/shared-mem@64000000", beside=("has-shared",))
def shm_host_missing(kit, name):
    return sharing(kit, name, shm_node("pool", GUEST, MIB))


@case('{node}/shared-mem@64000000: role = "owner": expected "borrower": the owner of '
      "this memory is in /chosen/has-shared/shared-mem@64000000", beside=("has-shared",))
def shm_second_owner(kit, name):
    return sharing(kit, name, shm_node("pool", GUEST, MIB, hpa=SHARED_AT, role="owner"))


@case("{node}/shared-mem@64080000: xen,shared-mem = <0x0 0x64080000 0x0 0x70000000 0x0 "
      "0x100000>: expected no overlap with /chosen/has-shared/shared-mem@64000000 at "
      "0x64000000+0x100000", beside=("has-shared",))
def shm_on_other_id(kit, name):
    return sharing(kit, name, shm_node("other", GUEST, MIB, hpa=SHARED_AT + MIB // 2))


@case("{node}: shm a = 0x40800000+0x100000: expected no overlap with RAM bank 0 at "
      "0x40000000+0x1000000")
def shm_on_own_ram(kit, name):
    return sharing(kit, name, shm_node("a", 0x40800000, MIB))


@case("{node}: shm b = 0x22000000+0x1000: expected no overlap with vPL011 at "
      "0x22000000+0x1000")
def shm_on_own_uart(kit, name):
    return sharing(kit, name, shm_node("b", 0x22000000, 0x1000))


@case("{node}: shm d = 0x70080000+0x100000: expected no overlap with shm c at "
      "0x70000000+0x100000")
def shm_on_itself(kit, name):
    return sharing(kit, name, shm_node("c", GUEST, MIB), shm_node("d", GUEST + MIB // 2, MIB))


@case('{node}/shared-mem@70000000: role = "tenant": expected "owner" or "borrower"')
def shm_role_unknown(kit, name):
    return sharing(kit, name, shm_node("e", GUEST, MIB, role="tenant"))


@case("{node}/shared-mem@70000000: corbel,read-only = (present): expected it absent: the "
      'role is "owner"')
def shm_owner_read_only(kit, name):
    return sharing(kit, name, shm_node("f", GUEST, MIB, role="owner", read_only=True))


@case("{node}/shared-mem@70000000: xen,shared-mem = (20 bytes): expected a host address or "
      "none, a guest address and a size of 2, 2 and 2 cells")
def shm_five_cells(kit, name):
    return sharing(kit, name, shm_node("g", GUEST, MIB, props={
        "xen,shared-mem": u64(GUEST, MIB) + u32(0)}))


@case("{node}/shared-mem@70000000: xen,shared-mem = (missing): expected a host address or "
      "none, a guest address and a size of 2, 2 and 2 cells")
def shm_no_range(kit, name):
    return sharing(kit, name, shm_node("h", GUEST, MIB, props={"xen,shared-mem": None}))


@case("{node}/shared-mem@70000800: xen,shared-mem = <0x0 0x70000800 0x0 0x100000>: expected "
      "whole pages of 4 KiB")
def shm_guest_unaligned(kit, name):
    return sharing(kit, name, shm_node("i", GUEST + 0x800, MIB))


@case("{node}/shared-mem@80000800: xen,shared-mem = <0x0 0x80000800 0x0 0x70000000 0x0 "
      "0x100000>: expected whole pages of 4 KiB")
def shm_host_unaligned(kit, name):
    return sharing(kit, name, shm_node("j", GUEST, MIB, hpa=BASE + 0x800))


@case("{node}/shared-mem@70000000: xen,shared-mem = <0x0 0x70000000 0x0 0x1800>: expected "
      "whole pages of 4 KiB")
def shm_size_unaligned(kit, name):
    return sharing(kit, name, shm_node("k", GUEST, 0x1800))


@case("{node}/shared-mem@70000000: xen,shared-mem = <0x0 0x70000000 0x0 0x0>: expected a "
      "size above 0")
def shm_zero_size(kit, name):
    return sharing(kit, name, shm_node("l", GUEST, 0))


@case("{node}/shared-mem@fffffffffffff000: xen,shared-mem = <0xffffffff 0xfffff000 0x0 "
      "0x2000>: expected a guest range below 2^64")
def shm_wraps(kit, name):
    return sharing(kit, name, shm_node("m", (1 << 64) - 0x1000, 0x2000))


@case("{node}: shm n = 0x1000000000000000+0x100000: expected an end within 44 address "
      "bits")
def shm_guest_too_high(kit, name):
    return sharing(kit, name, shm_node("n", 1 << 60, MIB))


@case("{node}/shared-mem@200000000: xen,shared-mem = <0x2 0x0 0x0 0x70000000 0x0 0x100000>: "
      "expected a range inside the machine's RAM")
def shm_host_outside_ram(kit, name):
    return sharing(kit, name, shm_node("o", GUEST, MIB, hpa=0x200000000))


@case("{node}/shared-mem@50000000: xen,shared-mem = <0x0 0x50000000 0x0 0x70000000 0x0 "
      "0x100000>: expected no overlap with /chosen/good/module@50000000 at {hex}+{hex}")
def shm_over_module(kit, name):
    return sharing(kit, name, shm_node("p", GUEST, MIB, hpa=0x50000000))


@case("{node}/shared-mem@70000000: xen,shared-mem = <0x0 0x70000000 0x100 0x0>: expected a "
      "size of at most the machine's 0x80000000 bytes")
def shm_larger_than_ram(kit, name):
    return sharing(kit, name, shm_node("q", GUEST, 1 << 40))


@case("{node}/shared-mem@80000000: xen,shared-mem = <0x0 0x80000000 0x0 0x70000000 0x0 "
      "0x100000>: expected equal host and guest addresses: the domain is direct-map")
def shm_direct_map_moved(kit, name):
    return sharing(kit, name, shm_node("r", GUEST, MIB, hpa=BASE), props={"direct-map": empty()})


@case("{node}/shared-mem@70000000: xen,shared-mem = <0x0 0x70000000 0x0 0x100000>: expected "
      "a host address in front: the domain is direct-map")
def shm_direct_map_no_host(kit, name):
    return sharing(kit, name, shm_node("s", GUEST, MIB), props={"direct-map": empty()})


@case('{node}/shared-mem@70800000: xen,shm-id = "n8": expected at most 8 shared memories '
      "in a domain")
def shm_too_many(kit, name):
    return sharing(kit, name, *[shm_node("n%d" % i, GUEST + i * MIB, MIB) for i in range(9)])


@case('{node}/shared-mem@70000000: role = (5 bytes): expected "owner" or "borrower"')
def shm_role_not_a_string(kit, name):
    return sharing(kit, name, shm_node("t", GUEST, MIB, props={"role": b"owner"}))


@case("{node}/shared-mem@40000000: xen,shared-mem = <0x0 0x40000000 0x1 0x0 0x0 0x80000000>: "
      "expected no overlap with the hypervisor at 0x40200000+{hex}", beside=("has-shared",))
def shm_all_of_ram(kit, name):
    return sharing(kit, name, shm_node("all", 1 << 32, 2048 * MIB, hpa=0x40000000))
