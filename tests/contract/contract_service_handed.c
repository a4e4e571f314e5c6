/* SPDX-License-Identifier: MIT */
/*
 * contract_service_handed - a service that touches a bad pointer of its
 * caller's ends the caller's call, where it has said that it may be left; and
 * what is the host's own fault stays that.
 */
#include "contract/handed_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include "os/critical.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What nobody is within 64 KiB of, and no program can have. */
#define NOT_CANONICAL ((uintptr_t)1 << 62)

enum { NOWHERE, CLOSED, CONSTANT, CUT, PAST, HOLE, WINDOW, HIGH, BAD };

static struct bad {
	uintptr_t at;
	bool stores;
	uint32_t kind;
} bad[BAD];

static void add(int which, const void *at, bool stores, uint32_t kind)
{
	bad[which] = (struct bad){W(at) + 8, stores, kind};
}

static void make_bad(void)
{
	struct modiso_region_options closed = MODISO_REGION_OPTIONS_INIT;
	struct modiso_region *region;
	unsigned char *cut;
	int file;

	closed.flags = MODISO_REGION_CLOSED;
	add(NOWHERE, pages_nowhere(), false, MODISO_FAULT_UNMAPPED);
	add(CLOSED, pages_map(1, 0), false, MODISO_FAULT_ACCESS);
	add(CONSTANT, pages_map(1, MODISO_READ), true, MODISO_FAULT_ACCESS);
	cut = pages_of_file(2, &file);
	add(CUT, cut, false, MODISO_FAULT_BUS);
	if (cut != NULL)
		file_cut(file, 0);
	region = make_region(module, PAGE, "own");
	add(PAST, region_bytes(region) + PAGE - 8, true, MODISO_FAULT_NONE);
	add(HOLE, region_bytes(region) + (PAGE << 10), true, MODISO_FAULT_NONE);
	if (on_pkey()) {
		expect(MODISO_OK,
		       modiso_region_create(NULL, PAGE, RW, &closed, &region));
		add(WINDOW, region_bytes(region), false, MODISO_FAULT_ACCESS);
	}
	add(HIGH, (void *)NOT_CANONICAL, true, MODISO_FAULT_UNMAPPED);
}

static void must_print(const struct modiso_fault *fault, const char *text)
{
	char printed[8192];
	FILE *out = tmpfile();

	must(out != NULL);
	modiso_fault_print(fault, out);
	rewind(out);
	printed[fread(printed, 1, sizeof(printed) - 1, out)] = '\0';
	must(!fclose(out));
	if (strstr(printed, text) == NULL)
		ck_abort_msg("no \"%s\" in:\n%s", text, printed);
}

START_TEST(test_bad)
{
	const struct bad *it = &bad[_i];
	const struct modiso_fault *fault;
	uintptr_t thunk;

	make_scene();
	make_bad();
	thunk = make_handed("touch", touch, 1);
	if (it->at == 8 || it->at == 0)
		return; /* there is none here */
	for (int round = 0; round < 100; round++) {
		fault = must_end_call(thunk, it->at, it->stores, it->at);
		if (it->kind != MODISO_FAULT_NONE)
			must_eq(fault->kind, it->kind);
		if (_i != HIGH)
			must_eq(fault->access, it->stores ? MODISO_WRITE
							  : MODISO_READ);
		must_eq(fault->pc, it->stores ? W(poke_store1) : W(poke_load1));
		must_str(fault->calls[0].service_name, "touch");
		must_eq(fault->calls[0].service_request, it->at);
		must_work(thunk);
	}
	must_print(fault, "in its call of service \"touch\"");
}
END_TEST

/* In any of six words, and in no other. */
MODISO_CALL static uintptr_t sixth(uintptr_t a, uintptr_t b, uintptr_t c,
				   uintptr_t d, uintptr_t e, uintptr_t f)
{
	(void)a, (void)b, (void)c, (void)d, (void)e;
	return touch(f, 0);
}

MODULE_CODE static uintptr_t call_sixth(uintptr_t thunk, uintptr_t at)
{
	return ((CALLED(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			uintptr_t, uintptr_t))thunk)(1, 2, 3, 4, 5, at);
}

