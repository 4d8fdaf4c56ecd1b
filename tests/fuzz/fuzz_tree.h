/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include <corbel/types.h>

#include "fuzz.h"

struct check;
struct check_options;

/*
 * check_run(), from which a panic about the machine returns like a refusal: false, its words in
 * *why. Any other panic ends the process. fuzz_tree_host.c
 */
bool fuzz_tree_run(struct check *c, const struct check_options *o, const char **why);

/* Bytes that the tree at the beginning of data takes of it; all of them where none is. */
size_t fuzz_tree_size(const u8 *data, size_t size);

#endif
