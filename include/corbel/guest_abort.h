/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_GUEST_ABORT_H
#define CORBEL_GUEST_ABORT_H

struct guest_exit;
struct vcpu;

/*
 * Stage-2 aborts of the loaded vCPU. One ordered list decides: emulated or forwarded register
 * block, mapped meanwhile (run again), unmapped and to be ignored. What nobody takes, and each
 * permission fault, is reported and injected.
 */
void guest_data_abort(struct vcpu *v, const struct guest_exit *e);
void guest_insn_abort(struct vcpu *v, const struct guest_exit *e);

/* State of all vCPUs and the last console lines, for a reset or a crash. */
void guest_report_end(struct vcpu *v);

#endif
