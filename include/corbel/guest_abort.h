/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORBEL_GUEST_ABORT_H
#define CORBEL_GUEST_ABORT_H

#include <corbel/types.h>

struct guest_exit;
struct vcpu;

/*
 * Stage-2 aborts of the loaded vCPU. One ordered list decides: emulated or forwarded register
 * block, mapped meanwhile (run again), unmapped and to be ignored. What nobody takes, and each
 * permission fault, is reported and injected.
 */
void guest_data_abort(struct vcpu *v, const struct guest_exit *e);
void guest_insn_abort(struct vcpu *v, const struct guest_exit *e);

/* A data abort that nobody takes: what is there, in words, for the report. */
void guest_data_refused(struct vcpu *v, const struct guest_exit *e, const char *what);

/*
 * The loaded vCPU goes round in circles: EL1 has come back by an exception to the address that
 * made it, many times within a second. Ends the domain as crashed; true: nothing is to be injected.
 */
bool guest_is_stuck(struct vcpu *v);

/*
 * An interrupt found v here. A guest whose vectors stage 1 does not map loops without coming to
 * EL2; seen so twice, with some time between, its domain has crashed. Loaded vCPU.
 */
void guest_sample(struct vcpu *v);

/* An SError, of syndrome esr, that came while v ran or was on its way then: its domain crashed. */
void guest_serror(struct vcpu *v, u32 esr);

/* v asked for SYSTEM_RESET, or SYSTEM_OFF: its domain ends, with one report for all who ask. */
void guest_shutdown(struct vcpu *v, bool reset);

/* State of all vCPUs and the last console lines, for a reset or a crash. */
void guest_report_end(struct vcpu *v);

#endif
