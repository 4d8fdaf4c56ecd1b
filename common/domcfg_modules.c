/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot modules of a domain node: kernel, ramdisk, guest device tree. Second half
 * of the parser in domcfg.c, under the same rules: pure, checks everything, and
 * each refusal is one line that names node, property and value.
 * Binding: docs/bindings.md, "Modules".
 */
#include <corbel/domcfg_modules.h>

#include <corbel/domprop.h>
#include <corbel/fdt_read.h>
#include <corbel/mem_range.h>
#include <corbel/passdt.h>
#include <corbel/string.h>

struct search {
    const struct platform *p;
    struct domcfg *cfg;
    struct cfg_error *e;
    u32 address_cells, size_cells;
};

static const struct {
    const char *compatible;
    u8 kind; /* enum module_kind */
} module_types[] = {
    { "multiboot,kernel", MODULE_KERNEL },   { "xen,linux-zimage", MODULE_KERNEL },
    { "multiboot,ramdisk", MODULE_RAMDISK }, { "xen,linux-initrd", MODULE_RAMDISK },
    { "multiboot,device-tree", MODULE_DTB },
};

static enum module_kind module_kind(const void *fdt, int node)
{
    for (u32 i = 0; i < ARRAY_SIZE(module_types); i++)
        if (fdtr_compatible(fdt, node, module_types[i].compatible))
            return module_types[i].kind;
    return MODULE_UNKNOWN;
}

static bool is_marked(const void *fdt, int node)
{
    return fdtr_compatible(fdt, node, "multiboot,module") ||
           fdtr_compatible(fdt, node, "xen,multiboot-module");
}

static struct domcfg_module *module_slot(struct domcfg *cfg, enum module_kind kind)
{
    if (kind == MODULE_KERNEL)
        return &cfg->kernel;
    return kind == MODULE_RAMDISK ? &cfg->ramdisk : &cfg->dtb;
}

static const char *kind_name(enum module_kind kind)
{
    if (kind == MODULE_KERNEL)
        return "kernel";
    return kind == MODULE_RAMDISK ? "ramdisk" : "device tree";
}

/* Overlap of two modules that is not the legal sharing of one and the same range. */
static bool ranges_conflict(const struct mem_range *a, const struct mem_range *b)
{
    return mem_range_overlap(a, b) && (a->base != b->base || a->size != b->size);
}

static u32 conflict_count(const struct platform *p, const struct mem_range *range)
{
    u32 count = 0;

    for (u32 i = 0; i < p->module_count; i++)
        count += ranges_conflict(&p->modules[i].range, range);
    return count;
}

/* Who is wrong cannot be known for certain; a strict order makes it exactly one. */
static bool is_to_blame(const struct platform *p, const struct mem_range *m,
                        const struct mem_range *other)
{
    u32 mine = conflict_count(p, m);
    u32 theirs = conflict_count(p, other);

    if (mine != theirs)
        return mine > theirs;
    if (m->base != other->base)
        return m->base > other->base;
    return m->size > other->size;
}

static enum corbel_err check_other_modules(const struct search *s, const struct domprop *at,
                                           const struct mem_range *range)
{
    char path[64];

    for (u32 i = 0; i < s->p->module_count; i++) {
        const struct platform_module *other = &s->p->modules[i];

        if (other->node == at->node || !ranges_conflict(range, &other->range))
            continue;
        if (other->domain_node != s->cfg->node && !is_to_blame(s->p, range, &other->range))
            continue;
        fdtr_path_of(at->fdt, other->node, path, sizeof(path));
        return domprop_refusef(at, "reg", DOMPROP_CELLS, "no overlap with %s at 0x%llx+0x%llx",
                               path, (unsigned long long)other->range.base,
                               (unsigned long long)other->range.size);
    }
    return CORBEL_OK;
}

