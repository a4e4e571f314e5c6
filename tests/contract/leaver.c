/* SPDX-License-Identifier: MIT */
#include "contract/leaver.h"
#include "support/cxx.h"
#include "support/poke.h"

#include <signal.h>

struct modiso_module *module, *other;
struct modiso_region *own, *hosts;

void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
}

void be_host(void)
{
	region_bytes(hosts)[3]++;
	region_bytes(own)[3]++;
}

void all_well(void)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *add = make_gate(other, module_add_one);
	unsigned char *byte = region_bytes(hosts);

	be_host();
	must_eq(enter(add, 1), 2);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	enter(load, W(region_bytes(own)));
	be_host();
	expect(MODISO_OK, modiso_gate_destroy(load));
	expect(MODISO_OK, modiso_gate_destroy(add));
}

void nothing_left(void)
{
	all_well();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
}

void need_cxx(void)
{
	if (!cxx_there())
		test_skip("cxx", "there was no C++ compiler at configure");
}

const struct modiso_fault *leave(struct modiso_gate *gate, uint32_t kind,
				 uintptr_t a, uintptr_t b)
{
	const struct modiso_fault *fault = enter_fault(module, gate, a, b);

	must_eq(fault->kind, kind);
	must_eq(fault->signo, 0);
	return fault;
}

volatile int ends, ends_below;

uintptr_t (MODISO_CALL *volatile service)(uintptr_t);
struct modiso_gate *gates[2];

MODULE_CODE uintptr_t call_service(uintptr_t value)
{
	return service(value) + 1;
}

uintptr_t gate_call(uintptr_t what, void *gate)
{
	uintptr_t value = 0;

	must_eq(modiso_gate_call(gate, WORDS(what), &value), MODISO_OK);
	return value;
}

int asked;

enum modiso_verdict refuse(const struct modiso_fault *fault, void *arg)
{
	asked += fault->kind == MODISO_FAULT_EXIT;
	return *(enum modiso_verdict *)arg;
}
