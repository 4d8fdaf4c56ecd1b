/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start of every payload: set up, run what the boot argument test=a,b names, print the TAP plan,
 * power off ("end=" chooses another end: reset, hang).
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "psci.h"

static const struct payload_test tests[] = {
    { "traps", test_traps },       { "gic", test_gic },           { "irqs", test_gic_irqs },
    { "gicsmp", test_gic_smp },    { "timer", test_timer },       { "psci", test_psci },
    { "pscismp", test_psci_smp },  { "smp", test_smp },           { "mem", test_mem },
    { "tree", test_tree },         { "debug", test_debug },       { "uart", test_uart },
    { "spin", test_spin },         { "echo", test_echo },         { "crash", test_crash },
    { "bench", test_bench },       { "device", test_device },     { "sram", test_sram },
    { "shmem", test_shmem },       { "dma", test_dma },           { "dbgmove", test_debug_moved },
    { "watchdog", test_watchdog }, { "life", test_life },         { "heart", test_heart },
    { "pmu", test_pmu },           { "pmuoff", test_pmu_off },    { "pmusmp", test_pmu_smp },
    { "pmuwait", test_pmu_wait },  { "pmumove", test_pmu_moved }, { "pingpong", test_pingpong },
    { "switch", test_switch },     { "stress", test_stress },     { "pulse", test_pulse },
    { "noise", test_noise },       { "gicwake", test_gic_wake },
};

void payload_main(uintptr_t dtb);

/* True if NAME is one of the comma-separated words of LIST. */
static bool list_has(const char *list, const char *name)
{
    size_t size = strlen(name);

    while (*list != '\0') {
        if (strncmp(list, name, size) == 0 && (list[size] == '\0' || list[size] == ',')) {
            return true;
        }
        while (*list != '\0' && *list != ',') {
            list++;
        }
        list += *list == ',' ? 1 : 0;
    }
    return false;
}

static void run_tests(void)
{
    char wanted[64];
    const char *text = arg_text("test", "tree");
    unsigned int found = 0;

    memcpy(wanted, text, strlen(text) + 1);
    for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++) {
        if (list_has(wanted, tests[i].name)) {
            print("# test %s\n", tests[i].name);
            tests[i].run();
            found++;
        }
    }
    if (found == 0) {
        ok(false, "no such test: %s", wanted);
    }
}

void payload_end(void)
{
    tap_end();
    print("PAYLOAD-END\n");
    if (arg_is("end", "reset")) {
        psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    } else if (!arg_is("end", "hang")) {
        psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
}

void payload_main(uintptr_t dtb)
{
    fdt_init(dtb);
    smp_init();
    mmu_init();
    console_init();
    psci_init();
    gic_init();
    print("PAYLOAD-START GICv%u, %u vCPUs, image 0x%lx, tree 0x%lx\n", gic_version(), smp_count(),
          (uintptr_t)image_head, dtb);
    run_tests();
    payload_end();
}
