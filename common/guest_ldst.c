/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's loads and stores to emulated registers, as the syndrome describes them or,
 * where it does not (pairs, write-back), as the instruction itself says. The instruction
 * is read again by EL2, so another vCPU may have changed it: nothing here trusts it
 * beyond the region and the page that the abort named.
 */
#include <corbel/guest_ldst.h>

#include <arch/insn.h>
#include <arch/mmu.h>
#include <arch/stage2.h>
#include <arch/vcpu.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/guest_exit.h>
#include <corbel/p2m.h>
#include <corbel/string.h>
#include <corbel/vcpu.h>
#include <corbel/vdev.h>

/* What a register holds after a load of size bytes. */
struct extension {
    u8 size;
    bool sign, reg64;
};

static u64 extend(u64 value, struct extension x)
{
    u32 bits = 8u * x.size;

    if (bits < 64) {
        value &= BIT(bits) - 1;
        if (x.sign && (value >> (bits - 1)))
            value |= ~0ull << bits;
    }
    return x.reg64 ? value : (u32)value;
}

/* One access of a->size bytes at a->ipa; value in or out. */
static enum ldst_result access_one(struct vcpu *v, const struct mmio_region *region,
                                   struct mmio_access *a)
{
    if (!region) {
        a->value = 0;
        return LDST_DONE;
    }
    a->offset = a->ipa.v - region->base;
    if (a->offset >= region->size)
        return LDST_ABORT;
    if (a->write && a->size < 8)
        a->value &= BIT(8 * a->size) - 1;
    switch (mmio_access(v, region, a)) {
    case MMIO_OK:
        return LDST_DONE;
    case MMIO_RETRY:
        return LDST_RETRY;
    default:
        return LDST_ABORT;
    }
}

enum ldst_result guest_ldst_syndrome(struct vcpu *v, const struct guest_exit *e,
                                     const struct mmio_region *region)
{
    struct extension x = { e->u.abort.size, e->u.abort.sign_extend, e->u.abort.rt64 };
    struct mmio_access a = { .ipa = e->u.abort.ipa,
                             .size = e->u.abort.size,
                             .write = e->u.abort.write };
    enum ldst_result result;

    if (a.write)
        a.value = vcpu_reg_get(v, e->u.abort.rt);
    result = access_one(v, region, &a);
    if (result != LDST_DONE)
        return result;
    if (!a.write)
        vcpu_reg_set(v, e->u.abort.rt, extend(a.value, x));
    arch_vcpu_skip(v, e->il32);
    return LDST_DONE;
}

/* The instruction at the guest's PC; false when it is not A64 or does not lie in RAM. */
static bool fetch(struct vcpu *v, u32 *insn)
{
    u64 contiguous;
    ipa_t ipa;
    pa_t pa;

    if (!arch_insn_is_a64(v) || !IS_ALIGNED(v->regs.pc, sizeof(*insn)) ||
        !stage2_translate_s1(v->regs.pc, &ipa) ||
        p2m_ram_at(&v->domain->p2m, ipa, &pa, &contiguous) != CORBEL_OK)
        return false;
    memcpy(insn, arch_window_open(WINDOW_SMALL_0, pa, EL2_RODATA), sizeof(*insn));
    arch_window_close(WINDOW_SMALL_0);
    return true;
}

static u64 base_get(const struct vcpu *v, const struct insn_ldst *l)
{
    return l->base == 31 ? arch_insn_sp_get(v) : vcpu_reg_get(v, l->base);
}

static void base_write_back(struct vcpu *v, const struct insn_ldst *l)
{
    u64 value = base_get(v, l) + (u64)(s64)l->imm;

    if (l->base == 31)
        arch_insn_sp_set(v, value);
    else
        vcpu_reg_set(v, l->base, value);
}

/*
 * Is this the instruction that aborted, and at its first element? FAR_EL2 names the
 * element that did; what comes before it would have to be done in RAM.
 */
static bool is_the_one(const struct vcpu *v, const struct guest_exit *e, const struct insn_ldst *l)
{
    u64 offset = e->u.abort.gva & (PAGE_SIZE - 1), address = base_get(v, l);

    if (l->load == e->u.abort.write || offset + (u64)l->size * l->count > PAGE_SIZE)
        return false;
    if (l->writeback != INSN_BASE_POST)
        address += (u64)(s64)l->imm;
    return !l->base_imm || (address & (PAGE_SIZE - 1)) == offset;
}

/* All elements, in the order of their addresses; loaded values into value[]. */
static enum ldst_result access_all(struct vcpu *v, const struct mmio_region *region, ipa_t ipa,
                                   const struct insn_ldst *l, u64 value[2])
{
    enum ldst_result result = LDST_DONE;

    if (region && ipa.v - region->base + (u64)l->size * l->count > region->size)
        return LDST_ABORT;
    for (u32 i = 0; i < l->count && result == LDST_DONE; i++) {
        struct mmio_access a = { .ipa = ipa_add(ipa, (u64)i * l->size),
                                 .size = l->size,
                                 .write = !l->load };

        if (a.write)
            a.value = vcpu_reg_get(v, l->reg[i]);
        result = access_one(v, region, &a);
        value[i] = a.value;
        if (i && result == LDST_RETRY)
            return LDST_ABORT; /* the first one cannot be taken back */
    }
    return result;
}

enum ldst_result guest_ldst_decode(struct vcpu *v, const struct guest_exit *e,
                                   const struct mmio_region *region)
{
    enum ldst_result result;
    struct insn_ldst l;
    u64 value[2];
    u32 insn;

    if (!fetch(v, &insn) || !arch_insn_decode(insn, &l) || !is_the_one(v, e, &l))
        return LDST_UNKNOWN;
    result = access_all(v, region, e->u.abort.ipa, &l, value);
    if (result != LDST_DONE)
        return result;
    for (u32 i = 0; i < l.count && l.load; i++) {
        struct extension x = { l.size, l.sign_extend, l.reg64 };

        vcpu_reg_set(v, l.reg[i], extend(value[i], x));
    }
    if (l.writeback != INSN_BASE_KEPT)
        base_write_back(v, &l);
    arch_vcpu_skip(v, true);
    return LDST_DONE;
}
