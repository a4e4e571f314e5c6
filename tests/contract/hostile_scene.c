/* SPDX-License-Identifier: MIT */
#include "contract/hostile_scene.h"

#include <string.h>

struct modiso_module *module, *other;
struct modiso_region *own, *foreign, *hosts;

void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	own = make_region(module, 2 * PAGE, "own");
	foreign = make_region(other, 2 * PAGE, "foreign");
	hosts = make_region(NULL, 2 * PAGE, "hosts");
	memset(region_bytes(own), 0x55, 2 * PAGE);
	memset(region_bytes(foreign), 0x66, 2 * PAGE);
	memset(region_bytes(hosts), 0x77, 2 * PAGE);
}
