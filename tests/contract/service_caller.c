/* SPDX-License-Identifier: MIT */
#include "contract/service_caller.h"
#include "support/poke.h"
#include "support/proc.h"

#include <string.h>
#include <xmmintrin.h>

struct modiso_module *module, *other;
struct modiso_region *hosts, *others;

void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	hosts = make_region(NULL, PAGE, "host's");
	others = make_region(other, PAGE, "other's");
}

struct sight seen;

static uint64_t flags_now(void)
{
	uint64_t flags;

	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags));
	return flags;
}

MODISO_CALL uintptr_t look(uintptr_t value)
{
	char from[200], to[200];

	seen.rflags = flags_now();
	seen.mxcsr = _mm_getcsr();
	seen.calls++;
	seen.on_stack = thread_owns_stack(&value) || thread_owns_stack(from);
	seen.caller = modiso_module_caller();
	seen.host_byte = region_bytes(hosts)[3]++;
	seen.other_byte = region_bytes(others)[3]++;
	memset(from, 'f', sizeof(from));
	memmove(to, from, sizeof(to));
	seen.copied = !memcmp(from, to, sizeof(to));
	return value + 1;
}

uintptr_t (MODISO_CALL *volatile service)(uintptr_t value);

MODULE_CODE uintptr_t call_service(uintptr_t value)
{
	volatile uintptr_t mine = value;

	return service(value) + (mine == value ? 0 : 1000);
}

MODULE_CODE uintptr_t call_then_touch(uintptr_t value, uintptr_t address)
{
	return service(value) + poke_load1((const void *)address);
}

MODULE_CODE uintptr_t plain(uintptr_t value)
{
	return value;
}
