/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that the boot loader filled and nobody reads again becomes free: modules once the
 * boot is over, those of a domain that may restart with its last life, and the loader's own
 * copy of the device tree. It is not zeroed here: whoever gets frames after the boot
 * (heap_alloc(), the RAM of a restarted domain) zeroes them before it uses them.
 */
#include <corbel/build_job.h>

#include <arch/spinlock.h>
#include <corbel/bits.h>
#include <corbel/domain.h>
#include <corbel/lifecycle.h>
#include <corbel/log.h>
#include <corbel/mem_range.h>
#include <corbel/page.h>
#include <corbel/platform.h>

#define PIECES 8u

static spinlock_t lock = SPINLOCK_INIT(RANK_DOMAIN_LIST);
static struct platform *machine; /* whose modules: set while booting */
static u64 books;                /* bytes of the frame allocator's, likewise */
static u64 image_freed;          /* bytes of the image that are free memory; the boot's end */
static bool boot_over;           /* lock */

/* Those that no domain names are dom0's, and there is none. */
static bool is_needed(const struct platform_module *m)
{
    for (u32 i = 0; i < domain_slots(); i++) {
        const struct domain *d = domain_get(i);

        if (d->cfg->node == m->domain_node)
            return d->state != DOMAIN_DEAD && lifecycle_may_restart(d->cfg);
    }
    return false;
}

/* What no module, reservation or anything else beside it has of its pages. */
static void give(const struct platform *p, const struct mem_range *range)
{
    u64 end = ALIGN_UP(range->base + range->size, PAGE_SIZE);
    struct mem_range rest = { ALIGN_DOWN(range->base, PAGE_SIZE), 0 }, pieces[PIECES];
    u32 count = range->size ? PIECES : 0;

    while (count == PIECES) {
        rest.size = end - rest.base;
        count = platform_free_ranges(p, &rest, pieces, PIECES);
        for (u32 i = 0; i < count; i++) {
            if (page_add(pieces[i].base, pieces[i].size) != CORBEL_OK)
                log_warn("memory 0x%llx+0x%llx stays unused", (unsigned long long)pieces[i].base,
                         (unsigned long long)pieces[i].size);
            rest.base = pieces[i].base + pieces[i].size;
        }
    }
}

__init void build_modules_set(struct platform *p)
{
    machine = p;
    books = ALIGN_UP(page_books_size(p->banks, p->bank_count), PAGE_SIZE);
}

void build_modules_release(void)
{
    spin_lock(&lock);
    /* One at a time: a page that two of them share goes with the second. */
    for (u32 i = 0; boot_over && i < machine->module_count; i++) {
        struct platform_module *m = &machine->modules[i];

        if (m->used || is_needed(m))
            continue;
        m->used = true;
        give(machine, &m->range);
    }
    spin_unlock(&lock);
}

void build_modules_boot_over(u64 image_bytes)
{
    struct mem_range tree = machine->tree;

    spin_lock(&lock);
    boot_over = true;
    image_freed = image_bytes;
    machine->tree.size = 0;
    give(machine, &tree);
    spin_unlock(&lock);
    build_modules_release();
}

void build_report_memory(void)
{
    const struct platform *p = machine;
    u64 ram = mem_range_total(p->banks, p->bank_count), free = page_free_count() * PAGE_SIZE;
    u64 image = ALIGN_UP(p->self.size, PAGE_SIZE) - image_freed;
    u64 heap = heap_pages_used() * PAGE_SIZE, domains = 0;
    u64 ours = image + books + heap;

    for (u32 i = 0; i < domain_slots(); i++)
        domains += domain_get(i)->p2m.ram_size;
    log_info("memory: RAM %llu KiB: free %llu, domains %llu, Corbel %llu (image %llu, books %llu, "
             "heap %llu), other %llu",
             (unsigned long long)(ram >> 10), (unsigned long long)(free >> 10),
             (unsigned long long)(domains >> 10), (unsigned long long)(ours >> 10),
             (unsigned long long)(image >> 10), (unsigned long long)(books >> 10),
             (unsigned long long)(heap >> 10),
             (unsigned long long)((ram - free - domains - ours) >> 10));
}
