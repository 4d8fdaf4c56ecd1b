/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <corbel/types.h>

/*
 * What the fuzz targets share. A target is one LLVMFuzzerTestOneInput(): it takes its decisions
 * from the bytes of the input, in order, and states what must hold with cmocka's assertions, which
 * end the process here (fuzz.c). The fakes of the unit tests work unchanged. docs/fuzzing.md.
 */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
/* libFuzzer's own mutations, for a mutator that keeps the form of the input. */
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed);

/* The bytes of an input that are not used yet. Behind its end everything is zero. */
struct fuzz_in {
    const u8 *at;
    size_t left;
};

/* The next bytes as a little-endian number, 1 to 8 of them. */
u64 fuzz_take(struct fuzz_in *in, u32 bytes);

/* A number below n (at least 1), from one byte or two. */
u32 fuzz_below(struct fuzz_in *in, u32 n);

/*
 * A number that is interesting for address arithmetic: small, page sized, at a power of two and
 * beside it, or all eight bytes as they come.
 */
u64 fuzz_number(struct fuzz_in *in);

#endif
