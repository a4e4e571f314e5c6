/* SPDX-License-Identifier: MIT */
/*
 * fuzz_target.c - an application of ThreadX that has a module's function run
 * with one input after the other.
 *
 * The module is started as always, and makes its objects. When its threads have
 * nothing more to do they are deleted, so that nobody is in the module, and a
 * snapshot of its memory is taken. Then the application's own thread enters it,
 * as a thread of the module, once for each input. Requests of the module work.
 */
#include "fuzz_target.h"

#include "tx_api.h"
#include "txm_module.h"
#include "txm_modiso.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define POOL	  (4u << 20)
#define OBJECTS	  (1u << 20)
#define IMAGE	  (1u << 20)
#define INPUT_MAX 4096u /* a page: external memory is whole ones */

extern TX_THREAD *_tx_thread_created_ptr;
extern ULONG _tx_thread_created_count;

uint8_t fuzz_counters[FUZZ_COUNTERS];
size_t fuzz_counter_count;
uintptr_t fuzz_pcs[2 * FUZZ_COUNTERS];

static TXM_MODULE_INSTANCE module;
static TX_THREAD fuzzer;
static UCHAR *pool, *objects, *image, *input;
static void (*fuzz_loop)(void);
static struct modiso_gate *fuzz, *coverage;
static ULONG object_count;
static const void *counters;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, why);
	exit(2);
}

static void must(UINT status, const char *what)
{
	char why[32];

	snprintf(why, sizeof(why), "ThreadX says %#x", status);
	if (status != TX_SUCCESS)
		die(what, why);
}

static void must_modiso(int result, const char *what)
{
	if (result != 0)
		die(what, modiso_last_error_text());
}

