/* SPDX-License-Identifier: MIT */
/*
 * contract_cstring - functions of the C library as services: they do what the
 * C library's do, and touch nothing that the module could not have touched.
 */
#include "support/proc.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct calls {
	void *(MODISO_CALL *memcpy)(void *, const void *, size_t);
	void *(MODISO_CALL *memmove)(void *, const void *, size_t);
	void *(MODISO_CALL *memset)(void *, int, size_t);
	int (MODISO_CALL *memcmp)(const void *, const void *, size_t);
	void *(MODISO_CALL *memchr)(const void *, int, size_t);
	size_t (MODISO_CALL *strlen)(const char *);
	size_t (MODISO_CALL *strnlen)(const char *, size_t);
	int (MODISO_CALL *strcmp)(const char *, const char *);
	int (MODISO_CALL *strncmp)(const char *, const char *, size_t);
	char *(MODISO_CALL *strchr)(const char *, int);
	char *(MODISO_CALL *strrchr)(const char *, int);
	char *(MODISO_CALL *strstr)(const char *, const char *);
	char *(MODISO_CALL *strcpy)(char *, const char *);
	char *(MODISO_CALL *strncpy)(char *, const char *, size_t);
	char *(MODISO_CALL *strcat)(char *, const char *);
	char *(MODISO_CALL *strncat)(char *, const char *, size_t);
	char *(MODISO_CALL *strdup)(const char *);
	int (MODISO_CALL *snprintf)(char *, size_t, const char *, ...);
	int (MODISO_CALL *vsnprintf)(char *, size_t, const char *, MODULE_LIST);
	int (MODISO_CALL *sprintf)(char *, const char *, ...);
	int (MODISO_CALL *vsprintf)(char *, const char *, MODULE_LIST);
	void (MODISO_CALL *abort)(void);
	void (MODISO_CALL *exit)(int);
	void (MODISO_CALL *assert_fail)(const char *, const char *, unsigned,
					const char *);
};

#define COUNT (sizeof(struct calls) / sizeof(modiso_fn))

static struct modiso_module *module;
static struct modiso_region *own, *hosts;
static struct calls calls;
static uintptr_t all[COUNT]; /* the same, in their order */

static void begin(uint32_t level)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	const struct modiso_module_options sealed = {
		.struct_size = sizeof(sealed),
		.confinement = level,
	};
	struct modiso_service *service;
	modiso_fn function;
	const char *name;
	size_t i;

	if (level != MODISO_CONFINE_GUARD && !on_pkey())
		test_skip("SEALED", "it needs protection keys");
	world_start();
	expect(MODISO_OK, modiso_module_create("module", &sealed, &module));
	expect(MODISO_OK, modiso_heap_create(module, 16 * PAGE, NULL));
	own = make_region(module, 16 * PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	for (i = 0; (name = modiso_libc_name(i)) != NULL; i++) {
		must(i < COUNT);
		function = modiso_libc_function(name, &options.flags);
		must(function != NULL);
		expect(MODISO_OK, modiso_service_create(name, function,
							&options, &service));
		all[i] = W(modiso_service_thunk(service));
	}
	must_eq(i, COUNT);
	memcpy(&calls, all, sizeof(calls));
	/* A SEALED module reads them in its own memory. */
	memcpy(region_bytes(own), &calls, sizeof(calls));
}

static char *place(size_t at, const char *text)
{
	char *to = (char *)region_bytes(own) + at;

	memcpy(to, text, strlen(text) + 1);
	return to;
}

MODULE_CODE static int list(const struct calls *call, char *to, size_t size,
			    const char *format, ...)
{
	MODULE_LIST arguments;
	int result;

	module_list_start(arguments, format);
	result = size != 0 ? (call->vsnprintf)(to, size, format, arguments)
			   : (call->vsprintf)(to, format, arguments);
	module_list_end(arguments);
	return result;
}

#define NEED(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			return __LINE__;                                       \
	} while (0)

/* @a is "hello, world"; @b has room, 9000 bytes of it. */
MODULE_CODE static uintptr_t use_memory(const struct calls *call, char *a,
					char *b)
{
	volatile size_t i; /* no loop of vectors: their constants are ours */

	NEED(call->memset(b, 7, 9000) == b && b[0] == 7 && b[8999] == 7);
	for (i = 0; i < 5000; i++)
		b[i] = (char)(i % 101);
	NEED(call->memmove(b + 3, b, 5000) == b + 3);
	for (i = 0; i < 5000; i++)
		NEED(b[i + 3] == (char)(i % 101));
	NEED(call->memmove(b, b + 3, 5000) == b);
	for (i = 0; i < 5000; i++)
		NEED(b[i] == (char)(i % 101));
	NEED(call->memcpy(b + 5000, b, 3000) == b + 5000);
	NEED(call->memcmp(b + 5000, b, 3000) == 0);
	b[7999]++;
	NEED(call->memcmp(b + 5000, b, 3000) > 0);
	NEED(call->memcmp(b, b + 5000, 3000) < 0);
	NEED(call->memcmp(b, b + 5000, 2999) == 0);
	NEED(call->memcmp(a, b, 0) == 0);
	b[4000] = (char)0x80;
	NEED(call->memchr(b, 0x80, 9000) == b + 4000);
	NEED(call->memchr(b, 0x80, 4000) == (void *)0);
	return 0;
}

