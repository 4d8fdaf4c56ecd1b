/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps the DMA of a device in a partial tree to its domain's memory: the streams that the
 * host's node masters, and what the SMMUs before them are. Decided once, while the domain is
 * planned; attaching them is common/iommu.c's. Pure.
 *
 * A limit of the bus (dma-ranges) is about host addresses where the device sees those: without
 * an SMMU, and in a direct-map domain, whose guest addresses are the host's. Behind an SMMU in
 * any other domain it is about guest addresses: nothing on the host depends on it, and the guest's
 * own tree has to say what its devices reach.
 */
#include <corbel/passdt_parts.h>

#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/iommu_map.h>
#include <corbel/printf.h>

struct dma_reader {
    struct passdt_parser *ps;
    struct passdt_device *dev;
    u32 device; /* its index */
    struct domprop at;
    struct iommu_map_result map;
    struct iommu_map_entry entries[PASSDT_STREAMS_MAX];
};

/* At the property that led to the host's node. */
static enum corbel_err refuse_host(const struct dma_reader *rd, const char *expected)
{
    bool has_path = fdtr_has(rd->at.fdt, rd->at.node, "xen,path");

    return domprop_refuse(&rd->at, has_path ? "xen,path" : "xen,reg",
                          has_path ? DOMPROP_STRING : DOMPROP_CELLS, expected);
}

static enum corbel_err find_streams(struct dma_reader *rd)
{
    char expected[96];
    enum corbel_err err;

    rd->map = (struct iommu_map_result){ .unlisted = -1 };
    if (rd->dev->host_node < 0)
        return CORBEL_OK;
    err = iommu_map_node(rd->ps->p, rd->dev->host_node, rd->entries, PASSDT_STREAMS_MAX, &rd->map);
    if (err == CORBEL_OK)
        return err;
    if (err == ERR_NOMEM)
        fmt_snprintf(expected, sizeof(expected),
                     "a device of the host with at most %u ranges of streams in %s",
                     PASSDT_STREAMS_MAX, rd->map.property);
    else
        fmt_snprintf(expected, sizeof(expected), "a device of the host with a sound %s",
                     rd->map.property);
    return refuse_host(rd, expected);
}

/* ---- what there is against its DMA ---- */

/* Index of the first SMMU before it that is not driven; negative: there is none. */
static s32 find_undriven(const struct dma_reader *rd)
{
    for (u32 i = 0; i < rd->map.count; i++)
        if (!rd->ps->p->iommus[rd->entries[i].iommu].driven)
            return rd->entries[i].iommu;
    return -1;
}

/* Why an IOMMU before it does nothing for it; false: there is none such. */
static bool not_driven(const struct dma_reader *rd, char *buf, size_t size)
{
    const struct platform *p = rd->ps->p;
    char path[64];

    if (rd->dev->undriven >= 0) {
        const struct platform_iommu *iommu = &p->iommus[rd->dev->undriven];

        fmt_snprintf(buf, size, "%s is not driven: %s", iommu->path,
                     iommu->why ? iommu->why : "not started");
        return true;
    }
    if (rd->map.unlisted < 0)
        return false;
    fmt_snprintf(buf, size, "%s is not driven: %s",
                 fdtr_path_of(p->fdt, rd->map.unlisted, path, sizeof(path)),
                 fdtr_enabled(p->fdt, rd->map.unlisted) ? "no driver for it, or one too many"
                                                        : "disabled");
    return true;
}

static enum corbel_err refuse_bare(const struct dma_reader *rd)
{
    static const char force[] = "xen,force-assign-without-iommu";
    char why[128];

    if (not_driven(rd, why, sizeof(why)))
        return domprop_refusef(&rd->at, force, DOMPROP_PRESENT, "it there: %s", why);
    if (rd->dev->stray && !rd->dev->partly && rd->dev->protection == PASSDT_BY_SMMU)
        return domprop_refuse(&rd->at, force, DOMPROP_PRESENT,
                              "it there: what DMA its unlisted registers start is not known");
    if (rd->map.count)
        return domprop_refusef(&rd->at, force, DOMPROP_PRESENT,
                               "it there: no IOMMU sees requester ID 0x%x", rd->map.gap);
    return domprop_refuse(&rd->at, force, DOMPROP_PRESENT,
                          "it there: no IOMMU keeps this device to its domain's memory");
}

static bool wants_bypass(const struct dma_reader *rd)
{
    const struct domcfg *cfg = rd->ps->cfg;

    return cfg->no_iommu || cfg->passthrough == PASSTHROUGH_DISABLED ||
           fdtr_has(rd->at.fdt, rd->at.node, "corbel,no-iommu");
}

/*
 * Protected wherever it can be, force or not; who wants it otherwise says so. Requester IDs
 * that no SMMU sees are left to the force, too: what the tree says of the others holds.
 */
static enum corbel_err decide(struct dma_reader *rd)
{
    bool covered;

