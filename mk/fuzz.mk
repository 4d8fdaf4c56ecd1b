# SPDX-License-Identifier: Apache-2.0
# Fuzz targets for libFuzzer: tests/fuzz/fuzz_NAME.c with the hypervisor's own sources and the unit
# tests' fakes, compiled by clang with coverage, ASan and UBSan. docs/fuzzing.md.
#   make fuzz             each target for a while; T=name: only that one, TIME=seconds each
#   make check-fuzz       each for a few seconds

F := $(B)/fuzz
include tests/fuzz/fuzz.mk

FUZZCC ?= clang
fuzz-names := $(sort $(patsubst fuzz-%,%,$(filter fuzz-%,$(.VARIABLES))))
fuzz-bins  := $(addprefix $(F)/fuzz_,$(fuzz-names))
fuzz-flags := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fno-common \
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

fuzz-bins: $(fuzz-bins)
fuzz: fuzz-bins
	$(PYTHON) tools/fuzz.py --build $(F) --time $(or $(TIME),600) $(T)
check-fuzz: fuzz-bins
	$(PYTHON) tools/fuzz.py --build $(F) --check $(T)

$(F)/obj/tests/fuzz/%.o: host-extra := -Itests/unit $(host-fdt) -isystem $(TP)/zlib
$(addprefix $(F)/obj/,$(fdt-users:=.o)): host-extra := $(host-fdt)
$(addprefix $(F)/obj/,$(gunzip-user:=.o)): host-extra := $(host-zlib)

# Trees are walked all the time: without coverage of that ten times as many inputs are tried.
$(F)/obj/third_party/libfdt/%.o: mk/fuzz.mk $(TP)/.ready | $(GEN)/autoconf.h
	@mkdir -p $(@D)
	@$(FUZZCC) $(fuzz-flags) -O2 -fno-sanitize=fuzzer-no-link,undefined $(host-fdt) \
	  -w -c $(TP)/libfdt/$*.c -o $@
$(F)/obj/third_party/zlib/%.o: $(TP)/.ready | $(GEN)/autoconf.h
	@mkdir -p $(@D)
	@$(FUZZCC) $(fuzz-flags) $(host-zlib) -w -c $(TP)/zlib/$*.c -o $@
$(F)/obj/%.o: %.c mk/fuzz.mk $(TP)/.ready | $(generated)
	@mkdir -p $(@D) && echo "  FUZZCC  $@"
	@$(FUZZCC) $(host-include) $(host-extra) $(fuzz-flags) $(host-warnings) -MMD -MP -c $< -o $@

fuzz-archives := $(F)/libfake.a $(F)/libthird.a
$(F)/libfake.a: $(patsubst %.c,$(F)/obj/%.o,$(unit-fakes))
	@rm -f $@ && $(AR) rcs $@ $^
$(F)/libthird.a: $(patsubst %.c,$(F)/obj/third_party/%.o,$(libfdt-srcs) $(zlib-srcs))
	@rm -f $@ && $(AR) rcs $@ $^

define fuzz-rule
$(F)/fuzz_$(1): $(patsubst %.c,$(F)/obj/%.o,tests/fuzz/fuzz_$(1).c tests/fuzz/fuzz.c \
    $(fuzz-$(1))) $(fuzz-archives)
	@echo "  FUZZLD  $$@"
	@$(FUZZCC) $(fuzz-flags) -fsanitize=fuzzer -o $$@ $$^ -lcmocka
endef
$(foreach t,$(fuzz-names),$(eval $(call fuzz-rule,$(t))))

-include $(shell find $(F) -name '*.d' 2>/dev/null)

.PHONY: fuzz check-fuzz fuzz-bins