/* Below 4 GiB; a page that nobody may touch is behind them. */
static void *low_pages(size_t size)
{
	UCHAR *pages = mmap(NULL, size + 4096, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (pages == MAP_FAILED ||
	    mprotect(pages, size, PROT_READ | PROT_WRITE) != 0)
		die("memory", "there is none");
	return pages;
}

static void read_image(void)
{
	const char *name = getenv("TXM_FUZZ_MODULE");
	char path[4096];
	FILE *file;

	if (name == NULL)
		name = "fuzz_module";
	snprintf(path, sizeof(path), "%s.bin", name);
	file = fopen(path, "rb");
	if (file == NULL || fread(image, 1, IMAGE, file) == 0)
		die(path, "is no module that can be read");
	fclose(file);
	snprintf(path, sizeof(path), "%s.elf", name);
	if (setenv("TXM_MODULE_SYMBOLS", path, 1) != 0)
		die(path, "no memory");
}

static struct modiso_gate *find(const char *name)
{
	struct modiso_gate *gate;
	void *function;

	must_modiso(modiso_image_symbol(module.txm_module_instance_image, name,
					&function),
		    name);
	must_modiso(modiso_gate_create(module.txm_module_instance_modiso,
				       (modiso_fn)function, NULL, &gate),
		    name);
	return gate;
}

static uintptr_t call(struct modiso_gate *gate, uintptr_t first,
		      uintptr_t second)
{
	uintptr_t args[2] = {first, second}, answer = 0;

	must_modiso(modiso_gate_call(gate, args, 2, &answer), "a call");
	return answer;
}

/* The lowest priority: when this goes on, the module has nothing to do. */
static void start_module(void)
{
	must(txm_module_manager_initialize(pool, POOL), "initialize");
	must(txm_module_manager_object_pool_create(objects, OBJECTS),
	     "object pool");
	must(txm_module_manager_in_place_load(&module, "fuzz", image), "load");
	must(txm_module_manager_external_memory_enable(&module, input,
						       INPUT_MAX, 0),
	     "external memory");
	must(txm_module_manager_start(&module), "start");
	while (module.txm_module_instance_start_stop_thread.tx_thread_state !=
	       TX_COMPLETED)
		tx_thread_sleep(1);
}

static void delete_threads(void)
{
	TX_THREAD *thread = _tx_thread_created_ptr;
	ULONG i, count = _tx_thread_created_count;

	for (i = 0; i < count; i++) {
		TX_THREAD *next = thread->tx_thread_created_next;

		if (thread->tx_thread_module_instance_ptr == &module) {
			(VOID) tx_thread_terminate(thread);
			must(tx_thread_delete(thread), "delete");
		}
		thread = next;
	}
}

static void find_coverage(void)
{
	uintptr_t from, to, pcs, pcs_end;

	coverage = find("demo_module_coverage");
	from = call(coverage, 0, 0);
	to = call(coverage, 1, 0);
	pcs = call(coverage, 2, 0);
	pcs_end = call(coverage, 3, 0);
	fuzz_counter_count = to - from;
	if (to == from || to - from > FUZZ_COUNTERS ||
	    pcs_end - pcs != 2 * (to - from) * sizeof(uintptr_t))
		die("coverage", "no counters, too many, or not two words each");
	counters = (const void *)from;
	must_modiso(modiso_copy_in(module.txm_module_instance_modiso, fuzz_pcs,
				   (const void *)pcs, pcs_end - pcs),
		    "coverage");
	must_modiso(modiso_copy_out(module.txm_module_instance_modiso,
				    (void *)from, fuzz_counters, to - from),
		    "coverage");
}

static VOID fuzzer_entry(ULONG unused)
{
	(VOID) unused;
	start_module();
	delete_threads();
	/* From here on this is a thread of the module's, for the dispatcher. */
	must_modiso(modiso_thread_self(&fuzzer.tx_thread_module_modiso),
		    "thread");
	fuzzer.tx_thread_module_instance_ptr = &module;
	find_coverage();
	fuzz = find("demo_module_fuzz");
	object_count = module.txm_module_instance_object_list_count;
	must_modiso(modiso_snapshot_take(module.txm_module_instance_modiso),
		    "snapshot");
	fuzz_loop();
	exit(0);
}

static void report(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	must_modiso(modiso_fault_last(&fault), "fault");
	(void)!modiso_fault_print(&fault, stderr);
	_txm_modiso_symbols_line(&module, (const VOID *)fault.pc);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
	uintptr_t args[2];
	int result;

	if (length > INPUT_MAX)
		length = INPUT_MAX;
	must_modiso(modiso_snapshot_restore(module.txm_module_instance_modiso),
		    "snapshot");
	/* It ends where the page does: what is read behind it is a fault. */
	memset(input, 0, INPUT_MAX - length);
	if (length != 0)
		memcpy(input + INPUT_MAX - length, bytes, length);
	args[0] = (uintptr_t)input + INPUT_MAX - length;
	args[1] = length;
	result = modiso_gate_call(fuzz, args, 2, NULL);
	if (result == MODISO_ERR_FAULT) {
		report();
		abort();
	}
	must_modiso(result, "an input");
	/* The kernel's memory is not in the snapshot. */
	if (module.txm_module_instance_object_list_count != object_count) {
		fputs("fuzz: the module has kept an object that it has "
		      "allocated with this input\n",
		      stderr);
		abort();
	}
	must_modiso(modiso_copy_in(module.txm_module_instance_modiso,
				   fuzz_counters, counters, fuzz_counter_count),
		    "coverage");
}

VOID tx_application_define(VOID *unused)
{
	static UCHAR stack[8192];

	(VOID) unused;
	must(tx_thread_create(&fuzzer, "fuzzer", fuzzer_entry, 0, stack,
			      sizeof(stack), TX_MAX_PRIORITIES - 1,
			      TX_MAX_PRIORITIES - 1, TX_NO_TIME_SLICE,
			      TX_AUTO_START),
	     "thread");
}

void fuzz_start(void (*loop)(void))
{
	fuzz_loop = loop;
	pool = low_pages(POOL);
	objects = low_pages(OBJECTS);
	image = low_pages(IMAGE);
	input = low_pages(INPUT_MAX);
	read_image();
	tx_kernel_enter();
}
