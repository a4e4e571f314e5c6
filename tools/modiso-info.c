/* SPDX-License-Identifier: MIT */
/*
 * modiso-info - what this machine offers to a program that uses libmodiso.
 *
 * Asks the library (modiso_backend_query(), which modiso_init() itself goes
 * by), libcpuid and the kernel. Never starts the library: nothing here reads
 * or writes PKRU, so the answer is the same where that would be SIGILL.
 */
#include "json_string.h"
#include "output.h"

#include <modiso.h>

#include <getopt.h>
#include <libcpuid/libcpuid.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Older C library headers do not name it. */
#ifndef AT_MINSIGSTKSZ
#	define AT_MINSIGSTKSZ 51
#endif

#define EXIT_USABLE   0
#define EXIT_UNUSABLE 1
#define EXIT_USAGE    2
#define EXIT_OUTPUT   3 /* or what cannot be asked: no answer */

#define BACKENDS 2

static const struct {
	enum modiso_backend id;
	const char *name;
} backends[BACKENDS] = {
	{MODISO_BACKEND_PKEY, "pkey"},
	{MODISO_BACKEND_MPROTECT, "mprotect"},
};

static const struct {
	uint32_t cap;
	const char *name;
} levels[] = {
	{MODISO_CAP_GUARD, "GUARD"},
	{MODISO_CAP_READONLY, "READONLY"},
	{MODISO_CAP_SEALED, "SEALED"},
};

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

struct machine {
	struct utsname kernel;
	unsigned long min_signal_stack; /* bytes; 0: the kernel does not say */
	bool have_cpu;                  /* libcpuid knows the CPU */
	struct cpu_id_t cpu;
	bool pku, ospke; /* CPUID leaf 7 as libcpuid read it */
	bool measured;
	double pair_ns; /* two mprotect(2) and a touch between them */
	struct modiso_backend_info backend[BACKENDS];
};

static void usage(FILE *out)
{
	fprintf(out,
		"usage: modiso-info [OPTION]...\n"
		"Show which backends of libmodiso work on this machine, and "
		"why not.\n\n"
		"  --backend NAME  exit with 0 if pkey, or mprotect, is usable "
		"and with 1 if not\n"
		"  --json          print one JSON object\n"
		"  --measure       time what a switch between modules costs "
		"here: some 0.1 s\n"
		"  --quiet         print nothing: the exit status is all\n"
		"  --version       print the version of the library\n"
		"  -h, --help      print this\n\n"
		"Without --backend the status is 0 if any backend is usable. "
		"2: wrong usage.\n"
		"3: no answer: it could not be asked, or the output not "
		"written.\n");
}

/* --- ask --- */

/* As others print it: without the blanks that fill up the CPU's answer. */
static void trim(char *name)
{
	size_t first = strspn(name, " "), length = strlen(name);

	while (length > first && name[length - 1] == ' ')
		length--;
	/* Valgrind takes the checked memmove() for the checked memcpy(). */
	for (size_t i = first; i < length; i++)
		name[i - first] = name[i];
	name[length - first] = '\0';
}

static void ask_cpu(struct machine *machine)
{
	struct cpu_raw_data_t raw;

	if (cpuid_get_raw_data(&raw) != 0)
		return;
	machine->have_cpu = cpu_identify(&raw, &machine->cpu) == 0;
	trim(machine->cpu.brand_str);
	machine->pku = raw.basic_cpuid[7][ECX] & (1u << 3);
	machine->ospke = raw.basic_cpuid[7][ECX] & (1u << 4);
}

static bool ask(struct machine *machine)
{
	memset(machine, 0, sizeof(*machine));
	uname(&machine->kernel); /* fails for a bad pointer alone */
	machine->min_signal_stack = getauxval(AT_MINSIGSTKSZ);
	ask_cpu(machine);
	for (size_t i = 0; i < BACKENDS; i++) {
		struct modiso_backend_info *info = &machine->backend[i];

		info->struct_size = sizeof(*info);
		if (modiso_backend_query(backends[i].id, info) != 0) {
			fprintf(stderr, "modiso-info: %s: %s\n",
				backends[i].name, modiso_last_error_text());
			return false;
		}
	}
	return true;
}

/* --- measure --- */

