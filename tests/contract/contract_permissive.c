/* SPDX-License-Identifier: MIT */
/*
 * contract_permissive - modules that are watched and not stopped: what
 * isolation forbids passes once and is counted, and nothing else does.
 */
#include "support/json.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct modiso_module *watched, *other;
static struct modiso_region *foreign, *guarded;
static struct modiso_gate *load, *store;

static struct modiso_module *make_watched(const char *name, uint32_t level)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
		.flags = MODISO_MODULE_PERMISSIVE,
	};
	struct modiso_module *made;

	expect(MODISO_OK, modiso_module_create(name, &options, &made));
	return made;
}

static void make_scene(void)
{
	world_start();
	watched = make_watched("watched", MODISO_CONFINE_GUARD);
	other = make_module("other");
	foreign = make_region(other, 4 * PAGE, "foreign");
	guarded = make_region(NULL, PAGE, "guarded");
	load = make_gate(watched, poke_load1);
	store = make_gate(watched, poke_store1);
}

/* One access was let pass since @before, or as many as that. */
static void must_pass(uint64_t before, uint64_t accesses)
{
	must_eq(modiso_permitted_count() - before, accesses);
}

START_TEST(test_pass)
{
	struct modiso_gate *theirs;
	unsigned char *byte;
	uint64_t before;

	make_scene();
	for (int i = 0; i < 2; i++) {
		byte = region_bytes(i == 0 ? foreign : guarded) + 17;
		*byte = 5;
		for (unsigned char n = 0; n < 3; n++) {
			before = modiso_permitted_count();
			must_eq(enter(load, W(byte)), 5 + n);
			must_pass(before, 1);
			enter(store, W(byte), 6u + n);
			must_pass(before, 2);
			must_eq(*byte, 6 + n);
		}
	}
	/* Nothing of it is a fault, and nobody else has a right to it. */
	must_eq(modiso_fault_count(), 0);
	byte = region_bytes(guarded);
	theirs = make_gate(other, poke_load1);
	must_blame(enter_fault(other, theirs, W(byte)), MODISO_READ, byte,
		   guarded);
	/* The host's own accesses count nothing. */
	before = modiso_permitted_count();
	region_bytes(foreign)[0] = region_bytes(guarded)[0];
	must_pass(before, 0);
}
END_TEST

