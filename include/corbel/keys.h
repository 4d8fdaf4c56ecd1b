/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_KEYS_H
#define CORBEL_KEYS_H

#include <corbel/types.h>

/*
 * Debug keys: a character typed while the console's input belongs to the hypervisor
 * (h help, m free memory, d domains, q vCPUs, p p2m report, r rebuild). No lock is held; may print
 * many lines. Called with what console_next_input() gave for the hypervisor.
 */
void keys_handle(u8 c);

#endif
