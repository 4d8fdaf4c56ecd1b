/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reset to C. Entered as an arm64 Image (Linux Documentation/arch/arm64/booting):
 * EL2, MMU off, x0 = PA of the device tree, at any 2 MiB-aligned address.
 *
 * Builds EL2 stage 1 for the link address with final permissions (W^X before the
 * first C instruction) and one identity page in a root of its own, turns the MMU
 * on and calls corbel_main(). Secondary CPUs enter at secondary_entry with x0 =
 * PA of their struct cpu and read only what was cleaned to the PoC.
 *
 * Registers kept during the primary path: x20 device tree, x21 PA of _start.
 */
#include <asm/layout.h>
#include <generated/asm_offsets.h>

/* Descriptor bits, Arm ARM D8.3: AF, inner shareable, AttrIndx; the same as asm/pte.h. */
#define PTE_TABLE    0x3
#define PTE_PAGE     0x3
#define PTE_NORMAL   (0x400 | 0x300 | (EL2_MT_NORMAL << 2))
#define PTE_RO       0x80
#define PTE_XN       (1 << 54)
#define PTE_AP1      0x40 /* RES1 in a single-privilege regime */

/* RES1 | IRGN0 WB | ORGN0 WB | SH0 inner | T0SZ 16; PS is added at run time */
#define TCR_VALUE (0x80800000 | (1 << 8) | (1 << 10) | (3 << 12) | 16)

/* RES1 bits, M, C, SA, I; WXN: nothing writable is executable */
#define SCTLR_VALUE (0x30c50830 | 0x1 | 0x4 | 0x8 | 0x1000 | 0x80000)

.macro pa_of reg, sym
    adrp    \reg, \sym
    add     \reg, \reg, :lo12:\sym
.endm

    .section .head.text, "ax"
    .global _head
_head:
    b       primary_entry
    .long   0
    .quad   0               /* text_offset: runs where it is loaded */
    .quad   image_size
    .quad   0xa             /* little endian, 4 KiB, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .section .text.entry, "ax"
primary_entry:
    msr     daifset, #0xf           /* U-Boot leaves SError open and its own VBAR */
    msr     spsel, #1
    mov     x20, x0
    pa_of   x0, early_vectors
    msr     vbar_el2, x0
    isb
    bl      el2_registers
    pa_of   x21, _start
    pa_of   x0, bss_start
    pa_of   x1, bss_end
    bl      cache_inval_range       /* no old dirty line may land on what we write now */
    pa_of   x0, bss_start
    pa_of   x1, bss_end
1:  stp     xzr, xzr, [x0], #16
    stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b
    bl      build_tables
    pa_of   x0, bss_start
    pa_of   x1, bss_end
    bl      cache_inval_range       /* nor an old clean one hide it once caches are on */
    pa_of   x0, idmap_l0
    ldr     x1, =primary_high
    b       mmu_enable

