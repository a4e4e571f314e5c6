/* SPDX-License-Identifier: MIT */
/*
 * contract_arguments - services with variable arguments: what the module has
 * passed arrives, wherever the calling convention puts it, and what it names is
 * read by its own rights.
 */
#include "support/world.h"
#include "support/poke.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#define SIZE 512

MODISO_CALL typedef uintptr_t logger_fn(uintptr_t level, const char *format,
					 ...);
MODISO_CALL typedef uintptr_t vlogger_fn(const char *format, const void *list);

static struct modiso_module *module;
static struct modiso_region *own;
static logger_fn *logger;
static vlogger_fn *vlogger;
static char told[SIZE];
static size_t told_length;
static int told_code;
static uintptr_t told_level;

MODISO_CALL static uintptr_t tell(struct modiso_arguments *arguments)
{
	const char *format;

	told_level = modiso_argument_word(arguments);
	format = (const char *)modiso_argument_word(arguments);
	told_length = 0;
	memset(told, '#', sizeof(told));
	told_code = modiso_arguments_format(arguments, format, told,
					    sizeof(told), &told_length);
	return told_level + 1;
}

MODISO_CALL static uintptr_t vtell(const char *format, const void *list)
{
	told_code = modiso_arguments_vformat(list, format, told, sizeof(told),
					     &told_length);
	return 1;
}

static void begin(uint32_t level)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
	};
	struct modiso_service_options variadic = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service;

	if (level != MODISO_CONFINE_GUARD && !on_pkey())
		test_skip("READONLY, SEALED", "they need protection keys");
	world_start();
	expect(MODISO_OK, modiso_module_create("unit", &options, &module));
	own = make_region(module, 4 * PAGE, "own");
	variadic.flags = MODISO_SERVICE_VARIADIC;
	expect(MODISO_OK, modiso_service_create("logger", (modiso_fn)tell,
						&variadic, &service));
	logger = (logger_fn *)modiso_service_thunk(service);
	vlogger = (vlogger_fn *)make_service("vlogger", vtell);
}

static char *place(size_t at, const char *text)
{
	char *to = (char *)region_bytes(own) + at;

	memcpy(to, text, strlen(text) + 1);
	return to;
}

/* --- every argument there is --- */

#define MANY                                                                   \
	"%d %u %ld %lld %zu %hhd %hd %x %lX %o %c|%5d|%-5d|%05d|%+d|% d|%#x "  \
	"%s %.3s|%6s|%-6s| %f %.2f %e %g %a %Lf %Lg %p %% %jd %td %*d %.*f %i"
/* With what is a long here: that of a module has 64 bits everywhere. */
#define MANY_OF(text, long_)                                                   \
	-1, 2u, (long_)-3, -4ll, (size_t)5,                                    \
		(signed char)-6, (short)-7, 0xau, (long_)0xb, 8u, 'c', 12, 13, \
		14, 15, 16, 17, text, text, text, text, 1.5, 2.125, 1e100,     \
		0.1, 3.5, 4.25L, 1e300L, (void *)0x1234, (intmax_t)-18,        \
		(ptrdiff_t)-19, -7, 20, 3, 0.5, 21

MODULE_CODE static uintptr_t log_many(logger_fn *log, const char *format,
				      const char *text)
{
	return log(7, format, MANY_OF(text, int64_t));
}

MODULE_CODE static uintptr_t log_list(vlogger_fn *log, const char *format, ...)
{
	uintptr_t result;
	MODULE_LIST list;

	module_list_start(list, format);
	result = log(format, list);
	module_list_end(list);
	return result;
}

MODULE_CODE static uintptr_t log_many_by_list(vlogger_fn *log,
					      const char *format,
					      const char *text)
{
	return log_list(log, format, MANY_OF(text, int64_t));
}

