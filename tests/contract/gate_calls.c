/* SPDX-License-Identifier: MIT */
#include "contract/gate_calls.h"

MODULE_CODE uintptr_t digits(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
			     uintptr_t e, uintptr_t f)
{
	return ((((a * 10 + b) * 10 + c) * 10 + d) * 10 + e) * 10 + f;
}

MODULE_CODE uintptr_t all_ones(uintptr_t a)
{
	return a + ~(uintptr_t)0;
}

MODULE_CODE double mix(uintptr_t a, double p, uintptr_t b, double q,
		       uintptr_t c, double r, uintptr_t d, double s,
		       uintptr_t e, double t, uintptr_t f, double u, double v,
		       double w)
{
	return (double)digits(a, b, c, d, e, f) + p * q * r * s * t * u * v * w;
}

struct modiso_module *state_module;
struct modiso_gate *volatile state_gate;

uintptr_t call_state_gate(uintptr_t a, uintptr_t b)
{
	uintptr_t result = 0;
	int code = modiso_gate_call(state_gate, WORDS(a, b), &result);

	return (uintptr_t)(intptr_t)code;
}

uintptr_t host_function(uintptr_t a)
{
	return a;
}
