/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_ASSIGN_H
#define CORBEL_ASSIGN_H

#include <corbel/compiler.h>
#include <corbel/err.h>
#include <corbel/page.h>
#include <corbel/types.h>

/*
 * Who was given which host registers and SPIs: the book that keeps one device from two
 * domains. Filled while domains are planned (boot CPU), emptied by the teardown of a domain
 * (any CPU). Lock: its own, RANK_ASSIGN; nothing is called while it is held.
 */
#define ASSIGN_MAX 1024u /* regions, SPIs and stream ranges of all domains */

/*
 * owner: the domain's number, 1.. . ERR_EXIST: *other holds part of it, which may be owner
 * itself: a frame is mapped once. ERR_NOMEM: full. ERR_INVAL: no bytes. ERR_RANGE: r wraps.
 */
enum corbel_err assign_region(u32 owner, const struct mem_range *r, u32 *other) __must_check;

/* As above, but the devices of one domain may share an SPI: twice for one owner is fine. */
enum corbel_err assign_irq(u32 owner, u32 intid, u32 *other) __must_check;

struct iommu_map_entry;

/*
 * Streams of an SMMU: ERR_EXIST also for owner itself, if they are not the very same entry.
 * ERR_INVAL: no streams. ERR_NOMEM as above.
 */
enum corbel_err assign_streams(u32 owner, const struct iommu_map_entry *entry, u32 *other)
    __must_check;

/* All that owner holds is free again. */
void assign_release(u32 owner);

#endif
