/* SPDX-License-Identifier: MIT */
/*
 * bench_closed.c - what it costs that the program's data is closed to a SEALED
 * module: nothing with keys. With page permissions a service opens it, and
 * closes it again; beside it stand those system calls by themselves.
 */
#include "bench.h"

#include <link.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE   4096u
#define PIECES 64
#define CALLS  20 /* in a round: the way into the module closes it as well */

/* The data of the program and its objects, but the library's and libc's. */
static struct piece {
	void *base;
	size_t length;
} pieces[PIECES];
static unsigned piece_count;

static struct modiso_module *sealed;
static struct modiso_service *service;
static struct modiso_gate *loop_gate;
static bench_call *thunk;

static MODISO_CALL uintptr_t serve(uintptr_t word)
{
	return word;
}

/* Module code. */
static uintptr_t entry_loop(bench_call *call, uintptr_t rounds)
{
	while (rounds-- > 0)
		call(1);
	return 0;
}

static int closed_begin(void)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
	};
	int rc = modiso_module_create("sealed", &options, &sealed);

	if (rc == MODISO_ERR_NOTSUP)
		return bench_say(BENCH_ABSENT, "%s", modiso_last_error_text());
	if (rc == 0)
		rc = modiso_service_create("serve", (modiso_fn)serve, NULL,
					   &service);
	if (rc == 0)
		rc = modiso_gate_create(sealed, (modiso_fn)entry_loop, NULL,
					&loop_gate);
	if (rc != 0)
		return bench_check("a SEALED module", rc);
	thunk = (bench_call *)modiso_service_thunk(service);
	return 0;
}

static void closed_end(void)
{
	bench_check("modiso_service_destroy", modiso_service_destroy(service));
	bench_check("modiso_module_destroy", modiso_module_destroy(sealed));
}

static int run_service(uint64_t rounds)
{
	const uintptr_t words[] = {(uintptr_t)thunk, CALLS * rounds};

	return bench_check("a call", modiso_gate_call(loop_gate, words, 2,
						      NULL));
}

/* --- the system calls alone --- */

static int add_object(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t data = 0, end = 0;

	(void)size;
	(void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD && part->p_flags & PF_W)
			end = part->p_vaddr + part->p_memsz;
		else if (part->p_type == PT_GNU_RELRO)
			data = part->p_vaddr + part->p_memsz;
	}
	if (end <= data || data == 0 || piece_count == PIECES ||
	    strstr(info->dlpi_name, "/libc.") != NULL ||
	    strstr(info->dlpi_name, "/ld-linux") != NULL ||
	    strstr(info->dlpi_name, "/libmodiso.") != NULL)
		return 0;
	data = (info->dlpi_addr + data) & ~(uintptr_t)(PAGE - 1);
	end = (info->dlpi_addr + end + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	pieces[piece_count++] = (struct piece){(void *)data, end - data};
	return 0;
}

static int raw_begin(void)
{
	piece_count = 0;
	dl_iterate_phdr(add_object, NULL);
	return 0;
}

/* Nothing in it is a static variable: those are closed now and then. */
#if defined(__has_attribute) && __has_attribute(no_profile_instrument_function)
__attribute__((no_profile_instrument_function))
#endif
static int run_raw(uint64_t rounds)
{
	int (*volatile protect)(void *, size_t, int) = mprotect;
	struct piece own[PIECES];
	unsigned i, count = piece_count;

	memcpy(own, pieces, sizeof(own));
	while (rounds-- > 0) {
		for (i = 0; i < count; i++)
			protect(own[i].base, own[i].length, PROT_NONE);
		for (i = 0; i < count; i++)
			protect(own[i].base, own[i].length,
				PROT_READ | PROT_WRITE);
	}
	return 0;
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{ROW_CLOSED, way_trip, BENCH_HEAVY, CALLS, run_service, closed_begin,
	 closed_end},
	{ROW_CLOSED_RAW, way_trip, BENCH_HEAVY, 0, run_raw, raw_begin, NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_closed = {
	.rows = rows,
};
