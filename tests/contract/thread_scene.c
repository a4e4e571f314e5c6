/* SPDX-License-Identifier: MIT */
#include "contract/thread_scene.h"

#include <sched.h>

struct modiso_module *module, *other;
struct modiso_region *data, *others, *hosts;

void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

volatile int inside, leave;
atomic_int touched, tid;

MODULE_CODE uintptr_t stay(uintptr_t value)
{
	inside = 1;
	while (!leave)
		sched_yield();
	return value;
}
