/* SPDX-License-Identifier: MIT */
#include "contract/thread_scene.h"

#include <sched.h>

struct modiso_module *module, *other;
struct modiso_region *data, *others, *hosts;

static void make_parts(void)
{
	module = make_module("module");
	other = make_module("other");
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

void make_scene(void)
{
	world_start();
	make_parts();
}

void make_scene_without_walks(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_INIT_NO_STACKS,
	};

	expect(MODISO_OK, modiso_init(&options));
	make_parts();
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
