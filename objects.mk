# SPDX-License-Identifier: Apache-2.0
# What Corbel is linked from, floor by floor (tools/check_layers.py): an explicit list, one
# a line, no wildcards, so that a file that lies about is not part of the product.

objs-lib := \
    common/lib/adler32.o \
    common/lib/bitmap.o \
    common/lib/err.o \
    common/lib/gunzip.o \
    common/lib/log.o \
    common/lib/panic.o \
    common/lib/polyhash.o \
    common/lib/printf.o \
    common/lib/spinlock.o \
    common/lib/str.o \
    common/lib/string.o

objs-hw := \
    arch/arm64/hw/bulk.o \
    arch/arm64/hw/cache.o \
    arch/arm64/hw/context.o \
    arch/arm64/hw/cpu.o \
    arch/arm64/hw/debug.o \
    arch/arm64/hw/fault.o \
    arch/arm64/hw/fpsimd.o \
    arch/arm64/hw/guarded_io.o \
    arch/arm64/hw/ich.o \
    arch/arm64/hw/idreg32.o \
    arch/arm64/hw/inject.o \
    arch/arm64/hw/inject_entry.o \
    arch/arm64/hw/ldst.o \
    arch/arm64/hw/pgtable.o \
    arch/arm64/hw/pmu.o \
    arch/arm64/hw/pmu_cpu.o \
    arch/arm64/hw/pmu_regs.o \
    arch/arm64/hw/psci.o \
    arch/arm64/hw/smccc_call.o \
    arch/arm64/hw/stage1.o \
    arch/arm64/hw/stage2.o \
    arch/arm64/hw/stage2_selftest.o \
    arch/arm64/hw/stage2_tlb.o \
    arch/arm64/hw/time.o

objs-drivers := \
    drivers/drivers.o \
    drivers/iommu/smmuv2.o \
    drivers/iommu/smmuv2_bank.o \
    drivers/iommu/smmuv2_encode.o \
    drivers/iommu/smmuv2_fault.o \
    drivers/iommu/smmuv2_streams.o \
    drivers/iommu/smmuv2_tlb.o \
    drivers/iommu/smmuv3.o \
    drivers/iommu/smmuv3_enc.o \
    drivers/iommu/smmuv3_queue.o \
    drivers/iommu/smmuv3_strtab.o \
    drivers/irq/gicv2.o \
    drivers/irq/gicv3.o \
    drivers/uart/pl011.o

objs-common := \
    common/boot_end.o \
    common/build_devices.o \
    common/build_end.o \
    common/build_load.o \
    common/build_modules.o \
    common/build_queue.o \
    common/build_restart.o \
    common/build_step.o \
    common/build_tables.o \
    common/console.o \
    common/console_domain.o \
    common/console_input.o \
    common/cpu.o \
    common/domain.o \
    common/drbg.o \
    common/guest_abort.o \
    common/guest_exit.o \
    common/guest_ldst.o \
    common/heap.o \
    common/iommu.o \
    common/iommu_boot.o \
    common/iommu_fault.o \
    common/iommu_fold.o \
    common/iommu_inval.o \
    common/iommu_pci.o \
    common/iommu_report.o \
    common/irq.o \
    common/irq_dispatch.o \
    common/keys.o \
    common/lifecycle.o \
    common/p2m.o \
    common/p2m_hook.o \
    common/p2m_io.o \
    common/p2m_pool.o \
    common/p2m_report.o \
    common/page.o \
    common/platform_free.o \
    common/quiet.o \
    common/run.o \
    common/s2_selftest.o \
    common/s2policy.o \
    common/sched.o \
    common/sched_pool.o \
    common/shmem.o \
    common/subpage.o \
    common/timer.o \
    common/vcpu.o

objs-vdev := \
    common/vdev/vdev.o \
    common/vdev/vgic.o \
    common/vdev/vgic_hw.o \
    common/vdev/vgic_init.o \
    common/vdev/vgic_lr.o \
    common/vdev/vgic_mmio.o \
    common/vdev/vgic_pack.o \
    common/vdev/vgic_run.o \
    common/vdev/vgic_v2.o \
    common/vdev/vgic_v3.o \
    common/vdev/vpmu.o \
    common/vdev/vpsci.o \
    common/vdev/vsmccc.o \
    common/vdev/vtimer.o \
    common/vdev/vuart.o \
    common/vdev/vwdt.o

objs-entry := \
    arch/arm64/entry/esr.o \
    arch/arm64/entry/trap.o \
    arch/arm64/entry/vectors.o \
    arch/arm64/entry/vsysreg.o

objs-boot := \
    arch/arm64/boot/head.o

# What only runs until every domain has had its first start, of all floors: its memory is given
# back then (include/corbel/boot_end.h). Third-party objects of that kind by their own paths.
init-objs := \
    arch/arm64/hw/errata.o \
    arch/arm64/hw/harden.o \
    common/addrmap.o \
    common/addrmap_native.o \
    common/assign.o \
    common/boot_cpus.o \
    common/boot_mem.o \
    common/build.o \
    common/build_dtb.o \
    common/cmdline.o \
    common/devclass.o \
    common/devclass_gic.o \
    common/devclass_pcie.o \
    common/devclass_sram.o \
    common/directmem.o \
    common/domcfg.o \
    common/domcfg_modules.o \
    common/domcfg_policy.o \
    common/domcfg_shm.o \
    common/domcfg_static.o \
    common/domdtb.o \
    common/domprop.o \
    common/hostmap.o \
    common/image.o \
    common/image_place.o \
    common/iommu_map.o \
    common/main.o \
    common/passdt.o \
    common/passdt_dma.o \
    common/passdt_host.o \
    common/passdt_imap.o \
    common/passdt_irq.o \
    common/passdt_msi.o \
    common/passdt_pcie.o \
    common/passdt_refs.o \
    common/passdt_write.o \
    common/plan.o \
    common/plan_image.o \
    common/plan_msi.o \
    common/plan_notes.o \
    common/platform.o \
    common/platform_chosen.o \
    common/platform_cpus.o \
    common/platform_devices.o \
    common/platform_iommu.o \
    common/platform_parts.o \
    common/platform_static.o \
    common/poolcfg.o \
    common/lib/fdt_find.o \
    common/lib/fdt_irq.o \
    common/lib/fdt_read.o \
    common/lib/fdt_walk.o \
    common/lib/fdt_write.o \
    third_party/libfdt/fdt.o \
    third_party/libfdt/fdt_check.o \
    third_party/libfdt/fdt_ro.o \
    third_party/libfdt/fdt_sw.o

# What runs at each exit from a guest, and the inner loops of the boot: compiled for speed in a
# release build, everything else for size.
hot-objs := \
    arch/arm64/entry/esr.o \
    arch/arm64/entry/trap.o \
    arch/arm64/hw/context.o \
    arch/arm64/hw/ich.o \
    common/console_domain.o \
    common/guest_exit.o \
    common/irq_dispatch.o \
    common/run.o \
    common/vcpu.o \
    common/vdev/vdev.o \
    common/vdev/vgic_mmio.o \
    common/vdev/vgic_run.o \
    common/vdev/vpsci.o \
    common/vdev/vsmccc.o \
    common/vdev/vuart.o \
    common/lib/fdt_read.o \
    common/lib/fdt_walk.o \
    common/lib/polyhash.o \
    common/lib/spinlock.o \
    third_party/zlib/inffast.o
