/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_PL011_H
#define HW_PL011_H

#include <corbel/bits.h>

/*
 * Arm PrimeCell UART, DDI 0183. Shared by the host driver and the emulator. The SBSA
 * generic UART (BSA appendix) is the subset DR, RSR, FR, IMSC, RIS, MIS, ICR.
 */
#define PL011_DR        0x000u
#define PL011_RSR       0x004u /* write: ECR, clears errors */
#define PL011_FR        0x018u
#define PL011_ILPR      0x020u
#define PL011_IBRD      0x024u
#define PL011_FBRD      0x028u
#define PL011_LCR_H     0x02cu
#define PL011_CR        0x030u
#define PL011_IFLS      0x034u
#define PL011_IMSC      0x038u
#define PL011_RIS       0x03cu
#define PL011_MIS       0x040u
#define PL011_ICR       0x044u
#define PL011_DMACR     0x048u
#define PL011_PERIPHID0 0xfe0u /* 8 identification registers, 4 bytes apart */
#define PL011_SIZE      0x1000u

#define PL011_DR_DATA  GENMASK(7, 0)
#define PL011_DR_ERROR GENMASK(11, 8) /* FE, PE, BE, OE */

#define PL011_FR_CTS  BIT(0)
#define PL011_FR_DSR  BIT(1)
#define PL011_FR_DCD  BIT(2)
#define PL011_FR_BUSY BIT(3)
#define PL011_FR_RXFE BIT(4)
#define PL011_FR_TXFF BIT(5)
#define PL011_FR_RXFF BIT(6)
#define PL011_FR_TXFE BIT(7)

#define PL011_LCR_H_FEN  BIT(4)
#define PL011_LCR_H_WLEN GENMASK(6, 5) /* 3: 8 bits */

#define PL011_CR_UARTEN BIT(0)
#define PL011_CR_LBE    BIT(7)
#define PL011_CR_TXE    BIT(8)
#define PL011_CR_RXE    BIT(9)

#define PL011_IFLS_TX GENMASK(2, 0) /* 0: 1/8, 1: 1/4, 2: 1/2, 3: 3/4, 4: 7/8 full */
#define PL011_IFLS_RX GENMASK(5, 3)

/* IMSC, RIS, MIS, ICR */
#define PL011_INT_RX  BIT(4)
#define PL011_INT_TX  BIT(5)
#define PL011_INT_RT  BIT(6) /* receive timeout */
#define PL011_INT_FE  BIT(7)
#define PL011_INT_PE  BIT(8)
#define PL011_INT_BE  BIT(9)
#define PL011_INT_OE  BIT(10)
#define PL011_INT_ALL GENMASK(10, 0)

#endif