#define SAMPLES 31
#define PAIRS   64 /* of a sample */

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool close_and_open(volatile char *page, size_t size)
{
	void *base = (void *)(uintptr_t)page;

	if (mprotect(base, size, PROT_NONE) != 0 ||
	    mprotect(base, size, PROT_READ | PROT_WRITE) != 0)
		return false;
	page[0] = 1;
	return true;
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

/* As a module's pages are: closed, opened again, and used. */
static bool measure(struct machine *machine)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	double sample[SAMPLES], begin;
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool done = page != MAP_FAILED;

	if (done)
		*(volatile char *)page = 1;
	for (int i = 0; done && i < SAMPLES; i++) {
		begin = now_ns();
		for (int pair = 0; done && pair < PAIRS; pair++)
			done = close_and_open(page, size);
		sample[i] = (now_ns() - begin) / PAIRS;
	}
	if (!done)
		perror("modiso-info: --measure: mmap or mprotect");
	if (page != MAP_FAILED)
		munmap(page, size);
	if (!done)
		return false;
	qsort(sample, SAMPLES, sizeof(sample[0]), compare);
	machine->pair_ns = sample[SAMPLES / 2];
	machine->measured = true;
	return true;
}

/* --- tell people --- */

/* A tenth of the time, for calls that are ten times as long. */
static void print_measure(const struct machine *machine)
{
	double us = machine->pair_ns / 1000;

	printf("\nmeasured       %.2f us for two mprotect(2) and the touch of "
	       "a page, the median of %d\n"
	       "               samples\n",
	       us, SAMPLES);
	if (machine->backend[0].usable)
		printf("  pkey         a switch from one module to another is "
		       "about 70 instructions here,\n"
		       "               and no system call, as long as both "
		       "have keys\n");
	printf("  mprotect     a switch from one module to another takes about "
	       "%.1f us here: calls\n"
	       "               that change modules are to do %.0f us of work "
	       "or more, for it to be\n"
	       "               less than a tenth of the time\n",
	       us, us * 10);
}

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

static void print_backend(const struct modiso_backend_info *info)
{
	printf("\nbackend %s: %s\n", info->name,
	       info->usable ? "usable" : "not usable");
	if (!info->usable) {
		printf("  why not      %s\n", info->reason);
	} else {
		printf("  confinement ");
		for (size_t i = 0; i < LEVELS; i++)
			if (info->caps & levels[i].cap)
				printf(" %s", levels[i].name);
		printf("\n");
		if (info->reason[0] != '\0')
			printf("  missing      %s\n", info->reason);
		printf("  rights       per %s\n",
		       info->caps & MODISO_CAP_PER_THREAD ? "thread"
							  : "process");
		printf("  modules      %s, %s\n",
		       info->caps & MODISO_CAP_PARALLEL ? "run at the same time"
							: "take turns",
		       info->caps & MODISO_CAP_UNLIMITED
			       ? "as many as memory holds"
			       : "one for each key");
		printf("  syscalls     of modules %s\n",
		       info->caps & MODISO_CAP_SYSCALLS
			       ? "can be stopped"
			       : "cannot be stopped");
		printf("  exits        of modules are %s\n",
		       info->caps & MODISO_CAP_EXITS ? "seen" : "not seen");
	}
	if (info->keys_total != 0)
		printf("  keys         %u of %u free\n", info->keys_free,
		       info->keys_total);
}

static bool is_backend(const char *name)
{
	for (size_t i = 0; i < BACKENDS; i++)
		if (strcmp(backends[i].name, name) == 0)
			return true;
	return strcmp(name, "auto") == 0;
}

static void print_text(const struct machine *machine)
{
	const char *wish = getenv("MODISO_BACKEND");

	printf("libmodiso      %s\n", modiso_version());
	printf("kernel         %s %s %s\n", machine->kernel.sysname,
	       machine->kernel.release, machine->kernel.machine);
	if (machine->have_cpu)
		printf("cpu            %s, %s\n", machine->cpu.vendor_str,
		       machine->cpu.brand_str);
	else
		printf("cpu            unknown to libcpuid: %s\n",
		       cpuid_error());
	printf("leaf 7         PKU %s, OSPKE %s, as libcpuid read it\n",
	       yes(machine->pku), yes(machine->ospke));
	if (machine->min_signal_stack != 0)
		printf("signal stack   at least %lu bytes (AT_MINSIGSTKSZ)\n",
		       machine->min_signal_stack);
	else
		printf("signal stack   the kernel names no minimum\n");
	if (wish != NULL)
		printf("environment    MODISO_BACKEND=%s%s\n", wish,
		       is_backend(wish) ? "" :
					  ", which is no backend: "
					  "modiso_init() refuses it");
	for (size_t i = 0; i < BACKENDS; i++)
		print_backend(&machine->backend[i]);
	if (machine->measured)
		print_measure(machine);
}

