# SPDX-License-Identifier: Apache-2.0
# Host unit tests: tests/unit/NAME.c with the very sources of the hypervisor that tests/unit/unit.mk
# lists for it, the host "architecture" of tests/fake, ASan and UBSan.

include tests/unit/unit.mk

U := $(B)/unit
unit-names := $(patsubst unit-%,%,$(filter unit-test_%,$(.VARIABLES)))
unit-bins  := $(sort $(addprefix $(U)/,$(unit-names)))

host-flags := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
    -fno-sanitize-recover=undefined -fno-common
host-include := -Itests/fake/include -Itests/fake -Iinclude -Iarch/arm64/include -I$(B)/include \
    -include $(GEN)/autoconf.h
host-warnings := -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes -Wvla -Werror
host-fdt  := -isystem $(TP)/libfdt
host-zlib := -isystem $(TP)/zlib $(zlib-defs)

unit: $(unit-bins)

$(U)/obj/tests/unit/%.o: host-extra := $(host-fdt) -isystem $(TP)/zlib
$(addprefix $(U)/obj/,$(fdt-users:=.o)): host-extra := $(host-fdt)
$(addprefix $(U)/obj/,$(gunzip-user:=.o)): host-extra := $(host-zlib)

$(U)/obj/third_party/libfdt/%.o: $(TP)/.ready | $(GEN)/autoconf.h
	@mkdir -p $(@D)
	@$(HOSTCC) $(host-flags) $(host-fdt) -w -c $(TP)/libfdt/$*.c -o $@
$(U)/obj/third_party/zlib/%.o: $(TP)/.ready | $(GEN)/autoconf.h
	@mkdir -p $(@D)
	@$(HOSTCC) $(host-flags) $(host-zlib) -w -c $(TP)/zlib/$*.c -o $@
$(U)/obj/%.o: %.c mk/unit.mk $(TP)/.ready | $(generated)
	@mkdir -p $(@D) && echo "  HOSTCC  $@"
	@$(HOSTCC) $(host-include) $(host-extra) $(host-flags) $(host-warnings) -MMD -MP -c $< -o $@

# Archives: a test that brings the real log.c does not pull in the fake one.
unit-archives := $(U)/libfake.a $(U)/libthird.a
$(U)/libfake.a: $(patsubst %.c,$(U)/obj/%.o,$(unit-fakes))
	@rm -f $@ && $(AR) rcs $@ $^
$(U)/libthird.a: $(patsubst %.c,$(U)/obj/third_party/%.o,$(libfdt-srcs) $(zlib-srcs))
	@rm -f $@ && $(AR) rcs $@ $^

define unit-rule
$(U)/$(1): $(patsubst %.c,$(U)/obj/%.o,tests/unit/$(1).c $(unit-$(1))) $(unit-archives)
	@echo "  HOSTLD  $$@"
	@$(HOSTCC) $(host-flags) -o $$@ $$^ -lcmocka
endef
$(foreach t,$(unit-names),$(eval $(call unit-rule,$(t))))

-include $(shell find $(U) -name '*.d' 2>/dev/null)
