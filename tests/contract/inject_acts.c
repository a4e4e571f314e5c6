/* SPDX-License-Identifier: MIT */
#include "contract/inject_acts.h"
#include "contract/inject_scene.h"
#include "support/inject.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <stdio.h>

uint32_t where; /* acts that arm inside of a module: the call to fail */

int act_init(void)
{
	return modiso_init(NULL);
}

int act_fini(void)
{
	return modiso_fini();
}

int act_module_create(void)
{
	return modiso_module_create("made", NULL, &module);
}

int act_confine(void)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = on_pkey() ? MODISO_CONFINE_READONLY :
					   MODISO_CONFINE_GUARD,
	};

	return modiso_module_create("confined", &options, &confined);
}

int act_region_first(void)
{
	return modiso_region_create(module, PAGE, RW, NULL, &made);
}

int act_region_host(void)
{
	return modiso_region_create(NULL, PAGE, MODISO_READ, NULL, &made);
}

int act_region_nodump(void)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NODUMP,
	};

	return modiso_region_create(module, 3 * PAGE, RW, &options, &made);
}

int act_shared(void)
{
	return modiso_region_map_shared(module, file, 0, 2 * PAGE, RW, NULL,
					&made);
}

int act_seal(void)
{
	return modiso_region_protect(made, RX);
}

int act_protect_adopted(void)
{
	return modiso_region_protect(adopted, MODISO_READ);
}

int act_grant(void)
{
	return modiso_region_grant(made, other, MODISO_READ);
}

int act_more(void)
{
	return modiso_region_grant(made, other, RW);
}

int act_revoke(void)
{
	return modiso_region_revoke(made, other);
}

int act_region_destroy(void)
{
	int code = modiso_region_destroy(made);

	if (code == MODISO_OK)
		made = NULL;
	return code;
}

int act_release(void)
{
	int code = modiso_region_destroy(adopted);

	if (code == MODISO_OK)
		adopted = NULL;
	return code;
}

int act_module_destroy(void)
{
	int code = modiso_module_destroy(other);

	if (code == MODISO_OK) {
		other = NULL;
		foreign = adopted = NULL;
		image = NULL;
	}
	return code;
}

int act_gate(void)
{
	struct modiso_gate *gate = NULL;
	int code =
		modiso_gate_create(module, (modiso_fn)poke_load1, NULL, &gate);
	modiso_fn thunk;

	return code ? code : modiso_gate_thunk(gate, &thunk);
}

int act_service(void)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};
	struct modiso_service *listed = NULL;
	int code, done;

	code = modiso_service_create("listed", (modiso_fn)import, &options,
				     &listed);
	if (code)
		return code;
	code = modiso_service_allow(listed, module);
	done = modiso_service_destroy(listed);
	return code ? code : done;
}

int act_enter(void)
{
	return modiso_gate_call(store, WORDS(W(region_bytes(own)), 0x55), NULL);
}

int act_enter_other(void)
{
	return modiso_gate_call(others_store,
				WORDS(W(region_bytes(foreign)), 0x66), NULL);
}

int act_window(void)
{
	int code = modiso_window_open(foreign, RW);

	return code ? code : modiso_window_close(foreign);
}

int act_load(void)
{
	struct modiso_export export = {"import", service};
	struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.name = "test.so",
		.exports = &export,
		.export_count = 1,
	};

	return modiso_image_load_memory(module, elf.bytes, elf.length, &options,
					&image);
}

int act_unload(void)
{
	int code = modiso_image_unload(image);

	if (code == MODISO_OK)
		image = NULL;
	return code;
}

int thread_code, thread_errno;
char thread_text[384];

static void *attach_thread(void *unused)
{
	inject_arm(where, 1);
	errno = ERRNO_MARK;
	thread_code = modiso_thread_attach();
	thread_errno = errno;
	inject_disarm();
	if (thread_code) {
		snprintf(thread_text, sizeof(thread_text), "%s",
			 modiso_last_error_text());
		/* Whatever failed, the next time it does not. */
		expect(MODISO_OK, modiso_thread_attach());
	}
	enter(store, W(region_bytes(own)), 0x55);
	refused(foreign, region_bytes(foreign) + PAGE);
	return unused;
}

