/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASM_INJECT_H
#define ASM_INJECT_H

#include <corbel/types.h>

/* Does this CPU have PSTATE.PAN / PSTATE.SSBS? */
bool inject_has_pan(void);
bool inject_has_ssbs(void);

#endif