/* --- tell programs --- */

static void json_text(const char *name, const char *text)
{
	printf(",\"%s\":", name);
	json_string(text);
}

static void json_bool(const char *name, bool value)
{
	printf(",\"%s\":%s", name, value ? "true" : "false");
}

static void json_backend(const struct modiso_backend_info *info)
{
	printf("{\"name\":");
	json_string(info->name);
	json_bool("usable", info->usable);
	json_text("reason", info->reason);
	json_bool("guard", info->caps & MODISO_CAP_GUARD);
	json_bool("readonly", info->caps & MODISO_CAP_READONLY);
	json_bool("sealed", info->caps & MODISO_CAP_SEALED);
	json_bool("per_thread", info->caps & MODISO_CAP_PER_THREAD);
	json_bool("parallel", info->caps & MODISO_CAP_PARALLEL);
	json_bool("unlimited", info->caps & MODISO_CAP_UNLIMITED);
	json_bool("exits", info->caps & MODISO_CAP_EXITS);
	json_bool("syscalls", info->caps & MODISO_CAP_SYSCALLS);
	printf(",\"keys_total\":%u,\"keys_free\":%u}", info->keys_total,
	       info->keys_free);
}

static void print_json(const struct machine *machine)
{
	printf("{\"version\":");
	json_string(modiso_version());
	json_text("kernel", machine->kernel.release);
	json_text("cpu_vendor",
		  machine->have_cpu ? machine->cpu.vendor_str : "");
	json_text("cpu_brand", machine->have_cpu ? machine->cpu.brand_str : "");
	json_bool("cpu_pku", machine->pku);
	json_bool("cpu_ospke", machine->ospke);
	if (machine->measured)
		printf(",\"mprotect_pair_ns\":%.0f", machine->pair_ns);
	printf(",\"min_signal_stack\":%lu,\"backends\":[",
	       machine->min_signal_stack);
	for (size_t i = 0; i < BACKENDS; i++) {
		if (i > 0)
			putchar(',');
		json_backend(&machine->backend[i]);
	}
	printf("]}\n");
}

/* --- main --- */

static int backend_index(const char *name)
{
	for (int i = 0; i < BACKENDS; i++)
		if (strcmp(backends[i].name, name) == 0)
			return i;
	return -1;
}

struct request {
	int backend; /* index, or -1: any */
	bool json, quiet, measure;
};

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct request *request)
{
	static const struct option known[] = {
		{"backend", required_argument, NULL, 'b'},
		{"json", no_argument, NULL, 'j'},
		{"measure", no_argument, NULL, 'm'},
		{"quiet", no_argument, NULL, 'q'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (option) {
		case 'b':
			request->backend = backend_index(optarg);
			if (request->backend >= 0)
				break;
			fprintf(stderr,
				"modiso-info: %s is no backend: pkey or "
				"mprotect\n",
				optarg);
			return EXIT_USAGE;
		case 'j':
			request->json = true;
			break;
		case 'm':
			request->measure = true;
			break;
		case 'q':
			request->quiet = true;
			break;
		case 'v':
			printf("modiso-info (libmodiso) %s\n",
			       modiso_version());
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"modiso-info: %s: no argument is taken\n"
			"try modiso-info --help\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static bool usable(const struct machine *machine, int backend)
{
	for (int i = 0; i < BACKENDS; i++)
		if ((backend < 0 || backend == i) && machine->backend[i].usable)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct request request = {.backend = -1};
	static struct machine machine;
	int status = parse(argc, argv, &request);

	if (status >= 0)
		return output_written("modiso-info") ? status : EXIT_OUTPUT;
	if (!ask(&machine) || (request.measure && !measure(&machine)))
		return EXIT_OUTPUT;
	if (!request.quiet) {
		if (request.json)
			print_json(&machine);
		else
			print_text(&machine);
	}
	if (!output_written("modiso-info"))
		return EXIT_OUTPUT;
	return usable(&machine, request.backend) ? EXIT_USABLE : EXIT_UNUSABLE;
}
