/* SPDX-License-Identifier: MIT */
/*
 * contract_mailbox - what the host puts into a module for one call: each thread
 * by itself, what came last goes first, and nothing outside of it is taken for
 * something that was put.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define BOX ((size_t)64 << 10) /* bytes, where nothing else was asked for */

static struct modiso_module *module, *other;
static struct modiso_gate *summing;

/* What a model does with two arrays: the sums of the first from its begin. */
MODULE_CODE static uintptr_t sum_up(const uint32_t *from, size_t count,
				    uint64_t *to)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		to[i] = sum += from[i];
	return (uintptr_t)sum;
}

typedef uintptr_t service_fn(uintptr_t depth);

static service_fn *service; /* a SEALED module is handed it */

MODULE_CODE static uintptr_t ask_service(service_fn *ask, uintptr_t depth)
{
	return ask(depth);
}

static struct modiso_module *make_at(uint32_t level, size_t box)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
		.mailbox_size = box,
	};
	struct modiso_module *made = NULL;

	if (level != MODISO_CONFINE_GUARD && !on_pkey())
		test_skip("READONLY, SEALED", "they need protection keys");
	expect(MODISO_OK, modiso_module_create("unit", &options, &made));
	return made;
}

static void begin(uint32_t level)
{
	world_start();
	module = make_at(level, 0);
	other = make_at(level, 0);
	summing = make_gate(module, sum_up);
}

static void finish(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	other = NULL;
	world_stop();
}

static unsigned char *put(const void *from, size_t length)
{
	void *at = NULL;

	expect(MODISO_OK, modiso_mailbox_put(module, from, length, &at));
	must(at != NULL);
	return at;
}

static void reset(void *first)
{
	expect(MODISO_OK, modiso_mailbox_reset(module, first));
}

/* One call with both arrays; where the first one lay. */
static void *call_with_mail(uint32_t first)
{
	uint32_t numbers[3] = {first, 2, 3};
	uint64_t sums[3] = {0, 0, 0};
	void *in = put(numbers, sizeof(numbers)), *out = put(NULL, 24);

	must_eq(W(in) % 16, 0);
	must_eq(W(out), W(in) + 16);
	must_eq(enter(summing, W(in), 3, W(out)), first + 5);
	expect(MODISO_OK, modiso_mailbox_get(module, sums, out, sizeof(sums)));
	must_eq(sums[0], first);
	must_eq(sums[1], first + 2);
	must_eq(sums[2], first + 5);
	reset(in);
	return in;
}

START_TEST(test_round)
{
	void *first;
	uint32_t i;

	begin((uint32_t)_i);
	first = call_with_mail(1);
	for (i = 2; i < 100; i++) {
		must_eq(call_with_mail(i), first);
		/* With page permissions the mailbox is closed then. */
		must_eq(enter(make_gate(other, module_add_one), i), i + 1);
	}
	/* It is the module's, and nobody else's. */
	expect(MODISO_OK, modiso_range_check(module, first, BOX, RW));
	expect(MODISO_ERR_ACCESS,
	       modiso_range_check(module, first, BOX + 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS,
	       modiso_range_check(other, first, 1, MODISO_READ));
	enter_fault(other, make_gate(other, poke_load1), W(first));
	finish();
}
END_TEST

START_TEST(test_room)
{
	unsigned char *first, *last;
	static char bytes[4 * 4096];
	void *at = UNTOUCHED;

	world_start();
	module = make_at(MODISO_CONFINE_GUARD, 2 * PAGE + 1); /* 3 pages */
	first = put(bytes, 3 * PAGE - 1);
	last = put(NULL, 0);
	must_eq(last, first + 3 * PAGE);
	expect(MODISO_ERR_LIMIT, modiso_mailbox_put(module, bytes, 1, &at));
	expect(MODISO_ERR_LIMIT,
	       modiso_mailbox_put(module, bytes, SIZE_MAX, &at));
	must_eq(at, UNTOUCHED);
	reset(last);
	reset(first);
	expect(MODISO_ERR_LIMIT,
	       modiso_mailbox_put(module, NULL, 3 * PAGE + 1, &at));
	expect(MODISO_ERR_LIMIT,
	       modiso_mailbox_put(module, NULL, SIZE_MAX, &at));
	must_eq(at, UNTOUCHED);
	must_eq(put(bytes, 3 * PAGE), first);
	reset(first + PAGE); /* in the middle of it */
	must_eq(put(bytes, 2 * PAGE), first + PAGE);
	finish();
}
END_TEST

START_TEST(test_refused)
{
	unsigned char *first, bytes[64] = "abc";
	struct modiso_region *data;
	void *at = UNTOUCHED;

	begin(MODISO_CONFINE_GUARD);
	data = make_region(module, PAGE, "data");
	/* Before anything was put. */
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, bytes));
	expect(MODISO_ERR_ACCESS,
	       modiso_mailbox_get(module, bytes, region_bytes(data), 0));
	expect(MODISO_OK, modiso_mailbox_reset(module, NULL));

	first = put(bytes, 64);
	expect(MODISO_ERR_INVAL, modiso_mailbox_put(NULL, bytes, 1, &at));
	expect(MODISO_ERR_INVAL, modiso_mailbox_put(module, bytes, 1, NULL));
	must_eq(at, UNTOUCHED);
	expect(MODISO_ERR_INVAL, modiso_mailbox_get(NULL, bytes, first, 1));
	expect(MODISO_ERR_INVAL, modiso_mailbox_get(module, NULL, first, 1));
	expect(MODISO_OK, modiso_mailbox_get(module, NULL, first, 0));
	expect(MODISO_OK, modiso_mailbox_get(module, bytes, first + 64, 0));
	expect(MODISO_ERR_ACCESS,
	       modiso_mailbox_get(module, bytes, first + 1, 64));
	expect(MODISO_ERR_ACCESS,
	       modiso_mailbox_get(module, bytes, first + 1, SIZE_MAX));
	expect(MODISO_ERR_ACCESS,
	       modiso_mailbox_get(module, bytes, first - 1, 1));
	expect(MODISO_ERR_ACCESS,
	       modiso_mailbox_get(module, bytes, region_bytes(data), 1));
	expect(MODISO_ERR_ACCESS, modiso_mailbox_get(other, bytes, first, 1));
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(NULL, first));
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(other, first));
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, first - 16));
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, first + 80));
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, first + 8));
	expect(MODISO_ERR_INVAL,
	       modiso_mailbox_reset(module, region_bytes(data)));
	must_eq(put(bytes, 1), first + 64);
	finish();
}
END_TEST

