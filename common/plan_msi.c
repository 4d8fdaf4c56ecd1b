/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the plan about MSIs: the GICv2m frame that comes with a PCIe root complex, and all
 * of its SPIs, become one domain's. Which SPIs these are is in the frame's MSI_TYPER unless the
 * host's tree overrides it; a checker without the machine goes without them then. Boot CPU only.
 * Arm Server Base System Architecture, GICv2m: MSI_TYPER at 0x008, base SPI in [25:16], number of
 * SPIs in [9:0].
 * QEMU's virt board has the interrupts of its SMMU in the middle of the frame's.
 */
#include <corbel/plan.h>

#include <corbel/assign.h>
#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/printf.h>
#include <corbel/vgic.h>

#define MSI_TYPER       0x008u
#define TYPER_NUM(v)    ((v)&0x3ffu)
#define TYPER_BASE(v)   (((v) >> 16) & 0x3ffu)
#define INTID_SPI_FIRST 32u
#define INTID_SPI_END   1020u

struct msi_claim {
    const struct plan_env *env;
    struct plan *plan;
    u32 id;
    struct cfg_error *e;
};

static enum corbel_err refuse(const struct msi_claim *c, const char *value, const char *expected)
{
    const struct passdt *pass = &c->plan->pass;
    int node = pass->devices[pass->msi.device].node;
    char raw[96], path[96];

    domprop_clean(path, fdtr_path_of(pass->fdt, node, raw, sizeof(raw)), sizeof(path));
    cfg_error_set(c->e, path, fdtr_has(pass->fdt, node, "msi-map") ? "msi-map" : "msi-parent",
                  value, expected);
    return ERR_EXIST;
}

static enum corbel_err read_typer(const struct msi_claim *c)
{
    struct passdt_msi *msi = &c->plan->pass.msi;
    char value[48];
    u32 typer, first, count;

    if (msi->count || !c->env->read_register)
        return CORBEL_OK;
    typer = c->env->read_register(msi->frame.base + MSI_TYPER);
    first = TYPER_BASE(typer);
    count = TYPER_NUM(typer);
    fmt_snprintf(value, sizeof(value), "MSI_TYPER 0x%x", typer);
    if (first < INTID_SPI_FIRST || !count || first >= INTID_SPI_END ||
        count > INTID_SPI_END - first)
        return refuse(c, value, "a GICv2m frame of the host that says which SPIs it has");
    msi->first_intid = first;
    msi->count = count;
    return CORBEL_OK;
}

const char *plan_own_irq(const struct platform *p, u32 intid)
{
    if (intid == p->uart.intid)
        return "console";
    for (u32 i = 0; i < p->iommu_count; i++)
        for (u32 n = 0; p->iommus[i].driven && n < p->iommus[i].irq_count; n++)
            if (p->iommus[i].irqs[n].intid == intid)
                return p->iommus[i].path;
    return NULL;
}

/* The longest row of SPIs that are not the hypervisor's. */
static enum corbel_err cut(const struct msi_claim *c)
{
    struct passdt_msi *msi = &c->plan->pass.msi;
    u32 end = msi->first_intid + msi->count;
    u32 row = msi->first_intid, best = row, length = 0;
    char value[32];

    for (u32 intid = row; intid < end; intid++) {
        if (plan_own_irq(c->env->platform, intid)) {
            msi->own = intid;
            row = intid + 1;
        } else if (intid + 1 - row > length) {
            best = row;
            length = intid + 1 - row;
        }
    }
    fmt_snprintf(value, sizeof(value), "%u SPIs", msi->count);
    if (msi->count && !length)
        return refuse(c, value, "a GICv2m frame with SPIs that are not the hypervisor's");
    msi->first_intid = best;
    msi->count = length;
    return CORBEL_OK;
}

static enum corbel_err claim_frame(const struct msi_claim *c)
{
    const struct passdt_msi *msi = &c->plan->pass.msi;
    char value[48], expected[64];
    u32 other = 0;
    enum corbel_err err = assign_region(c->id, &msi->frame, &other);

    if (err == CORBEL_OK)
        return err;
    fmt_snprintf(value, sizeof(value), "0x%llx+0x%llx", (unsigned long long)msi->frame.base,
                 (unsigned long long)msi->frame.size);
    if (err == ERR_EXIST)
        fmt_snprintf(expected, sizeof(expected), "a GICv2m frame that domain %u does not have",
                     other);
    else
        fmt_snprintf(expected, sizeof(expected), "at most %u regions in all domains", ASSIGN_MAX);
    return refuse(c, value, expected);
}