START_TEST(test_many)
{
	char *format, *text, wanted[SIZE];

	begin((uint32_t)_i);
	format = place(0, MANY);
	text = place(PAGE, "text");
	snprintf(wanted, sizeof(wanted), MANY, MANY_OF("text", long));
	must_eq(enter(make_gate(module, log_many), W(logger), W(format),
		      W(text)), 8);
	must_eq(told_code, MODISO_OK);
	must_eq(told_level, 7);
	must_str(told, wanted);
	must_eq(told_length, strlen(wanted));
	memset(told, 0, sizeof(told));
	must_eq(enter(make_gate(module, log_many_by_list), W(vlogger),
		      W(format), W(text)), 1);
	must_eq(told_code, MODISO_OK);
	must_str(told, wanted);
}
END_TEST

/* --- one at a time, and what is refused --- */

MODULE_CODE static uintptr_t log_word(logger_fn *log, const char *format,
				      uintptr_t word)
{
	return log(1, format, word);
}

static int log_one(const char *format, uintptr_t word)
{
	enter(make_gate(module, log_word), W(logger), W(place(0, format)),
	      word);
	return told_code;
}

/* As the calling convention has a va_list: all is on the stack. */
struct list {
	uint32_t word, number;
	const void *stack, *saved;
};

MODULE_CODE static uintptr_t log_made(vlogger_fn *log, const char *format,
				      const struct list *list)
{
	return log(format, list);
}

/* A service's time is what it makes. */
START_TEST(test_too_much)
{
	enum { STRING = 1 << 20, MANY_STRINGS = 17 };
	struct modiso_gate *gate;
	struct list *list;
	char **words, *text, *format;

	begin(MODISO_CONFINE_GUARD);
	text = (char *)region_bytes(make_region(module, STRING, "text"));
	memset(text, 'x', STRING - 1);
	format = (char *)region_bytes(own);
	list = (void *)(format + PAGE);
	*list = (struct list){48, 176, list + 1, NULL};
	words = (char **)(list + 1);
	for (unsigned i = 0; i < MANY_STRINGS; i++) {
		words[i] = text;
		memcpy(format + 2 * i, "%s", 3);
	}
	gate = make_gate(module, log_made);
	enter(gate, W(vlogger), W(format), W(list));
	must_eq(told_code, MODISO_ERR_LIMIT);
	format[2 * (MANY_STRINGS - 1)] = '\0';
	enter(gate, W(vlogger), W(format), W(list));
	must_eq(told_code, MODISO_OK);
	must_eq(told_length, (MANY_STRINGS - 1) * (STRING - 1));
}
END_TEST

START_TEST(test_refused)
{
	static const char *const wrong[] = {
		"abc%n", "%hhn", "%ln", "%ls", "%lc", "%S", "%C", "%m",
		"%1$d", "%'d", "%Id", "%hhhd", "%llld", "%Ld", "%hf", "%k",
		"%", "%5", "%-", "%.", "%l", "%hs", "%\x80",
	};
	size_t i;

	begin(MODISO_CONFINE_GUARD);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (log_one(wrong[i], W(region_bytes(own) + PAGE)) !=
		    MODISO_ERR_INVAL)
			ck_abort_msg("\"%s\" is not refused", wrong[i]);
	must_eq(log_one("abc%n", 8), MODISO_ERR_INVAL);
	must_str(told, "abc");
	must_eq(log_one("%2001d", 1), MODISO_ERR_LIMIT);
	must_eq(log_one("%99999999999999999999d", 1), MODISO_ERR_LIMIT);
	must_eq(log_one("%.2001d", 1), MODISO_ERR_LIMIT);
	must_eq(log_one("%*d", 2001), MODISO_ERR_LIMIT);
	must_eq(log_one("%*d", W((uint32_t)-2001)), MODISO_ERR_LIMIT);
	must_eq(log_one("%*d", W(0x80000000u)), MODISO_ERR_LIMIT);
	must_eq(log_one("%.*d", 0x7fffffff), MODISO_ERR_LIMIT);
	/* A star is the whole number: no digits behind it are added to it. */
	must_eq(log_one("%*5d", 3), MODISO_ERR_INVAL);
	must_eq(log_one("%.*5d", 3), MODISO_ERR_INVAL);
	must_eq(log_one("%*99999999999d", W((uint32_t)-1)), MODISO_ERR_INVAL);
	/* Longer than the buffer, and told so. */
	must_eq(log_one("%2000d", 1), MODISO_OK);
	must_eq(told_length, 2000);
	must_eq(strlen(told), SIZE - 1);
	must_eq(log_one("%s", 0), MODISO_OK);
	must_str(told, "(null)");
	must_eq(log_one("%.2000f", 0), MODISO_OK);
}
END_TEST

