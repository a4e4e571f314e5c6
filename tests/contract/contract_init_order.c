/* SPDX-License-Identifier: MIT */
/*
 * contract_init_order - what every call says before the start, after the end
 * and from inside a module, and to a program that does not clean up.
 */
#include "core/lines.h"
#include "support/world.h"
#include "support/proc.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What the calls below are handed; stand-ins while there is no library. */
static struct {
	struct modiso_module *module, *other;
	struct modiso_region *region;
	struct modiso_gate *gate;
	struct modiso_service *service;
	unsigned char *bytes;
} at;

static _Alignas(4096) unsigned char stand_in[4096];
static _Alignas(4096) unsigned char ordinary[4096];

MODISO_CALL static void host_function(void)
{
}

static int call_init(void)
{
	return modiso_init(NULL);
}

static int call_fini(void)
{
	return modiso_fini();
}

static int call_module_create(void)
{
	struct modiso_module *out;

	return modiso_module_create("x", NULL, &out);
}

static int call_module_destroy(void)
{
	return modiso_module_destroy(at.other);
}

static int call_region_create(void)
{
	struct modiso_region *out;

	return modiso_region_create(at.module, 1, RW, NULL, &out);
}

static int call_region_adopt(void)
{
	struct modiso_region *out;

	return modiso_region_adopt(at.module, ordinary, sizeof(ordinary), RW,
				   NULL, &out);
}

static int call_region_protect(void)
{
	return modiso_region_protect(at.region, MODISO_READ);
}

static int call_region_grant(void)
{
	return modiso_region_grant(at.region, at.other, MODISO_READ);
}

static int call_region_revoke(void)
{
	return modiso_region_revoke(at.region, at.other);
}

static int call_region_destroy(void)
{
	return modiso_region_destroy(at.region);
}

static int call_region_find(void)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	return modiso_region_find(at.bytes, &info);
}

static int call_region_get_info(void)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	return modiso_region_get_info(at.region, &info);
}

static int call_gate_create(void)
{
	struct modiso_gate *out;

	return modiso_gate_create(at.module, (modiso_fn)host_function, NULL,
				  &out);
}

static int call_gate_destroy(void)
{
	return modiso_gate_destroy(at.gate);
}

static int call_gate_call(void)
{
	return modiso_gate_call(at.gate, NULL, 0, NULL);
}

static int call_gate_thunk(void)
{
	modiso_fn out;

	return modiso_gate_thunk(at.gate, &out);
}

static int call_service_create(void)
{
	struct modiso_service *out;

	return modiso_service_create("x", (modiso_fn)host_function, NULL,
				     &out);
}

static int call_service_allow(void)
{
	return modiso_service_allow(at.service, at.module);
}

static int call_service_deny(void)
{
	return modiso_service_deny(at.service, at.module);
}

static int call_service_destroy(void)
{
	return modiso_service_destroy(at.service);
}

static int call_window_open(void)
{
	return modiso_window_open(at.region, MODISO_READ);
}

static int call_window_close(void)
{
	return modiso_window_close(at.region);
}

static int call_range_check(void)
{
	return modiso_range_check(at.module, at.bytes, 1, MODISO_READ);
}

static int call_copy_in(void)
{
	return modiso_copy_in(at.module, ordinary, at.bytes, 1);
}

static int call_copy_out(void)
{
	return modiso_copy_out(at.module, at.bytes, ordinary, 1);
}

static int call_strnlen(void)
{
	size_t length;

	return modiso_strnlen(at.module, (const char *)at.bytes, 1, &length);
}

static int call_fault_notify(void)
{
	return modiso_fault_notify(at.module, NULL, NULL, NULL);
}

static int call_fault_last(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	return modiso_fault_last(&fault);
}

static int call_thread_attach(void)
{
	return modiso_thread_attach();
}

static int call_thread_detach(void)
{
	return modiso_thread_detach();
}

/* Every call whose comment names MODISO_ERR_STATE, modiso_init() at the end. */
static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{"modiso_fini", call_fini},
	{"modiso_module_create", call_module_create},
	{"modiso_module_destroy", call_module_destroy},
	{"modiso_region_create", call_region_create},
	{"modiso_region_adopt", call_region_adopt},
	{"modiso_region_protect", call_region_protect},
	{"modiso_region_grant", call_region_grant},
	{"modiso_region_revoke", call_region_revoke},
	{"modiso_region_destroy", call_region_destroy},
	{"modiso_region_find", call_region_find},
	{"modiso_region_get_info", call_region_get_info},
	{"modiso_gate_create", call_gate_create},
	{"modiso_gate_destroy", call_gate_destroy},
	{"modiso_gate_call", call_gate_call},
	{"modiso_gate_thunk", call_gate_thunk},
	{"modiso_service_create", call_service_create},
	{"modiso_service_allow", call_service_allow},
	{"modiso_service_deny", call_service_deny},
	{"modiso_service_destroy", call_service_destroy},
	{"modiso_window_open", call_window_open},
	{"modiso_window_close", call_window_close},
	{"modiso_range_check", call_range_check},
	{"modiso_copy_in", call_copy_in},
	{"modiso_copy_out", call_copy_out},
	{"modiso_strnlen", call_strnlen},
	{"modiso_fault_notify", call_fault_notify},
	{"modiso_fault_last", call_fault_last},
	{"modiso_thread_attach", call_thread_attach},
	{"modiso_thread_detach", call_thread_detach},
	{"modiso_init", call_init},
};

