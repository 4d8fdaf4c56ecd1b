# SPDX-License-Identifier: Apache-2.0
# Compilers and flags: one set for gcc and clang, debug and release.

LD      := $(CROSS_COMPILE)ld
OBJCOPY := $(CROSS_COMPILE)objcopy
NM      := $(CROSS_COMPILE)nm

ifeq ($(COMPILER),clang)
CC := clang --target=aarch64-linux-gnu
cc-headers := $(shell clang -print-resource-dir 2>/dev/null)/include
else ifeq ($(COMPILER),gcc)
CC := $(CROSS_COMPILE)gcc
cc-headers := $(shell $(CROSS_COMPILE)gcc -print-file-name=include 2>/dev/null)
else
$(error COMPILER=$(COMPILER): known are gcc and clang)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes \
    -Wmissing-declarations -Wold-style-definition -Wnested-externs -Wredundant-decls \
    -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough -Wformat=2 -Wcast-qual \
    -Wdouble-promotion -Wunused -Wuninitialized -Wdate-time -Wframe-larger-than=2048 -Werror
# Functions that stand in one table share one signature, needed by each or not.
WARNINGS += -Wno-unused-parameter
ifeq ($(COMPILER),gcc)
WARNINGS += -Wlogical-op -Wduplicated-cond -Wtrampolines
endif

CPPFLAGS = -nostdinc -isystem $(cc-headers) -Iinclude -Iarch/arm64/include -I$(B)/include \
    -include $(GEN)/autoconf.h

# No FP registers in EL2 (a guest's values are in them), no unaligned accesses (EL2 starts with the
# MMU off, and device memory faults on them). Registers and tree blobs are read through more than
# one type, hence no type-based aliasing. The tiny code model: adr reaches all of an image below
# 1 MiB in one instruction; the linker refuses a larger one.
code-flags := -std=gnu11 -ffreestanding -fno-common -fno-pie -fno-pic -fno-stack-protector \
    -fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-unwind-tables \
    -ffunction-sections -fdata-sections \
    -march=armv8-a -mgeneral-regs-only -mstrict-align -mno-outline-atomics -mcmodel=tiny \
    -mfix-cortex-a53-835769 -g
ifeq ($(CONFIG_CALL_TRACE),y)
code-flags += -fno-omit-frame-pointer
else
code-flags += -fomit-frame-pointer
endif
ifeq ($(CONFIG_DEBUG),y)
code-flags += -O1
else
code-flags += -Os
$(addprefix $(B)/obj/,$(hot-objs)): private code-flags += -O2
endif
CFLAGS  = $(code-flags) $(WARNINGS)
ASFLAGS = -march=armv8-a -D__ASSEMBLY__ -g -Wa,--fatal-warnings
# Cortex-A53 errata 835769 and 843419 are avoided by compiler and linker for every build.
LDFLAGS = -nostdlib -static --fix-cortex-a53-843419 --gc-sections \
    --build-id=none -z noexecstack -z max-page-size=4096 \
    --fatal-warnings

# memcpy and friends must not be compiled into calls of themselves.
ifeq ($(COMPILER),gcc)
CFLAGS-common/lib/string.o := -fno-tree-loop-distribute-patterns
endif

# Everything is compiled again when the compiler, a flag, or a list that decides on flags changes.
flags-now = $(CC) $(CPPFLAGS) $(CFLAGS) $(ASFLAGS) $(init-objs) $(hot-objs)
$(B)/flags: FORCE | $(GEN)/autoconf.h
	@mkdir -p $(@D); echo '$(flags-now)' | cmp -s - $@ || echo '$(flags-now)' >$@
