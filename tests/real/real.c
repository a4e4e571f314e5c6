/* SPDX-License-Identifier: MIT */
/*
 * real [-r] [-d DIR] LEVEL MODULE FILE... - let a library that lives in a
 * module do its work on files, whole and damaged, and compare with the host's
 * own library, byte by byte; by a gate, and by a typed call of what modiso-bind
 * has made.
 * LEVEL is guard, readonly or sealed, which makes no system calls either. The
 * module may read files below DIR, by names from there.
 *
 * The first file is measured: the last line has the milliseconds to load the
 * module, calls a second with the smallest file and MB/s with the first, of
 * the module and of the host, and the ratio of both their times.
 *
 * Status: 0 all the same, 1 something differs, 3 the module faulted. After a
 * fault its memory is what it was at first (-r, a snapshot), and the next input
 * is compared; without -r a fault ends the run.
 */
/* Made by modiso-bind from work.h. */
#include "work_sandbox.h"

#include <modiso.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROOM ((size_t)32 << 20)
#define DAMAGES 8
#define FILES 4 /* that it has open at a time */
#define ENOUGH 0.5 /* seconds of work to measure by */
/* What is copied to a module and back. */
#define TYPED_ROOM ((size_t)1 << 20)

static struct modiso_module *module;
static struct modiso_service *libc;
static struct modiso_gate *gate;
static struct work_sandbox sandbox;
static unsigned char *in, *out;
static unsigned char file[ROOM], own[ROOM];
static unsigned long inputs, refusals, faults, after;
static bool restore;
static const char *directory;

static void check(int code)
{
	if (code == 0)
		return;
	fprintf(stderr, "real: %s: %s\n", modiso_error_name(code),
		modiso_last_error_text());
	exit(1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned char *make_room(void)
{
	struct modiso_region *region;

	check(modiso_region_create(module, ROOM, MODISO_READ | MODISO_WRITE,
				   NULL, &region));
	return modiso_region_base(region);
}

/* How long it took to make a module of the file. */
static double start(enum modiso_confinement level, const char *path)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
		.stack_size = 256 << 10,
		.syscalls = level == MODISO_CONFINE_SEALED
				    ? MODISO_SYSCALLS_NONE
				    : MODISO_SYSCALLS_OPEN,
	};
	struct modiso_export export = {"modiso_syscall", NULL};
	const struct modiso_image_options image_options = {
		.struct_size = sizeof(image_options),
		.exports = &export,
		.export_count = 1,
	};
	struct modiso_image *image;
	double begin;

	check(modiso_init(NULL));
	begin = seconds();
	check(modiso_module_create("library", &options, &module));
	check(modiso_heap_create(module, 8 * ROOM, NULL));
	check(modiso_service_create("libc", modiso_syscall_function(), NULL,
				    &libc));
	export.service = libc;
	check(modiso_image_load(module, path, &image_options, &image));
	begin = seconds() - begin;
	check(modiso_image_gate(image, "work", NULL, &gate));
	check(work_sandbox_open(
		&sandbox, path,
		&(struct modiso_sandbox_options){.module = &options}));
	if (directory != NULL) {
		check(modiso_syscall_files(module, directory, FILES));
		check(modiso_syscall_files(sandbox.sandbox.module, directory,
					   FILES));
		/* The host's own library has the same names for them. */
		if (chdir(directory) != 0) {
			perror(directory);
			exit(1);
		}
	}
	in = make_room();
	out = make_room();
	if (restore)
		check(modiso_snapshot_take(module));
	return begin;
}

static void report(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	check(modiso_fault_last(&fault));
	check(modiso_fault_print(&fault, stdout));
	faults++;
	if (!restore)
		exit(3);
	check(modiso_snapshot_restore(module));
}

static size_t read_file(const char *path)
{
	FILE *stream = fopen(path, "rb");
	size_t length;

	if (stream == NULL) {
		perror(path);
		exit(1);
	}
	length = fread(file, 1, sizeof(file), stream);
	fclose(stream);
	return length;
}

static int call(size_t length, uintptr_t *result)
{
	const uintptr_t args[4] = {(uintptr_t)in, length, (uintptr_t)out, ROOM};

	return modiso_gate_call(gate, args, 4, result);
}

/* 0: the same, or caught. */
static int compare(const char *path, size_t length, long damage)
{
	uintptr_t result = 0;
	long want = work(file, length, own, sizeof(own));
	int code;

	check(modiso_copy_out(module, in, file, length));
	code = call(length, &result);
	inputs++;
	if (code == MODISO_ERR_FAULT) {
		report();
		return 0;
	}
	check(code);
	if ((long)result != want ||
	    (want > 0 && memcmp(out, own, (size_t)want) != 0)) {
		printf("%s, damage %ld: differs: %ld, the host has %ld\n", path,
		       damage, (long)result, want);
		return 1;
	}
	refusals += want < 0;
	after += faults != 0;
	return 0;
}

