/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_BUILD_DEVICES_H
#define CORBEL_BUILD_DEVICES_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/types.h>

struct domain;

/*
 * Given devices and shared memory of a planned domain, from the plan into p2m, vGIC and the
 * forwarder, and back. Between build.c and build_step.c only.
 */

/* Bytes that forwarded regions take from the arena. */
u64 build_devices_arena(const struct domain *d);

/* Interrupts and forwarded regions; after the vGIC. Boot CPU. ERR_BUSY: an SPI is taken. */
enum corbel_err build_devices_create(struct domain *d) __must_check;

/* Map the next piece of registers, SRAM and shared memory. ERR_AGAIN until done. By the task. */
enum corbel_err build_devices_map_step(struct domain *d, u64 *pos) __must_check;

/*
 * Clean and invalidate to the PoC the next piece of what d has cached beside its RAM: before
 * its first instruction (a boot loader's dirty lines), for its set/way operations, and when
 * its tables are gone. pos counts bytes. ERR_AGAIN until done.
 */
enum corbel_err build_devices_clean_step(const struct domain *d, u64 *pos) __must_check;

/* Interrupts quiet and free. No vCPU of d is resident. */
void build_devices_quiet(struct domain *d);

/* After the tables are gone: give shared memory back. ERR_AGAIN until done. */
enum corbel_err build_devices_put_step(struct domain *d) __must_check;

/* Devices and shared frames are free for others, and so is what the plan still held. */
void build_devices_release(struct domain *d);

#endif