    rd->dev->undriven = (s8)find_undriven(rd);
    covered = rd->map.count && rd->dev->undriven < 0 && rd->map.unlisted < 0;
    if (covered && wants_bypass(rd)) {
        rd->dev->protection = PASSDT_BYPASS;
        return CORBEL_OK;
    }
    rd->dev->partly = covered && rd->map.has_gap;
    rd->dev->gap = rd->dev->partly ? rd->map.gap : 0;
    rd->dev->protection = covered ? PASSDT_BY_SMMU : PASSDT_FORCED;
    if ((!covered || rd->dev->partly || rd->dev->stray) && !rd->dev->forced)
        return refuse_bare(rd);
    return CORBEL_OK;
}

/* ---- the list ---- */

static bool is_same(const struct iommu_map_entry *a, const struct iommu_map_entry *b)
{
    return a->iommu == b->iommu && a->stream.first == b->stream.first &&
           a->stream.count == b->stream.count && a->stream.mask == b->stream.mask;
}

static enum corbel_err refuse_streams(const struct dma_reader *rd,
                                      const struct iommu_map_entry *entry, const char *expected)
{
    char path[96], clean[96], value[64], streams[32];

    domprop_clean(clean, fdtr_path_of(rd->at.fdt, rd->at.node, path, sizeof(path)), sizeof(clean));
    iommu_map_text(entry, streams, sizeof(streams));
    fmt_snprintf(value, sizeof(value), "%s of %s", streams, rd->ps->p->iommus[entry->iommu].path);
    cfg_error_set(rd->ps->e, clean, "(streams)", value, expected);
    return ERR_INVAL;
}

/*
 * Devices of one domain may have a stream in common, all of the entry, and then one fate. It is
 * listed once: nothing is attached twice.
 */
static enum corbel_err find_twin(const struct dma_reader *rd, const struct iommu_map_entry *entry,
                                 bool *found)
{
    const struct passdt *out = rd->ps->out;
    char expected[96];

    for (u32 i = 0; i < out->stream_count; i++) {
        const struct iommu_map_entry *other = &out->streams[i].entry;
        const struct passdt_device *dev = &out->devices[out->streams[i].device];
        bool same = is_same(entry, other);

        if (!iommu_map_overlap(entry, other) || (same && out->streams[i].device == rd->device))
            continue;
        if (same && dev->protection == rd->dev->protection) {
            *found = true;
            continue;
        }
        fmt_snprintf(expected, sizeof(expected), "%s as of %s",
                     same ? "the same protection" : "the same streams", dev->name);
        return refuse_streams(rd, entry, expected);
    }
    return CORBEL_OK;
}

static enum corbel_err add_streams(const struct dma_reader *rd)
{
    struct passdt *out = rd->ps->out;
    enum corbel_err err = CORBEL_OK;

    for (u32 i = 0; i < rd->map.count; i++) {
        const struct iommu_map_entry *entry = &rd->entries[i];
        bool found = false;

        if (rd->ps->p->iommus[entry->iommu].driven)
            err = find_twin(rd, entry, &found);
        if (err != CORBEL_OK)
            return err;
        if (found)
            continue;
        if (out->stream_count == PASSDT_STREAMS_MAX)
            return refuse_streams(rd, entry, "at most 64 ranges of streams in one tree");
        out->streams[out->stream_count++] = (struct passdt_stream){ *entry, (u8)rd->device };
    }
    return CORBEL_OK;
}

_Static_assert(PASSDT_STREAMS_MAX == 64, "the text of the refusal");

/* ---- how far it reaches ---- */

static enum corbel_err check_limit(const struct dma_reader *rd)
{
    struct passdt *out = rd->ps->out;
    enum corbel_err err;
    u64 limit = 0;

    if (rd->dev->host_node < 0 ||
        (rd->dev->protection == PASSDT_BY_SMMU && !rd->ps->cfg->direct_map))
        return CORBEL_OK;
    err = hostmap_dma_limit(rd->ps->p, rd->dev->host_node, &limit);
    if (err != CORBEL_OK)
        return refuse_host(rd, err == ERR_NOTSUP ? "a bus whose dma-ranges do not translate"
                                                 : "a bus with sound dma-ranges");
    if (limit && (!out->dma_limit || limit < out->dma_limit))
        out->dma_limit = limit;
    return CORBEL_OK;
}

enum corbel_err passdt_dma_parse(struct passdt_parser *ps, u32 device)
{
    struct passdt_device *dev = &ps->out->devices[device];
    struct dma_reader rd;
    enum corbel_err err;

    rd.ps = ps;
    rd.dev = dev;
    rd.device = device;
    rd.at = (struct domprop){ ps->out->fdt, dev->node, ps->e };
    dev->undriven = -1;
    if (!dev->is_master)
        return CORBEL_OK;
    err = find_streams(&rd);
    if (err == CORBEL_OK)
        err = decide(&rd);
    if (err == CORBEL_OK)
        err = add_streams(&rd);
    return err == CORBEL_OK ? check_limit(&rd) : err;
}
