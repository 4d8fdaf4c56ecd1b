/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole way from a host device tree to planned domains, as corbel-check goes it (tools/check):
 * parser, platform, command line, pools, domcfg, partial trees, devices, streams, address maps. The
 * input is the host tree and behind it the partial trees; the n-th device-tree module gets the
 * n-th. Every refusal is one whole line, a planned domain is sound, and when all is given back
 * nothing is missing. tree_mutate.c changes trees as trees.
 */
#include "fuzz.h"

#include <libfdt.h>

#include "../../tools/check/check.h"

#include <corbel/assign.h>
#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/plan.h>
#include <corbel/string.h>

#include "fuzz_tree.h"

#define TREES_MAX 8u
#define TREE_AT   0x48000000ull
#define PA_BITS   40u
#define GIC_LINES 288u

static struct check c;
static struct check_options options;

/* --- the input -------------------------------------------------------------------------------- */

static void take_tree(struct check_file *file, const u8 *data, size_t size)
{
    file->size = size;
    file->data = malloc(size ? size : 1);
    memcpy(file->data, data, size);
}

size_t fuzz_tree_size(const u8 *data, size_t size)
{
    /* Behind another tree it may be anywhere: not by libfdt, which wants it aligned. */
    if (size < 8 || fdtr_read_cells(data, 1) != FDT_MAGIC)
        return size;
    return MIN(MAX(fdtr_read_cells(data + 4, 1), 8ull), (u64)size);
}

/*
 * The next module of a partial tree after *node: its place gets the size of that tree, so that
 * mutations of the one need not hit upon the other. Unless the size is nonsense in the input.
 */
static bool next_module(u8 *host, int *node, u64 tree_size, u64 *addr)
{
    int len;
    fdt64_t *reg;

    *node = fdt_node_offset_by_compatible(host, *node, "multiboot,device-tree");
    if (*node < 0)
        return false;
    reg = fdt_getprop_w(host, *node, "reg", &len);
    if (!reg || len != 16)
        return false;
    *addr = fdt64_ld(&reg[0]);
    if (fdt64_ld(&reg[1]) && fdt64_ld(&reg[1]) < SZ_1M)
        fdt64_st(&reg[1], tree_size);
    return true;
}

static void take_input(const u8 *data, size_t size)
{
    size_t used = fuzz_tree_size(data, size);
    int node = -1;
    u64 addr;

    memset(&options, 0, sizeof(options));
    options.pa_bits = PA_BITS;
    options.line_count = GIC_LINES;
    options.no_modules = true;
    options.image.addr = 0x40200000;
    options.image.size = SZ_2M;
    options.tree.addr = TREE_AT;
    take_tree(&options.tree, data, used);
    if (fdt_check_full(options.tree.data, used))
        return;
    while (used < size && options.module_count < TREES_MAX) {
        struct check_file *file = &options.modules[options.module_count];
        size_t next = fuzz_tree_size(data + used, size - used);

        if (!next_module(options.tree.data, &node, next, &addr))
            break;
        file->addr = addr;
        take_tree(file, data + used, next);
        options.module_count++;
        used += next;
    }
}

/* --- what must hold --------------------------------------------------------------------------- */

/* "path: property = value: expected what", and nothing that would break a log's line. */
static void check_refusal(const struct cfg_error *e)
{
    size_t len = strnlen(e->text, sizeof(e->text));

    assert_true(len > 0 && len < sizeof(e->text));
    assert_true(e->text[0] == '/');
    for (size_t i = 0; i < len; i++)
        assert_true(e->text[i] >= ' ' && e->text[i] <= '~');
    /* A line that was too long for its buffer ends before that. */
    assert_true(strstr(e->text, ": expected ") || len + 1 == sizeof(e->text));
}

static void check_text(const char *text)
{
    assert_true(*text);
    for (; *text; text++)
        assert_true(*text >= ' ' && *text <= '~');
}

static void check_map(const struct plan *plan)
{
    const struct addrmap *map = &plan->map;
    char line[160];

    assert_true(map->count > 0 && map->ipa_bits <= PA_BITS);
    for (u32 i = 0; i < map->count; i++) {
        const struct addrmap_entry *entry = &map->entries[i];

        assert_false(entry->floating);
        assert_true(entry->size && entry->base + entry->size <= BIT(PA_BITS));
        if (i)
            assert_true(map->entries[i - 1].base + map->entries[i - 1].size <= entry->base);
        assert_true(addrmap_line(map, i, line, sizeof(line)));
        check_text(line);
    }
}

