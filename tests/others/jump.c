/* SPDX-License-Identifier: MIT */
/*
 * jump.c - another library's longjmp() leaves a service, and the module that
 * called it, more often than calls may nest.
 */
#include "host.h"

#include <setjmp.h>

void jump_error(jmp_buf where);

static jmp_buf where;

static int service_function(int value)
{
	jump_error(where);
	return value;
}

static int module_call(int (*function)(int))
{
	return function(1);
}

int main(void)
{
	struct modiso_service *service;
	struct modiso_gate *gate;
	uintptr_t argument;
	volatile int jumps = 0;

	start();
	need("service", modiso_service_create(
				"error", (modiso_fn)service_function, NULL,
				&service));
	need("gate", modiso_gate_create(the_module, (modiso_fn)module_call,
					NULL, &gate));
	argument = (uintptr_t)modiso_service_thunk(service);
	while (jumps < 200) {
		if (setjmp(where) == 0) {
			int code = modiso_gate_call(gate, &argument, 1, NULL);

			fail("jump %d: no jump: %s: %s", jumps,
			     modiso_error_name(code), modiso_last_error_text());
		}
		jumps++;
	}
	use("after the jumps");
	need("destroy", modiso_gate_destroy(gate));
	return 0;
}
