/* SPDX-License-Identifier: MIT */
/*
 * contract/service_caller.h - a module that calls a service, and what the
 * service saw.
 */
#ifndef TESTS_CONTRACT_SERVICE_CALLER_H
#define TESTS_CONTRACT_SERVICE_CALLER_H

#include "support/world.h"

extern struct modiso_module *module, *other;
extern struct modiso_region *hosts, *others;

void make_scene(void);

/* What the service saw when it ran last, and how often it did. */
struct sight {
	int calls;
	bool on_stack;
	struct modiso_module *caller;
	unsigned char host_byte, other_byte;
	unsigned mxcsr;
	uint64_t rflags;
	bool copied;
};
extern struct sight seen;

MODISO_CALL uintptr_t look(uintptr_t value);

extern uintptr_t (MODISO_CALL *volatile service)(uintptr_t value);

MODISO_CALL uintptr_t call_service(uintptr_t value);

/* Back in the module the rights are the module's, on either side of a call. */
MODISO_CALL uintptr_t call_then_touch(uintptr_t value, uintptr_t address);

MODISO_CALL uintptr_t plain(uintptr_t value);

#endif /* TESTS_CONTRACT_SERVICE_CALLER_H */
