/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose registers are at this address? One walk over a whole tree that keeps the way from the
 * root at hand, so that it costs the tree's length once and not for each node: the tree of a
 * large SoC has thousands of nodes. Pure, on top of the readers in fdt_read.c.
 */
#include <corbel/fdt_read.h>

#include <corbel/string.h>

#define CELL_SIZE 4u

/* Below the root, and not devices although their children may have a reg. */
static const char *const no_devices[] = { "chosen", "cpus", "reserved-memory" };

static bool is_passed_over(const void *fdt, int node, int depth)
{
    const char *type;
    u32 i;

    if (!fdtr_available(fdt, node))
        return true;
    if (fdtr_string(fdt, node, "device_type", &type) == CORBEL_OK && strcmp(type, "memory") == 0)
        return true;
    for (i = 0; depth == 1 && i < ARRAY_SIZE(no_devices); i++) {
        if (strcmp(fdtr_name(fdt, node), no_devices[i]) == 0)
            return true;
    }
    return false;
}

/* The node's next entry, from f->index on, that overlaps what is sought. */
static bool find_entry(const void *fdt, struct fdtr_find *f)
{
    u32 len = 0;

    if (!fdtr_prop(fdt, f->node, "reg", &len))
        return false;
    /* Not until an error: an entry that does not translate says nothing about the next. */
    for (; f->index < len / CELL_SIZE; f->index++) {
        enum corbel_err err = fdtr_reg_chain(fdt, f->chain, f->depth, f->index, &f->hit);

        if (err == ERR_NOENT || err == ERR_FORMAT)
            return false;
        if (err == CORBEL_OK && f->hit.base < f->sought.base + f->sought.size &&
            f->sought.base < f->hit.base + f->hit.size)
            return true;
    }
    return false;
}

void fdtr_find_begin(struct fdtr_find *f, u64 base, u64 size)
{
    memset(f, 0, sizeof(*f));
    f->sought = (struct fdtr_range){ base, size };
    f->node = -1;
    f->depth = -1;
    f->pruned = FDTR_DEPTH_MAX;
}

bool fdtr_find_next(const void *fdt, struct fdtr_find *f)
{
    if (f->node >= 0) {
        f->index++;
        if (find_entry(fdt, f))
            return true;
    }
    for (f->node = fdtr_next_node(fdt, f->node, &f->depth); f->node >= 0;
         f->node = fdtr_next_node(fdt, f->node, &f->depth)) {
        if (f->depth > f->pruned)
            continue;
        f->chain[f->depth] = f->node;
        f->pruned = is_passed_over(fdt, f->node, f->depth) ? f->depth : FDTR_DEPTH_MAX;
        f->index = 0;
        if (f->pruned == FDTR_DEPTH_MAX && find_entry(fdt, f))
            return true;
    }
    return false;
}
