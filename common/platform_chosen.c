/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the platform that boot scripts write: /chosen with the command
 * lines, the boot modules and the seeds. Boot modules are read as Xen reads
 * them (its docs/misc/arm/device-tree/booting.txt): any node down to depth 3
 * that says multiboot,module or xen,multiboot-module, sized in its parent's
 * cells, addresses as the CPU sees them.
 */
#include <corbel/platform.h>

#include <corbel/fdt_read.h>
#include <corbel/platform_parts.h>
#include <corbel/string.h>

#define MODULE_DEPTH_MAX 3

static const struct {
    const char *compatible;
    enum module_kind kind;
} module_types[] = {
    { "xen,linux-zimage", MODULE_KERNEL },   { "multiboot,kernel", MODULE_KERNEL },
    { "xen,linux-initrd", MODULE_RAMDISK },  { "multiboot,ramdisk", MODULE_RAMDISK },
    { "multiboot,device-tree", MODULE_DTB }, { "xen,xsm-policy", MODULE_XSM },
};

static bool is_module(const void *fdt, int node)
{
    return fdtr_compatible(fdt, node, "multiboot,module") ||
           fdtr_compatible(fdt, node, "xen,multiboot-module");
}

static enum module_kind typed_kind(const void *fdt, int node)
{
    u32 i;

    for (i = 0; i < ARRAY_SIZE(module_types); i++) {
        if (fdtr_compatible(fdt, node, module_types[i].compatible))
            return module_types[i].kind;
    }
    return MODULE_UNKNOWN;
}

/* Of the modules in one node that do not say what they are, the first is the kernel. */
static enum module_kind module_kind(const void *fdt, int node, int parent)
{
    enum module_kind kind = typed_kind(fdt, node);
    u32 before = 0;
    int other;

    if (kind != MODULE_UNKNOWN)
        return kind;
    for (other = fdtr_first_child(fdt, parent); other >= 0 && other != node;
         other = fdtr_next_child(fdt, other))
        before += is_module(fdt, other) && typed_kind(fdt, other) == MODULE_UNKNOWN;
    if (before == 0)
        return MODULE_KERNEL;
    return before == 1 ? MODULE_RAMDISK : MODULE_UNKNOWN;
}

/* The next module node after *node in tree order; depth as in fdtr_next_node(). */
static bool next_module(const void *fdt, int *node, int *depth)
{
    do {
        *node = fdtr_next_node(fdt, *node, depth);
    } while (*node >= 0 && (*depth < 1 || *depth > MODULE_DEPTH_MAX || !is_module(fdt, *node)));
    return *node >= 0;
}

/* ---- command line ---- */

static bool dom0_has_bootargs(const void *fdt)
{
    const char *bootargs;
    int depth = -1;
    int node = -1;

    while (next_module(fdt, &node, &depth)) {
        int parent = fdtr_parent(fdt, node);

        if (!fdtr_compatible(fdt, parent, "xen,domain") &&
            module_kind(fdt, node, parent) == MODULE_KERNEL &&
            fdtr_string(fdt, node, "bootargs", &bootargs) == CORBEL_OK && bootargs[0] != '\0')
            return true;
    }
    return false;
}

/*
 * Whose is /chosen/bootargs? Xen's rule on Arm: xen,xen-bootargs is always the
 * hypervisor's. Without it bootargs is the hypervisor's only when dom0's command
 * line stands elsewhere, that is in xen,dom0-bootargs or in the bootargs of dom0's
 * kernel module. Otherwise bootargs is dom0's (or left over from a plain Linux
 * boot), and the hypervisor runs with its defaults.
 */
