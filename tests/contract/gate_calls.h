/* SPDX-License-Identifier: MIT */
/*
 * contract/gate_calls.h - what tests of gates have modules do, and a call whose
 * host side can be looked at.
 */
#ifndef TESTS_CONTRACT_GATE_CALLS_H
#define TESTS_CONTRACT_GATE_CALLS_H

#include "support/world.h"

MODISO_CALL uintptr_t digits(uintptr_t a, uintptr_t b, uintptr_t c,
			     uintptr_t d, uintptr_t e, uintptr_t f);

MODISO_CALL uintptr_t all_ones(uintptr_t a);

#define SIZED .struct_size = sizeof(struct modiso_gate_options)

MODISO_CALL double mix(uintptr_t a, double p, uintptr_t b, double q,
		       uintptr_t c, double r, uintptr_t d, double s,
		       uintptr_t e, double t, uintptr_t f, double u, double v,
		       double w);

extern struct modiso_module *state_module;
extern struct modiso_gate *volatile state_gate;

uintptr_t call_state_gate(uintptr_t a, uintptr_t b);

uintptr_t host_function(uintptr_t a);

#endif /* TESTS_CONTRACT_GATE_CALLS_H */
