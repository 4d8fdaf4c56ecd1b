/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of the platform share: notes for the boot log, the question
 * whether a node counts, ranges as the CPU sees them, and the list of reserved
 * memory. Pure, as everything of the platform.
 */
#include <corbel/platform_parts.h>

#include <corbel/bits.h>
#include <corbel/fdt_read.h>
#include <corbel/printf.h>
#include <corbel/string.h>

void platform_note(struct platform *p, int node, const char *fmt, ...)
{
    char line[160];
    char path[64];
    size_t used = strlen(p->notes);
    size_t len;
    int head = 0;
    va_list ap;

    if (node >= 0)
        head = fmt_snprintf(line, sizeof(line),
                            "%s: ", fdtr_path_of(p->fdt, node, path, sizeof(path)));
    va_start(ap, fmt);
    (void)fmt_vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, ap);
    va_end(ap);

    str_clean(line);
    len = strlen(line);
    if (used + len + 2 <= sizeof(p->notes)) {
        memcpy(p->notes + used, line, len);
        memcpy(p->notes + used + len, "\n", 2);
    }
}

bool platform_node_enabled(const void *fdt, int node)
{
    for (; node >= 0; node = fdtr_parent(fdt, node)) {
        if (!fdtr_available(fdt, node))
            return false;
    }
    return true;
}

bool platform_read_range(const void *fdt, int node, u32 index, struct mem_range *out)
{
    struct mem_range range;

    if (fdtr_reg_cpu(fdt, node, index, &range.base, &range.size) != CORBEL_OK || range.size == 0)
        return false;
    *out = range;
    return true;
}

static bool touches_ram(const struct platform *p, const struct mem_range *range)
{
    u32 i;

    for (i = 0; i < p->bank_count; i++) {
        if (range->base < platform_range_end(&p->banks[i]) &&
            platform_range_end(range) > p->banks[i].base)
            return true;
    }
    return false;
}

void platform_reserve(struct platform *p, u64 base, u64 size)
{
    struct mem_range range = { base, size };
    struct mem_range *last;
    u64 end;

    if (size == 0 || !touches_ram(p, &range))
        return;
    range.size = platform_range_end(&range) - base;
    if (p->reserved_count < PLATFORM_RESERVED_MAX) {
        p->reserved[p->reserved_count++] = range;
        return;
    }
    /* Too many: the last entry grows over this one, rather than to lose it. */
    last = &p->reserved[PLATFORM_RESERVED_MAX - 1];
    platform_note(p, -1, "more than %u reserved ranges: keeping all up to 0x%llx out of use",
                  PLATFORM_RESERVED_MAX, (unsigned long long)platform_range_end(&range));
    end = MAX(platform_range_end(last), platform_range_end(&range));
    last->base = MIN(last->base, base);
    last->size = end - last->base;
}