/* At the link address, on the identity root: drop the identity map, take the stack. */
primary_high:
    pa_of   x0, main_l0             /* still relative: gives the high address ... */
    ldr     x1, =_start
    sub     x0, x0, x1
    add     x0, x0, x21             /* ... so go back to the PA */
    msr     ttbr0_el2, x0
    isb
    tlbi    alle2
    dsb     nsh
    isb
    ldr     x1, =vectors
    msr     vbar_el2, x1
    isb
    ldr     x2, =boot_cpu
    msr     tpidr_el2, x2
    str     x0, [x2, #CPU_BOOT_TTBR]
    str     x2, [x2, #CPU_SELF]
    ldr     x3, =boot_panic_top
    str     x3, [x2, #CPU_PANIC_SP]
    ldr     x3, =boot_stack_top
    str     x3, [x2, #CPU_STACK_TOP]
    mov     sp, x3
    ldr     x3, =image_pa
    str     x21, [x3]
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x2
    mov     x1, x20
    bl      corbel_main
    b       guest_enter

/*
 * Every EL2 control register gets a whole value: nothing is inherited.
 * Clobbers x0-x2. E2H cannot be cleared on a CPU where it is RES1: stop there.
 */
el2_registers:
    mov     x0, #(1 << 31)          /* HCR_EL2: RW only, E2H = 0, no trap yet */
    msr     hcr_el2, x0
    isb
    mrs     x0, hcr_el2
    tbnz    x0, #34, e2h_is_res1
    mov     x0, #0x33ff             /* CPTR_EL2: RES1 (nVHE), nothing trapped in EL2 itself */
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    msr     vttbr_el2, xzr
    msr     cntvoff_el2, xzr
    mov     x0, #3                  /* CNTHCTL_EL2: EL1 may read CNTPCT; set per vCPU later */
    msr     cnthctl_el2, x0
    msr     cnthp_ctl_el2, xzr
    msr     cntv_ctl_el0, xzr       /* firmware's own timers: the virtual one has our PPI */
    msr     cntp_ctl_el0, xzr
    msr     mdcr_el2, xzr
    isb
    ret

e2h_is_res1:                        /* VHE-only CPU: not supported, see docs/architecture.md */
    wfe
    b       e2h_is_res1

/*
 * Invalidate [x0, x1) to the PoC. What was stored there with the MMU off comes first: such
 * stores are ordered against a DC of the same address by a barrier only. Clobbers x0, x2, x3.
 */
cache_inval_range:
    dmb     sy
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2
    sub     x3, x2, #1
    bic     x0, x0, x3
1:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    ret

/*
 * map_pages start, end, bits: fill main_l3 for image pages [start, end).
 * x10 = main_l3, x21 = PA of _start. Clobbers x0-x3.
 */
.macro map_pages start, end, bits
    pa_of   x0, \start
    pa_of   x1, \end
    ldr     x2, =(\bits)
2:  cmp     x0, x1
    b.hs    3f
    sub     x3, x0, x21
    lsr     x3, x3, #9              /* page index times 8 */
    orr     x4, x0, x2
    str     x4, [x10, x3]
    add     x0, x0, #4096
    b       2b
3:
.endm

/* Tables for the image and the identity page. x21 = PA of _start. Clobbers x0-x10. */
build_tables:
    pa_of   x10, main_l3
    map_pages _start, text_end, PTE_PAGE | PTE_NORMAL | PTE_AP1 | PTE_RO
    map_pages text_end, rodata_end, PTE_PAGE | PTE_NORMAL | PTE_AP1 | PTE_RO | PTE_XN
    map_pages rodata_end, boot_guard, PTE_PAGE | PTE_NORMAL | PTE_AP1 | PTE_XN
    map_pages boot_stack, bss_end, PTE_PAGE | PTE_NORMAL | PTE_AP1 | PTE_XN
    /* main: L0 -> L1 -> L2 -> L3, all at the indices of IMAGE_BASE (256, 0, 0) */
    pa_of   x0, main_l0
    pa_of   x1, main_l1
    pa_of   x2, main_l2
    orr     x3, x1, #PTE_TABLE
    str     x3, [x0, #(256 * 8)]
    orr     x4, x2, #PTE_TABLE
    str     x4, [x1]
    orr     x4, x10, #PTE_TABLE
    str     x4, [x2]
    /* identity root: the image as above (shares main_l1), and one page 1:1 */
    pa_of   x0, idmap_l0
    str     x3, [x0, #(256 * 8)]
    pa_of   x5, _start
    pa_of   x6, idmap_l1
    pa_of   x7, idmap_l2
    pa_of   x8, idmap_l3
    ubfx    x9, x5, #39, #9
    orr     x4, x6, #PTE_TABLE
    str     x4, [x0, x9, lsl #3]
    ubfx    x9, x5, #30, #9
    orr     x4, x7, #PTE_TABLE
    str     x4, [x6, x9, lsl #3]
    ubfx    x9, x5, #21, #9
    orr     x4, x8, #PTE_TABLE
    str     x4, [x7, x9, lsl #3]
    ubfx    x9, x5, #12, #9
    ldr     x4, =(PTE_PAGE | PTE_NORMAL | PTE_AP1 | PTE_RO)
    orr     x4, x4, x5
    str     x4, [x8, x9, lsl #3]
    ret

    .section .idmap.text, "ax"
/*
 * In: x0 = PA of the identity root, x1 = address to jump to. The caller runs with
 * the MMU off inside memory that stays valid. Clobbers x2-x5.
 */
mmu_enable:
    ldr     x2, =EL2_MAIR
    msr     mair_el2, x2
    ldr     x2, =TCR_VALUE
    mrs     x3, id_aa64mmfr0_el1
    and     x3, x3, #0xf
    cmp     x3, #5                  /* at most 48 bits without LPA2 */
    mov     x4, #5
    csel    x3, x3, x4, lo
    orr     x2, x2, x3, lsl #16
    msr     tcr_el2, x2
    msr     ttbr0_el2, x0
    dsb     sy
    isb
    tlbi    alle2
    ic      iallu
    dsb     nsh
    isb
    ldr     x2, =SCTLR_VALUE
    msr     sctlr_el2, x2
    isb
    br      x1
    .ltorg

/* A spin-table CPU brings no argument: find its struct cpu by MPIDR. */
    .global spin_table_entry
spin_table_entry:
    msr     daifset, #0xf
    mrs     x1, mpidr_el1
    ldr     x2, =0xff00ffffff
    and     x1, x1, x2
    pa_of   x2, spin_table_args
    mov     x3, #8
1:  ldp     x4, x0, [x2], #16
    cbz     x0, 3f                  /* an empty entry */
    cmp     x4, x1
    b.eq    secondary_entry
3:  subs    x3, x3, #1
    b.ne    1b
2:  wfe                             /* not one of ours: stay out of the way */
    b       2b
    .ltorg

    .global secondary_entry
secondary_entry:
    msr     daifset, #0xf
    msr     spsel, #1
    mov     x20, x0
    pa_of   x0, early_vectors
    msr     vbar_el2, x0
    isb
    bl      el2_registers
    pa_of   x0, idmap_l0
    ldr     x1, =secondary_high
    b       mmu_enable
    .ltorg

    .section .text.entry, "ax"
/* x20 = PA of struct cpu; the identity page is the last use of it: read what we need first. */
secondary_high:
    ldr     x1, =image_pa
    ldr     x1, [x1]
    ldr     x0, =main_l0
    ldr     x2, =_start
    sub     x0, x0, x2
    add     x0, x0, x1              /* PA of main_l0 */
    msr     ttbr0_el2, x0
    isb
    tlbi    alle2
    dsb     nsh
    isb
    ldr     x1, =vectors
    msr     vbar_el2, x1
    isb
    ldr     x1, =LINEAR_BASE        /* struct cpu of a secondary is in the heap */
    add     x0, x20, x1
    msr     tpidr_el2, x0
    ldr     x3, [x0, #CPU_STACK_TOP]
    mov     sp, x3
    mov     x29, xzr
    mov     x30, xzr
    mov     x1, xzr
    bl      corbel_main
    b       guest_enter
    .ltorg

/* Before the C vectors are up there is nobody to tell: stop in a place a debugger can name. */
    .section .text.vectors, "ax"
    .global early_vectors
    .balign 2048
early_vectors:
    .rept 7
    .balign 128
1:  wfe
    b       1b
    .endr
    .balign 128                     /* SError from EL2: open in arch_cpu_drop_serror() only */
    mrs     x9, spsr_el2
    orr     x9, x9, #(1 << 8)       /* A: the next one waits */
    msr     spsr_el2, x9
    eret
    .rept 8
    .balign 128
1:  wfe
    b       1b
    .endr
    .balign 128

    .section .bss.pgtable, "aw", %nobits
    .balign 4096
    .global main_l0
main_l0:  .space 4096
main_l1:  .space 4096
main_l2:  .space 4096
main_l3:  .space 4096
idmap_l0: .space 4096
idmap_l1: .space 4096
idmap_l2: .space 4096
idmap_l3: .space 4096
