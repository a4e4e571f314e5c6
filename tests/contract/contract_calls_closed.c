/* SPDX-License-Identifier: MIT */
/*
 * contract_calls_closed - which system calls close and open memory in no region
 * for a module that is SEALED (modiso_options.closed). A tracer counts them.
 */
#include "contract/trace.h"
#include "support/world.h"
#include "support/proc.h"

#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct modiso_module *sealed_module;

static int attached[2];

static void *attach(void *unused)
{
	pid_t tid = proc_gettid();

	expect(MODISO_OK, modiso_thread_attach());
	must(write(attached[1], &tid, sizeof(tid)) == sizeof(tid));
	for (;;)
		pause();
	return unused;
}

static void closed(uint32_t kinds)
{
	struct modiso_module_options sealed = {
		.struct_size = sizeof(sealed),
		.confinement = MODISO_CONFINE_SEALED,
	};
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = kinds == MODISO_CLOSED_DATA ?
				     MODISO_EXCLUSION_INTERNAL :
				     MODISO_EXCLUSION_EXTERNAL,
		.closed = kinds,
	};
	struct modiso_gate *gate;
	uintptr_t i;
	pid_t tid;

	expect(MODISO_OK, modiso_init(&options));
	expect(MODISO_OK, modiso_module_create("sealed", &sealed, &sealed_module));
	gate = make_gate(sealed_module, same);
	if (kinds & MODISO_CLOSED_STACKS) {
		must(pipe(attached) == 0);
		thread_start(attach, NULL);
		must(read(attached[0], &tid, sizeof(tid)) == sizeof(tid));
		/* On its way there it touches the stack: that is opened. */
		proc_wait_asleep(tid);
	}
	must_eq(enter(gate, 1), 1);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(gate, i), i);
	mark();
}

static void closed_data(void)
{
	closed(MODISO_CLOSED_DATA);
}

static void closed_heap(void)
{
	closed(MODISO_CLOSED_DATA | MODISO_CLOSED_HEAP);
}

static void closed_stacks(void)
{
	closed(MODISO_CLOSED_DATA | MODISO_CLOSED_STACKS);
}

enum { LAYERS = 5 }; /* base, os, arch, backend, core */

/* Objects but the C library's, whose data the linker leaves writable. */
static int count_object(struct dl_phdr_info *info, size_t size, void *count)
{
	uintptr_t data = 0, end = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD && part->p_flags & PF_W)
			end = part->p_vaddr + part->p_memsz;
		else if (part->p_type == PT_GNU_RELRO)
			data = part->p_vaddr + part->p_memsz;
	}
	*(unsigned *)count += end > data && !strstr(info->dlpi_name, "/libc.") &&
			      !strstr(info->dlpi_name, "/ld-linux");
	return 0;
}

/*
 * The program's data: one call for each object's, to close it, and one to open
 * it. Between the library's own, which is the program's here, its layers' state
 * stays open. Who has closed it the kernel is asked once.
 */
START_TEST(test_closed_data)
{
	unsigned objects = 0, pieces;
	struct counts counts;

	if (TEST_SANITIZED)
		test_skip("unsanitized", "a sanitizer's data cannot be closed");
	counts = trace(closed_data);
	dl_iterate_phdr(count_object, &objects);
	pieces = counts.mprotect / (2 * ROUNDS);
	printf("# %u pieces of %u objects\n", pieces, objects);
	must_eq(counts.mprotect, 2 * ROUNDS * pieces);
	must(on_pkey() ? pieces == 0 : pieces > 0);
	must(pieces <= objects + LAYERS);
	must(counts.all - counts.mprotect <= ROUNDS);
}
END_TEST

/* The heap is one piece more, and so is each other thread's stack. */
START_TEST(test_closed_more)
{
	unsigned data;

	if (TEST_SANITIZED)
		test_skip("unsanitized", "a sanitizer's data cannot be closed");
	data = trace(closed_data).mprotect;
	must_eq(trace(closed_heap).mprotect,
		on_pkey() ? 0 : data + 2 * ROUNDS);
	must_eq(trace(closed_stacks).mprotect,
		on_pkey() ? 0 : data + 2 * ROUNDS);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("calls_closed");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_closed_data);
	tcase_add_test(tcase, test_closed_more);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