static bool is_device_irq(const struct passdt *pass, u32 intid)
{
    for (u32 i = 0; i < pass->irq_count; i++)
        if (pass->irqs[i].intid == intid)
            return true;
    return false;
}

static enum corbel_err claim_spi(const struct msi_claim *c, u32 intid)
{
    u32 nr_spis = c->plan->cfg.nr_spis;
    char value[32], expected[80];
    u32 other = 0;
    enum corbel_err err = ERR_RANGE;

    if (intid >= c->env->line_count)
        fmt_snprintf(expected, sizeof(expected), "SPIs that the GIC has: below %u",
                     c->env->line_count - VGIC_PRIVATE);
    else if (intid - VGIC_PRIVATE >= nr_spis)
        fmt_snprintf(expected, sizeof(expected), "SPIs below the domain's nr_spis, %u", nr_spis);
    else if (is_device_irq(&c->plan->pass, intid))
        fmt_snprintf(expected, sizeof(expected), "SPIs that no device of the tree has");
    else
        err = assign_irq(c->id, intid, &other);
    if (err == CORBEL_OK)
        return err;
    if (err == ERR_EXIST)
        fmt_snprintf(expected, sizeof(expected), "SPIs that domain %u does not have", other);
    else if (err == ERR_NOMEM)
        fmt_snprintf(expected, sizeof(expected), "fewer interrupts in all domains");
    fmt_snprintf(value, sizeof(value), "SPI %u", intid - VGIC_PRIVATE);
    return refuse(c, value, expected);
}

/*
 * What the frame raises beside the row: not the guest's to use, but it can, so that no other
 * domain may have it.
 */
static enum corbel_err claim_rest(const struct msi_claim *c, u32 first, u32 end)
{
    const struct passdt_msi *msi = &c->plan->pass.msi;
    enum corbel_err err = CORBEL_OK;
    char value[32], expected[48];
    u32 other = 0;

    for (u32 intid = first; intid < end && err == CORBEL_OK; intid++) {
        if (intid - msi->first_intid < msi->count || plan_own_irq(c->env->platform, intid))
            continue;
        err = assign_irq(c->id, intid, &other);
        if (err == CORBEL_OK)
            continue;
        fmt_snprintf(value, sizeof(value), "SPI %u", intid - VGIC_PRIVATE);
        if (err == ERR_EXIST)
            fmt_snprintf(expected, sizeof(expected), "SPIs that domain %u does not have", other);
        else
            fmt_snprintf(expected, sizeof(expected), "fewer interrupts in all domains");
        return refuse(c, value, expected);
    }
    return err;
}

enum corbel_err plan_claim_msi(const struct plan_env *env, struct plan *plan, u32 id,
                               struct cfg_error *e)
{
    const struct msi_claim c = { env, plan, id, e };
    const struct passdt_msi *msi = &plan->pass.msi;
    enum corbel_err err;
    u32 first, end;

    if (!msi->frame.size)
        return CORBEL_OK;
    err = read_typer(&c);
    first = msi->first_intid;
    end = first + msi->count;
    if (err == CORBEL_OK)
        err = cut(&c);
    if (err == CORBEL_OK)
        err = claim_frame(&c);
    for (u32 i = 0; i < msi->count && err == CORBEL_OK; i++)
        err = claim_spi(&c, msi->first_intid + i);
    return err == CORBEL_OK ? claim_rest(&c, first, end) : err;
}

bool plan_msi_note(const struct plan *plan, char *buf, size_t size)
{
    const struct passdt_msi *msi = &plan->pass.msi;
    unsigned long long frame = msi->frame.base;

    if (msi->own)
        fmt_snprintf(buf, size,
                     "WARNING: the GICv2m frame at 0x%llx raises interrupts of the hypervisor's, "
                     "too: SPI %u",
                     frame, msi->own - VGIC_PRIVATE);
    else if (msi->frame.size && !msi->count)
        fmt_snprintf(buf, size, "the SPIs of the GICv2m frame at 0x%llx are read at boot", frame);
    else
        return false;
    return true;
}
