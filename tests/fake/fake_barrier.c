/* SPDX-License-Identifier: Apache-2.0 */
#include <arch/barrier.h>

#include <stddef.h>

void (*fake_barrier_hook)(void);
