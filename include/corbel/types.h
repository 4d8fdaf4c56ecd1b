/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_TYPES_H
#define CORBEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/*
 * Host physical and guest (intermediate) physical addresses are one-member
 * structs: the compiler refuses to mix them. EL2 virtual addresses are plain
 * pointers; guest virtual addresses are u64 named gva.
 */
typedef struct {
    u64 v;
} pa_t;

typedef struct {
    u64 v;
} ipa_t;

#define PA(x)  ((pa_t){ (u64)(x) })
#define IPA(x) ((ipa_t){ (u64)(x) })

static inline pa_t pa_add(pa_t a, u64 bytes)
{
    return PA(a.v + bytes);
}

static inline ipa_t ipa_add(ipa_t a, u64 bytes)
{
    return IPA(a.v + bytes);
}

/* A set of physical CPUs, bit n = CPU with logical number n. */
typedef u64 cpumask_t;

#define MAX_CPUS        64u /* physical CPUs: width of cpumask_t */
#define MAX_VCPUS       64u /* vCPUs of one domain */
#define MAX_DOMAINS     64u /* domains of one host; VMID = slot + 1 */
#define DOMAIN_NAME_MAX 32u /* bytes, with the final NUL */

#define PAGE_SHIFT 12u
#define PAGE_SIZE  4096ull
#define SZ_4K      0x1000ull
#define SZ_16K     0x4000ull
#define SZ_64K     0x10000ull
#define SZ_1M      0x100000ull
#define SZ_2M      0x200000ull
#define SZ_1G      0x40000000ull
#define SZ_4G      0x100000000ull

#endif