/* The same by a typed call, in a module that has nothing but its image. */
static int compare_typed(const char *path, size_t length)
{
	static unsigned char copy[TYPED_ROOM];
	struct work_tainted_long tainted;
	long want, result = 0;

	if (length > TYPED_ROOM)
		return 0;
	want = work(file, length, own, TYPED_ROOM);
	check(work_call_work(&sandbox, file, length, copy, TYPED_ROOM,
			     &tainted));
	if (work_verify_long(tainted, want, want, &result) == 0 &&
	    (want <= 0 || memcmp(copy, own, (size_t)want) == 0))
		return 0;
	printf("%s: a typed call differs\n", path);
	return 1;
}

/* The file as it is, cut off, and with one byte changed, here and there. */
static int compare_all(const char *path)
{
	const size_t length = read_file(path);
	unsigned long place = 12345;
	int differs = compare(path, length, 0);

	if (length == 0)
		return differs;
	if (!restore)
		differs |= compare_typed(path, length);
	differs |= compare(path, length / 2, -1);
	/* Of a large file one, for the time that it takes. */
	for (long i = 1; i <= (length < 100000 ? DAMAGES : 1); i++) {
		unsigned char *byte;

		place = place * 6364136223846793005 + 1442695040888963407;
		/* Half of them near the beginning, where headers are. */
		byte = &file[(place >> 33) %
			     (i % 2 == 0 && length > 64 ? 64 : length)];
		*byte ^= (unsigned char)(1 << i % 8);
		differs |= compare(path, length, i);
		*byte ^= (unsigned char)(1 << i % 8);
	}
	return differs;
}

/*
 * Seconds for a call, the best of some rounds for each, which take turns: of a
 * short one there are more, as others run on this machine.
 */
static void measure(const char *path, long calls, double best[2])
{
	const size_t length = read_file(path);
	const double end = seconds() + ENOUGH;
	uintptr_t result;

	check(modiso_copy_out(module, in, file, length));
	best[0] = best[1] = 1e9;
	for (long round = 0; round < 5 || seconds() < end; round++) {
		double times[3];

		times[0] = seconds();
		for (long i = 0; i < calls; i++)
			check(call(length, &result));
		times[1] = seconds();
		for (long i = 0; i < calls; i++)
			(void)work(file, length, own, sizeof(own));
		times[2] = seconds();
		for (int i = 0; i < 2; i++)
			if ((times[i + 1] - times[i]) / (double)calls < best[i])
				best[i] = (times[i + 1] - times[i]) /
					  (double)calls;
	}
}

static void measure_all(double load, int count, char **paths)
{
	size_t least = SIZE_MAX, size = 0, length;
	const char *smallest = paths[0];
	double large[2], small[2];

	for (int i = 0; i < count; i++) {
		length = read_file(paths[i]);
		if (length == 0 || length >= least)
			continue;
		least = length;
		smallest = paths[i];
	}
	length = read_file(paths[0]);
	/* What is compressed is counted as what comes out. */
	size = (size_t)work(file, length, own, sizeof(own));
	if ((long)size < 0 || size < length)
		size = length;
	measure(paths[0], 1, large);
	measure(smallest, 100, small);
	printf("measured: %.1f %.0f %.0f %.1f %.1f %.2f %.2f\n", load * 1e3,
	       1 / small[0], 1 / small[1], (double)size / large[0] / 1e6,
	       (double)size / large[1] / 1e6, small[0] / small[1],
	       large[0] / large[1]);
}

static enum modiso_confinement level_of(const char *name)
{
	if (strcmp(name, "sealed") == 0)
		return MODISO_CONFINE_SEALED;
	return strcmp(name, "readonly") == 0 ? MODISO_CONFINE_READONLY
					     : MODISO_CONFINE_GUARD;
}

int main(int argc, char **argv)
{
	int differs = 0;
	double load;

	restore = argc > 1 && strcmp(argv[1], "-r") == 0;
	argc -= restore;
	argv += restore;
	if (argc > 2 && strcmp(argv[1], "-d") == 0) {
		directory = argv[2];
		argc -= 2;
		argv += 2;
	}
	if (argc < 4)
		return 2;
	load = start(level_of(argv[1]), argv[2]);
	for (int i = 3; i < argc; i++)
		differs |= compare_all(argv[i]);
	printf("%lu inputs, %lu of them refused, %lu faults, %lu compared "
	       "after one\n",
	       inputs, refusals, faults, after);
	if (faults == 0)
		measure_all(load, argc - 3, argv + 3);
	check(work_sandbox_close(&sandbox));
	check(modiso_module_destroy(module));
	check(modiso_service_destroy(libc));
	check(modiso_fini());
	return differs ? 1 : faults != 0 ? 3 : 0;
}
