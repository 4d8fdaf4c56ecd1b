/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_PSTATE_H
#define ASM_PSTATE_H

#include <corbel/bits.h>

/* PSTATE as SPSR_ELx holds it (Arm ARM C5.2.18) */
#define PSR_MODE    GENMASK(3, 0)
#define PSR_EL0T    0x0ull
#define PSR_EL1T    0x4ull
#define PSR_EL1H    0x5ull
#define PSR_NRW     BIT(4) /* AArch32 */
#define PSR_F       BIT(6)
#define PSR_I       BIT(7)
#define PSR_A       BIT(8)
#define PSR_D       BIT(9)
#define PSR_BTYPE   GENMASK(11, 10)
#define PSR_IT_HIGH GENMASK(15, 10) /* AArch32: IT[7:2], IT[1:0] */
#define PSR_IT_LOW  GENMASK(26, 25)
#define PSR_SSBS    BIT(12)
#define PSR_IL      BIT(20)
#define PSR_SS      BIT(21)
#define PSR_PAN     BIT(22)
#define PSR_UAO     BIT(23)
#define PSR_DIT     BIT(24)
#define PSR_TCO     BIT(25)
#define PSR_NZCV    GENMASK(31, 28)

#endif
