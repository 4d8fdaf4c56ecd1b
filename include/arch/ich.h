/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCH_ICH_H
#define ARCH_ICH_H

#include <corbel/types.h>

/*
 * System-register interface of a GICv3, always this CPU's: the physical CPU interface
 * (ICC_*) and the virtual interface control (ICH_*, bits in hw/ich_lr.h). Only
 * drivers/irq/gicv3.c calls these.
 */

/* Enable the interface: EOImode 1, PMR 0xff, group 1. False: there is none, or it stays off. */
bool arch_icc_init(void);
/* INTID of the highest pending interrupt, acknowledged; DSB SY done (IHI 0069 4.6.1). */
u32 arch_icc_ack(void);
void arch_icc_eoi(u32 intid);
void arch_icc_deactivate(u32 intid);
/* ICC_SGI1R_EL1, ISB: value as IHI 0069 12.2.23. The caller's DSB came before. */
void arch_icc_sgi(u64 value);

u64 arch_ich_vtr(void);
/* List register n of 0..15; reading one that is not implemented is a bug of the caller. */
u64 arch_ich_lr_read(u32 n);
void arch_ich_lr_write(u32 n, u64 lr);
u64 arch_ich_elrsr(void);
u64 arch_ich_eisr(void);
u64 arch_ich_misr(void);
u64 arch_ich_hcr_read(void);
void arch_ich_hcr_write(u64 hcr);
u64 arch_ich_vmcr_read(void);
/* Also gives the guest its system-register interface (ICC_SRE_EL1). */
void arch_ich_vmcr_write(u64 vmcr);
/* ICH_AP<group>R<n>_EL2, n of 0..3. */
u32 arch_ich_apr_read(u32 group, u32 n);
void arch_ich_apr_write(u32 group, u32 n, u32 value);

#endif
