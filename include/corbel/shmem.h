/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_SHMEM_H
#define CORBEL_SHMEM_H

#include <corbel/compiler.h>
#include <corbel/domcfg.h>
#include <corbel/err.h>
#include <corbel/types.h>

/*
 * Frames of static shared memory by id: the first domain that names an id brings them to be
 * (a static range as configured, else from the frame allocator), the last one to go scrubs
 * and frees them. Counted per user.
 */
#define SHMEM_MAX 32u

/* One more user. ERR_NOMEM: no frames, or too many ids. The frames were zeroed. */
enum corbel_err shmem_get(const struct domcfg_shm *shm, pa_t *out) __must_check;
void shmem_put(const struct domcfg_shm *shm);

#endif