static enum corbel_err refuse_overlap(const struct domprop *at, const char *what,
                                      const struct mem_range *taken)
{
    return domprop_refusef(at, "reg", DOMPROP_CELLS, "no overlap with %s at 0x%llx+0x%llx", what,
                           (unsigned long long)taken->base, (unsigned long long)taken->size);
}

/* Boot loaders reserve what they loaded: a reservation of exactly this range is not a clash. */
static enum corbel_err check_reserved(const struct platform *p, const struct domprop *at,
                                      const struct mem_range *range)
{
    if (mem_range_overlap(range, &p->self))
        return refuse_overlap(at, "the hypervisor", &p->self);
    if (mem_range_overlap(range, &p->tree))
        return refuse_overlap(at, "the device tree", &p->tree);
    for (u32 i = 0; i < p->reserved_count; i++)
        if (ranges_conflict(range, &p->reserved[i]))
            return refuse_overlap(at, "reserved memory", &p->reserved[i]);
    return CORBEL_OK;
}

/* A module that the platform's list lacks would have its memory given away before it is read. */
static bool is_listed(const struct platform *p, int node)
{
    for (u32 i = 0; i < p->module_count; i++)
        if (p->modules[i].node == node && p->modules[i].range.size)
            return true;
    return false;
}

static enum corbel_err check_range(const struct search *s, const struct domprop *at,
                                   const struct mem_range *range)
{
    enum corbel_err err;

    if (!range->size)
        return domprop_refuse(at, "reg", DOMPROP_CELLS, "a size above 0");
    if (!mem_range_inside_any(s->p->banks, s->p->bank_count, range))
        return domprop_refuse(at, "reg", DOMPROP_CELLS, "a range inside the machine's RAM");
    err = check_reserved(s->p, at, range);
    if (err == CORBEL_OK)
        err = check_other_modules(s, at, range);
    if (err == CORBEL_OK && !is_listed(s->p, at->node))
        err = domprop_refusef(at, "reg", DOMPROP_CELLS,
                              "at most %u modules in the tree, and RAM left beside them",
                              PLATFORM_MODULES_MAX);
    return err;
}

static enum corbel_err read_range(const struct search *s, const struct domprop *at,
                                  struct mem_range *out)
{
    u32 len = 0;
    const u8 *reg = fdtr_prop(at->fdt, at->node, "reg", &len);

    if (!reg || len != 4 * (s->address_cells + s->size_cells))
        return domprop_refusef(at, "reg", DOMPROP_LENGTH, "an address and a size of %u + %u cells",
                               s->address_cells, s->size_cells);
    out->base = fdtr_read_cells(reg, s->address_cells);
    out->size = fdtr_read_cells(reg + (size_t)4 * s->address_cells, s->size_cells);
    return CORBEL_OK;
}

static enum corbel_err module_add(const struct search *s, int node, enum module_kind kind)
{
    struct domprop at = { s->p->fdt, node, s->e };
    struct domcfg_module *slot = module_slot(s->cfg, kind);
    enum corbel_err err;

    if (!is_marked(at.fdt, node))
        return domprop_refuse(&at, "compatible", DOMPROP_STRING, "also \"multiboot,module\"");
    if (slot->node >= 0)
        return domprop_refusef(&at, "compatible", DOMPROP_STRING, "one %s in a domain, not two",
                               kind_name(kind));
    err = read_range(s, &at, &slot->range);
    if (err == CORBEL_OK)
        err = check_range(s, &at, &slot->range);
    if (err == CORBEL_OK && kind == MODULE_DTB && slot->range.size > PASSDT_SIZE_MAX)
        err = domprop_refusef(&at, "reg", DOMPROP_CELLS, "a device tree of at most 0x%llx bytes",
                              (unsigned long long)PASSDT_SIZE_MAX);
    slot->node = node;
    fdtr_path_of(at.fdt, node, slot->path, sizeof(slot->path));
    return err;
}

static enum corbel_err add_typed(const struct search *s)
{
    enum corbel_err err = CORBEL_OK;
    int child;