MODULE_CODE static uintptr_t use_strings(const struct calls *call, char *a,
					 char *b)
{
	char *copy;

	NEED(call->strlen(a) == 12 && call->strnlen(a, 5) == 5);
	NEED(call->strnlen(a, 100) == 12);
	NEED(call->strcmp(a, a) == 0 && call->strcmp(a, a + 1) > 0);
	NEED(call->strncmp(a, a, 100) == 0);
	NEED(call->strchr(a, 'o') == a + 4 && call->strrchr(a, 'o') == a + 8);
	NEED(call->strchr(a, 0) == a + 12 && call->strrchr(a, 0) == a + 12);
	NEED(!call->strchr(a, 'x') && !call->strrchr(a, 'x'));
	NEED(call->strstr(a, a + 7) == a + 7 && call->strstr(a, a + 12) == a);
	NEED(!call->strstr(a + 8, a));
	NEED(call->strcpy(b, a) == b && call->strcmp(a, b) == 0);
	NEED(call->strcat(b, a) == b && call->strlen(b) == 24);
	NEED(call->strncat(b, a, 3) == b && call->strlen(b) == 27);
	b[6] = 1;
	NEED(call->strncpy(b, a, 5) == b && b[5] == ',' && b[4] == 'o');
	NEED(call->strncpy(b, a, 20) == b && b[12] == 0 && b[19] == 0);
	NEED(b[20] == 'o');
	copy = call->strdup(a);
	NEED(copy && copy != a && call->strcmp(copy, a) == 0);
	return 0;
}

MODULE_CODE static uintptr_t use_formats(const struct calls *call, char *a,
					 char *b)
{
	/* "%s is %.2f" lies behind the greeting. */
	const char *format = a + 13;

	NEED((call->snprintf)(b, 100, format, a, 2.5) == 20);
	NEED(call->strlen(b) == 20 && b[19] == '0' && b[16] == '2');
	NEED((call->snprintf)(b, 6, format, a, 2.5) == 20);
	NEED(call->strlen(b) == 5);
	NEED((call->snprintf)((char *)0, 0, format, a, 2.5) == 20);
	NEED((call->sprintf)(b, format, a, 3.25) == 20 && b[16] == '3');
	NEED(list(call, b, 100, format, a, 4.25) == 20 && b[16] == '4');
	NEED(list(call, b, 0, format, a, 5.25) == 20 && b[16] == '5');
	b[0] = '%';
	b[1] = 'n';
	b[2] = 0;
	NEED((call->snprintf)(b + 10, 10, b, b + 50) == -1);
	return 0;
}

static void use(const char *what, uintptr_t entry)
{
	char *text = place(PAGE, "hello, world");
	uintptr_t line;

	place(PAGE + 13, "%s is %.2f");
	line = enter(make_gate(module, entry), W(region_bytes(own)), W(text),
		     W(region_bytes(own) + 2 * PAGE));
	if (line != 0)
		ck_abort_msg("%s: line %zu", what, (size_t)line);
}

