/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI and SMCCC calls by the conduit that the tree names.
 */
#include "psci.h"

#include "fdt.h"

static bool use_smc;

#define CALL(insn)                                                                            \
    register uint64_t x0 __asm__("x0") = function;                                            \
    register uint64_t x1 __asm__("x1") = a1;                                                  \
    register uint64_t x2 __asm__("x2") = a2;                                                  \
    register uint64_t x3 __asm__("x3") = a3;                                                  \
    __asm__ volatile(insn                                                                     \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                 \
                     :                                                                        \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
                       "x15", "x16", "x17", "memory");                                        \
    return x0

uint64_t hvc_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    CALL("hvc #0");
}

uint64_t smc_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    CALL("smc #0");
}

void psci_init(void)
{
    const char *method = fdt_text(fdt_path("/psci"), "method");

    use_smc = method != NULL && strcmp(method, "smc") == 0;
}

bool psci_uses_hvc(void)
{
    return !use_smc;
}

int64_t psci_call(uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
    uint64_t result = use_smc ? smc_call(function, a1, a2, a3) : hvc_call(function, a1, a2, a3);

    return (function & BIT(30)) != 0 ? (int64_t)result : (int32_t)result;
}
