/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's vCPUs: numbers from the tree, start by PSCI CPU_ON.
 */
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "psci.h"
#include "timer.h"

struct cpu cpus[MAX_CPUS];
static unsigned int cpu_total;

void smp_secondary_main(struct cpu *cpu);

void smp_init(void)
{
    int parent = fdt_path("/cpus");

    for (int node = fdt_child(parent, -1); node >= 0; node = fdt_child(parent, node)) {
        const char *kind = fdt_text(node, "device_type");
        uint64_t mpidr;
        uint64_t size;

        if (kind == NULL || strcmp(kind, "cpu") != 0 || cpu_total == MAX_CPUS) {
            continue;
        }
        if (!fdt_reg(node, 0, &mpidr, &size)) {
            continue;
        }
        cpus[cpu_total].index = cpu_total;
        cpus[cpu_total].mpidr = mpidr;
        cpu_total++;
    }
}

unsigned int smp_count(void)
{
    return cpu_total;
}

void smp_secondary_main(struct cpu *cpu)
{
    mmu_enable();
    gic_init_cpu();
    cpu->counter = 0;
    __atomic_store_n(&cpu->started, 1, __ATOMIC_RELEASE);
    cpu->entry(cpu);
    psci_call(PSCI_CPU_OFF, 0, 0, 0);
}

int64_t smp_start(unsigned int index, void (*entry)(struct cpu *), uint64_t context)
{
    struct cpu *cpu = &cpus[index];
    uint64_t start = timer_now();
    int64_t result;

    cpu->entry = entry;
    cpu->context = context;
    cpu->started = 0;
    dsb();
    result = psci_call(PSCI_CPU_ON, cpu->mpidr, (uintptr_t)secondary_entry, (uintptr_t)cpu);
    while (result == 0 && __atomic_load_n(&cpu->started, __ATOMIC_ACQUIRE) == 0) {
        if (timer_since_ms(start) > WAIT_MS) {
            return 1;
        }
    }
    return result;
}

bool smp_wait_off(unsigned int index)
{
    uint64_t start = timer_now();

    while (psci_call(PSCI_AFFINITY_INFO, cpus[index].mpidr, 0, 0) != 1) {
        if (timer_since_ms(start) > WAIT_MS) {
            return false;
        }
    }
    return true;
}