/* One instruction with two pages, two regions, and many times over. */
START_TEST(test_one_instruction)
{
	struct modiso_gate *wide, *copy;
	unsigned char *bytes;
	uint64_t before;

	make_scene();
	bytes = region_bytes(foreign);
	wide = make_gate(watched, poke_store16);
	before = modiso_permitted_count();
	enter(wide, W(bytes + PAGE - 8));
	/* With keys one access opens both pages: they have one key. */
	must_pass(before, on_pkey() ? 1 : 2);
	memset(bytes, 7, 64);
	memset(region_bytes(guarded), 0, 64);
	copy = make_gate(watched, poke_copy);
	before = modiso_permitted_count();
	enter(copy, W(region_bytes(guarded)), W(bytes), 64);
	must(modiso_permitted_count() - before >= 2);
	must(!memcmp(region_bytes(guarded), bytes, 64));
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* What would have gone wrong without the library goes wrong. */
START_TEST(test_faults)
{
	struct modiso_region *own;
	uint64_t before;

	make_scene();
	own = make_region(watched, PAGE, "constant");
	expect(MODISO_OK, modiso_region_protect(own, MODISO_READ));
	before = modiso_permitted_count();
	must_eq(enter_fault(watched, load, 0)->kind, MODISO_FAULT_UNMAPPED);
	must_eq(enter_fault(watched, store, W(region_bytes(own)), 1)->kind,
		MODISO_FAULT_ACCESS);
	must_eq(enter_fault(watched, make_gate(watched, poke_recurse), 0)->kind,
		MODISO_FAULT_STACK);
	must_eq(enter_fault(watched, make_gate(watched, poke_ud2), 0)->kind,
		MODISO_FAULT_ILLEGAL);
	must_eq(enter_fault(watched, make_gate(watched, poke_int3), 0)->kind,
		MODISO_FAULT_TRAP);
	/* A constant of another's is as constant to the host. */
	expect(MODISO_OK, modiso_region_protect(foreign, MODISO_READ));
	must_eq(enter_fault(watched, store, W(region_bytes(foreign)), 1)->kind,
		MODISO_FAULT_ACCESS);
	/* The library's own memory is no part of the program. */
	if (on_pkey())
		must_eq(enter_fault(watched, load, W(watched))->kind,
			MODISO_FAULT_ACCESS);
	must_pass(before, 0);
	must_eq(enter(load, W(region_bytes(foreign))), 0);
	must_pass(before, 1);
}
END_TEST

static unsigned char global[64];

/* Memory in no region: the level alone closes it. */
START_TEST(test_confined)
{
	static const uint32_t levels[] = {MODISO_CONFINE_READONLY,
					  MODISO_CONFINE_SEALED};
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	struct modiso_module *module;
	uint64_t before;

	world_start();
	expect(MODISO_OK,
	       modiso_backend_query(modiso_backend_current(), &info));
	if (!(info.caps & MODISO_CAP_SEALED))
		return; /* the level is refused: contract_confine */
	module = make_watched("confined", levels[_i]);
	global[0] = 3;
	before = modiso_permitted_count();
	must_eq(enter(make_gate(module, poke_load1), W(global)), 3);
	must_pass(before, levels[_i] == MODISO_CONFINE_SEALED);
	before = modiso_permitted_count();
	enter(make_gate(module, poke_store1), W(global), 4);
	must_eq(global[0], 4);
	must_pass(before, 1);
}
END_TEST

static uintptr_t serve(uintptr_t value)
{
	return value + 1;
}

static uintptr_t (*listed_thunk)(uintptr_t);

MODULE_CODE static uintptr_t call_listed(uintptr_t value)
{
	return listed_thunk(value) + 1;
}

START_TEST(test_service)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};
	struct modiso_service *service;
	uint64_t before;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)serve,
						&options, &service));
	listed_thunk =
		(uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	before = modiso_permitted_count();
	must_eq(enter(make_gate(watched, call_listed), 40), 42);
	must_pass(before, 1);
	expect(MODISO_OK, modiso_service_allow(service, watched));
	must_eq(enter(make_gate(watched, call_listed), 40), 42);
	must_pass(before, 1);
	must_eq(enter_fault(other, make_gate(other, call_listed), 40)->kind,
		MODISO_FAULT_SERVICE);
	expect(MODISO_OK, modiso_service_destroy(service));
}
END_TEST

/* --- threads and signals --- */

#define THREADS 4

MODULE_CODE static uintptr_t count_up(volatile uint64_t *number,
				      uintptr_t times)
{
	for (uintptr_t i = 0; i < times; i++)
		*number += 1;
	return *number;
}

static unsigned long rounds;

static void *count_in_module(void *number)
{
	struct modiso_gate *gate = make_gate(watched, count_up);

	enter(gate, W(number), rounds);
	return NULL;
}

