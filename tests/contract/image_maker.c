/* SPDX-License-Identifier: MIT */
#include "contract/image_maker.h"
#include "support/proc.h"

#include <string.h>

struct modiso_module *module;
struct elf_image elf;
struct modiso_service *service;
struct modiso_export export;
struct modiso_image_options options;

uintptr_t seen;

MODISO_CALL uintptr_t import(uintptr_t value)
{
	seen = value;
	return value + 1;
}

void begin_shape(const struct elf_shape *shape)
{
	if (module == NULL) {
		module = world_module();
		expect(MODISO_OK,
		       modiso_service_create("import", (modiso_fn)import, NULL,
					     &service));
	}
	export = (struct modiso_export){"import", service};
	options = (struct modiso_image_options){
		.struct_size = sizeof(options),
		.name = "test.so",
		.exports = &export,
		.export_count = 1,
	};
	elf_make(&elf, shape);
}

void begin(void)
{
	const struct elf_shape shape = {100, 200, 600, 300};

	begin_shape(&shape);
}

void finish(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(service));
	world_stop();
	elf_free(&elf);
}

int load_code(struct modiso_image **out)
{
	return modiso_image_load_memory(module, elf.bytes, elf.length, &options,
					out);
}

struct modiso_image *load(void)
{
	struct modiso_image *image = NULL;

	expect(MODISO_OK, load_code(&image));
	must(image);
	return image;
}

char *at(const struct modiso_image *image, uint64_t vaddr)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};

	expect(MODISO_OK, modiso_image_get_info(image, &info));
	return (char *)info.base + vaddr;
}

struct modiso_gate *gate_to(const struct modiso_image *image, const char *name)
{
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK, modiso_image_gate(image, name, NULL, &gate));
	return gate;
}

void close_gate(struct modiso_gate *gate)
{
	expect(MODISO_OK, modiso_gate_destroy(gate));
}

void must_map_as(const char *first, size_t length, const char *perms)
{
	struct proc_mapping mapping;

	for (size_t i = 0; i < length; i += PAGE) {
		must(proc_mapping(first + i, &mapping));
		if (strncmp(mapping.perms, perms, 3))
			ck_abort_msg("page %zu of %zu bytes is %s, not %s",
				     i / PAGE, length, mapping.perms, perms);
	}
	/* The last byte lies in the region, and its page ends it. */
	must(proc_mapping(first + length - 1, &mapping));
	must(!strncmp(mapping.perms, perms, 3));
}

void must_fault(struct modiso_gate *gate, const char *address, uintptr_t value)
{
	const struct modiso_fault *fault =
		enter_fault(module, gate, W(address), value);

	must_eq(fault->address, address);
}
