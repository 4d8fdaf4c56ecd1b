/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

#define isb()       __asm__ volatile("isb" ::: "memory")
#define dsb_sy()    __asm__ volatile("dsb sy" ::: "memory")
#define dsb_ish()   __asm__ volatile("dsb ish" ::: "memory")
#define dsb_ishst() __asm__ volatile("dsb ishst" ::: "memory")
#define dsb_nsh()   __asm__ volatile("dsb nsh" ::: "memory")
#define dmb_ish()   __asm__ volatile("dmb ish" ::: "memory")

#endif