START_TEST(test_all)
{
	begin((uint32_t)_i);
	use("memory", W(use_memory));
	use("strings", W(use_strings));
	/* The numbers in its code are constants of the program. */
	if (_i != MODISO_CONFINE_SEALED)
		use("formats", W(use_formats));
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* --- a bad pointer at each place --- */

typedef MODISO_CALL uintptr_t any_call(uintptr_t, uintptr_t, uintptr_t,
				       uintptr_t);

MODULE_CODE static uintptr_t call_with(any_call *function, uintptr_t a,
				       uintptr_t b, uintptr_t c, uintptr_t d)
{
	return function(a, b, c, d) + 0;
}

/* P: a pointer to text; L: a length; F: a format; V: a va_list; -: nothing */
static const char *const shapes[COUNT] = {
	"PPL-", "PPL-", "PCL-", "PPL-", "PCL-", "P---", "PL--", "PP--",
	"PPL-", "PC--", "PC--", "PP--", "PP--", "PPL-", "PP--", "PPL-",
	"P---", "PLP-", "PLPP", "PP--", "PPP-", "----", "----", "----",
};

static void call_badly(size_t which, uintptr_t bad)
{
	struct modiso_gate *gate = make_gate(module, call_with);
	uintptr_t words[4], text = W(place(2 * PAGE, "text"));
	const struct modiso_fault *fault;
	size_t place, i;

	for (place = 0; place < 4; place++) {
		if (shapes[which][place] != 'P')
			continue;
		for (i = 0; i < 4; i++)
			words[i] = shapes[which][i] == 'P' ? text :
				   shapes[which][i] == 'C' ? 'x' :
							     5;
		words[place] = bad;
		fault = enter_fault(module, gate, all[which], words[0],
				    words[1], words[2], words[3]);
		must_eq(fault->kind, MODISO_FAULT_ACCESS);
		must_str(fault->calls[0].service_name,
			 modiso_libc_name(which));
		must_eq(fault->signo, 0);
	}
}

/* As the C library's, of texts that are nearly alike everywhere. */
START_TEST(test_search)
{
	enum { MANY = 200, LONG = 1 << 18 };
	unsigned seed = 1, n;
	char text[MANY], *large;

	begin(MODISO_CONFINE_GUARD);
	for (unsigned round = 0; round < 3000; round++) {
		char wanted[8];

		for (n = 0; n < MANY - 1; n++) {
			seed = seed * 1103515245 + 12345;
			text[n] = (char)('a' + (seed >> 16) % 2);
		}
		text[seed >> 8 & 63 ? MANY - 1 : seed >> 16 & 63] = '\0';
		text[MANY - 1] = '\0';
		memcpy(wanted, text + (seed >> 20) % 64, sizeof(wanted));
		wanted[0] ^= (char)(seed >> 30 == 0);
		wanted[(seed >> 12) % 8] = '\0';
		must(calls.strstr(text, wanted) == strstr(text, wanted));
		must(calls.strrchr(text, wanted[0]) ==
		     strrchr(text, wanted[0]));
	}
	/* Half a minute for who compares at each place. */
	large = malloc(LONG);
	must(large != NULL);
	memset(large, 'a', LONG - 1);
	large[LONG - 1] = '\0';
	large[LONG / 2] = 'b';
	must(calls.strrchr(large, 'a') == large + LONG - 2);
	must(calls.strstr(large + 7, large + 8) == large + 8);
	large[LONG - 2] = 'b';
	must(calls.strstr(large, large + LONG / 2 + 1) == large + 3);
	free(large);
}
END_TEST

START_TEST(test_bad_pointers)
{
	unsigned char *secret;
	size_t which;

	begin((uint32_t)_i);
	secret = region_bytes(hosts);
	memset(secret, 's', PAGE);
	for (which = 0; which < COUNT; which++) {
		call_badly(which, 8);
		call_badly(which, W(secret));
		call_badly(which, (uintptr_t)1 << 63);
		call_badly(which, UINTPTR_MAX);
		if (_i == MODISO_CONFINE_SEALED)
			call_badly(which, W(&module));
	}
	must(all_bytes(secret, 's', PAGE));
}
END_TEST

/* A range that begins well: nothing is written before that is found. */
START_TEST(test_ends)
{
	struct modiso_gate *gate;
	const struct modiso_fault *fault;
	unsigned char *last;

	begin(MODISO_CONFINE_SEALED);
	gate = make_gate(module, call_with);
	last = region_bytes(own) + 16 * PAGE - 3;
	memset(last, 'x', 3);
	fault = enter_fault(module, gate, W(calls.memset), W(last), 'y', 4, 0);
	must_eq(fault->address, W(last + 3));
	fault = enter_fault(module, gate, W(calls.memcpy), W(last),
			    W(last - 9), 4, 0);
	must_eq(fault->address, W(last + 3));
	fault = enter_fault(module, gate, W(calls.strlen), W(last), 0, 0, 0);
	must_eq(fault->address, W(last + 3));
	must_eq(fault->access, MODISO_READ);
	fault = enter_fault(module, gate, W(calls.memset), W(last), 'y',
			    SIZE_MAX, 0);
	must(all_bytes(last, 'x', 3));
	must_eq(enter(gate, W(calls.strnlen), W(last), 3, 0, 0), 3);
}
END_TEST

START_TEST(test_leaving)
{
	struct modiso_gate *gate;
	const struct modiso_fault *fault;

	begin((uint32_t)_i);
	gate = make_gate(module, call_with);
	fault = enter_fault(module, gate, W(calls.abort), 0, 0, 0, 0);
	must_eq(fault->kind, MODISO_FAULT_ABORT);
	fault = enter_fault(module, gate, W(calls.exit), 3, 0, 0, 0);
	must_eq(fault->kind, MODISO_FAULT_EXIT);
	must_eq(fault->code, 3);
	fault = enter_fault(module, gate, W(calls.assert_fail), 8, 8, 8, 8);
	must_eq(fault->kind, MODISO_FAULT_ABORT);
}
END_TEST

START_TEST(test_names)
{
	uint32_t flags = 77;

	must_eq(modiso_libc_function("system", &flags), NULL);
	must_eq(modiso_libc_function(NULL, &flags), NULL);
	must_eq(modiso_libc_function("memcpy", NULL), NULL);
	must_eq(flags, 77);
	must_eq(modiso_libc_name(SIZE_MAX), NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cstring");
	TCase *tcase = tcase_create("contract");
	const int step = MODISO_CONFINE_SEALED + 1;

	tcase_add_test(tcase, test_search);
	tcase_add_loop_test(tcase, test_all, MODISO_CONFINE_GUARD, step);
	tcase_add_loop_test(tcase, test_bad_pointers, MODISO_CONFINE_GUARD,
			    step);
	tcase_add_test(tcase, test_ends);
	tcase_add_loop_test(tcase, test_leaving, MODISO_CONFINE_GUARD, step);
	tcase_add_test(tcase, test_names);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
