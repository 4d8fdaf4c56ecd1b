/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that start.S and C agree on; C checks them with static assertions.
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define FRAME_SIZE  288
#define CPU_INDEX   0
#define STACK_SHIFT 14
#define MAX_CPUS    8

#endif
