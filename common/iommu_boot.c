/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUs at boot: every one that this build knows aborts all streams before anything else is
 * done with any, then those that can do what stage 2 needs are started. One line for each says
 * what became of it. iommu=off leaves all of them as the firmware did.
 */
#include <corbel/iommu.h>

#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/cmdline.h>
#include <corbel/drivers.h>
#include <corbel/iommu_parts.h>
#include <corbel/irq.h>
#include <corbel/log.h>
#include <corbel/page.h>
#include <corbel/printf.h>

#define IPA_BITS_MIN 32u /* stage2_init() makes none that are smaller */

static const struct iommu_mem iommu_heap = { .alloc = heap_alloc_aligned, .free = heap_free };

/* Bits of the highest host address that holds RAM. */
static u32 ram_bits(const struct platform *p)
{
    u64 last = 0;

    for (u32 i = 0; i < p->bank_count; i++)
        last = MAX(last, p->banks[i].base + p->banks[i].size - 1);
    return last ? bit_highest(last) + 1 : 0;
}

/* What it can do is not enough for the tables of the CPUs; NULL: it is. */
static const char *unfit(const struct iommu *u, const struct platform *p)
{
    if (u->caps.ipa_bits < IPA_BITS_MIN)
        return "its stage 2 translates less than 4 GiB";
    if (u->caps.pa_bits < ram_bits(p))
        return "its addresses do not reach all memory";
    if (u->caps.vmid_bits < 16 && BIT(u->caps.vmid_bits) <= MAX_DOMAINS)
        return "too few VMIDs";
    return NULL;
}

/* Registers, private memory, and no stream passes any more. NULL, or why it cannot be driven. */
static const char *seize(struct iommu *u, const struct platform *p)
{
    const struct iommu_ops *ops = driver_iommu(u->desc->kind);
    const char *why = NULL;
    void *regs;

    if (!ops)
        return "this build has no driver for it";
    regs = arch_mmu_map_device(PA(u->desc->regs.base), u->desc->regs.size);
    if (!regs)
        return "no room for its registers";
    u->regs = (uintptr_t)regs;
    if (ops->priv_size)
        u->priv = heap_alloc(ops->priv_size);
    if (ops->priv_size && !u->priv)
        return "no memory";
    u->ops = ops;
    if (ops->probe(u, &why) != CORBEL_OK)
        return why ? why : "it does not answer";
    return unfit(u, p);
}

/* SMMUs may share a line: iommu_irq() asks all of them. */
static bool is_requested(const struct iommu_set *set, const struct iommu *u, u32 intid)
{
    for (const struct iommu *other = set->iommus; other < u; other++) {
        for (u32 i = 0; i < other->desc->irq_count; i++) {
            if (other->desc->irqs[i].intid == intid)
                return true;
        }
    }
    return false;
}

static void request_irqs(const struct iommu_set *set, const struct iommu *u)
{
    for (u32 i = 0; i < u->desc->irq_count; i++) {
        enum corbel_err err = irq_request(u->desc->irqs[i].intid, u->desc->irqs[i].level);

        if (err != CORBEL_OK && !is_requested(set, u, u->desc->irqs[i].intid))
            log_warn("SMMU %s: interrupt %u: %s: not all faults are reported", u->desc->path,
                     u->desc->irqs[i].intid, err_name(err));
    }
    if (!u->desc->irq_count)
        log_warn("SMMU %s has no interrupts: its faults are not reported", u->desc->path);
}

static const char *start(const struct iommu_set *set, struct iommu *u)
{
    const char *why = NULL;

    request_irqs(set, u); /* first: a pulse while nobody listens is lost */
    return u->ops->start(u, &why) == CORBEL_OK ? NULL : why ? why : "it does not start";
}

static void log_driven(const struct iommu *u)
{
    const struct iommu_caps *c = &u->caps;

    log_info("%s at %s: %u-bit input, %u-bit output, VMID %u, BBM level %u, %s%s%s", u->ops->name,
             u->desc->path, c->ipa_bits, c->pa_bits, c->vmid_bits, c->bbm_level,
             c->coherent ? "coherent" : "not coherent", c->detail ? ", " : "",
             c->detail ? c->detail : "");
}

static void give_up(struct iommu *u, struct platform_iommu *desc, const char *why)
{
    desc->why = why;
    log_warn("%s: not driven: %s; what is behind it has no protection", desc->path, why);
    if (u->ops)
        u->ops->set_bypass(u, false);
}

/* Stage 2 of all domains is what every driven SMMU can walk: any may be given to any. */
static void limit_stage2(const struct iommu_set *set)
{
    u8 ipa_bits = 64, pa_bits = 64;

    for (u32 i = 0; i < set->count; i++) {
        const struct iommu *u = &set->iommus[i];

        if (!u->driven)
            continue;
        ipa_bits = MIN(ipa_bits, u->caps.ipa_bits);
        pa_bits = MIN(pa_bits, u->caps.pa_bits);
    }
    if (ipa_bits < 64)
        stage2_limit(ipa_bits, pa_bits);
}

static void leave_alone(struct platform *p)
{
    for (u32 i = 0; i < p->iommu_count; i++)
        p->iommus[i].why = "iommu=off";
    log_warn("iommu=off: %u SMMU%s left as the firmware set %s: DMA is not confined",
             p->iommu_count, p->iommu_count == 1 ? "" : "s", p->iommu_count == 1 ? "it" : "them");
}

__init void iommu_init(struct platform *p, const struct boot_options *options)
{
    struct iommu_set *set = iommu_all();
    const char *why[PLATFORM_IOMMU_MAX] = { NULL };

    set->platform = p;
    if (!p->iommu_count)
        return;
    if (options->iommu_off) {
        leave_alone(p);
        return;
    }
    set->unshared = options->iommu_unshared;
    set->no_inval = IS_ENABLED(CONFIG_DEBUG) && options->iommu_no_inval;
    set->count = p->iommu_count;
    iommu_fault_init();
    for (u32 i = 0; i < set->count; i++) {
        struct iommu *u = &set->iommus[i];

        u->desc = &p->iommus[i];
        u->mem = &iommu_heap;
        spin_lock_init(&u->lock, RANK_SMMU);
        why[i] = seize(u, p);
    }
    for (u32 i = 0; i < set->count; i++) {
        struct iommu *u = &set->iommus[i];

        if (!why[i])
            why[i] = start(set, u);
        if (why[i]) {
            give_up(u, &p->iommus[i], why[i]);
            continue;
        }
        u->driven = true;
        p->iommus[i].driven = true;
        log_driven(u);
    }
    limit_stage2(set);
    if (set->no_inval)
        log_warn("iommu=debug-no-inval: SMMUs keep what they cached: for tests only");
}
