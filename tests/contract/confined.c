/* SPDX-License-Identifier: MIT */
#include "contract/confined.h"

struct modiso_module *module, *other;
struct modiso_region *data, *others, *hosts;
uint32_t level;

const uint32_t levels[] = {MODISO_CONFINE_READONLY, MODISO_CONFINE_SEALED};

struct modiso_module *make_confined(const char *name, uint32_t wanted)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = wanted,
	};
	struct modiso_module *made = NULL;

	expect(MODISO_OK, modiso_module_create(name, &options, &made));
	return made;
}

void make_scene_at(uint32_t wanted)
{
	level = wanted;
	world_start();
	module = make_confined("confined", level);
	other = make_confined("other", level);
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

void make_scene(int which)
{
	make_scene_at(levels[which]);
}

unsigned char global[64] = "global";

MODULE_CODE uintptr_t sum(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
			  uintptr_t e, uintptr_t f)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

uint32_t backend_caps(void)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	if (modiso_backend_query(on_pkey() ? MODISO_BACKEND_PKEY
					   : MODISO_BACKEND_MPROTECT,
				 &info))
		return 0;
	return info.caps;
}