const char *platform_options(const void *fdt)
{
    int chosen = fdtr_child(fdt, 0, "chosen");
    const char *text;

    if (chosen < 0)
        return "";
    if (fdtr_has(fdt, chosen, "xen,xen-bootargs"))
        return fdtr_string(fdt, chosen, "xen,xen-bootargs", &text) == CORBEL_OK ? text : "";
    if (!fdtr_has(fdt, chosen, "xen,dom0-bootargs") && !dom0_has_bootargs(fdt))
        return "";
    return fdtr_string(fdt, chosen, "bootargs", &text) == CORBEL_OK ? text : "";
}

void platform_cmdline(const void *fdt, char *buf, size_t size)
{
    str_copy(buf, platform_options(fdt), size);
}

static void read_cmdline(struct platform *p, int chosen)
{
    const char *text;

    if (!str_copy(p->cmdline, platform_options(p->fdt), sizeof(p->cmdline)))
        platform_note(p, chosen, "command line cut at %u characters", PLATFORM_CMDLINE_MAX - 1);
    if (fdtr_string(p->fdt, chosen, "xen,xen-bootargs", &text) == ERR_FORMAT)
        platform_note(p, chosen, "xen,xen-bootargs: expected a string");
}

/* ---- modules ---- */

static void add_module(struct platform *p, const struct platform_module *module)
{
    if (module->range.size == 0 || module->range.size > ~0ull - module->range.base) {
        platform_note(p, module->node, "module 0x%llx+0x%llx: no such range",
                      (unsigned long long)module->range.base,
                      (unsigned long long)module->range.size);
        return;
    }
    if (p->module_count == PLATFORM_MODULES_MAX) {
        platform_note(p, module->node, "not used: more than %u modules", PLATFORM_MODULES_MAX);
        return;
    }
    p->modules[p->module_count++] = *module;
}

static void read_modules(struct platform *p)
{
    struct platform_module module;
    int depth = -1;
    int node = -1;

    while (next_module(p->fdt, &node, &depth)) {
        int parent = fdtr_parent(p->fdt, node);

        memset(&module, 0, sizeof(module));
        module.node = node;
        module.kind = (u8)module_kind(p->fdt, node, parent);
        module.domain_node = fdtr_compatible(p->fdt, parent, "xen,domain") ? parent : -1;
        if (fdtr_reg(p->fdt, node, 0, &module.range.base, &module.range.size) != CORBEL_OK) {
            platform_note(p, node, "reg: expected an address and a size");
            continue;
        }
        add_module(p, &module);
    }
}

/* A ramdisk as boot loaders pass it to Linux; it is dom0's. */
static void read_initrd(struct platform *p, int chosen)
{
    struct platform_module module = { .kind = MODULE_RAMDISK, .node = chosen, .domain_node = -1 };
    u64 start;
    u64 end;

    if (!fdtr_has(p->fdt, chosen, "linux,initrd-start"))
        return;
    if (fdtr_number(p->fdt, chosen, "linux,initrd-start", &start) != CORBEL_OK ||
        fdtr_number(p->fdt, chosen, "linux,initrd-end", &end) != CORBEL_OK || end <= start) {
        platform_note(p, chosen, "linux,initrd-start, linux,initrd-end: not a range");
        return;
    }
    module.range.base = start;
    module.range.size = end - start;
    add_module(p, &module);
}

/* ---- seeds ---- */

static void read_seed(struct platform *p, int chosen)
{
    u32 len = 0;
    const void *seed = fdtr_prop(p->fdt, chosen, "rng-seed", &len);

    if (!seed || len == 0)
        seed = fdtr_prop(p->fdt, chosen, "kaslr-seed", &len);
    if (!seed)
        return;
    p->rng_seed_len = len < sizeof(p->rng_seed) ? len : sizeof(p->rng_seed);
    memcpy(p->rng_seed, seed, p->rng_seed_len);
}

void platform_read_chosen(struct platform *p)
{
    int chosen = fdtr_child(p->fdt, 0, "chosen");

    if (chosen >= 0) {
        read_cmdline(p, chosen);
        read_initrd(p, chosen);
        platform_read_static(p, chosen);
        read_seed(p, chosen);
    }
    read_modules(p);
}
