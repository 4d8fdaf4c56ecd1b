/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HW_PSCI_H
#define HW_PSCI_H

#include <corbel/bits.h>

/*
 * Function identifiers and results of PSCI (DEN0022), SMCCC (DEN0028) and the TRNG
 * firmware interface (DEN0098): what the host's firmware is asked, and what guests ask.
 */

/* SMCCC function identifier */
#define SMCCC_FAST     BIT(31)
#define SMCCC_64       BIT(30)
#define SMCCC_OWNER    GENMASK(29, 24)
#define SMCCC_MBZ      GENMASK(23, 17)
#define SMCCC_SVE_HINT BIT(16) /* 1.3: the caller has no live SVE state */
#define SMCCC_NUMBER   GENMASK(15, 0)

#define SMCCC_OWNER_ARCH       0u
#define SMCCC_OWNER_SIP        2u /* silicon provider */
#define SMCCC_OWNER_STANDARD   4u
#define SMCCC_OWNER_HYPERVISOR 6u

#define SMCCC_VERSION           0x80000000u
#define SMCCC_ARCH_FEATURES     0x80000001u
#define SMCCC_ARCH_SOC_ID       0x80000002u
#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_2 0x80007fffu
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu
#define SMCCC_HYPERVISOR_UID    0x8600ff01u

#define SMCCC_1_2 0x10002u

#define SMCCC_RET_SUCCESS           0
#define SMCCC_RET_NOT_SUPPORTED     -1
#define SMCCC_RET_NOT_REQUIRED      -2 /* WORKAROUND_2: mitigated without the caller's help */
#define SMCCC_RET_INVALID_PARAMETER -3

/* PSCI: function n is 0x84000000 + n, in its 64-bit form 0xc4000000 + n */
#define PSCI_BASE_32 0x84000000u
#define PSCI_BASE_64 0xc4000000u
#define PSCI_COUNT   32u

enum psci_number {
    PSCI_NR_VERSION = 0,
    PSCI_NR_CPU_SUSPEND = 1,
    PSCI_NR_CPU_OFF = 2,
    PSCI_NR_CPU_ON = 3,
    PSCI_NR_AFFINITY_INFO = 4,
    PSCI_NR_MIGRATE = 5,
    PSCI_NR_MIGRATE_INFO_TYPE = 6,
    PSCI_NR_MIGRATE_INFO_UP_CPU = 7,
    PSCI_NR_SYSTEM_OFF = 8,
    PSCI_NR_SYSTEM_RESET = 9,
    PSCI_NR_FEATURES = 10,
    PSCI_NR_CPU_FREEZE = 11,
    PSCI_NR_CPU_DEFAULT_SUSPEND = 12,
    PSCI_NR_NODE_HW_STATE = 13,
    PSCI_NR_SYSTEM_SUSPEND = 14,
    PSCI_NR_SET_SUSPEND_MODE = 15,
    PSCI_NR_STAT_RESIDENCY = 16,
    PSCI_NR_STAT_COUNT = 17,
    PSCI_NR_SYSTEM_RESET2 = 18,
    PSCI_NR_MEM_PROTECT = 19,
    PSCI_NR_MEM_PROTECT_CHECK_RANGE = 20,
};

#define PSCI_FUNC_32(n) (PSCI_BASE_32 + (u32)(n))
#define PSCI_FUNC_64(n) (PSCI_BASE_64 + (u32)(n))

#define PSCI_VERSION      PSCI_FUNC_32(PSCI_NR_VERSION)
#define PSCI_CPU_OFF      PSCI_FUNC_32(PSCI_NR_CPU_OFF)
#define PSCI_CPU_ON_64    PSCI_FUNC_64(PSCI_NR_CPU_ON)
#define PSCI_SYSTEM_OFF   PSCI_FUNC_32(PSCI_NR_SYSTEM_OFF)
#define PSCI_SYSTEM_RESET PSCI_FUNC_32(PSCI_NR_SYSTEM_RESET)
#define PSCI_FEATURES     PSCI_FUNC_32(PSCI_NR_FEATURES)

#define PSCI_1_1 0x10001u

enum psci_result {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_NOT_PRESENT = -7,
    PSCI_DISABLED = -8,
    PSCI_INVALID_ADDRESS = -9,
};

/* AFFINITY_INFO */
#define PSCI_AFFINITY_ON         0
#define PSCI_AFFINITY_OFF        1
#define PSCI_AFFINITY_ON_PENDING 2

/* MIGRATE_INFO_TYPE: no Trusted OS that would have to move */
#define PSCI_MIGRATE_NOT_REQUIRED 2

/* power_state in the original format (DEN0022 5.4.2.1) */
#define PSCI_POWER_STATE_TYPE_DOWN BIT(16)
#define PSCI_POWER_STATE_MBZ       (GENMASK(31, 26) | GENMASK(23, 17))

/* SYSTEM_RESET2 */
#define PSCI_RESET2_WARM 0u /* architectural; bit 31 marks vendor types */

/* TRNG */
#define TRNG_VERSION  0x84000050u
#define TRNG_FEATURES 0x84000051u
#define TRNG_GET_UUID 0x84000052u
#define TRNG_RND_32   0x84000053u
#define TRNG_RND_64   0xc4000053u

#define TRNG_1_0 0x10000u

#define TRNG_RET_INVALID_PARAMETERS -2
#define TRNG_RET_NO_ENTROPY         -3

#endif
