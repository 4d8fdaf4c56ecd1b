# SPDX-License-Identifier: Apache-2.0
# Configuration by kconfiglib: .config from a defconfig, headers and make variables from .config.

kconfig = $(PYTHON) -m

menuconfig: | $(KCONFIG_CONFIG)
	$(kconfig) menuconfig Kconfig
olddefconfig:
	$(kconfig) olddefconfig Kconfig
defconfig:
	$(kconfig) defconfig --kconfig Kconfig arch/arm64/configs/$(DEFCONFIG)
release_defconfig:
	$(kconfig) defconfig --kconfig Kconfig arch/arm64/configs/qemu_virt_release_defconfig
%_defconfig: arch/arm64/configs/%_defconfig
	$(kconfig) defconfig --kconfig Kconfig $<

$(KCONFIG_CONFIG):
	@mkdir -p $(@D)
	@$(kconfig) defconfig --kconfig Kconfig arch/arm64/configs/$(DEFCONFIG)

$(GEN)/autoconf.h: $(KCONFIG_CONFIG) Kconfig
	@mkdir -p $(@D)
	@$(kconfig) genconfig --header-path $@ --config-out $(GEN)/auto.conf Kconfig
	@touch $@ $(GEN)/auto.conf
$(GEN)/auto.conf: $(GEN)/autoconf.h

# What `git describe` calls this tree.
version = $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)
$(GEN)/version.h: FORCE
	@mkdir -p $(@D); echo '#define CORBEL_VERSION "$(version)"' >$@.tmp
	@cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@
