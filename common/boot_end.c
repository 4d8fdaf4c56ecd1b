/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the boot: the last one who still needs the boot's own code gives its memory back,
 * and says how the boot went.
 */
#include <corbel/boot_end.h>

#include <arch/mmu.h>
#include <corbel/build_job.h>
#include <corbel/log.h>
#include <corbel/page.h>
#include <corbel/panic.h>

static u32 holders = 1;      /* atomic; the first one is the boot CPU's */
static u32 started, refused; /* atomic counters */

bool boot_hold(void)
{
    u32 n = __atomic_load_n(&holders, __ATOMIC_RELAXED);

    do {
        if (!n)
            return false;
    } while (!__atomic_compare_exchange_n(&holders, &n, n + 1, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED));
    return true;
}

/* Nobody runs in it, and nobody will: boot_hold() is false from now on. Bytes that are free. */
static u64 give_back(void)
{
    struct mem_range init = arch_mmu_drop_init();

    page_scrub(PA(init.base), init.size); /* as all that is free */
    if (page_add(init.base, init.size) != CORBEL_OK)
        return 0; /* the image lies outside of what the tree calls memory */
    log_info("memory: %llu KiB of the boot's own code are free again",
             (unsigned long long)(init.size >> 10));
    return init.size;
}

void boot_drop(void)
{
    u32 left = __atomic_sub_fetch(&holders, 1, __ATOMIC_ACQ_REL);
    u32 up, down;

    CORBEL_ASSERT(left != UINT32_MAX);
    if (left)
        return;
    build_modules_boot_over(give_back());
    up = __atomic_load_n(&started, __ATOMIC_RELAXED);
    down = __atomic_load_n(&refused, __ATOMIC_RELAXED);
    build_report_memory();
    log_info("memory: %llu KiB free", (unsigned long long)(page_free_count() * PAGE_SIZE >> 10));
    log_info("boot: %u domain%s started, %u refused", up, up == 1 ? "" : "s", down);
}

void boot_note(bool is_started)
{
    __atomic_fetch_add(is_started ? &started : &refused, 1, __ATOMIC_RELAXED);
}