START_TEST(test_sixth)
{
	const struct modiso_fault *fault;

	make_scene();
	fault = enter_fault(module, make_gate(module, call_sixth),
			    make_handed("sixth", sixth, 1 << 5),
			    W(pages_nowhere()));
	must_eq(fault->address, W(pages_nowhere()));
}
END_TEST

/* A service with words on its caller's stack, and a variadic one. */
MODISO_CALL static uintptr_t eighth(uintptr_t a, uintptr_t b, uintptr_t c,
				    uintptr_t d, uintptr_t e, uintptr_t f,
				    uintptr_t g, uintptr_t h)
{
	(void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
	return touch(a, h);
}

MODULE_CODE static uintptr_t call_eighth(uintptr_t thunk, uintptr_t at)
{
	return ((CALLED(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			uintptr_t, uintptr_t, uintptr_t, uintptr_t))
			thunk)(at, 2, 3, 4, 5, 6, 7, 0) + 1;
}

MODISO_CALL static uintptr_t variadic(struct modiso_arguments *arguments)
{
	return touch(modiso_argument_word(arguments), 0);
}

START_TEST(test_other_forms)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	unsigned char *at = pages_nowhere();
	struct modiso_service *service;
	uintptr_t thunk;

	make_scene();
	options.pointers = 1;
	options.word_args = 8;
	expect(MODISO_OK, modiso_service_create("eighth", (modiso_fn)eighth,
						&options, &service));
	must_eq(enter_fault(module, make_gate(module, call_eighth),
			    W(modiso_service_thunk(service)), W(at))->address,
		at);
	options.word_args = 0;
	options.flags = MODISO_SERVICE_VARIADIC;
	expect(MODISO_OK,
	       modiso_service_create("variadic", (modiso_fn)variadic, &options,
				     &service));
	thunk = W(modiso_service_thunk(service));
	must_end_call(thunk, W(at), 0, W(at));
}
END_TEST

START_TEST(test_refused)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service = UNTOUCHED;

	world_start();
	options.pointers = 1u << 6;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("seventh", (modiso_fn)touch, &options,
				     &service));
	must_eq(service, UNTOUCHED);
}
END_TEST

/* --- the innermost call alone --- */

static uintptr_t inner_thunk;

/* A call that ends so, with others that have ended so in it. */
static void must_end_outer(uintptr_t thunk, uintptr_t at)
{
	struct modiso_fault fault = MODISO_FAULT_INIT;

	expect(MODISO_ERR_FAULT,
	       modiso_gate_call(caller, WORDS(thunk, at, 0), NULL));
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.depth, 1);
	must_eq(fault.address, at);
	must_str(fault.calls[0].service_name, "outer");
	must_eq(fault.calls[0].service_request, at);
}

MODISO_CALL static uintptr_t outer(uintptr_t at, uintptr_t unused)
{
	const uintptr_t words[] = {inner_thunk, at, unused};
	const struct modiso_fault *fault;

	fault = enter_fault_words(module, caller, words, 3, __FILE__, __LINE__);
	must_eq(fault->depth, 2);
	must_eq(fault->address, at);
	must_str(fault->calls[0].service_name, "inner");
	must_eq(fault->calls[0].service_request, at);
	must_str(fault->calls[1].service_name, "outer");
	must_eq(fault->calls[1].service_request, at);
	/* And then what the outer one was handed. */
	return touch(at, 0);
}

START_TEST(test_nested)
{
	uintptr_t at = W(pages_nowhere()), thunk;

	make_scene();
	thunk = make_handed("outer", outer, 1);
	inner_thunk = make_handed("inner", touch, 1);
	for (int round = 0; round < 100; round++)
		must_end_outer(thunk, at);
	must_work(inner_thunk);
}
END_TEST

/* --- threads side by side --- */

#define ROUNDS 200

static volatile bool over;

static void *work(void *thunk)
{
	unsigned char byte = 0;
	struct modiso_gate *gate = caller;

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
		must_eq(enter(gate, (uintptr_t)thunk, W(&byte), 0), 1);
	return NULL;
}

