/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share: the input as a stream of numbers, and failed assertions that
 * libFuzzer sees as crashes. cmocka would leave quietly by exit() where no test of its own runs.
 */
#include "fuzz.h"

#include <corbel/bits.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return setenv("CMOCKA_TEST_ABORT", "1", 1);
}

u64 fuzz_take(struct fuzz_in *in, u32 bytes)
{
    u64 value = 0;

    for (u32 i = 0; i < bytes && in->left; i++) {
        value |= (u64)*in->at++ << (8 * i);
        in->left--;
    }
    return value;
}

u32 fuzz_below(struct fuzz_in *in, u32 n)
{
    return (u32)fuzz_take(in, n > 256 ? 2 : 1) % n;
}

u64 fuzz_number(struct fuzz_in *in)
{
    u32 kind = (u32)fuzz_take(in, 1), bit = kind >> 3 | (kind & 1) << 5;

    switch (kind & 6) {
    case 0:
        return fuzz_take(in, 1);
    case 2:
        return fuzz_take(in, 2) << 12;
    case 4:
        return BIT(bit) + fuzz_take(in, 1) - 128;
    default:
        return fuzz_take(in, 8);
    }
}
