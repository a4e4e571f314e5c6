/* SPDX-License-Identifier: MIT */
/*
 * contract_calls_miss - what it costs a call that no key is at its module: few
 * system calls, and few instructions of the library.
 */
#include "contract/trace.h"
#include "support/world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 1000, SOME = 8, TURNS = 32 };

static uintptr_t (*thunks[CROWD])(uintptr_t);

/* Pages of three protections, several regions of two of them. */
static struct modiso_module *make_rich(const char *name, unsigned i)
{
	struct modiso_module *module = make_module(name);
	struct modiso_region *constant;
	unsigned n;

	for (n = 0; n < 4; n++) {
		make_region(module, PAGE, "data");
		expect(MODISO_OK,
		       modiso_region_create(module, PAGE, MODISO_READ, NULL,
					    &constant));
	}
	expect(MODISO_OK,
	       modiso_region_protect(make_region(module, PAGE, "code"), RX));
	thunks[i] = (uintptr_t(*)(uintptr_t))make_thunk(module, same);
	return module;
}

static void start_with(uint32_t max_keys)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = max_keys};

	expect(MODISO_OK, modiso_init(&options));
}

/* As few keys as can be: each call takes the key of the other module. */
static void start_with_one_slot(void)
{
	start_with(2);
	make_rich("one", 0);
	make_rich("other", 1);
	must_eq(thunks[0](1) + thunks[1](2), 3);
	must_eq(thunks[0](1) + thunks[1](2), 3);
}

static void misses(void)
{
	uintptr_t i;

	start_with_one_slot();
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(thunks[i & 1](i), i);
	mark();
}

/* One call for each protection of the pages that go and of those that come. */
static void must_be_few_calls(void (*body)(void))
{
	struct counts counts = trace(body);

	if (on_pkey()) {
		must(counts.keys <= 6 * ROUNDS && counts.keys > 0);
		must_eq(counts.all, counts.keys + counts.barrier);
		must(counts.barrier <= ROUNDS);
	} else {
		must_eq(counts.mprotect, 4 * ROUNDS);
		must_eq(counts.all, counts.mprotect);
	}
}

START_TEST(test_miss)
{
	must_be_few_calls(misses);
}
END_TEST

/*
 * A hundred regions of three protections, made in any order; those that are
 * filled first and get theirs later have said so.
 */
static void make_mixed(const char *name, unsigned i, size_t range)
{
	static const uint32_t later[] = {0, MODISO_READ, RX,
					 0, RX,          MODISO_READ};
	struct modiso_module_options narrow = {
		.struct_size = sizeof(narrow),
		.range_size = range,
	};
	struct modiso_module *module;
	struct modiso_region *region, *waiting = NULL;
	uint32_t waiting_for = 0;
	unsigned n;

	expect(MODISO_OK, modiso_module_create(name, &narrow, &module));

	for (n = 0; n < REGIONS; n++) {
		struct modiso_region_options options = {
			.struct_size = sizeof(options),
			.becomes = later[(n * n + i) % 6],
		};

		expect(MODISO_OK,
		       modiso_region_create(module, (1 + n % 3) * PAGE,
					    n % 7 ? RW : MODISO_READ, &options,
					    &region));
		if (options.becomes == 0)
			continue;
		/* Each stays as it is until there is another one. */
		if (waiting)
			expect(MODISO_OK,
			       modiso_region_protect(waiting, waiting_for));
		waiting = region;
		waiting_for = options.becomes;
	}
	expect(MODISO_OK, modiso_region_protect(waiting, waiting_for));
	thunks[i] = (uintptr_t(*)(uintptr_t))make_thunk(module, same);
}

static void mixed_misses(void)
{
	uintptr_t i;

	start_with(on_pkey() ? 2 : 0);
	make_mixed("one", 0, 0);
	make_mixed("other", 1, 2 << 20);
	must_eq(thunks[0](1) + thunks[1](2), 3);
	must_eq(thunks[0](1) + thunks[1](2), 3);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(thunks[i & 1](i), i);
	mark();
}

START_TEST(test_mixed_regions)
{
	must_be_few_calls(mixed_misses);
}
END_TEST

static const char *image_path(void)
{
	static const char *const paths[] = {"modules/count-gcc.so",
					    "modules/count-clang.so"};

	return access(paths[0], R_OK) == 0 ? paths[0] : paths[1];
}

/* A module as modiso-cc makes it, with a heap and regions of its own. */
static void load_counter(struct modiso_module *module, unsigned i)
{
	struct modiso_image *image;
	struct modiso_gate *gate;

	expect(MODISO_OK,
	       modiso_image_load(module, image_path(), NULL, &image));
	expect(MODISO_OK, modiso_image_gate(image, "count", NULL, &gate));
	expect(MODISO_OK,
	       modiso_gate_thunk(gate, (modiso_fn *)(void *)&thunks[i]));
}