/* --- calls in calls --- */

static uintptr_t serve(uintptr_t depth)
{
	unsigned char bytes[100], *mine;

	memset(bytes, (int)depth, sizeof(bytes));
	mine = put(bytes, sizeof(bytes));
	if (depth < 5)
		enter(make_gate(module, ask_service), W(service), depth + 1);
	must(all_bytes(mine, (int)depth, sizeof(bytes)));
	if (depth == 3) /* it leaves that to who called it */
		return W(mine);
	reset(mine);
	return W(mine);
}

START_TEST(test_nested)
{
	unsigned char *first, *second;

	begin((uint32_t)_i);
	service = (service_fn *)make_service("service", serve);
	first = put("0123456789abcdef", 16);
	second = (unsigned char *)enter(make_gate(module, ask_service),
					W(service), 0);
	must_eq(second, first + 16);
	must(!memcmp(first, "0123456789abcdef", 16));
	must_eq(put("", 1), first + 16);
}
END_TEST

START_TEST(test_fault)
{
	void *first;
	int i;

	begin((uint32_t)_i);
	first = call_with_mail(7);
	for (i = 0; i < 50; i++) {
		must_eq(put("text", 5), first);
		enter_fault(module, summing, W(first), 3, 64);
		reset(first);
		must_eq(call_with_mail(7), first);
	}
	finish();
}
END_TEST

static void in_between(int signo)
{
	unsigned char *mine = put("handler", 8);

	(void)signo;
	must(!memcmp(mine, "handler", 8));
	reset(mine);
}

START_TEST(test_handler)
{
	struct sigaction action = {.sa_handler = in_between};
	unsigned char *first, *second;

	begin(MODISO_CONFINE_GUARD);
	must(!sigaction(SIGUSR1, &action, NULL));
	first = put("first", 6);
	must(!raise(SIGUSR1));
	second = put("second", 7);
	must_eq(second, first + 16);
	must(!memcmp(first, "first", 6));
	finish();
}
END_TEST

/* --- threads and fibers --- */

static void *on_thread(void *first)
{
	unsigned char byte, *mine = put("thread", 7);
	int i;

	if (first != NULL) {
		must(mine != first);
		expect(MODISO_ERR_ACCESS,
		       modiso_mailbox_get(module, &byte, first, 1));
		expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, first));
	}
	for (i = 0; i < 20; i++)
		call_with_mail(1);
	must(!memcmp(mine, "thread", 7));
	return mine; /* and ends with that in its mailbox */
}

START_TEST(test_threads)
{
	void *first, *theirs;
	pthread_t a, b;

	begin(MODISO_CONFINE_GUARD);
	first = put("mine", 5);
	theirs = thread_join(thread_start(on_thread, first));
	/* The next one has the mailbox of the one that has ended. */
	must_eq(thread_join(thread_start(on_thread, first)), theirs);
	if (on_pkey()) {
		a = thread_start(on_thread, first);
		b = thread_start(on_thread, first);
		thread_join(a);
		thread_join(b);
	}
	must(!memcmp(first, "mine", 5));
	expect(MODISO_OK, modiso_thread_detach());
	expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, first));
	put("again", 6);
	finish();
}
END_TEST