#define CALLS ((int)(sizeof(calls) / sizeof(calls[0])))

static void stand_ins(void)
{
	at.module = at.other = (struct modiso_module *)stand_in;
	at.region = (struct modiso_region *)stand_in;
	at.gate = (struct modiso_gate *)stand_in;
	at.service = (struct modiso_service *)stand_in;
	at.bytes = stand_in;
}

/* A library in which every one of the calls would succeed. */
static void real_things(void)
{
	struct modiso_service_options listed = {
		.struct_size = sizeof(listed),
		.flags = MODISO_SERVICE_LISTED,
	};

	at.module = world_module();
	at.other = make_module("other");
	at.region = make_region(at.module, PAGE, "region");
	at.gate = make_gate(at.other, host_function);
	expect(MODISO_OK,
	       modiso_service_create("listed", (modiso_fn)host_function,
				     &listed, &at.service));
	at.bytes = region_bytes(at.region);
}

/* All but modiso_init(). */
static void all_refused(void)
{
	stand_ins();
	for (int i = 0; i < CALLS - 1; i++)
		expect_code((errno = ERRNO_MARK, calls[i].call()),
			    MODISO_ERR_STATE, calls[i].name, __FILE__,
			    __LINE__);
}

START_TEST(test_before_init)
{
	all_refused();
}
END_TEST

START_TEST(test_after_fini)
{
	world_start();
	world_stop();
	all_refused();
}
END_TEST

/* Those that have no code to return. */
START_TEST(test_before_init_values)
{
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
	must_eq(modiso_fault_count(), 0);
	must_eq(modiso_gate_status(), MODISO_OK);
	must_eq(modiso_module_caller(), NULL);
	must_str(modiso_last_error_text(), "");
	must_str(modiso_version(), MODISO_VERSION_STRING);
}
END_TEST

static volatile int inside_errno;

MODULE_CODE static uintptr_t call_from_inside(uintptr_t which)
{
	int code;

	errno = ERRNO_MARK;
	code = calls[which].call();
	inside_errno = errno;
	return (uintptr_t)(intptr_t)code;
}

static void refused_inside(struct modiso_gate *gate, int which)
{
	int code = (int)enter(gate, (uintptr_t)which);

	if (code != MODISO_ERR_STATE || !*modiso_last_error_text())
		ck_abort_msg("%s returned %d", calls[which].name, code);
	must_eq(inside_errno, ERRNO_MARK);
}

START_TEST(test_from_inside)
{
	struct modiso_gate *gate;
	unsigned char before;

	real_things();
	gate = make_gate(at.module, call_from_inside);
	before = *at.bytes = 0x77;
	/* Twice: a refusal leaves nothing behind that matters. */
	for (int i = 0; i < 2 * CALLS; i++)
		refused_inside(gate, i % CALLS);
	must_eq(*at.bytes, before);
	must_eq(region_info(at.region).access, RW);
	expect(MODISO_OK, modiso_gate_call(at.gate, NULL, 0, NULL));
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* The thunk of another module's gate is no way around that. */
static uintptr_t (MODISO_CALL *volatile foreign_thunk)(uintptr_t);
static volatile int foreign_ran;

MODULE_CODE static uintptr_t foreign_entry(uintptr_t value)
{
	foreign_ran = 1;
	return value + 1;
}

MODULE_CODE static uintptr_t call_foreign_thunk(uintptr_t value)
{
	return foreign_thunk(value);
}

START_TEST(test_thunk_from_inside)
{
	struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = 1,
		.fault_value = 4711,
	};
	struct modiso_gate *gate;
	modiso_fn thunk;

	real_things();
	expect(MODISO_OK, modiso_gate_create(at.other, (modiso_fn)foreign_entry,
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	foreign_thunk = (CALLED(uintptr_t, uintptr_t))thunk;
	gate = make_gate(at.module, call_foreign_thunk);
	/* With keys it has no rights to as much as look the gate up. */
	if (on_pkey()) {
		enter_fault(at.module, gate, 1);
	} else {
		must_eq(enter(gate, 1), 4711);
		must_eq(modiso_gate_status(), MODISO_ERR_STATE);
		must_eq(modiso_gate_status(), MODISO_OK);
	}
	must_eq(foreign_ran, 0);
	must_eq(foreign_thunk(1), 2);
	must_eq(foreign_ran, 1);
}
END_TEST

/* Nothing ends under its users' feet. */
START_TEST(test_fini_busy)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	struct modiso_module *module = world_module(), *more[6];
	struct modiso_region *region;
	struct modiso_service *service;

	expect(MODISO_ERR_BUSY, modiso_fini());
	must_str(modiso_last_error_text(), "module \"module\" still exists");
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	for (int i = 0; i < 6; i++)
		more[i] = make_module(names[i]);
	expect(MODISO_ERR_BUSY, modiso_fini());
	must_str(modiso_last_error_text(),
		 "modules \"module\", \"a\", \"b\", \"c\" and 3 more still "
		 "exist");
	for (int i = 0; i < 6; i++)
		expect(MODISO_OK, modiso_module_destroy(more[i]));
	expect(MODISO_OK, modiso_module_destroy(module));
	region = make_region(NULL, PAGE, "host's");
	expect(MODISO_ERR_BUSY, modiso_fini());
	must_str(modiso_last_error_text(),
		 "guarded host region \"host's\" still exists");
	region_bytes(region)[0] = 1;
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK,
	       modiso_service_create("s", (modiso_fn)host_function, NULL,
				     &service));
	expect(MODISO_ERR_BUSY, modiso_fini());
	must_str(modiso_last_error_text(), "service \"s\" still exists");
	expect(MODISO_OK, modiso_service_destroy(service));
	world_stop();
}
END_TEST

