/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a fault in EL2 itself: registers, syndrome and a call trace, on a
 * stack of its own so that an overflow of the normal one can be told.
 */
#include <asm/fault.h>

#include <arch/cpu.h>
#include <corbel/compiler.h>
#include <corbel/cpu.h>
#include <corbel/panic.h>

#include <asm/esr.h>
#include <asm/layout.h>
#include <asm/sysreg.h>

_Static_assert(sizeof(struct el2_frame) == 34 * 8, "vectors.S reserves this much");

static const char *const slot_names[16] = {
    "EL2t synchronous",        "EL2t IRQ",        "EL2t FIQ",        "EL2t SError",
    "EL2 synchronous",         "EL2 IRQ",         "EL2 FIQ",         "EL2 SError",
    "guest synchronous",       "guest IRQ",       "guest FIQ",       "guest SError",
    "AArch32 EL1 synchronous", "AArch32 EL1 IRQ", "AArch32 EL1 FIQ", "AArch32 EL1 SError",
};

static bool in_stack(u64 fp)
{
    const struct cpu *cpu = cpu_this();
    u64 top = cpu->stack_top;

    return fp >= top - EL2_STACK_SIZE && fp + 16 <= top && (fp & 15) == 0;
}

void fault_backtrace(u64 pc, u64 fp)
{
    panic_print("call trace: 0x%llx", (unsigned long long)pc);
    if (!IS_ENABLED(CONFIG_CALL_TRACE))
        return; /* x29 is any register */
    for (u32 depth = 0; depth < 24 && in_stack(fp); depth++) {
        const u64 *record = (const u64 *)(uintptr_t)fp;

        if (record[1])
            panic_print("            0x%llx", (unsigned long long)record[1]);
        if (record[0] <= fp)
            return; /* frames only go up; 0 ends the chain */
        fp = record[0];
    }
}

void arch_backtrace(void)
{
    fault_backtrace((u64)(uintptr_t)__builtin_return_address(0),
                    (u64)(uintptr_t)__builtin_frame_address(0));
}

void fault_report(const struct el2_frame *f, u32 slot)
{
    const struct cpu *cpu = cpu_this();
    u64 bottom = cpu->stack_top - EL2_STACK_SIZE;
    u64 esr = read_sysreg(esr_el2);

    panic_enter();
    panic_print("*** fault in EL2: %s on CPU%u: EC 0x%llx ESR 0x%llx FAR 0x%llx",
                slot_names[slot & 15], cpu->id, (unsigned long long)FIELD_GET(ESR_EC, esr),
                (unsigned long long)esr, (unsigned long long)read_sysreg(far_el2));
    if (f->sp < bottom && f->sp + PAGE_SIZE >= bottom)
        panic_print("    stack overflow: SP 0x%llx is below the stack", (unsigned long long)f->sp);
    panic_print("    PC 0x%llx PSTATE 0x%llx SP 0x%llx", (unsigned long long)f->pc,
                (unsigned long long)f->pstate, (unsigned long long)f->sp);
    for (u32 i = 0; i < 30; i += 3)
        panic_print("    x%-2u 0x%016llx  x%-2u 0x%016llx  x%-2u 0x%016llx", i,
                    (unsigned long long)f->x[i], i + 1, (unsigned long long)f->x[i + 1], i + 2,
                    (unsigned long long)f->x[i + 2]);
    panic_print("    x30 0x%016llx", (unsigned long long)f->x[30]);
    fault_backtrace(f->pc, f->x[29]);
    panic_halt();
}
