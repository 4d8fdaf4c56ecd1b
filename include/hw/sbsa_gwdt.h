/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_SBSA_GWDT_H
#define HW_SBSA_GWDT_H

#include <corbel/bits.h>

/*
 * Generic watchdog, revision 1: Arm Base System Architecture, DEN0094 appendix "Generic
 * Watchdog". Two frames of 4 KiB each; registers of 32 bits.
 */
#define GWDT_FRAME_SIZE 0x1000u

/* Refresh frame */
#define GWDT_WRR 0x000u /* any write refreshes; reads as zero */

/* Control frame */
#define GWDT_WCS    0x000u
#define GWDT_WOR    0x008u
#define GWDT_WOR_HI 0x00cu
#define GWDT_WCV    0x010u
#define GWDT_WCV_HI 0x014u

/* Both frames */
#define GWDT_W_IIDR 0xfccu

#define GWDT_WCS_EN  BIT(0)
#define GWDT_WCS_WS0 BIT(1) /* first timeout: the interrupt; read-only */
#define GWDT_WCS_WS1 BIT(2) /* second: reset; read-only */

#define GWDT_WOR_HI_MASK GENMASK(15, 0) /* an offset of 48 bits in revision 1 */

#define GWDT_IIDR_IMPLEMENTER GENMASK(11, 0)
#define GWDT_IIDR_ARCH        GENMASK(19, 16)
#define GWDT_IIDR_PRODUCT     GENMASK(31, 20)

#endif
