/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VGIC_LIFE_H
#define VGIC_LIFE_H

#include "fuzz.h"

/* One life of a virtual GIC of that version (enum gic_version), as the input has it. */
void vgic_life(u8 version, const u8 *data, size_t size);

#endif
