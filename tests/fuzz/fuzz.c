/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share: the input as a stream of numbers, and failed assertions that
 * libFuzzer sees as crashes. cmocka would leave quietly by exit() where no test of its own runs.
 */
#include "fuzz.h"

#include <corbel/bits.h>

#define ARGS_MAX 64

/* Inputs that fail or are slow go to the program's directory, unless its caller says otherwise. */
static void keep_artifacts_away(int *argc, char ***argv)
{
    static char prefix[512], *args[ARGS_MAX + 2];
    const char *slash = strrchr((*argv)[0], '/');

    if (*argc > ARGS_MAX)
        return;
    snprintf(prefix, sizeof(prefix), "-artifact_prefix=%.*sfinding-%s-",
             slash ? (int)(slash + 1 - (*argv)[0]) : 0, (*argv)[0], slash ? slash + 1 : (*argv)[0]);
    args[0] = (*argv)[0];
    args[1] = prefix; /* the last one counts */
    for (int i = 1; i < *argc; i++)
        args[i + 1] = (*argv)[i];
    (*argc)++;
    *argv = args;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    keep_artifacts_away(argc, argv);
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