MODISO_CALL static uintptr_t count(uintptr_t at, uintptr_t unused)
{
	(void)at, (void)unused;
	return 0;
}

START_TEST(test_beside)
{
	uintptr_t at = W(pages_nowhere()), thunk;
	pthread_t thread;

	make_scene();
	thunk = make_handed("touch", touch, 1);
	thread = thread_start(work, (void *)make_handed("count", count, 1));
	for (int round = 0; round < ROUNDS; round++)
		must_end_call(thunk, at, 0, at);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	thread_join(thread);
	must_work(thunk);
}
END_TEST

/* --- the host's own --- */

static unsigned char *nowhere;

MODISO_CALL static uintptr_t touch_other(uintptr_t at, uintptr_t unused)
{
	(void)at;
	return touch(W(nowhere), unused);
}

static void *touch_in_thread(void *at)
{
	touch(W(at), 0);
	return NULL;
}

MODISO_CALL static uintptr_t start_thread(uintptr_t at, uintptr_t unused)
{
	(void)unused;
	thread_join(thread_start(touch_in_thread, (void *)at));
	return 0;
}

MODISO_CALL static uintptr_t call_plain(uintptr_t at, uintptr_t unused)
{
	return enter(caller, inner_thunk, at, unused);
}

/* What the library does in its own, with a lock, is done or not at all. */
MODISO_CALL static uintptr_t touch_in_section(uintptr_t at, uintptr_t stores)
{
	mdi_critical_begin();
	return touch(at, stores);
}

MODISO_CALL static uintptr_t crash(uintptr_t at, uintptr_t unused)
{
	(void)at, (void)unused;
	poke_hlt();
	return 0;
}

static const struct {
	const char *name;
	uintptr_t(MODISO_CALL *function)(uintptr_t, uintptr_t);
	uint32_t pointers;
	size_t distance; /* from what is handed to what is not there */
} owns[] = {
	{"not asked for", touch, 0, 0},
	{"another word", touch, 1 << 1, 0},
	{"64 KiB before", touch_other, 1, 65537},
	{"64 KiB behind", touch_other, 1, (size_t)-65537},
	{"on another thread", start_thread, 1, 0},
	{"a service in it", call_plain, 1, 0},
	{"in a critical section", touch_in_section, 1, 0},
	{"no pointer at all", crash, 1, 0},
};

#define OWNS ((int)(sizeof(owns) / sizeof(*owns)))

static void fault_of_hosts(void *which)
{
	int i = *(int *)which;

	make_scene();
	nowhere = pages_nowhere();
	inner_thunk = make_handed("plain", touch, 0);
	(void)!modiso_gate_call(
		caller,
		WORDS(make_handed("own", owns[i].function, owns[i].pointers),
		      W(nowhere) + owns[i].distance, 0),
		NULL);
}

START_TEST(test_own)
{
	must_die(child_status(fault_of_hosts, &_i), SIGSEGV);
}
END_TEST

/* The last byte on either side. */
START_TEST(test_reach)
{
	uintptr_t thunk;

	make_scene();
	nowhere = pages_nowhere();
	thunk = make_handed("touch", touch_other, 1);
	must_end_call(thunk, W(nowhere) + 65536, 0, W(nowhere));
	must_end_call(thunk, W(nowhere) - 65536, 0, W(nowhere));
}
END_TEST

/* Host code that calls the thunk has no caller. */
static void call_from_host(void *unused)
{
	(void)unused;
	make_scene();
	call_it(make_handed("touch", touch, 1), W(pages_nowhere()), 0);
}

START_TEST(test_called_by_host)
{
	must_die(child_status(call_from_host, NULL), SIGSEGV);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service handed");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_bad, 0, BAD);
	tcase_add_test(tcase, test_sixth);
	tcase_add_test(tcase, test_other_forms);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_beside);
	tcase_add_loop_test(tcase, test_own, 0, OWNS);
	tcase_add_test(tcase, test_reach);
	tcase_add_test(tcase, test_called_by_host);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
