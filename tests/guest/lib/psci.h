/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI (Arm DEN 0022) and SMCCC (DEN 0028) calls by the conduit that the tree names.
 */
#ifndef GUEST_PSCI_H
#define GUEST_PSCI_H

#include "lib.h"

#define PSCI_VERSION           0x84000000U
#define PSCI_CPU_SUSPEND32     0x84000001U
#define PSCI_CPU_SUSPEND       0xc4000001U
#define PSCI_CPU_OFF           0x84000002U
#define PSCI_CPU_ON32          0x84000003U
#define PSCI_CPU_ON            0xc4000003U
#define PSCI_AFFINITY_INFO32   0x84000004U
#define PSCI_AFFINITY_INFO     0xc4000004U
#define PSCI_MIGRATE_INFO_TYPE 0x84000006U
#define PSCI_SYSTEM_OFF        0x84000008U
#define PSCI_SYSTEM_RESET      0x84000009U
#define PSCI_FEATURES          0x8400000aU
#define PSCI_SYSTEM_RESET2     0xc4000012U
#define SMCCC_VERSION          0x80000000U
#define SMCCC_ARCH_FEATURES    0x80000001U
#define SMCCC_WORKAROUND_1     0x80008000U
#define SMCCC_WORKAROUND_2     0x80007fffU
#define SMCCC_WORKAROUND_3     0x80003fffU
#define TRNG_VERSION           0x84000050U
#define TRNG_RND64             0xc4000053U

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_INVALID_ADDRESS    (-9)

/* The result, sign-extended from 32 bits for a 32-bit function. */
int64_t psci_call(uint32_t function, uint64_t a1, uint64_t a2, uint64_t a3);
/* The same by a given conduit, all 64 bits of x0 as they come. */
uint64_t hvc_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
uint64_t smc_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);
/* True under a hypervisor: the tree says so, or PSCI comes with a vendor it knows. */
bool psci_uses_hvc(void);
void psci_init(void);

#endif
