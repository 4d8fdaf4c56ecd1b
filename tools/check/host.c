/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam below the hypervisor's sources when they run on a PC: host memory is the files that the
 * user names, heap pages are the PC's, a panic ends the program, warnings are kept for the report.
 * The sources get asm/ headers from tests/fake/include, as the unit tests do.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/cache.h>
#include <arch/mmu.h>
#include <corbel/bits.h>
#include <corbel/log.h>
#include <corbel/panic.h>

#define HEAP_MAX   1024u
#define HEAP_LIMIT BIT(47)

struct cpu *fake_cpu; /* none: locks are not checked, there is one thread */

static struct check *check;
static const struct check_options *options;
static struct check_file files[2 * CHECK_MODULES_MAX]; /* given, then made up */
static u32 file_count;

/* Heap pages that the sources hold: where they would be, and where they are. */
static struct heap_piece {
    u64 pa, size;
    u8 *memory; /* NULL: unused entry */
} heap[HEAP_MAX];

void host_init(struct check *c, const struct check_options *o)
{
    check = c;
    options = o;
    memcpy(files, o->modules, o->module_count * sizeof(*files));
    file_count = o->module_count;
}

void host_exit(void)
{
    for (u32 i = 0; i < file_count; i++)
        free(files[i].data);
    file_count = 0;
    for (u32 i = 0; i < HEAP_MAX; i++) {
        free(heap[i].memory);
        heap[i].memory = NULL;
    }
}

/* --- Memory ----------------------------------------------------------------------------------- */

void host_add(const struct check_file *file)
{
    CORBEL_ASSERT(file_count < ARRAY_SIZE(files));
    files[file_count++] = *file;
}

bool host_has(const struct mem_range *range)
{
    for (u32 i = 0; i < file_count; i++) {
        if (files[i].addr == range->base)
            return true;
    }
    return false;
}

static void read_file(u8 *dst, u64 pa, u64 size, const struct check_file *file)
{
    u64 from = MAX(pa, file->addr), to = MIN(pa + size, file->addr + file->size);

    if (from < to)
        memcpy(dst + (from - pa), file->data + (from - file->addr), to - from);
}

void host_read(void *dst, u64 pa, u64 size)
{
    memset(dst, 0, size);
    for (u32 i = 0; i < file_count; i++)
        read_file(dst, pa, size, &files[i]);
}

enum corbel_err arch_mmu_map_heap(pa_t pa, u64 size)
{
    for (u32 i = 0; i < HEAP_MAX; i++) {
        if (heap[i].memory)
            continue;
        heap[i] = (struct heap_piece){ pa.v, size, calloc(1, size) };
        return heap[i].memory ? CORBEL_OK : ERR_NOMEM;
    }
    return ERR_NOMEM;
}

void arch_mmu_unmap_heap(pa_t pa, u64 size)
{
    for (u32 i = 0; i < HEAP_MAX; i++) {
        if (!heap[i].memory || heap[i].pa != pa.v)
            continue;
        CORBEL_ASSERT(heap[i].size == size);
        free(heap[i].memory);
        heap[i].memory = NULL;
    }
}

void *phys_to_virt(pa_t pa)
{
    for (u32 i = 0; i < HEAP_MAX; i++) {
        if (heap[i].memory && pa.v - heap[i].pa < heap[i].size)
            return heap[i].memory + (pa.v - heap[i].pa);
    }
    panic("no heap page at 0x%llx", (unsigned long long)pa.v);
}

pa_t virt_to_phys(const void *va)
{
    for (u32 i = 0; i < HEAP_MAX; i++) {
        uintptr_t offset = (uintptr_t)va - (uintptr_t)heap[i].memory;

        if (heap[i].memory && offset < heap[i].size)
            return PA(heap[i].pa + offset);
    }
    panic("%p is no heap page", va);
}

u64 arch_mmu_heap_limit(void)
{
    return HEAP_LIMIT;
}

struct mem_range arch_mmu_image_range(void)
{
    return (struct mem_range){ options->image.addr, options->image.size };
}

void arch_mmu_unmap_boot(void)
{
}

/* Frames have no contents here: what is scrubbed or copied through a window goes nowhere. */
void *arch_window_open_range(enum window_slot slot, pa_t pa, u64 size, enum el2_attr attr)
{
    static u8 nowhere[WINDOW_LARGE_SIZE];

    return nowhere + (pa.v & (PAGE_SIZE - 1));
}

void *arch_window_open(enum window_slot slot, pa_t pa, enum el2_attr attr)
{
    return arch_window_open_range(slot, pa, 1, attr);
}

void arch_window_close(enum window_slot slot)
{
}

void arch_zero_pages(void *va, size_t size)
{
    memset(va, 0, size);
}

void arch_cache_clean(const void *va, size_t size)
{
}

void arch_cache_clean_inval(const void *va, size_t size)
{
}

/* --- Messages --------------------------------------------------------------------------------- */

void log_printf(enum log_level level, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    if (level > LOG_WARN)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    check_warn(check, "%s", line);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "corbel-check: the hypervisor would stop: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(2);
}
