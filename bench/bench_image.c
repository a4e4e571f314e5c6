/* SPDX-License-Identifier: MIT */
/*
 * bench_image.c - bringing code in, beside dlopen(3) of the same files; a call
 * of a service that the loader has bound.
 *
 * The files are in memory and have names in /proc, so both loaders read them
 * in the same way, and no disk is measured. dlopen() does nothing for a file
 * that is there already, so there are as many files as a batch has rounds; all
 * goes out again behind each batch, where it is not measured.
 */
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char bench_image_small[], bench_image_small_end[];
extern const char bench_image_large[], bench_image_large_end[];

/* More than the rounds of a batch, and those that warm it up. */
#define FILES 24u

struct files {
	char path[FILES][32];
	union {
		void *handle;
		struct modiso_image *image;
	} loaded[FILES];
	unsigned count; /* of what is loaded */
};

static struct files small, large;

static int make_files(const char *bytes, const char *end, struct files *files)
{
	size_t length = (size_t)(end - bytes);

	for (unsigned i = 0; i < FILES; i++) {
		int fd = memfd_create("modiso-bench", 0);

		if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
			return bench_say(BENCH_FAILED, "a file in memory: %s",
					 strerror(errno));
		snprintf(files->path[i], sizeof(files->path[i]),
			 "/proc/self/fd/%d", fd);
	}
	return 0;
}

/* The descriptors end with the worker. */
static int files_open(void)
{
	int rc = make_files(bench_image_small, bench_image_small_end, &small);

	return rc != 0 ? rc
		       : make_files(bench_image_large, bench_image_large_end,
				    &large);
}

/* --- the comparison --- */

static void close_all(struct files *files)
{
	for (; files->count > 0; files->count--)
		dlclose(files->loaded[files->count - 1].handle);
}

static int open_many(struct files *files, uint64_t rounds)
{
	while (rounds-- > 0) {
		void *handle;

		if (files->count == FILES)
			close_all(files);
		handle = dlopen(files->path[files->count],
				RTLD_NOW | RTLD_LOCAL);
		if (handle == NULL)
			return bench_say(BENCH_FAILED, "%s", dlerror());
		files->loaded[files->count++].handle = handle;
	}
	return 0;
}

static int run_dlopen_small(uint64_t rounds)
{
	return open_many(&small, rounds);
}

static int run_dlopen_large(uint64_t rounds)
{
	return open_many(&large, rounds);
}

static void close_both(void)
{
	close_all(&small);
	close_all(&large);
}

static void nothing(void)
{
}

static const char way_one[] = "one way";
static const char way_trip[] = "round trip";

static const struct bench_row dlopen_rows[] = {
	{ROW_DLOPEN_SMALL, way_one, BENCH_QUICK | BENCH_HEAVY, 0,
	 run_dlopen_small, NULL, close_both},
	{ROW_DLOPEN_LARGE, way_one, BENCH_QUICK | BENCH_HEAVY, 0,
	 run_dlopen_large, NULL, close_both},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_dlopen = {
	.rows = dlopen_rows,
	.open = files_open,
	.close = nothing,
};

/* --- images --- */

static struct modiso_module *module;
static struct modiso_service *service;
static struct modiso_export export;
static struct modiso_image_options options;
static uintptr_t (*loop_thunk)(uintptr_t);

static uintptr_t host_import(uintptr_t argument)
{
	__asm__ volatile("" : "+r"(argument));
	return argument;
}

static int unload_all(struct files *files)
{
	int rc = 0;

	for (; files->count > 0; files->count--)
		rc |= modiso_image_unload(
			files->loaded[files->count - 1].image);
	return bench_check("modiso_image_unload", rc);
}

static int load_many(struct files *files, uint64_t rounds)
{
	struct modiso_image *image;
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		if (files->count == FILES)
			rc = unload_all(files);
		if (rc == 0)
			rc = modiso_image_load(module,
					       files->path[files->count],
					       &options, &image);
		if (rc == 0)
			files->loaded[files->count++].image = image;
	}
	return bench_check("modiso_image_load", rc);
}

static int run_load_small(uint64_t rounds)
{
	return load_many(&small, rounds);
}

static int run_load_large(uint64_t rounds)
{
	return load_many(&large, rounds);
}

static void unload_both(void)
{
	unload_all(&small);
	unload_all(&large);
}

static int run_import(uint64_t rounds)
{
	loop_thunk(rounds);
	return bench_check("thunk", modiso_gate_status());
}

static int make_loop(void)
{
	struct modiso_gate_options one = {.struct_size = sizeof(one),
					  .word_args = 1};
	struct modiso_image *image;
	struct modiso_gate *gate;
	modiso_fn plain;
	int rc;

	rc = bench_check(
		"modiso_image_load",
		modiso_image_load(module, small.path[0], &options, &image));
	if (rc == 0)
		rc = bench_check(
			"modiso_image_gate",
			modiso_image_gate(image, "bench_loop", &one, &gate));
	if (rc == 0)
		rc = bench_check("modiso_gate_thunk",
				 modiso_gate_thunk(gate, &plain));
	if (rc == 0)
		loop_thunk = (uintptr_t(*)(uintptr_t))plain;
	return rc;
}

static int image_open(void)
{
	int rc = files_open();

	if (rc == 0)
		rc = bench_check("modiso_module_create",
				 modiso_module_create("images", NULL, &module));
	if (rc == 0)
		rc = bench_check("modiso_service_create",
				 modiso_service_create("bench_import",
						       (modiso_fn)host_import,
						       NULL, &service));
	if (rc != 0)
		return rc;
	export = (struct modiso_export){"bench_import", service};
	options = (struct modiso_image_options){
		.struct_size = sizeof(options),
		.exports = &export,
		.export_count = 1,
	};
	return make_loop();
}

static void image_close(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(module));
	bench_check("modiso_service_destroy", modiso_service_destroy(service));
}

static const struct bench_row image_rows[] = {
	{ROW_LOAD_SMALL, way_one, BENCH_QUICK | BENCH_HEAVY, 0, run_load_small,
	 NULL, unload_both},
	{ROW_LOAD_LARGE, way_one, BENCH_QUICK | BENCH_HEAVY, 0, run_load_large,
	 NULL, unload_both},
	{ROW_IMPORT, way_trip, BENCH_QUICK, 0, run_import, NULL, NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_image = {
	.rows = image_rows,
	.open = image_open,
	.close = image_close,
};
