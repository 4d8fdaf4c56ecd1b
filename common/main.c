/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start here: the boot as an ordered list of calls. The boot CPU comes from head.S with
 * the device tree's address; secondaries come with their struct cpu. Both leave with the
 * first vCPU to enter.
 */
#include <corbel/main.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/smccc.h>
#include <arch/time.h>
#include <corbel/bits.h>
#include <corbel/boot_cpus.h>
#include <corbel/boot_end.h>
#include <corbel/boot_mem.h>
#include <corbel/build.h>
#include <corbel/cmdline.h>
#include <corbel/console.h>
#include <corbel/cpu.h>
#include <corbel/domain.h>
#include <corbel/drbg.h>
#include <corbel/drivers.h>
#include <corbel/fdt_read.h>
#include <corbel/guest_exit.h>
#include <corbel/iommu.h>
#include <corbel/irq.h>
#include <corbel/irq_dispatch.h>
#include <corbel/log.h>
#include <corbel/panic.h>
#include <corbel/platform.h>
#include <corbel/run.h>
#include <corbel/s2_selftest.h>
#include <corbel/string.h>
#include <corbel/vpsci.h>

#include <generated/version.h>

static struct platform platform;    /* what the tree says; read-only after boot */
static struct boot_options options; /* likewise */

/* The UART that the tree names, polled, before anything else can fail. */
static void early_console(const void *fdt)
{
    const struct uart_ops *ops;
    void *regs;

    platform_find_uart(fdt, &platform.uart);
    ops = driver_uart(platform.uart.kind);
    if (!ops)
        return; /* silent, but the ring keeps the log */
    regs = arch_mmu_map_device(PA(platform.uart.regs.base), platform.uart.regs.size);
    if (regs)
        console_init(ops, (uintptr_t)regs);
}

/* Notes are lines. */
static void log_notes(const char *notes)
{
    for (const char *end; (end = strchr(notes, '\n')); notes = end + 1)
        log_info("device tree: %.*s", (int)(end - notes), notes);
}

static void read_platform(const void *fdt)
{
    struct platform_uart uart = platform.uart;

    platform_from_fdt(&platform, fdt);
    platform.uart = uart; /* as the early console found it */
    cmdline_parse(platform.cmdline, &options);
    log_set_level((enum log_level)options.loglvl);
    log_info("Corbel " CORBEL_VERSION " on %s",
             platform.model[0] ? platform.model : "an unnamed machine");
    log_info("command line: %s", platform.cmdline);
    if (options.unknown[0])
        log_warn("unknown options, ignored: %s", options.unknown);
    if (options.bad[0])
        log_warn("options ignored: %s", options.bad);
    log_notes(platform.notes);
    if (!arch_time_freq())
        panic("CNTFRQ_EL0 is 0: the firmware has to write the counter's frequency there");
    if (platform.timer.clock_frequency && platform.timer.clock_frequency != arch_time_freq())
        log_warn("timer: clock-frequency %u in the tree, %llu in CNTFRQ_EL0: the register counts",
                 platform.timer.clock_frequency, (unsigned long long)arch_time_freq());
}

static void seed(const struct platform *p)
{
    u64 word = arch_time_now();

    drbg_seed(p->rng_seed, p->rng_seed_len);
    drbg_seed(&word, sizeof(word));
    for (u32 i = 0; i < 4 && arch_rndr(&word); i++)
        drbg_seed(&word, sizeof(word));
    if (!drbg_is_seeded())
        log_warn("no rng-seed and no RNDR: guest seeds are guessable");
}

/* Interrupts and time of the boot CPU. */
static void start_interrupts(void)
{
    enum corbel_err err = irq_init(&platform);

    if (err != CORBEL_OK)
        panic("no supported interrupt controller: %s", err_name(err));
    if (irq_init_cpu() != CORBEL_OK)
        panic("the boot CPU's interrupt interface does not answer");
    irq_dispatch_init(&platform);
}

/* All are checked against all of the memory before the first one takes any of it. */
static void create_domains(void)
{
    for (int n = domcfg_next(platform.fdt, -1); n >= 0; n = domcfg_next(platform.fdt, n)) {
        if (!build_create(&platform, &options, n))
            boot_note(false);
    }
    build_begin_all();
    if (!domain_slots())
        log_warn("no domain to start: no usable xen,domain node under /chosen");
}

/* Only what the header says: behind it there may be no memory. */
static const void *map_tree(u64 pa)
{
    const void *fdt = arch_mmu_map_boot(PA(pa), 64);
    u32 size = fdt ? fdtr_peek_size(fdt) : 0;

    if (!size)
        panic("no device tree at 0x%llx", (unsigned long long)pa);
    arch_mmu_unmap_boot();
    fdt = arch_mmu_map_boot(PA(pa), size);
    if (!fdt || fdtr_check(fdt, size) != CORBEL_OK)
        panic("the device tree at 0x%llx is damaged", (unsigned long long)pa);
    return fdt;
}

static __noinline void boot(struct cpu *cpu, u64 fdt_pa)
{
    const void *fdt;

    arch_mmu_init();
    fdt = map_tree(fdt_pa);
    early_console(fdt);
    arch_cpu_init(cpu);
    read_platform(fdt);
    boot_mem_init(&platform, fdt_pa, fdtr_total_size(fdt));
    platform.fdt = boot_mem_keep_tree(fdt);
    arch_smccc_init((enum smccc_conduit)platform.psci_conduit);
    arch_cpu_harden(cpu);
    vsmccc_init();
    seed(&platform);
    boot_cpus_first(&platform, cpu);
    start_interrupts();
    iommu_init(&platform, &options); /* before other CPUs: no DMA that nobody was given */
    if (IS_ENABLED(CONFIG_DEBUG))
        s2_selftest();
    boot_cpus_start(&platform, &options);
    sched_init((enum sched_policy)options.sched);
    run_set_vwfi_native(options.vwfi_native);
    build_set_platform(&platform);
    build_modules_set(&platform);
    build_pools(&platform);
    console_start(platform.uart.intid, options.sync_console);
    boot_cpus_release();
    create_domains();
}

/* All before guest_exit_first() is code that goes when the boot is over (boot_end.h). */
__init_caller struct vcpu *corbel_main(struct cpu *cpu, u64 fdt_pa)
{
    bool up = true;

    if (cpu->id == 0 && fdt_pa)
        boot(cpu, fdt_pa);
    else if (boot_hold())
        up = boot_cpus_secondary(cpu);
    else
        arch_cpu_halt(); /* long given up: there is nothing left that could bring it up */
    boot_drop();
    if (!up)
        arch_cpu_halt();
    return guest_exit_first(cpu);
}
