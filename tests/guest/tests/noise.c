/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does what a hypervisor might want to say something about, count= (5000) times each:
 * noise=abort|jump|walk|undef|calls|all. Each is skipped.
 */
#include "cpu.h"
#include "psci.h"

#define HOLE       0x30000000UL
#define HOLE_INDEX 505U /* an entry of level 1 */

static bool wants(const char *what)
{
    return arg_is("noise", what) || arg_is("noise", "all");
}

void test_noise(void)
{
    uint64_t count = arg_number("count", 5000);
    uint32_t value;

    mmu_set_block(HOLE_INDEX, 0, true);
    for (uint64_t i = 0; i < count; i++) {
        if (wants("abort")) {
            guarded_read32(HOLE + i % 4096 * 4, &value);
            guarded_write32(HOLE + i % 4096 * 4, value);
        }
        if (wants("jump")) {
            guarded_call((uintptr_t)HOLE_INDEX << 30 | (HOLE + i % 1024 * 4));
        }
        if (wants("undef")) {
            guarded(__asm__ volatile("mrs x9, s3_0_c12_c11_1" ::: "x9"));
            guarded(__asm__ volatile(".inst 0x04000000" ::: "memory"));
        }
        if (wants("calls")) {
            hvc_call(0x8400f000U + i, i, i, i);
            smc_call(0xc6000100U + i, i, i, i);
        }
    }
    if (wants("walk")) {
        mmu_set_table(HOLE_INDEX, HOLE);
        for (uint64_t i = 0; i < count; i++) {
            guarded_read32((uintptr_t)HOLE_INDEX << 30, &value);
        }
    }
    ok(true, "made its noise %lu times", count);
}
