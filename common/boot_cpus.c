/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing the CPUs up (design decision 35). A secondary's struct, fault stack and stack
 * are one heap range with an unmapped page below the stack.
 */
#include <corbel/boot_cpus.h>

#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/cpu.h>
#include <corbel/irq.h>
#include <corbel/irq_dispatch.h>
#include <corbel/log.h>
#include <corbel/page.h>
#include <corbel/panic.h>
#include <corbel/string.h>
#include <corbel/vpsci.h>

#define CPU_PAGES   ALIGN_UP(sizeof(struct cpu), PAGE_SIZE)
#define PANIC_STACK PAGE_SIZE
#define STACK_SIZE  SZ_16K
#define AREA_SIZE   (CPU_PAGES + PANIC_STACK + PAGE_SIZE + STACK_SIZE)

static bool released; /* store-release by the boot CPU, load-acquire by the others */

static void init_common(struct cpu *cpu)
{
    timer_queue_init(&cpu->timers, cpu->id);
}

void boot_cpus_first(struct platform *p, struct cpu *cpu)
{
    u64 mpidr = arch_cpu_mpidr();

    cpu->mpidr = mpidr;
    for (u32 i = 1; i < p->cpu_count; i++) {
        struct platform_cpu first = p->cpus[0];

        if (p->cpus[i].mpidr != mpidr)
            continue;
        p->cpus[0] = p->cpus[i];
        p->cpus[i] = first;
    }
    init_common(cpu);
    cpu->online = true;
    cpu_add(cpu);
}

static struct cpu *create(u32 id, const struct platform_cpu *pc)
{
    u8 *area = heap_alloc(AREA_SIZE);
    struct cpu *cpu = (struct cpu *)(void *)area;

    if (!area)
        return NULL;
    if (arch_window_init(id) != CORBEL_OK) {
        heap_free(area, AREA_SIZE);
        return NULL;
    }
    cpu->id = id;
    cpu->mpidr = pc->mpidr;
    cpu->enable_method = pc->method;
    cpu->release_addr = pc->release_addr;
    cpu->self = (u64)(uintptr_t)cpu;
    cpu->panic_sp = (u64)(uintptr_t)area + CPU_PAGES + PANIC_STACK;
    cpu->stack_top = (u64)(uintptr_t)area + AREA_SIZE;
    /* Guard page: an overflow of the stack faults instead of writing into the fault stack. */
    arch_mmu_unmap_heap(virt_to_phys(area + CPU_PAGES + PANIC_STACK), PAGE_SIZE);
    init_common(cpu);
    return cpu;
}

static bool wait_online(const struct cpu *cpu)
{
    u64 end = arch_time_now() + arch_time_freq();

    while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
        if (arch_time_now() > end)
            return false;
        arch_cpu_relax();
    }
    return true;
}

void boot_cpus_start(struct platform *p, const struct boot_options *options)
{
    u32 limit = MIN(p->cpu_count, MAX_CPUS);
    u32 up = 1;

    if (options->max_cpus)
        limit = MIN(limit, options->max_cpus);
    for (u32 i = 1; i < limit; i++) {
        struct cpu *cpu = create(i, &p->cpus[i]);

        if (!cpu) {
            log_warn("CPU%u and later ones are left out: no hypervisor memory", i);
            break;
        }
        cpu_add(cpu);
        if (arch_cpu_start(cpu, p) != CORBEL_OK || !wait_online(cpu))
            log_warn("CPU%u (MPIDR 0x%llx) did not start: left out", i,
                     (unsigned long long)cpu->mpidr);
        else
            up++;
    }
    log_info("%u CPUs of %u in the tree are up", up, p->cpu_count);
}

void boot_cpus_release(void)
{
    __atomic_store_n(&released, true, __ATOMIC_RELEASE);
}

bool boot_cpus_secondary(struct cpu *cpu)
{
    /* It came when its time was over: guests run with the features that the others have. */
    if (__atomic_load_n(&released, __ATOMIC_ACQUIRE))
        return false;
    arch_cpu_init(cpu);
    arch_cpu_harden(cpu);
    vsmccc_init_cpu();
    if (irq_init_cpu() != CORBEL_OK)
        return false; /* never online: the boot CPU names it */
    irq_dispatch_init_cpu();
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
        arch_cpu_relax();
    if (cpu->sched.pool)
        return true;
    /* It came a little too late: the pools were made without it. */
    __atomic_store_n(&cpu->online, false, __ATOMIC_RELEASE);
    return false;
}