/* All on one page, which opens and closes under each of them. */
START_TEST(test_threads)
{
	uint64_t *numbers, before;
	pthread_t thread[THREADS];

	make_scene();
	rounds = run_times(200, 20);
	numbers = (uint64_t *)(void *)region_bytes(foreign);
	before = modiso_permitted_count();
	for (int i = 0; i < THREADS; i++)
		must_eq(pthread_create(&thread[i], NULL, count_in_module,
				       &numbers[i]),
			0);
	for (int i = 0; i < THREADS; i++)
		must_eq(pthread_join(thread[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		must_eq(numbers[i], rounds);
	if (on_pkey())
		must(modiso_permitted_count() - before >= THREADS * rounds);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static struct modiso_gate *nested;
static uint64_t *handled, host_number;
static pthread_t sender_of;
static int signal_sent;
static unsigned long arrived, wanted;
static sem_t came; /* posted as often */

/*
 * Calls a module of the same kind, where no signal of faults is blocked. One of
 * these that somebody sends can come in any code of the library's, so what it
 * may touch is in no region.
 */
static void handle(int signo)
{
	if (signo == SIGUSR1)
		enter(nested, W(handled), 1);
	else
		++host_number;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELAXED);
	sem_post(&came);
}

static void wait_for_one(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 2000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)!sem_timedwait(&came, &until);
}

/*
 * One after the other, at whatever instruction the thread is by then. The
 * kernel drops one that comes while the same signal is on its way for a fault:
 * then another one is sent.
 */
static void *send_signals(void *arg)
{
	(void)arg;
	while (__atomic_load_n(&arrived, __ATOMIC_RELAXED) < wanted) {
		pthread_sigqueue(sender_of, signal_sent,
				 (union sigval){.sival_int = 1});
		wait_for_one();
	}
	return NULL;
}

/*
 * Signals that come all the time, a fault's among them, which no step keeps
 * away: each store is done once, whatever came between.
 */
START_TEST(test_signals)
{
	static const int signals[] = {SIGUSR1, SIGSEGV, SIGTRAP};
	struct sigaction action = {.sa_handler = handle};
	unsigned long calls = 0;
	uint64_t *numbers;
	pthread_t thread;

	make_scene();
	wanted = run_times(2000, 50);
	rounds = 20;
	numbers = (uint64_t *)(void *)region_bytes(foreign);
	handled = signals[_i] == SIGUSR1 ? &numbers[8] : &host_number;
	nested = make_gate(watched, count_up);
	signal_sent = signals[_i];
	must(!sigaction(signal_sent, &action, NULL));
	sender_of = pthread_self();
	must(!sem_init(&came, 0, 0));
	must_eq(pthread_create(&thread, NULL, send_signals, NULL), 0);
	for (; __atomic_load_n(&arrived, __ATOMIC_RELAXED) < wanted; calls++)
		enter(nested, W(numbers), rounds);
	must_eq(pthread_join(thread, NULL), 0);
	must_eq(*numbers, calls * rounds);
	must_eq(*handled, arrived);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* What a signal's handler may do in the module's time is what it always may */
START_TEST(test_mask)
{
	sigset_t blocked, now;
	uint64_t before;

	make_scene();
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	must(!pthread_sigmask(SIG_SETMASK, &blocked, NULL));
	before = modiso_permitted_count();
	enter(store, W(region_bytes(foreign)), 1);
	must_pass(before, 1);
	must(!pthread_sigmask(SIG_SETMASK, NULL, &now));
	must(sigismember(&now, SIGUSR2));
	must(!sigismember(&now, SIGUSR1));
	must(!sigismember(&now, SIGTERM));
}
END_TEST

static void *touch_foreign(void *arg)
{
	*(volatile unsigned char *)arg = 9;
	return arg;
}

MODULE_CODE static uintptr_t make_thread(unsigned char *byte)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, touch_foreign, byte) != 0)
		return 1;
	return (uintptr_t)pthread_join(thread, NULL);
}