static void told(const char *text, void *arg)
{
	/* One line, no newline; the program may end here by itself. */
	if (!*text || strchr(text, '\n') || arg != stand_in)
		_exit(70);
	_exit(71);
}

static void told_and_back(const char *text, void *arg)
{
	(void)text;
	*(volatile int *)arg = 1;
}

static void misuse_module(void *handler)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region;

	if (handler)
		modiso_set_misuse_handler(*(modiso_misuse_fn *)handler,
					  stand_in);
	expect(MODISO_OK, modiso_module_destroy(module));
	stand_in[0] = (unsigned char)modiso_region_create(module, 1, RW, NULL,
							  &region);
}

static void misuse_region(void *handler)
{
	struct modiso_region *region;

	world_start();
	region = make_region(NULL, 1, "region");
	if (handler)
		modiso_set_misuse_handler(*(modiso_misuse_fn *)handler,
					  stand_in);
	expect(MODISO_OK, modiso_region_destroy(region));
	stand_in[0] = (unsigned char)modiso_region_destroy(region);
}

static void misuse_gate(void *handler)
{
	struct modiso_gate *gate = make_gate(world_module(), module_add_one);

	if (handler)
		modiso_set_misuse_handler(*(modiso_misuse_fn *)handler,
					  stand_in);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	stand_in[0] = (unsigned char)modiso_gate_call(gate, NULL, 0, NULL);
}

static void misuse_service(void *handler)
{
	struct modiso_service *service;

	world_start();
	expect(MODISO_OK,
	       modiso_service_create("s", (modiso_fn)host_function, NULL,
				     &service));
	if (handler)
		modiso_set_misuse_handler(*(modiso_misuse_fn *)handler,
					  stand_in);
	expect(MODISO_OK, modiso_service_destroy(service));
	stand_in[0] = (unsigned char)modiso_service_destroy(service);
}

static void (*const misuses[])(void *) = {misuse_module, misuse_region,
					  misuse_gate, misuse_service};

/* What the line says; "|": from here on, as far as there are symbols. */
static const char *const lines[] = {
	"libmodiso: module \"module\" was used after modiso_module_destroy()|: "
	"modiso_region_create() at ",
	"libmodiso: region \"region\" was used after modiso_region_destroy()|: "
	"modiso_region_destroy() at ",
	"libmodiso: gate into module \"module\" was used after "
	"modiso_gate_destroy()|: modiso_gate_call() at ",
	"libmodiso: service \"s\" was used after modiso_service_destroy()|: "
	"modiso_service_destroy() at ",
};

static void must_say(const char *text, const char *line)
{
	const char *bar = strchr(line, '|');
	size_t known = (size_t)(bar - line), rest = strlen(bar + 1);

	if (strncmp(text, line, known) != 0)
		ck_abort_msg("it says: %s", text);
	if (!mdi_lines_there())
		return;
	if (strncmp(text + known, bar + 1, rest) != 0 ||
	    strstr(text + known + rest, "contract_init_order.c:") == NULL ||
	    strstr(text + known + rest, " in misuse_") == NULL)
		ck_abort_msg("it says: %s", text);
}

/* A handle that was destroyed: the handler is told, then the program ends. */
START_TEST(test_misuse)
{
	modiso_misuse_fn handler = told;
	char text[1024];
	int status;

	must_exit(child_status(misuses[_i], &handler), 71);
	handler = told_and_back;
	must_die(child_status(misuses[_i], &handler), SIGABRT);
	status = child_output(misuses[_i], NULL, text, sizeof(text));
	must_die(status, SIGABRT);
	must(strchr(text, '\n'));
	must_say(text, lines[_i]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("init_order");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_before_init);
	tcase_add_test(tcase, test_after_fini);
	tcase_add_test(tcase, test_before_init_values);
	tcase_add_test(tcase, test_from_inside);
	tcase_add_test(tcase, test_thunk_from_inside);
	tcase_add_test(tcase, test_fini_busy);
	tcase_add_loop_test(tcase, test_misuse, 0, 4);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
