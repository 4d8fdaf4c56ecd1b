/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

#define isb() \
    do {      \
    } while (0)
#define dsb_sy() \
    do {         \
    } while (0)
#define dsb_ish() \
    do {          \
    } while (0)
#define dsb_ishst() \
    do {            \
    } while (0)
#define dsb_nsh() \
    do {          \
    } while (0)
#define dmb_ish() \
    do {          \
    } while (0)

#endif
