/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_FPSIMD_H
#define ASM_FPSIMD_H

#include <corbel/types.h>

/* V0-V31 to / from 64 doublewords at regs (fpsimd.S: C code of EL2 uses no FP). */
void fpsimd_save(u64 *regs);
void fpsimd_load(const u64 *regs);

#endif
