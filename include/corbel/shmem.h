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
 * and frees them. Counted per user. Lock: its own, RANK_ASSIGN, held for the books only.
 */
#define SHMEM_MAX 32u

/*
 * One more user; shm as domcfg_parse() gave it. The frames were zeroed for the first one, by
 * this CPU (WINDOW_LARGE_A), which takes its time. ERR_NOMEM: no frames, or too many ids.
 * ERR_INVAL: the id is in use with another size. ERR_AGAIN: another CPU is bringing the id up
 * or down, nothing changed.
 */
enum corbel_err shmem_get(const struct domcfg_shm *shm, pa_t *out) __must_check;

/*
 * One user less; who puts does not map the frames any more, in no TLB either. The last one
 * scrubs them, 64 KiB in a step: false, call again with the same shm.
 */
bool shmem_put_step(const struct domcfg_shm *shm) __must_check;

/* All steps at once: while domains are planned. */
void shmem_put(const struct domcfg_shm *shm);

#endif
