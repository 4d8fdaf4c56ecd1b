# SPDX-License-Identifier: Apache-2.0
# corbel-check: the hypervisor's planning, linked with a host program. Two builds: for users, and
# with the sanitizers of the unit tests, whose objects it shares, for tests/tools.

check-srcs := $(addprefix tools/check/,main.c run.c host.c show.c text.c json.c) \
    $(addprefix common/,addrmap.c addrmap_native.c assign.c boot_mem.c cmdline.c devclass.c \
    devclass_gic.c devclass_sram.c directmem.c domcfg.c domcfg_modules.c domcfg_policy.c \
    domcfg_shm.c domcfg_static.c domprop.c heap.c hostmap.c image.c image_place.c page.c passdt.c \
    passdt_host.c passdt_irq.c passdt_refs.c passdt_write.c plan.c plan_image.c platform.c \
    platform_chosen.c platform_cpus.c platform_devices.c platform_free.c \
    platform_iommu.c platform_parts.c platform_static.c poolcfg.c s2policy.c shmem.c) \
    $(addprefix common/,devclass_pcie.c iommu_map.c passdt_dma.c passdt_imap.c passdt_msi.c \
    passdt_pcie.c plan_msi.c plan_notes.c) \
    $(addprefix common/lib/,adler32.c bitmap.c err.c fdt_find.c fdt_irq.c fdt_read.c fdt_walk.c \
    fdt_write.c gunzip.c printf.c spinlock.c str.c)

K := $(B)/tools/obj
check-flags := -std=gnu11 -g -O2 -fno-common
check-objs  := $(addprefix $(K)/,$(check-srcs:.c=.o))
check-third := $(patsubst %.c,$(K)/third_party/%.o,$(libfdt-srcs) $(zlib-srcs))

corbel-check: $(B)/tools/corbel-check
corbel-check-san: $(B)/tools/corbel-check-san

$(B)/tools/corbel-check: $(check-objs) $(check-third)
	@mkdir -p $(@D) && echo "  HOSTLD  $@"
	@$(HOSTCC) $(check-flags) -o $@ $^
$(B)/tools/corbel-check-san: $(addprefix $(U)/obj/,$(check-srcs:.c=.o)) $(U)/libthird.a
	@mkdir -p $(@D) && echo "  HOSTLD  $@"
	@$(HOSTCC) $(host-flags) -o $@ $^

$(addprefix $(K)/,$(fdt-users:=.o)): host-extra := $(host-fdt)
$(addprefix $(K)/,$(gunzip-user:=.o)): host-extra := $(host-zlib)
$(K)/third_party/libfdt/%.o: $(TP)/.ready
	@mkdir -p $(@D)
	@$(HOSTCC) $(check-flags) $(host-fdt) -w -c $(TP)/libfdt/$*.c -o $@
$(K)/third_party/zlib/%.o: $(TP)/.ready
	@mkdir -p $(@D)
	@$(HOSTCC) $(check-flags) $(host-zlib) -w -c $(TP)/zlib/$*.c -o $@
$(K)/%.o: %.c tools/check/check.mk $(TP)/.ready | $(generated)
	@mkdir -p $(@D) && echo "  HOSTCC  $@"
	@$(HOSTCC) $(host-include) $(host-extra) $(check-flags) $(host-warnings) -MMD -MP -c $< -o $@

-include $(shell find $(K) -name '*.d' 2>/dev/null)

.PHONY: corbel-check corbel-check-san