    for (child = fdtr_first_child(s->p->fdt, s->cfg->node); child >= 0 && err == CORBEL_OK;
         child = fdtr_next_child(s->p->fdt, child)) {
        enum module_kind kind = module_kind(s->p->fdt, child);

        if (kind != MODULE_UNKNOWN)
            err = module_add(s, child, kind);
    }
    return err;
}

/* Modules that do not say what they are: the first is the kernel, the second the ramdisk. */
static enum corbel_err add_untyped(const struct search *s)
{
    enum corbel_err err = CORBEL_OK;
    int child;

    for (child = fdtr_first_child(s->p->fdt, s->cfg->node); child >= 0 && err == CORBEL_OK;
         child = fdtr_next_child(s->p->fdt, child)) {
        struct domprop at = { s->p->fdt, child, s->e };

        if (!is_marked(at.fdt, child) || module_kind(at.fdt, child) != MODULE_UNKNOWN)
            continue;
        if (s->cfg->kernel.node < 0)
            err = module_add(s, child, MODULE_KERNEL);
        else if (s->cfg->ramdisk.node < 0)
            err = module_add(s, child, MODULE_RAMDISK);
        else
            err = domprop_refuse(&at, "compatible", DOMPROP_STRING,
                                 "\"multiboot,kernel\" or \"multiboot,ramdisk\" beside it, "
                                 "and one of each");
    }
    return err;
}

/* The domain's own cell counts, else those of a node above it, else the defaults 2 and 1. */
static enum corbel_err read_cells(struct search *s)
{
    static const struct domprop_rule rules[] = {
        { "#address-cells", 1, 2, "1 or 2" },
        { "#size-cells", 1, 2, "1 or 2" },
    };
    struct domprop at = { s->p->fdt, s->cfg->node, s->e };
    enum corbel_err err = CORBEL_OK;
    u32 unused;

    for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
        err = domprop_u32(&at, &rules[i], &unused);
        if (err != CORBEL_OK && err != ERR_NOENT)
            return err;
    }
    err = fdtr_cells(at.fdt, at.node, &s->address_cells, &s->size_cells);
    if (err != CORBEL_OK || !s->address_cells || !s->size_cells)
        return domprop_refuse(&at, "#address-cells", DOMPROP_CELLS,
                              "1 or 2 here, as #size-cells; nodes above have neither");
    return CORBEL_OK;
}

static enum corbel_err read_bootargs(const struct search *s)
{
    struct domprop at = { s->p->fdt, s->cfg->kernel.node, s->e };
    static const char expected[] = "a string of at most 1023 characters";
    const char *text;
    enum corbel_err err = domprop_string(&at, "bootargs", expected, &text);

    _Static_assert(sizeof(s->cfg->bootargs) == 1024, "the text of the refusal");
    if (err == ERR_NOENT)
        return CORBEL_OK;
    if (err != CORBEL_OK)
        return err;
    if (!str_copy(s->cfg->bootargs, text, sizeof(s->cfg->bootargs)))
        return domprop_refuse(&at, "bootargs", DOMPROP_LENGTH, expected);
    return CORBEL_OK;
}

enum corbel_err domcfg_modules_parse(const struct platform *p, struct domcfg *cfg,
                                     struct cfg_error *e)
{
    struct search s = { .p = p, .cfg = cfg, .e = e };
    struct domprop at = { p->fdt, cfg->node, e };
    enum corbel_err err;

    cfg->kernel.node = cfg->ramdisk.node = cfg->dtb.node = -1;
    err = read_cells(&s);
    if (err == CORBEL_OK)
        err = add_typed(&s);
    if (err == CORBEL_OK)
        err = add_untyped(&s);
    if (err != CORBEL_OK)
        return err;
    if (cfg->kernel.node < 0)
        return domprop_refuse(&at, "multiboot,kernel", DOMPROP_CELLS,
                              "a module with this compatible");
    return read_bootargs(&s);
}
