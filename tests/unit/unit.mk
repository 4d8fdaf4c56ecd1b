# SPDX-License-Identifier: Apache-2.0
# One line per unit test: unit-NAME := hypervisor sources that tests/unit/NAME.c is linked with.
# unit-fakes are archived: only those that a test needs and does not bring itself are linked.
unit-fakes := $(wildcard tests/fake/*.c)
unit-test_timer := common/timer.c common/lib/spinlock.c
unit-test_domcfg := common/domcfg.c common/domcfg_modules.c common/poolcfg.c common/domprop.c common/lib/fdt_read.c common/lib/printf.c common/lib/str.c
unit-test_poolcfg := common/poolcfg.c common/domprop.c common/lib/fdt_read.c common/lib/printf.c common/lib/str.c
unit-test_domcfg_modules := common/domcfg.c common/domcfg_modules.c common/poolcfg.c common/domprop.c common/lib/fdt_read.c common/lib/printf.c common/lib/str.c
unit-test_console := common/console.c common/console_domain.c common/console_input.c common/timer.c common/lib/log.c common/lib/printf.c common/lib/spinlock.c common/lib/err.c
unit-test_addrmap := common/addrmap.c common/domprop.c common/lib/fdt_read.c common/lib/printf.c common/lib/str.c
unit-test_image := common/image.c
unit-test_fdt_read := common/lib/fdt_read.c common/lib/str.c
unit-test_gunzip := common/lib/gunzip.c
unit-test_fdt_irq := common/lib/fdt_irq.c common/lib/fdt_read.c common/lib/str.c
unit-test_fdt_write := common/lib/fdt_write.c common/lib/fdt_read.c common/lib/printf.c common/lib/str.c
unit-test_cmdline := common/cmdline.c common/lib/printf.c common/lib/str.c
unit-test_pgtable := arch/arm64/hw/pgtable.c
unit-test_domdtb := common/domdtb.c common/addrmap.c common/domprop.c common/lib/fdt_read.c common/lib/fdt_write.c common/lib/printf.c common/lib/str.c