START_TEST(test_fiber)
{
	struct modiso_fiber *fiber;
	unsigned char *first;

	begin(MODISO_CONFINE_GUARD);
	first = put("thread's", 9);
	expect(MODISO_OK, modiso_fiber_create(&fiber));
	expect(MODISO_OK, modiso_fiber_switch(fiber));
	on_thread(first);
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	must(!memcmp(first, "thread's", 9));
	must_eq(put("", 1), first + 16);
	expect(MODISO_OK, modiso_fiber_destroy(fiber));
	finish();
}
END_TEST

/* --- the life of its memory --- */

START_TEST(test_life)
{
	unsigned char *first;
	int i;

	for (i = 0; i < 3; i++) {
		begin(MODISO_CONFINE_GUARD);
		first = put("left", 5);
		expect(MODISO_OK, modiso_snapshot_take(module));
		must(all_bytes(first, 0, 5));
		expect(MODISO_OK, modiso_copy_out(module, first, "more", 5));
		expect(MODISO_OK, modiso_snapshot_restore(module));
		must(all_bytes(first, 0, 5));
		must_eq(put("", 1), first + 16);
		expect(MODISO_OK, modiso_module_destroy(module));
		/* The number that stood for its mailboxes stands for others. */
		module = make_at(MODISO_CONFINE_GUARD, 0);
		summing = make_gate(module, sum_up);
		expect(MODISO_ERR_INVAL, modiso_mailbox_reset(module, first));
		call_with_mail(3);
		finish();
	}
}
END_TEST

/* An image with thread-local storage makes threads' stacks anew. */
START_TEST(test_tls)
{
	static const char path[] = "modules/tls-gcc.so";
	struct modiso_image_options options = {.struct_size = sizeof(options)};
	struct modiso_export exports[1] = {{"note", NULL}};
	struct modiso_service *note;
	struct modiso_image *image;
	unsigned char *first;

	if (access(path, R_OK) != 0)
		test_skip("gcc", "the tests were built without it");
	world_start();
	module = make_module("tls");
	expect(MODISO_OK, modiso_service_create("note", (modiso_fn)serve, NULL,
						&note));
	exports[0].service = note;
	options.exports = exports;
	options.export_count = 1;
	first = put("before", 7);
	expect(MODISO_OK, modiso_image_load(module, path, &options, &image));
	must(!memcmp(first, "before", 7));
	must_eq(put("", 1), first + 16);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(note));
	world_stop();
}
END_TEST

START_TEST(test_unmapped)
{
	unsigned char bytes[16], *first;
	void *at = UNTOUCHED;

	begin(MODISO_CONFINE_GUARD);
	first = put("here", 5);
	/* Against the rules, but no reason to crash. */
	pages_unmap(first, BOX / PAGE);
	expect(MODISO_ERR_FAULT, modiso_mailbox_get(module, bytes, first, 5));
	expect(MODISO_ERR_FAULT, modiso_mailbox_put(module, bytes, 16, &at));
	must_eq(at, UNTOUCHED);
	must_eq(put(NULL, 16), first + 16); /* no bytes, and room as before */
	finish();
}
END_TEST

START_TEST(test_sizes)
{
	struct modiso_module_options options = MODISO_MODULE_OPTIONS_INIT;
	struct modiso_module *made = UNTOUCHED;
	void *at = UNTOUCHED;

	world_start();
	options.mailbox_size = SIZE_MAX;
	expect(MODISO_ERR_INVAL,
	       modiso_module_create("wraps", &options, &made));
	options.mailbox_size = SIZE_MAX - 4094;
	expect(MODISO_ERR_INVAL,
	       modiso_module_create("wraps", &options, &made));
	must_eq(made, UNTOUCHED);
	/* More than the module has addresses: that is said when it is made. */
	options.mailbox_size = (size_t)4 << 30;
	expect(MODISO_OK, modiso_module_create("huge", &options, &made));
	expect(MODISO_ERR_LIMIT, modiso_mailbox_put(made, NULL, 1, &at));
	must_eq(at, UNTOUCHED);
	expect(MODISO_OK, modiso_module_destroy(made));
	world_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_round, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED + 1);
	tcase_add_test(tcase, test_room);
	tcase_add_test(tcase, test_refused);
	tcase_add_loop_test(tcase, test_nested, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED + 1);
	tcase_add_loop_test(tcase, test_fault, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED + 1);
	tcase_add_test(tcase, test_handler);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_fiber);
	tcase_add_test(tcase, test_life);
	tcase_add_test(tcase, test_tls);
	tcase_add_test(tcase, test_unmapped);
	tcase_add_test(tcase, test_sizes);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