static void check_plan(const struct plan *plan)
{
    const struct passdt *pass = &plan->pass;
    char text[256];

    assert_true(plan->cfg.cpus >= 1 && plan->cfg.cpus <= MAX_VCPUS);
    assert_true(plan->cfg.memory || plan->cfg.static_mem_count);
    check_map(plan);
    for (u32 i = 0; i < pass->region_count; i++)
        assert_true(pass->regions[i].size && pass->regions[i].device < pass->device_count &&
                    pass->regions[i].hpa + pass->regions[i].size > pass->regions[i].hpa);
    for (u32 i = 0; i < pass->irq_count; i++)
        assert_true(pass->irqs[i].intid >= 32 && pass->irqs[i].intid < GIC_LINES);
    for (u32 i = 0; i < pass->device_count; i++)
        (void)plan_streams_text(plan, i, text, sizeof(text));
    for (u32 i = 0; plan_note(plan, i, text, sizeof(text)); i++)
        check_text(text);
    for (u32 i = 0; plan_protection(plan, i, text, sizeof(text)); i++)
        check_text(text);
}

/* No two domains that start have a frame of RAM that was chosen already, or a device's bytes. */
static void check_apart(const struct plan *a, const struct plan *b)
{
    for (u32 i = 0; i < a->bank_count; i++)
        for (u32 n = 0; n < b->bank_count; n++)
            assert_true(a->banks[i].base + a->banks[i].size <= b->banks[n].base ||
                        b->banks[n].base + b->banks[n].size <= a->banks[i].base);
    for (u32 i = 0; i < a->pass.region_count; i++)
        for (u32 n = 0; n < b->pass.region_count; n++)
            assert_true(a->pass.regions[i].hpa + a->pass.regions[i].size <=
                            b->pass.regions[n].hpa ||
                        b->pass.regions[n].hpa + b->pass.regions[n].size <= a->pass.regions[i].hpa);
    for (u32 i = 0; i < a->pass.irq_count; i++)
        for (u32 n = 0; n < b->pass.irq_count; n++)
            assert_int_not_equal(a->pass.irqs[i].intid, b->pass.irqs[n].intid);
}

static void check_domains(void)
{
    for (u32 i = 0; i < c.warning_count; i++)
        check_text(c.warnings[i]);
    for (u32 i = 0; i < c.pool_error_count; i++)
        check_text(c.pool_errors[i]);
    for (u32 i = 0; i < c.domain_count; i++) {
        if (c.domains[i]->refused) {
            check_refusal(&c.domains[i]->e);
            continue;
        }
        check_plan(&c.domains[i]->plan);
        for (u32 n = 0; n < i; n++)
            if (!c.domains[n]->refused)
                check_apart(&c.domains[i]->plan, &c.domains[n]->plan);
    }
}

/* All domains end: what they had is free again, to the page and to the device. */
static void release_domains(void)
{
    const struct plan_env env = {
        .platform = &c.platform, .read = host_read, .alloc = heap_alloc, .free = heap_free
    };
    const struct mem_range all = { 0, ~0ull };
    u32 other, id = 0;

    for (u32 i = 0; i < c.domain_count; i++)
        if (!c.domains[i]->refused)
            plan_release(&env, ++id, &c.domains[i]->plan);
    assert_true(page_free_count() * PAGE_SIZE == c.free);
    assert_int_equal(assign_region(MAX_DOMAINS + 1, &all, &other), CORBEL_OK);
    assign_release(MAX_DOMAINS + 1);
    heap_free((void *)(uintptr_t)c.platform.fdt,
              ALIGN_UP((u64)fdtr_total_size(c.platform.fdt), PAGE_SIZE));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    const char *why = "";

    memset(&c, 0, sizeof(c));
    take_input(data, size);
    host_init(&c, &options);
    /* The machine itself may be refused, by a panic in a line; its domains never that way. */
    if (fuzz_tree_run(&c, &options, &why)) {
        check_domains();
        release_domains();
    } else {
        assert_true(*why);
    }
    check_free(&c);
    host_exit();
    free(options.tree.data);
    return 0;
}
