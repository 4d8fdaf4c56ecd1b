# SPDX-License-Identifier: Apache-2.0
# Corbel's build. `make help` lists the targets; object lists are in objects.mk.

COMPILER      ?= gcc
CROSS_COMPILE ?= aarch64-linux-gnu-
HOSTCC        ?= gcc
PYTHON        ?= /usr/bin/python3
B             ?= build
KCONFIG_CONFIG ?= .config
DEFCONFIG     ?= qemu_virt_defconfig
export KCONFIG_CONFIG
MAKEFLAGS += --no-builtin-rules

TP  := build/third_party
GEN := $(B)/include/generated
all: $(B)/corbel

# Goals that need no configuration, and run before kconfiglib is there.
plain-goals := help setup guests run run-uboot check check-full format clean distclean %config
ifneq ($(filter-out $(plain-goals),$(or $(MAKECMDGOALS),all)),)
include $(GEN)/auto.conf
endif
include objects.mk
include mk/flags.mk
include mk/config.mk
include mk/third_party.mk
include mk/unit.mk
include tools/check/check.mk
include mk/fuzz.mk

# --- the hypervisor ------------------------------------------------------------------------------

objs := $(objs-boot) $(objs-entry) $(objs-hw) $(objs-drivers) $(objs-common) $(objs-vdev) $(objs-lib) \
    $(filter-out third_party/%,$(init-objs))
objs := $(addprefix $(B)/obj/,$(objs))
generated := $(GEN)/autoconf.h $(GEN)/asm_offsets.h $(GEN)/version.h

$(B)/corbel: $(B)/corbel.elf tools/check_image.py
	@echo "  IMAGE   $@"
	@$(OBJCOPY) -O binary $< $@.tmp
	@$(PYTHON) tools/check_image.py $@.tmp && mv $@.tmp $@

$(B)/corbel.elf: $(objs) $(third-party-objs) $(B)/corbel.lds
	@echo "  LD      $@"
	@$(LD) $(LDFLAGS) -T $(B)/corbel.lds -Map $(B)/corbel.map -o $@ $(objs) $(third-party-objs)

$(B)/corbel.lds: arch/arm64/boot/corbel.lds.S $(GEN)/autoconf.h
	@$(CC) -E -P -x assembler-with-cpp -D__ASSEMBLY__ $(CPPFLAGS) -MMD -MT $@ -MF $@.d $< -o $@

$(B)/obj/%.o: %.c $(B)/flags | $(generated)
	@mkdir -p $(@D) && echo "  CC      $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS-$*.o) -MMD -MP -c $< -o $@
	@$(call init-prefix,$*.o)

$(B)/obj/%.o: %.S $(B)/flags | $(generated)
	@mkdir -p $(@D) && echo "  AS      $@"
	@$(CC) $(CPPFLAGS) $(ASFLAGS) -MMD -MP -c $< -o $@

# Sections of boot code get the names under which the linker script keeps them together.
init-prefix = $(if $(filter $(1),$(init-objs)),$(OBJCOPY) --prefix-alloc-sections=.init $@)

# "->NAME value" strings in the compiler's output become #defines.
$(GEN)/asm_offsets.h: arch/arm64/boot/asm_offsets.c $(B)/flags | $(GEN)/autoconf.h
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MT $@ -MF $@.d -S $< -o $(B)/asm_offsets.s
	@{ echo "/* Generated from $< */"; sed -n \
	  's/.*"->\([A-Za-z0-9_]*\) [#$$]*\(-*[0-9]*\)".*/#define \1 \2/p' $(B)/asm_offsets.s; } >$@

-include $(objs:.o=.d) $(B)/corbel.lds.d $(GEN)/asm_offsets.h.d

# --- running and checking ------------------------------------------------------------------------

setup:
	tools/setup
guests:
	tools/fetch sources
	tools/fetch guests
	tools/mkinitrd
run: setup guests
	$(MAKE) all
	$(PYTHON) tools/run_qemu.py --interactive
run-uboot: setup guests
	$(MAKE) all
	$(PYTHON) tools/run_uboot.py --interactive $(ARGS)

check:
	$(PYTHON) tools/check.py
check-full:
	$(PYTHON) tools/check.py --full
check-unit: unit
	$(PYTHON) tools/run_unit.py $(unit-bins)
check-qemu: all payloads
	$(PYTHON) -m pytest -p no:cacheprovider -q -rs tests/qemu $(if $(T),-k "$(T)")
release := B=build/release KCONFIG_CONFIG=build/release/.config DEFCONFIG=qemu_virt_release_defconfig
release-image:
	$(MAKE) $(release) all
bench: release-image payloads
	$(PYTHON) tools/bench.py $(BENCH_ARGS)
bench-baseline: release-image payloads
	$(PYTHON) tools/bench_baseline.py --refresh

# The debug build has the assertions; SOAK=release runs the other one. ARGS: of tools/soak.py.
soak: $(if $(filter release,$(SOAK)),release-image,all) payloads
	$(if $(filter release,$(SOAK)),CORBEL_HV=build/release/corbel) $(PYTHON) tools/soak.py $(ARGS)

# --- the source ----------------------------------------------------------------------------------

sources = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
format:
	clang-format -i $(sources)
headers: $(generated)
	tools/check_headers.sh $(CC) $(CPPFLAGS) $(CFLAGS)
lint: $(generated)
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --platform=unix64 \
	  --enable=warning,portability --suppressions-list=tools/cppcheck.suppress \
	  -Iinclude -Iarch/arm64/include -I$(B)/include --include=$(GEN)/autoconf.h \
	  common drivers arch
tidy: $(generated)
	clang-tidy --quiet $(filter-out %/asm_offsets.c,$(wildcard common/*.c common/*/*.c drivers/*.c \
	  drivers/*/*.c arch/arm64/*/*.c)) -- --target=aarch64-linux-gnu $(CPPFLAGS) $(fdt-include) \
	  $(code-flags) -isystem $(TP)/zlib

clean:
	rm -rf $(B)/obj $(B)/unit $(B)/fuzz/obj $(B)/fuzz/fuzz_* $(B)/tools $(B)/check $(B)/include \
	  $(B)/corbel* $(B)/guest-payloads
distclean:
	rm -rf build .config .config.old

help:
	@sed -n 's/^## //p' mk/help.txt

payloads:
	@$(MAKE) -s -C tests/guest

FORCE:
.PHONY: all setup guests headers run run-uboot check check-full check-unit check-qemu bench \
        bench-baseline release-image soak format lint tidy clean distclean help unit payloads \
        menuconfig defconfig olddefconfig FORCE
.DELETE_ON_ERROR:
