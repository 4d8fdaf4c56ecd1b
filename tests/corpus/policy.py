# SPDX-License-Identifier: Apache-2.0
"""What a domain says about DMA, restarts, the PMU and the debug hook, said wrongly."""
from fdt import empty, string, u32, u64
from corpus import MIB, case
from mkdtb import static_mem

HOOKED_AT = 0x62000000     # nobody else's in the corpus: cases share trees in any combination
ACTIONS = 'expected "halt", "restart" or "host-reset"'
WATCHDOG = 'expected "sbsa-gwdt" or "smc-wdt"'
LIMIT = "expected a count from 1 to 65535 and seconds from 1 to 86400"
HOOK = "expected guest address and size, whole pages, in two cells each"


@case('{node}: passthrough = "on": expected "enabled" or "disabled"')
def passthrough_unknown(kit, name):
    return kit.domain(name, props={"passthrough": string("on")})


@case('{node}: corbel,no-iommu = (present): expected it absent, since passthrough is "enabled"')
def no_iommu_beside_enabled(kit, name):
    return kit.domain(name, props={"passthrough": string("enabled"), "corbel,no-iommu": empty()})


@case('{node}: corbel,on-dma-fault = "ignore": expected "log", "quarantine" or "crash"')
def on_dma_fault_unknown(kit, name):
    return kit.domain(name, props={"corbel,on-dma-fault": string("ignore")})


@case('{node}: corbel,on-reboot = "reset": ' + ACTIONS)
def on_reboot_unknown(kit, name):
    return kit.domain(name, props={"corbel,on-reboot": string("reset")})


@case("{node}: corbel,on-crash = (4 bytes): " + ACTIONS)
def on_crash_is_a_number(kit, name):
    return kit.domain(name, props={"corbel,on-crash": u32(1)})


@case('{node}: corbel,watchdog = "arm,sbsa-gwdt": ' + WATCHDOG)
def watchdog_unknown(kit, name):
    return kit.domain(name, props={"corbel,watchdog": string("arm,sbsa-gwdt")})


@case("{node}: corbel,watchdog = (0 bytes): " + WATCHDOG)
def watchdog_of_no_kind(kit, name):
    return kit.domain(name, props={"corbel,watchdog": empty()})


@case("{node}: nr_spis = <0x1>: expected an SPI for the watchdog beside those of its other "
      "devices")
def watchdog_without_an_spi(kit, name):
    return kit.domain(name, props={"corbel,watchdog": string("sbsa-gwdt"), "nr_spis": u32(1)})


@case("{node}: corbel,restart-limit = <0x0 0x3c>: " + LIMIT)
def restart_limit_of_none(kit, name):
    return kit.domain(name, props={"corbel,restart-limit": u32(0, 60)})


@case("{node}: corbel,restart-limit = (4 bytes): " + LIMIT)
def restart_limit_cut(kit, name):
    return kit.domain(name, props={"corbel,restart-limit": u32(3)})


@case('{node}: corbel,pmu = "none": expected "on" or "off"')
def pmu_unknown(kit, name):
    return kit.domain(name, props={"corbel,pmu": string("none")})


@case('{node}: corbel,pmu = (4 bytes): expected "on" or "off"')
def pmu_is_a_number(kit, name):
    return kit.domain(name, props={"corbel,pmu": u32(0)})


@case("{node}: corbel,debug-hook = <0x0 0x40000800 0x0 0x1000>: " + HOOK, debug=True)
def hook_unaligned(kit, name):
    return kit.domain(name, props={"corbel,debug-hook": u64(0x40000800, 0x1000)})


@case("{node}: corbel,debug-hook = <0xffffffff 0xfffff000 0x0 0x2000>: " + HOOK, debug=True)
def hook_wraps(kit, name):
    return kit.domain(name, props={"corbel,debug-hook": u64((1 << 64) - 0x1000, 0x2000)})


@case("{node}: corbel,debug-hook = <0x0 0x41000000 0x0 0x1000>: expected guest addresses in one "
      "bank of the domain's RAM", debug=True)
def hook_outside_ram(kit, name):
    return kit.domain(name, props={"corbel,debug-hook": u64(0x41000000, 0x1000)})


@case("{node}: corbel,debug-hook = <0x0 0x62fff000 0x0 0x2000>: expected guest addresses in one "
      "bank of the domain's RAM", debug=True)
def hook_beyond_ram(kit, name):
    return kit.domain(name, props={"corbel,debug-hook": u64(HOOKED_AT + 0xfff000, 0x2000),
                                   **static_mem((HOOKED_AT, 16 * MIB), direct_map=True)})


@case(None, debug=True)
def hook_in_ram(kit, name):
    return kit.domain(name, props={"corbel,debug-hook": u64(0x40fff000, 0x1000)})
