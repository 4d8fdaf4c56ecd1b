/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug builds ask the CPU, once at boot, whether the stage-2 policy means what it says: a
 * small map with a page of each class, made as a domain's, and for each page the memory type
 * that comes out of the translation. Emulators that ignore memory types for data know them
 * here. Boot CPU, before any guest.
 */
#include <corbel/s2_selftest.h>

#include <arch/mmu.h>
#include <arch/stage2.h>
#include <corbel/bits.h>
#include <corbel/log.h>
#include <corbel/p2m.h>
#include <corbel/page.h>
#include <corbel/s2policy.h>

#define IPA_BITS    32u
#define TABLE_PAGES 4u

/* PAR_EL1.ATTR in the encoding of MAIR, and SH; Device and NC always read as outer shareable. */
static const struct {
    u8 attr, sh;
} expected[S2_CLASS_COUNT] = {
    [S2_RAM] = { 0xff, S2_SH_INNER },     [S2_RAM_RO] = { 0xff, S2_SH_INNER },
    [S2_SRAM] = { 0xff, S2_SH_INNER },    [S2_MMIO] = { 0x0c, S2_SH_OUTER },
    [S2_GIC] = { 0x00, S2_SH_OUTER },     [S2_MMIO_NC] = { 0x44, S2_SH_OUTER },
    [S2_MSI] = { 0x00, S2_SH_OUTER },     [S2_HWDOM_C] = { 0xff, S2_SH_OUTER },
    [S2_MMIO_RO] = { 0x0c, S2_SH_OUTER },
};

static bool is_as_expected(const struct stage2 *s2, u32 cls)
{
    u8 attr = 0, sh = 0;
    bool mapped = stage2_probe(s2, IPA(cls * PAGE_SIZE), &attr, &sh);

    if (mapped && attr == expected[cls].attr && sh == expected[cls].sh)
        return true;
    log_err("stage 2: class %s: AT S12E1R says %s, attributes 0x%02x SH %u, expected 0x%02x SH %u",
            s2_class_name((enum s2_class)cls), mapped ? "mapped" : "fault", attr, sh,
            expected[cls].attr, expected[cls].sh);
    return false;
}

/* pa: some page; nothing is accessed there. */
static enum corbel_err map_all(struct p2m *p2m, pa_t pa)
{
    enum corbel_err err = CORBEL_OK;

    for (u32 cls = 0; cls < S2_CLASS_COUNT && err == CORBEL_OK; cls++)
        err = p2m_map(p2m, IPA(cls * PAGE_SIZE), pa, PAGE_SIZE, (enum s2_class)cls);
    return err;
}

void s2_selftest(void)
{
    const u64 size = ALIGN_UP(sizeof(struct p2m), PAGE_SIZE);
    struct p2m *p2m = heap_alloc(size);
    enum corbel_err err = p2m ? p2m_init(p2m, 0, IPA_BITS, TABLE_PAGES) : ERR_NOMEM;
    bool good = true;

    if (err == CORBEL_OK) {
        err = map_all(p2m, virt_to_phys(p2m));
        for (u32 cls = 0; cls < S2_CLASS_COUNT && err == CORBEL_OK; cls++)
            good &= is_as_expected(&p2m->s2, cls);
        while (p2m_destroy_step(p2m) == ERR_AGAIN)
            ; /* tables only, and they flush what the probes left in the TLB */
    }
    if (p2m)
        heap_free(p2m, size);
    if (err != CORBEL_OK)
        log_err("stage 2: not tested: %s", err_name(err));
    else if (good)
        log_info("stage 2: attributes as the policy says (AT S12E1R)");
}
