# SPDX-License-Identifier: Apache-2.0
# One line per fuzz target: fuzz-NAME := sources that tests/fuzz/fuzz_NAME.c is linked with, those
# of the hypervisor as unit.mk lists them.
fuzz-vuart := $(unit-test_vuart)
fuzz-vwdt := $(unit-test_vwdt)
fuzz-insn := $(unit-test_guest_ldst)
fuzz-addrmap := $(unit-test_addrmap)
fuzz-image := $(addprefix common/,image.c image_place.c plan_image.c domprop.c) \
    $(addprefix common/lib/,adler32.c gunzip.c fdt_read.c fdt_walk.c printf.c str.c)
fuzz-iommu_map := $(unit-test_iommu_map)
fuzz-vgicv2 := $(unit-test_vgic) tests/fuzz/vgic_life.c
fuzz-vgicv3 := $(unit-test_vgic) tests/fuzz/vgic_life.c
fuzz-tree := $(filter-out $(addprefix tools/check/,main.c show.c text.c json.c),$(check-srcs)) \
    tests/fuzz/fuzz_tree_host.c tests/fuzz/tree_mutate.c
$(F)/obj/tools/check/host.o: host-extra := -Dpanic=check_panic -Darch_mmu_map_heap=check_map_heap
