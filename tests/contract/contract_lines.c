/* SPDX-License-Identifier: MIT */
/*
 * contract_lines - with protection keys no cache line is written by two threads
 * on the way into a module and back.
 *
 * A thread makes every writable page of the process read-only but for those
 * that are its own: its stack with its thread-local memory, its block, and its
 * stack in the module. Then it calls. A store to anything else is a fault, and
 * the end of the child that tries it. What is its own no other thread has: that
 * is looked at as well, for two threads at the same time. (Sanitizers write
 * notes of their own for each store.)
 */
#include "support/proc.h"
#include "support/world.h"
#include "arch/arch.h"
#include "core/frames.h"
#include "core/region.h"
#include "core/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RANGES = 512, OWN = 3, THREADS = 2 };

struct range {
	uintptr_t base, end;
};

struct places {
	struct range own[OWN]; /* the stack, the block, the module's stack */
};

static struct modiso_module *module;
static struct modiso_gate *gate, *asking;
static uintptr_t (*thunk)(uintptr_t);
static uintptr_t (*scrubbing)(uintptr_t);
static uintptr_t (*service)(uintptr_t);

static uintptr_t answer(uintptr_t value)
{
	return value + 1;
}

MODULE_CODE static uintptr_t ask(uintptr_t value)
{
	return service(value) + service(value);
}

MODULE_CODE static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void make_scene(void)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .flags = MODISO_GATE_SCRUB,
					      .word_args = 1};
	struct modiso_gate *scrub;
	modiso_fn plain;

	module = world_module();
	service = (uintptr_t(*)(uintptr_t))make_service("answer", answer);
	gate = make_gate(module, add_one);
	asking = make_gate(module, ask);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, add_one);
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)add_one,
					     &options, &scrub));
	expect(MODISO_OK, modiso_gate_thunk(scrub, &plain));
	scrubbing = (uintptr_t(*)(uintptr_t))plain;
}

/* The mapping that an address lies in, of a stack or of a module. */
static struct range mapping_of(uintptr_t address)
{
	struct range range = {0, 0};
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];

	must(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		must_eq(sscanf(line, "%lx-%lx", &range.base, &range.end), 2);
		if (address >= range.base && address < range.end)
			break;
	}
	must(address >= range.base && address < range.end);
	fclose(maps);
	return range;
}

/* Of the calling thread, which has called a gate before. */
static struct places own_places(void)
{
	struct mdi_thread *thread = mdi_thread_self();
	uintptr_t block = (uintptr_t)mdi_thread_block(thread);
	struct mdi_stack *stack =
		*mdi_thread_first_stack(thread, module->domain.head.link);
	struct places places;

	places.own[0] = mapping_of((uintptr_t)__builtin_frame_address(0));
	/* Its thread-local memory is in the same pages. */
	must((uintptr_t)&errno >= places.own[0].base &&
	     (uintptr_t)&errno < places.own[0].end);
	places.own[1] = (struct range){block, block + MDI_BLOCK_SIZE};
	places.own[2] = (struct range){
		stack->region->node.end - module->stack_size,
		stack->region->node.end};
	return places;
}

static bool is_own(const struct places *places, uintptr_t page)
{
	for (int i = 0; i < OWN; i++)
		if (page >= places->own[i].base && page < places->own[i].end)
			return true;
	return false;
}

/* Every writable page that is not the thread's own; no more than RANGES runs */
static size_t list_others(const struct places *places, struct range *ranges)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct range range;
	char line[512], access[8];
	size_t count = 0;
	uintptr_t at;

	must(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		must_eq(sscanf(line, "%lx-%lx %7s", &range.base, &range.end,
			       access),
			3);
		if (access[1] != 'w')
			continue;
		for (at = range.base; at < range.end; at += PAGE) {
			if (is_own(places, at))
				continue;
			if (count > 0 && ranges[count - 1].end == at) {
				ranges[count - 1].end = at + PAGE;
				continue;
			}
			must(count < RANGES);
			ranges[count++] = (struct range){at, at + PAGE};
		}
	}
	fclose(maps);
	return count;
}

/* What is called with nothing else to write; 0, or how far it came. */
static int call_all(void)
{
	uintptr_t word = 1, result = 0;

	if (thunk(1) != 2)
		return 1;
	if (scrubbing(1) != 2)
		return 2;
	if (modiso_gate_call(gate, &word, 1, &result) != 0 || result != 2)
		return 3;
	if (modiso_gate_call(asking, &word, 1, &result) != 0 || result != 4)
		return 4;
	return 0;
}

/* By way of C, where the library's records are read and written. */
static int make_something(void)
{
	struct modiso_region *region;

	return modiso_region_create(module, PAGE, RW, NULL, &region);
}

static int (*body)(void);
static pthread_barrier_t meeting;
static volatile pid_t other_tid;

/* The process ends here: nothing but this thread's memory can be written. */
static void *write_own_only(void *unused)
{
	static struct range ranges[RANGES];
	struct places places;
	size_t count, i;
	int result;

	must_eq(call_all(), 0);
	if (unused == NULL)
		other_tid = gettid();
	pthread_barrier_wait(&meeting);
	if (unused == NULL) /* the other one: it is there, and that is all */
		for (;;)
			pause();
	/* Nobody else writes any more: they wait, here and for this thread. */
	proc_wait_asleep(other_tid);
	proc_wait_asleep(getpid());
	places = own_places();
	count = list_others(&places, ranges);
	for (i = 0; i < count; i++)
		if (mprotect((void *)ranges[i].base,
			     ranges[i].end - ranges[i].base, PROT_READ) != 0)
			_exit(100);
	result = body();
	_exit(result);
}

static void in_child(void *unused)
{
	pthread_t threads[THREADS];

	(void)unused;
	signal(SIGSEGV, SIG_DFL);
	pthread_barrier_init(&meeting, NULL, THREADS);
	make_scene();
	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = thread_start(write_own_only,
					  i == 0 ? &meeting : NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		thread_join(threads[i]);
}

START_TEST(test_own_only)
{
	/* With mprotect who is inside is noted in one place for all. */
	if (!on_pkey() || TEST_SANITIZED)
		return;
	body = call_all;
	must_exit(child_status(in_child, NULL), 0);
}
END_TEST

/* That stores elsewhere are found. */
START_TEST(test_others_found)
{
	if (!on_pkey() || TEST_SANITIZED)
		return;
	body = make_something;
	must_die(child_status(in_child, NULL), SIGSEGV);
}
END_TEST

/* --- what is a thread's own is no other's --- */

static struct places of_thread[THREADS];

static void *note_places(void *number)
{
	must_eq(call_all(), 0);
	of_thread[(uintptr_t)number] = own_places();
	pthread_barrier_wait(&meeting);
	return NULL;
}

START_TEST(test_apart)
{
	pthread_t threads[THREADS];
	const struct range *one, *other;

	make_scene();
	pthread_barrier_init(&meeting, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = thread_start(note_places, (void *)i);
	for (uintptr_t i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	for (int i = 0; i < OWN; i++)
		for (int j = 0; j < OWN; j++) {
			one = &of_thread[0].own[i];
			other = &of_thread[1].own[j];
			must_eq(one->base % PAGE, 0);
			must(one->end <= other->base ||
			     other->end <= one->base);
		}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("lines");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_own_only);
	tcase_add_test(tcase, test_others_found);
	tcase_add_test(tcase, test_apart);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
