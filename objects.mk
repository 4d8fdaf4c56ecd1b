# SPDX-License-Identifier: Apache-2.0
# What Corbel is linked from, floor by floor (tools/check_layers.py), in order of dependency.
find-objs = $(patsubst %.c,%.o,$(patsubst %.S,%.o,$(wildcard $(1)/*.c $(1)/*.S)))

objs-lib     := $(call find-objs,common/lib)
objs-hw      := $(call find-objs,arch/arm64/hw)
objs-drivers := $(call find-objs,drivers) $(call find-objs,drivers/irq) $(call find-objs,drivers/uart)
objs-common  := $(call find-objs,common)
objs-vdev    := $(call find-objs,common/vdev)
objs-entry   := $(call find-objs,arch/arm64/entry)
objs-boot    := $(filter-out %/asm_offsets.o %.lds.o,$(call find-objs,arch/arm64/boot))