/* A thread that the module has made: with page permissions it is the host's */
START_TEST(test_own_thread)
{
	uint64_t before;

	make_scene();
	before = modiso_permitted_count();
	if (on_pkey()) {
		must_eq(enter(make_gate(watched, make_thread),
			      W(region_bytes(foreign))),
			0);
		must_eq(region_bytes(foreign)[0], 9);
		must(modiso_permitted_count() > before);
	}
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* --- the table --- */

MODULE_CODE static uintptr_t first_place(volatile unsigned char *byte)
{
	*byte = 1;
	return 0;
}

MODULE_CODE static uintptr_t second_place(volatile unsigned char *byte)
{
	return *byte;
}

static char *table(int (*print)(FILE *stream))
{
	FILE *stream = tmpfile();

	must(stream);
	expect(MODISO_OK, print(stream));
	return stream_text(stream);
}

static void touch_both(void)
{
	struct modiso_gate *first = make_gate(watched, first_place);
	struct modiso_gate *second = make_gate(watched, second_place);

	for (int i = 0; i < 3; i++)
		enter(first, W(region_bytes(foreign)));
	enter(second, W(region_bytes(guarded)));
	expect(MODISO_OK, modiso_gate_destroy(first));
	expect(MODISO_OK, modiso_gate_destroy(second));
}

static void must_have(const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		ck_abort_msg("no \"%s\" in: %s", words, text);
}

START_TEST(test_table)
{
	char *text, *json;

	make_scene();
	text = table(modiso_permitted_print);
	must_str(text, "# libmodiso let 0 accesses pass, at 0 places\n");
	free(text);
	touch_both();
	text = table(modiso_permitted_print);
	must_have(text, "# libmodiso let 4 accesses pass, at 2 places\n");
	must_have(text, "          3  access   module \"watched\" wrote to "
			"memory that is not its own: region \"foreign\" of "
			"module \"other\", ");
	must_have(text, "          1  access   module \"watched\" read memory "
			"that is not its own: region \"guarded\" of the host");
	json = table(modiso_permitted_print_json);
	must(json_valid(json));
	must_have(json, "{\"version\":1,\"accesses\":4,\"elsewhere\":0,");
	must_have(json, "\"count\":3,\"known\":false,\"kind\":\"access\","
			"\"access\":\"write\",\"module\":\"watched\"");
	free(text);
	free(json);
	/* It stays when the module has gone, and is the next one's as well. */
	expect(MODISO_OK, modiso_module_destroy(watched));
	watched = make_watched("watched", MODISO_CONFINE_GUARD);
	touch_both();
	text = table(modiso_permitted_print);
	must_have(text, "# libmodiso let 8 accesses pass, at 2 places\n");
	must_have(text, "          6  access   module");
	free(text);
	expect(MODISO_ERR_INVAL, modiso_permitted_print(NULL));
	expect(MODISO_ERR_INVAL, modiso_permitted_print_json(NULL));
}
END_TEST

/* The file that the table is, from one run to the next. */
START_TEST(test_known)
{
	char path[] = "/tmp/modiso-known-XXXXXX", options[128];
	int file = mkstemp(path);
	FILE *stream = fdopen(file, "w");
	char *text;

	must(stream);
	make_scene();
	touch_both();
	expect(MODISO_OK, modiso_permitted_print(stream));
	must(!fclose(stream));
	expect(MODISO_OK, modiso_module_destroy(watched));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(guarded));
	expect(MODISO_OK, modiso_fini());
	snprintf(options, sizeof(options), "known_sites=%s", path);
	must(!setenv("MODISO_OPTIONS", options, 1));
	make_scene();
	touch_both();
	enter(store, W(region_bytes(foreign)), 1);
	text = table(modiso_permitted_print);
	must_have(text, "# libmodiso let 5 accesses pass, at 1 place and 2 "
			"known ones\n");
	must(strstr(text, "\"guarded\"") == NULL);
	free(text);
	text = table(modiso_permitted_print_json);
	must_have(text, "\"known\":true");
	free(text);
	expect(MODISO_OK, modiso_module_destroy(watched));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(guarded));
	expect(MODISO_OK, modiso_fini());
	must(!unlink(path));
	expect(MODISO_ERR_OS, modiso_init(NULL));
	must_have(modiso_last_error_text(), path);
	must(!unsetenv("MODISO_OPTIONS"));
}
END_TEST

/* More places than there is room for are one. */
START_TEST(test_many_places)
{
	struct modiso_region *region;
	char *text;

	make_scene();
	for (int i = 0; i < 1028; i++) {
		char name[32];

		snprintf(name, sizeof(name), "region %d", i);
		region = make_region(other, PAGE, name);
		enter(store, W(region_bytes(region)), 1);
		expect(MODISO_OK, modiso_region_destroy(region));
	}
	text = table(modiso_permitted_print);
	must_have(text, "# libmodiso let 1028 accesses pass, at 1 place\n"
			"# 4 of them at other places: the table holds 1024\n");
	must_have(text, " 1024  access   module");
	free(text);
}
END_TEST

START_TEST(test_off)
{
	make_scene();
	/* A module that is not watched is stopped, in a program that has one */
	must_eq(enter_fault(other, make_gate(other, poke_load1),
			    W(region_bytes(guarded)))
			->kind,
		MODISO_FAULT_ACCESS);
	must_eq(modiso_permitted_count(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("permissive");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_pass);
	tcase_add_test(tcase, test_one_instruction);
	tcase_add_test(tcase, test_faults);
	tcase_add_loop_test(tcase, test_confined, 0, 2);
	tcase_add_test(tcase, test_service);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_signals);
	/* A fault's signals go to the library's own handlers at once. */
	add_loop_test_but_tsan(tcase, test_signals, 1, 3,
			       "it may be sent one while it holds its locks");
	tcase_add_test(tcase, test_mask);
	tcase_add_test(tcase, test_own_thread);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_known);
	tcase_add_test(tcase, test_many_places);
	tcase_add_test(tcase, test_off);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