int act_attach(void)
{
	inject_disarm();
	thread_join(thread_start(attach_thread, NULL));
	errno = thread_errno;
	return thread_code;
}

int act_snapshot(void)
{
	return modiso_snapshot_take(module);
}

int act_restore(void)
{
	return modiso_snapshot_restore(module);
}

int act_detach(void)
{
	return modiso_thread_detach();
}

MODULE_CODE uintptr_t leave_armed(uint32_t first)
{
	inject->first = first;
	inject->count = 1;
	inject->seen = inject->failed = 0;
	inject->number = -1;
	inject->armed = 1;
	return 4711;
}

static struct modiso_gate *leaver, *faulter, *caller;

int act_leave(void)
{
	uintptr_t result = 0;
	int code;

	inject_disarm();
	code = modiso_gate_call(leaver, WORDS(where), &result);
	inject->armed = 0;
	if (!code)
		must_eq(result, 4711);
	return code;
}

MODULE_CODE static uintptr_t fault_armed(uint32_t first)
{
	leave_armed(first);
	__asm__ volatile("ud2");
	return 0;
}

int act_fault(void)
{
	int code;

	inject_disarm();
	code = modiso_gate_call(faulter, WORDS(where), NULL);
	inject->armed = 0;
	must_eq(code, MODISO_ERR_FAULT);
	return MODISO_OK;
}

static uintptr_t (*volatile service_thunk)(uintptr_t);

MODULE_CODE static uintptr_t call_armed(uint32_t first)
{
	uintptr_t got;

	leave_armed(first);
	got = service_thunk(7);
	inject->armed = 0;
	return got;
}

int act_call_service(void)
{
	uintptr_t result = 0;
	int code;

	inject_disarm();
	code = modiso_gate_call(caller, WORDS(where), &result);
	inject->armed = 0;
	if (!code)
		must_eq(result, 8);
	return code;
}

/* A service that calls into the module again: another stack. */
static struct modiso_gate *inner;
static int inner_code, inner_errno;

static uintptr_t nest(uintptr_t value)
{
	int saved = errno;

	inject_arm(where, 1);
	inner_code = modiso_gate_call(inner, WORDS(W(region_bytes(own)), 0x55),
				      NULL);
	inject_disarm();
	inner_errno = errno;
	errno = saved;
	return value + 1;
}

static uintptr_t (*volatile nest_thunk)(uintptr_t);
static struct modiso_service *nest_service;

MODULE_CODE static uintptr_t call_nest(uintptr_t value)
{
	return nest_thunk(value);
}

int act_nest(void)
{
	inject_disarm();
	must_eq(enter(caller, 4), 5);
	errno = inner_errno;
	return inner_code;
}

void with_grant(void)
{
	with_made();
	expect(MODISO_OK, act_grant());
}

void with_image(void)
{
	entered_scene();
	expect(MODISO_OK, act_load());
}

void with_leaver(void)
{
	entered_scene();
	leaver = make_gate(module, leave_armed);
	faulter = make_gate(module, fault_armed);
	caller = make_gate(module, call_armed);
	service_thunk = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	region_bytes(hosts)[0] = 0x77; /* the host's again, from here on */
}

void with_nest(void)
{
	entered_scene();
	expect(MODISO_OK, modiso_service_create("nest", (modiso_fn)nest, NULL,
						&nest_service));
	nest_thunk =
		(uintptr_t(*)(uintptr_t))modiso_service_thunk(nest_service);
	caller = make_gate(module, call_nest);
	inner = store;
}

void with_leaver_and_window(void)
{
	with_leaver();
	expect(MODISO_OK, modiso_window_open(foreign, RW));
}

void nest_works(void)
{
	closed();
	expect(MODISO_OK, modiso_service_destroy(nest_service));
}
