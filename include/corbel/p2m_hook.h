/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_P2M_HOOK_H
#define CORBEL_P2M_HOOK_H

#include <corbel/p2m.h>

/*
 * corbel,debug-hook: RAM that a test takes out of its own map and back, page by page, by SMCCC
 * fast calls in the range of hypervisor services (DEN0028). Debug builds. x1: guest address of
 * a page; x0: SMCCC_RET_SUCCESS, _INVALID_PARAMETER, or _NOT_SUPPORTED without a hook.
 */
#define P2M_HOOK_CALL_UNMAP 0xc6000100u
#define P2M_HOOK_CALL_REMAP 0xc6000101u

/*
 * Debug hook: take the RAM page at ipa out of the guest's map / back to where it was. The frame
 * stays the domain's. ERR_INVAL: no page's address; ERR_PERM: outside p2m->hook or RAM;
 * ERR_EXIST, ERR_NOENT: it is so already. When unmap returns, no DMA reaches the frame any
 * more, or (ERR_TIMEDOUT, ERR_IO) the p2m is lost.
 */
enum corbel_err p2m_hook_unmap(struct p2m *p2m, ipa_t ipa) __must_check;
enum corbel_err p2m_hook_remap(struct p2m *p2m, ipa_t ipa) __must_check;

/*
 * The piece of ram, done bytes of which were mapped already, that p2m_add_ram() maps next in one
 * way: pieces end where the hook begins or ends. False: all done. Pure; for counting tables.
 */
bool p2m_ram_piece(const struct mem_range *hook, const struct stage2_map *ram, u64 done,
                   struct stage2_map *piece);

#endif
