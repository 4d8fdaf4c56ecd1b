/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where stage 2 meets the CPU: VTTBR_EL2, TLB maintenance by broadcast, address
 * translation. Invalidation works on the VMID in VTTBR_EL2, so a domain that is
 * not loaded here is loaded for its length (design decision 18). Runs on any CPU,
 * interrupts masked, under the p2m lock of the domain. Arm ARM D8.17.
 */
#include <arch/stage2.h>

#include <arch/barrier.h>
#include <arch/mmu.h>

#include <asm/stage2.h>
#include <asm/tlb.h>

#define PAR_EL1_F  BIT(0)
#define PAR_EL1_PA GENMASK(51, 12)

/* Operand of a range invalidation by IPA, 4 KiB granule, any level. */
#define TLBI_RANGE_BASE  GENMASK(36, 0)
#define TLBI_RANGE_NUM   GENMASK(43, 39)
#define TLBI_RANGE_SCALE GENMASK(45, 44)
#define TLBI_RANGE_4K    FIELD_PREP(GENMASK(47, 46), 1)

/* What was loaded here before another domain's VMID was needed. */
struct visit {
    bool away;
    u64 vttbr, vtcr;
    struct tlb_s1_walks walks;
};

static void vttbr_write(u64 vttbr, u64 vtcr)
{
    write_sysreg(vtcr, vtcr_el2);
    write_sysreg(vttbr, vttbr_el2);
    isb();
}

static void visit_begin(struct visit *v, const struct stage2 *s2)
{
    v->vttbr = read_sysreg(vttbr_el2);
    v->vtcr = read_sysreg(vtcr_el2);
    v->away = v->vttbr != s2->vttbr;
    if (!v->away)
        return;
    tlb_s1_walks_stop(&v->walks);
    vttbr_write(s2->vttbr, s2->vtcr);
}

static void visit_end(const struct visit *v)
{
    if (!v->away)
        return;
    vttbr_write(v->vttbr, v->vtcr);
    tlb_s1_walks_resume(&v->walks);
}

static void flush_one(u64 ipa)
{
    tlbi_arg(ipas2e1is, ipa >> PAGE_SHIFT);
}

/* (NUM + 1) << (5 * SCALE + 1) pages an instruction, biggest first; an odd page alone. */
static void flush_by_range(u64 ipa, u64 size)
{
    u64 pages = size >> PAGE_SHIFT;

    while (pages > 1) {
        u64 scale = MIN((bit_highest(pages) - 1) / 5, 3u);
        u64 shift = 5 * scale + 1;
        u64 num = MIN(pages >> shift, 32ull);

        tlbi_ripas2e1is(FIELD_PREP(TLBI_RANGE_BASE, ipa >> PAGE_SHIFT) |
                        FIELD_PREP(TLBI_RANGE_NUM, num - 1) | FIELD_PREP(TLBI_RANGE_SCALE, scale) |
                        TLBI_RANGE_4K);
        ipa += num << shift << PAGE_SHIFT;
        pages -= num << shift;
    }
    if (pages)
        flush_one(ipa);
}

static void flush_range(const struct stage2_range *r)
{
    if (cpu_features()->tlb_range && r->size > r->step) {
        flush_by_range(r->ipa, r->size);
        return;
    }
    for (u64 at = 0; at < r->size; at += r->step)
        flush_one(r->ipa + at);
}

static void flush_batch(const struct stage2_inval *b)
{
    if (b->all) {
        tlbi(vmalls12e1is);
        dsb_ish();
        return;
    }
    for (u32 i = 0; i < b->count; i++)
        flush_range(&b->ranges[i]);
    dsb_ish(); /* stage 2 is forgotten before stage 1, or combined entries come back from it */
    tlbi(vmalle1is);
    dsb_ish();
}

void stage2_tlb_sync(const struct stage2 *s2, const struct stage2_inval *b)
{
    struct visit v;

    dsb_ishst(); /* table writes are seen by every walker before old entries go */
    if (!b->count && !b->all)
        return;
    visit_begin(&v, s2);
    flush_batch(b);
    if (errata_repeat_tlbi())
        flush_batch(b); /* TLBI and DSB a second time: A76 1286807, A55 2441007, A510 2441009 */
    isb();
    visit_end(&v);
}

static void load(u64 vttbr, u64 vtcr)
{
    struct tlb_s1_walks walks = { 0 };

    tlb_s1_walks_stop(&walks);
    vttbr_write(vttbr, vtcr);
    tlb_s1_walks_resume(&walks);
}

void stage2_load(const struct stage2 *s2)
{
    load(s2->vttbr, s2->vtcr);
}

/*
 * VMID 0 is nobody's, and one empty table of level 1 translates nothing: not even a
 * speculative walk finds what used to be there (design decision 34 d).
 */
void stage2_unload(void)
{
    static u64 empty[512] __aligned(4096); /* never written: .bss, not a page of the image */

    load(image_to_phys(empty).v, VTCR_EL2_RES1 | FIELD_PREP(VTCR_EL2_PS, cpu_features()->pa_range) |
                                     FIELD_PREP(VTCR_EL2_SH0, 3) | FIELD_PREP(VTCR_EL2_ORGN0, 1) |
                                     FIELD_PREP(VTCR_EL2_IRGN0, 1) | FIELD_PREP(VTCR_EL2_SL0, 1) |
                                     FIELD_PREP(VTCR_EL2_T0SZ, 64 - 39));
}

void stage2_flush_local(void)
{
    tlbi(vmalle1);
    dsb_nsh();
    isb();
}

void stage2_flush_vmid_local(void)
{
    tlbi(vmalls12e1);
    dsb_nsh();
    isb();
}

bool stage2_translate_s1(u64 gva, ipa_t *out)
{
    u64 saved = read_sysreg(par_el1), par; /* PAR_EL1 is the guest's */

    __asm__ volatile("at s1e1r, %0" ::"r"(gva) : "memory");
    isb();
    par = read_sysreg(par_el1);
    write_sysreg(saved, par_el1);
    if (par & PAR_EL1_F)
        return false;
    *out = IPA((par & PAR_EL1_PA) | (gva & (PAGE_SIZE - 1)));
    return true;
}