static void make_rest(struct modiso_module *module)
{
	expect(MODISO_OK, modiso_heap_create(module, 64 * PAGE, NULL));
	make_regions(module, 3);
}

static void image_misses(void)
{
	struct modiso_module *one, *other;
	uintptr_t i;

	start_with(on_pkey() ? 2 : 0);
	one = make_module("one");
	load_counter(one, 0);
	make_rest(one);
	must_eq(thunks[0](1), 1);
	/* In another order, and it has been inside before. */
	other = make_module("other");
	make_rest(other);
	must_eq(enter(make_gate(other, same), 7), 7);
	load_counter(other, 1);
	must_eq(thunks[1](2), 2);
	must_eq(thunks[0](7), 22);
	must_eq(thunks[1](7), 23);
	mark();
	for (i = 0; i < ROUNDS; i++)
		thunks[i & 1](0);
	mark();
	must_eq(thunks[0](7), 43 + ROUNDS / 2);
	must_eq(thunks[1](7), 44 + ROUNDS / 2);
}

START_TEST(test_image_miss)
{
	if (access(image_path(), R_OK) != 0)
		test_skip("modules", "the tests were built without a compiler "
				     "for them");
	must_be_few_calls(image_misses);
}
END_TEST

/*
 * Instances of an image that trust each other are loaded into one module: each
 * has data of its own, and they share the key.
 */
enum { INSTANCES = 100 };

static void instances(void)
{
	struct modiso_module *module;
	uintptr_t i;

	start_with(on_pkey() ? 2 : 0);
	module = make_module("all");
	for (i = 0; i < INSTANCES; i++)
		load_counter(module, (unsigned)i);
	for (i = 0; i < INSTANCES; i++)
		must_eq(thunks[i](7), 21);
	mark();
	for (i = 0; i < INSTANCES; i++)
		must_eq(thunks[i](0), 22);
	mark();
}

START_TEST(test_instances)
{
	if (access(image_path(), R_OK) != 0)
		test_skip("modules", "the tests were built without a compiler "
				     "for them");
	must_eq(trace(instances).all, 0);
}
END_TEST

/* One piece of code for all, whatever the compiler makes of it. */
static void __attribute__((noinline)) counted_call(unsigned i)
{
	uintptr_t (*thunk)(uintptr_t) = thunks[i];

	stop_here();
	thunk(1);
	stop_here();
}

/*
 * As many modules as share all keys, each entered in turn: every call is a
 * miss. The gate is one for a word and no floats, as that which the benchmark
 * counts.
 */
static void a_crowd_takes_turns(void)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 1};
	struct modiso_gate *gate;
	char name[16];
	unsigned i, round;

	start_with(0);
	for (i = 0; i < TURNS; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		expect(MODISO_OK,
		       modiso_gate_create(make_rich(name, i), (modiso_fn)same,
					  &options, &gate));
		expect(MODISO_OK,
		       modiso_gate_thunk(gate,
					 (modiso_fn *)(void *)&thunks[i]));
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < TURNS; i++)
			must_eq(thunks[i](i), i);
	counted_call(0);
	counted_call(1);
}

/*
 * From the call to behind it, those of the gate (70) and of six system calls
 * among them, as GCC makes them. What others do is not counted that closely.
 */
#if defined(__OPTIMIZE__) && !defined(__clang__)
#	define MISS_STEPS 406
#else
#	define MISS_STEPS 2000
#endif

START_TEST(test_miss_steps)
{
	unsigned steps[2];
	int i;

	count_steps(a_crowd_takes_turns, steps, 2);
	for (i = 0; i < 2; i++) {
		printf("# a miss: %u instructions\n", steps[i]);
		must(steps[i] > 64);
		must(TEST_SANITIZED || steps[i] <= MISS_STEPS);
	}
}
END_TEST

static void alone_and_in_a_crowd(void)
{
	char name[16];
	unsigned i;

	world_start();
	for (i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		make_rich(name, i);
		if (i == 0) {
			must_eq(thunks[0](1), 1);
			counted_call(0);
		} else if (i < SOME) {
			must_eq(thunks[i](i), i);
		}
	}
	must_eq(thunks[0](1), 1);
	counted_call(0);
}

/* A call into a module that has a key asks nobody, however many there are. */
START_TEST(test_hit_steps)
{
	unsigned steps[2];

	count_steps(alone_and_in_a_crowd, steps, 2);
	must_eq(steps[1], steps[0]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("calls_miss");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_miss);
	tcase_add_test(tcase, test_mixed_regions);
	tcase_add_test(tcase, test_image_miss);
	tcase_add_test(tcase, test_instances);
	if (on_pkey())
		add_test_but_tsan(tcase, test_miss_steps,
				  "what it adds is not the same each time");
	add_test_but_tsan(tcase, test_hit_steps,
			  "what it adds is not the same each time");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
