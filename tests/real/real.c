/* SPDX-License-Identifier: MIT */
/*
 * real MODULE FILE... - let a library that lives in a module do its work on
 * files, and compare with the host's own library, byte by byte.
 *
 * Status: 0 all the same, 1 something differs, 3 the module faulted. After a
 * fault the host goes on: it does the work itself.
 */
#include "work.h"

#include <modiso.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM ((size_t)32 << 20)

static struct modiso_module *module;
static struct modiso_service *libc;
static struct modiso_gate *gate;
static unsigned char *in, *out;
static unsigned long files, bytes, faults;

static void check(int code)
{
	if (code == 0)
		return;
	fprintf(stderr, "real: %s: %s\n", modiso_error_name(code),
		modiso_last_error_text());
	exit(1);
}

static unsigned char *make_room(void)
{
	struct modiso_region *region;

	check(modiso_region_create(module, ROOM, MODISO_READ | MODISO_WRITE,
				   NULL, &region));
	return modiso_region_base(region);
}

static void start(const char *path)
{
	struct modiso_export export = {"modiso_syscall", NULL};
	const struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.exports = &export,
		.export_count = 1,
	};
	struct modiso_image *image;

	check(modiso_init(NULL));
	check(modiso_module_create("library", NULL, &module));
	check(modiso_heap_create(module, ROOM, NULL));
	check(modiso_service_create("libc", modiso_syscall_function(), NULL,
				    &libc));
	export.service = libc;
	check(modiso_image_load(module, path, &options, &image));
	check(modiso_image_gate(image, "work", NULL, &gate));
	in = make_room();
	out = make_room();
}

static void report(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	check(modiso_fault_last(&fault));
	check(modiso_fault_print(&fault, stdout));
	faults++;
}

/* 0: the same, with or without the module's help. */
static int compare(const char *path)
{
	static unsigned char file[ROOM], own[ROOM];
	FILE *stream = fopen(path, "rb");
	uintptr_t args[4], result = 0;
	long want;
	int code;

	if (stream == NULL)
		return 0;
	args[1] = fread(file, 1, sizeof(file), stream);
	fclose(stream);
	want = work(file, args[1], own, sizeof(own));
	check(modiso_copy_out(module, in, file, args[1]));
	args[0] = (uintptr_t)in;
	args[2] = (uintptr_t)out;
	args[3] = ROOM;
	code = modiso_gate_call(gate, args, 4, &result);
	files++;
	if (code == MODISO_ERR_FAULT) {
		report();
		return 0;
	}
	check(code);
	if ((long)result != want ||
	    (want > 0 && memcmp(out, own, (size_t)want) != 0)) {
		printf("%s: differs: %ld, the host has %ld\n", path,
		       (long)result, want);
		return 1;
	}
	if (want > 0)
		bytes += (unsigned long)want;
	return 0;
}

int main(int argc, char **argv)
{
	int differs = 0;

	if (argc < 3)
		return 2;
	start(argv[1]);
	for (int i = 2; i < argc; i++)
		differs |= compare(argv[i]);
	check(modiso_module_destroy(module));
	check(modiso_service_destroy(libc));
	check(modiso_fini());
	printf("%lu files, %lu bytes, %lu faults\n", files, bytes, faults);
	return differs ? 1 : faults != 0 ? 3 : 0;
}