START_TEST(test_arguments_of_calls)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service = UNTOUCHED;
	char text[8] = "text";

	begin(MODISO_CONFINE_GUARD);
	options.flags = MODISO_SERVICE_VARIADIC | MODISO_SERVICE_FLOAT;
	expect(MODISO_ERR_INVAL, modiso_service_create("log", (modiso_fn)tell,
						       &options, &service));
	options.flags = MODISO_SERVICE_VARIADIC;
	options.word_args = 7;
	expect(MODISO_ERR_INVAL, modiso_service_create("log", (modiso_fn)tell,
						       &options, &service));
	must_eq(service, UNTOUCHED);
	/* Nobody's arguments. */
	expect(MODISO_ERR_STATE, modiso_arguments_vformat(text, "", text, 8,
							  NULL));
	told_code = 77;
	must_eq(logger(1, "%s", "text"), 0);
	must_eq(told_code, 77);
}
END_TEST

/* --- whose memory that is --- */

/* What the module may not read, it does not get read. */
START_TEST(test_rights)
{
	struct modiso_region *hosts;
	unsigned char *bytes, *last;

	begin((uint32_t)_i);
	hosts = make_region(NULL, PAGE, "hosts");
	bytes = region_bytes(own);
	last = bytes + 4 * PAGE - 4;
	memset(region_bytes(hosts), 's', PAGE);
	must_eq(log_one("%s", W(region_bytes(hosts))), MODISO_ERR_ACCESS);
	must_str(told, "");
	must_eq(log_one("%s", 8), _i == MODISO_CONFINE_SEALED
					  ? MODISO_ERR_ACCESS
					  : MODISO_ERR_FAULT);
	/* No address at all, for which the CPU names none. */
	must_eq(log_one("%s", (uintptr_t)1 << 63), MODISO_ERR_ACCESS);
	must(log_one("%s", ((uintptr_t)1 << 47) - 1) != MODISO_OK);
	must_eq(log_one("%s", UINTPTR_MAX), MODISO_ERR_ACCESS);
	/* In no region: open by the confinement. */
	must_eq(log_one("%s", W("host")), _i == MODISO_CONFINE_SEALED
						  ? MODISO_ERR_ACCESS
						  : MODISO_OK);
	/* The end of what is its own. */
	memcpy(last, "end", 4);
	must_eq(log_one("<%s>", W(last)), MODISO_OK);
	must_str(told, "<end>");
	memcpy(last, "end!", 4);
	must_eq(log_one("<%.4s>", W(last)), MODISO_OK);
	must_str(told, "<end!>");
	if (_i == MODISO_CONFINE_SEALED) {
		must_eq(log_one("<%s>", W(last)), MODISO_ERR_ACCESS);
		must_str(told, "<end!");
	}
	/* The format itself. */
	enter(make_gate(module, log_word), W(logger), W(region_bytes(hosts)),
	      1);
	must_eq(told_code, MODISO_ERR_ACCESS);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

MODULE_CODE static uintptr_t log_by(vlogger_fn *log, const char *format,
				    const void *list)
{
	return log(format, list);
}

static int log_listed(uint32_t words, uint32_t numbers, uintptr_t stack,
		      uintptr_t saved, const char *format)
{
	struct {
		uint32_t words, numbers;
		uintptr_t stack, saved;
	} list = {words, numbers, stack, saved};
	unsigned char *at = region_bytes(own) + 2 * PAGE;

	memcpy(at, &list, sizeof(list));
	told_length = 0;
	enter(make_gate(module, log_by), W(vlogger), W(place(0, format)),
	      W(at));
	return told_code;
}

/* A va_list is whatever the module has written there. */
START_TEST(test_lists)
{
	struct modiso_region *hosts;
	unsigned char *bytes, *end;
	uintptr_t secret;

	begin((uint32_t)_i);
	hosts = make_region(NULL, PAGE, "hosts");
	secret = W(region_bytes(hosts));
	bytes = region_bytes(own) + PAGE;
	end = region_bytes(own) + 4 * PAGE;
	memset(bytes, 0, PAGE);
	bytes[0] = 5;
	bytes[176] = 6;
	must_eq(log_listed(0, 48, W(bytes + 176), W(bytes), "%d"), 0);
	must_str(told, "5");
	must_eq(log_listed(48, 176, W(bytes + 176), secret, "%d"), 0);
	must_str(told, "6");
	must_eq(log_listed(UINT32_MAX, UINT32_MAX, W(bytes + 176), secret,
			   "%d %f"), 0);
	must_str(told, "6 0.000000");
	must_eq(log_listed(0, 48, W(bytes), secret, "%d"), MODISO_ERR_ACCESS);
	must_eq(log_listed(0, 48, W(bytes), secret, "%f"), MODISO_ERR_ACCESS);
	/* No area at all: what lies in the library's own is nobody's. */
	must(log_listed(0, 0, W(bytes), 0, "%d") != 0);
	must(log_listed(0, 0, W(bytes), 0, "%f") != 0);
	must(log_listed(0, 47, W(bytes), 0, "%f") != 0);
	must_eq(log_listed(48, 176, secret, W(bytes), "%d"),
		MODISO_ERR_ACCESS);
	must_eq(log_listed(48, 176, secret, W(bytes), "%f"),
		MODISO_ERR_ACCESS);
	must_eq(log_listed(48, 176, secret, W(bytes), "%Lf"),
		MODISO_ERR_ACCESS);
	must_eq(log_listed(48, 176, UINTPTR_MAX - 3, W(bytes), "%d"),
		_i == MODISO_CONFINE_SEALED ? MODISO_ERR_ACCESS : told_code);
	must(told_code != 0);
	must_eq(log_listed(48, 176, W(end) - 8, W(bytes), "%d"), 0);
	if (_i == MODISO_CONFINE_SEALED)
		must_eq(log_listed(48, 176, W(end) - 8, W(bytes), "%d %d"),
			MODISO_ERR_ACCESS);
	/* The list itself. */
	enter(make_gate(module, log_by), W(vlogger), W(place(0, "%d")),
	      secret);
	must_eq(told_code, MODISO_ERR_ACCESS);
	enter(make_gate(module, log_by), W(vlogger), W(place(0, "%d")), 0);
	must_eq(told_code, MODISO_ERR_INVAL);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* --- more arguments than were passed --- */

MODISO_CALL static uintptr_t take_all(struct modiso_arguments *arguments)
{
	uintptr_t count;

	for (count = 0; count < 1u << 24; count++)
		(void)modiso_argument_word(arguments);
	return count;
}

MODULE_CODE static uintptr_t call_taker(logger_fn *taker)
{
	return taker(1, NULL, 2, 3) + 0;
}

/* They end with the module's stack, and none of the host's is seen. */
START_TEST(test_too_many)
{
	struct modiso_service_options variadic = MODISO_SERVICE_OPTIONS_INIT;
	const struct modiso_fault *fault;
	struct modiso_service *service;

	begin(MODISO_CONFINE_SEALED);
	variadic.flags = MODISO_SERVICE_VARIADIC;
	expect(MODISO_OK, modiso_service_create("taker", (modiso_fn)take_all,
						&variadic, &service));
	fault = enter_fault(module, make_gate(module, call_taker),
			    W(modiso_service_thunk(service)));
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->access, MODISO_READ);
	must_str(fault->calls[0].service_name, "taker");
	must_eq(log_one("%d", 1), MODISO_OK);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("arguments");
	TCase *tcase = tcase_create("contract");

	/* The numbers in its code are constants of the program. */
	tcase_add_loop_test(tcase, test_many, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED);
	tcase_add_test(tcase, test_too_much);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_arguments_of_calls);
	tcase_add_loop_test(tcase, test_rights, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED + 1);
	tcase_add_loop_test(tcase, test_lists, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED + 1);
	tcase_add_test(tcase, test_too_many);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
