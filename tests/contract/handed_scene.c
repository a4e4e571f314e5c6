/* SPDX-License-Identifier: MIT */
#include "contract/handed_scene.h"

#include "support/poke.h"

#include <string.h>

struct modiso_module *module;
struct modiso_gate *caller;
unsigned served;

static unsigned char *good;

struct modiso_module *make_closed(const char *name)
{
	struct modiso_module_options options = MODISO_MODULE_OPTIONS_INIT;
	struct modiso_module *made = NULL;

	if (on_pkey())
		options.confinement = MODISO_CONFINE_SEALED;
	expect(MODISO_OK, modiso_module_create(name, &options, &made));
	return made;
}

MODULE_CODE uintptr_t call_it(uintptr_t thunk, uintptr_t a, uintptr_t b)
{
	return ((CALLED(uintptr_t, uintptr_t, uintptr_t))thunk)(a, b) + 1;
}

MODISO_CALL uintptr_t touch(uintptr_t at, uintptr_t stores)
{
	if (stores)
		poke_store1((void *)at, 1);
	else
		poke_load1((const void *)at);
	served++;
	return 6;
}

void make_scene(void)
{
	world_start();
	module = make_closed("module");
	caller = make_gate(module, call_it);
	good = region_bytes(make_region(module, PAGE, "good"));
}

uintptr_t make_handed_fn(const char *name, modiso_fn function,
			 uint32_t pointers)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service = NULL;

	options.pointers = pointers;
	expect(MODISO_OK,
	       modiso_service_create(name, function, &options, &service));
	return W(modiso_service_thunk(service));
}

const struct modiso_fault *must_end_call_at(uintptr_t thunk, uintptr_t a,
					    uintptr_t b, uintptr_t at,
					    const char *file, int line)
{
	const uintptr_t words[] = {thunk, a, b};
	const struct modiso_fault *fault;
	unsigned before = served;

	fault = enter_fault_words(module, caller, words, 3, file, line);
	must_eq(served, before);
	must_eq(fault->address, at);
	must_eq(fault->depth, 1);
	must(fault->signo != 0);
	must(fault->frame_count >= 1);
	must_eq(modiso_module_caller(), NULL);
	return fault;
}

void must_work(uintptr_t thunk)
{
	unsigned before = served;

	must_eq(enter(caller, thunk, W(good), 1), 7);
	must_eq(served, before + 1);
}
