/* SPDX-License-Identifier: MIT */
/*
 * contract_fault_print - a fault in words, as the program prints it, with the
 * frames of the host that called.
 */
#include "contract/crimes.h"
#include "support/world.h"
#include "support/json.h"
#include "support/poke.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

static char *printed(const struct modiso_fault *fault, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	must(stream);
	if (json)
		expect(MODISO_OK, modiso_fault_print_json(fault, stream));
	else
		expect(MODISO_OK, modiso_fault_print(fault, stream));
	must(!fclose(stream));
	return text;
}

static void check_printed(const struct modiso_fault *fault)
{
	char *text = printed(fault, false), *json = printed(fault, true);
	char path[4096], number[32];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	must(length > 0);
	path[length] = '\0';
	must(json_valid(json));
	must(strchr(json, '\n') == json + strlen(json) - 1);
	must(*json == '{');
	must(json_has(json, fault->module_name));
	must(json_has(json, modiso_fault_kind_name(fault->kind)));
	must(strstr(text, fault->module_name));
	if (fault->region_length) {
		must(json_has(json, fault->region_name));
		must(strstr(text, fault->region_name));
		must(json_has(json, fault->owner_name));
		must(strstr(text, fault->owner_name));
	}
	if (fault->address) {
		snprintf(number, sizeof(number), "%lx",
			 (unsigned long)fault->address);
		must(strstr(text, number));
	}
	/* The instruction, as file and offset. */
	if (fault->pc >= W(poke_load1) && fault->pc <= W(cpu_call)) {
		must(strstr(text, strrchr(path, '/') + 1));
		must(strstr(json, strrchr(path, '/') + 1));
	}
	free(text);
	free(json);
}

START_TEST(test_print)
{
	int i;

	make_scene();
	for (i = 0; i < crime_count; i++) {
		if (crimes[i].no_tcg && emulated())
			continue;
		check_printed(enter_fault(module,
					  make_gate(module, crimes[i].entry),
					  address_of(crimes[i].where)));
	}
}
END_TEST

/* Names that would end a string, a line or the JSON. */
START_TEST(test_print_odd_names)
{
	static const char *const names[] = {
		"\"quoted\"", "back\\slash", "new\nline", "\x01\x1f\x7f",
		"tab\t",      "}]\":{",      "%s%n%d",    "</script>",
	};
	const struct modiso_fault *fault;
	struct modiso_region *region;
	char *json;
	size_t i;

	world_start();
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		module = make_module(names[i]);
		region = make_region(NULL, PAGE, names[i]);
		fault = enter_fault(module, make_gate(module, poke_load1),
				    W(region_bytes(region)));
		must_str(fault->module_name, names[i]);
		must_str(fault->region_name, names[i]);
		json = printed(fault, true);
		must(json_valid(json));
		must(json_has(json, names[i]));
		must(strchr(json, '\n') == json + strlen(json) - 1);
		free(json);
		expect(MODISO_OK, modiso_region_destroy(region));
		expect(MODISO_OK, modiso_module_destroy(module));
	}
}
END_TEST

MODULE_CODE static uintptr_t write_there(uintptr_t address)
{
	*(volatile char *)address = 1;
	return 0;
}

static uintptr_t (*write_thunk)(uintptr_t);
static struct modiso_gate *write_gate;
static char *host_report, *host_json;

static void print_host_frames(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	host_report = printed(fault, false);
	host_json = printed(fault, true);
}

static void free_host_report(void)
{
	free(host_report);
	free(host_json);
}

static void print_last(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	expect(MODISO_OK, modiso_fault_last(&fault));
	print_host_frames(&fault, NULL);
}

/* Not the last thing that a function does: it stays on the stack. */
#define STAY __asm__ volatile("" ::: "memory")

/* A frame of its own, under the function's own name. */
#ifdef __clang__
#	define NAMED_FRAME __attribute__((noinline))
#else
#	define NAMED_FRAME __attribute__((noinline, noclone))
#endif

NAMED_FRAME static void by_gate(bool printing)
{
	uintptr_t args[1] = {0};

	expect(MODISO_ERR_FAULT, modiso_gate_call(write_gate, args, 1, NULL));
	if (printing)
		print_last();
	STAY;
}

NAMED_FRAME static void by_thunk(bool printing)
{
	write_thunk(0);
	expect(MODISO_ERR_FAULT, modiso_gate_status());
	if (printing)
		print_last();
	STAY;
}

NAMED_FRAME static void outer_frame(void (*how)(bool printing), bool printing)
{
	how(printing);
	STAY;
}

/* The function that a frame of the report is in; NULL: there is no such. */
static void *frame_function(unsigned number)
{
	const char *line = strstr(host_report, "  called by  0x");

	for (; line != NULL && number > 0; number--) {
		line = strchr(line, '\n');
		if (line == NULL || strncmp(line, "\n             0x", 16) != 0)
			return NULL;
		line++;
	}
	if (line == NULL)
		return NULL;
	return _Unwind_FindEnclosingFunction(
		(char *)strtoul(line + 13, NULL, 16) - 1);
}

static void must_be_called_by(void (*how)(bool printing), bool all)
{
	must_eq(frame_function(0), how);
	if (all)
		must_eq(frame_function(1), outer_frame);
	else
		must_eq(frame_function(1), NULL);
	/* And it says that there are more, for people and for programs. */
	must_eq(!strstr(host_report, "             (its callers are "), all);
	must(strstr(host_json,
		    all ? "],\"host_all\":true," : "],\"host_all\":false,"));
	free_host_report();
}

static void *print_elsewhere(void *fault)
{
	print_host_frames(fault, NULL);
	return NULL;
}

START_TEST(test_host_frames)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	pthread_t thread;
	modiso_fn thunk;

	make_scene();
	write_gate = make_gate(module, write_there);
	expect(MODISO_OK, modiso_gate_thunk(write_gate, &thunk));
	write_thunk = (uintptr_t(*)(uintptr_t))thunk;
	/* As long as the caller is there, all of them. */
	outer_frame(by_gate, true);
	must_be_called_by(by_gate, true);
	outer_frame(by_thunk, true);
	must_be_called_by(by_thunk, true);
	/* Later, and on another thread, what the record has. */
	outer_frame(by_gate, false);
	print_last();
	must_be_called_by(by_gate, false);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(pthread_create(&thread, NULL, print_elsewhere, &fault), 0);
	must_eq(pthread_join(thread, NULL), 0);
	must_be_called_by(by_gate, false);
	/* In the landing, below the call. */
	expect(MODISO_OK,
	       modiso_fault_notify(module, NULL, print_host_frames, NULL));
	outer_frame(by_thunk, false);
	must_be_called_by(by_thunk, true);
	check_scene();
}
END_TEST

static modiso_fn faulting_service;

static uintptr_t serve(void)
{
	by_gate(false);
	return 0;
}

MODULE_CODE static uintptr_t ask(void)
{
	return ((uintptr_t(*)(void))faulting_service)();
}

NAMED_FRAME static void by_outer_gate(struct modiso_gate *gate)
{
	expect(MODISO_OK, modiso_gate_call(gate, NULL, 0, NULL));
	STAY;
}

/*
 * A fault of a module that a service has called: who has called the module
 * that asked for the service is known, also when all have returned.
 */
START_TEST(test_nested_later)
{
	static const char way[] =
		"  gate       into module \"asker\", called by\n"
		"             0x";
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	const char *line;

	make_scene();
	write_gate = make_gate(module, write_there);
	faulting_service = make_service("serve", serve);
	by_outer_gate(make_gate(make_module("asker"), ask));
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.call_count, 2);
	must_eq(fault.calls[0].host_pc, fault.host_pc);
	print_last();
	line = strstr(host_report, way);
	if (line == NULL)
		ck_abort_msg("no \"%s\" in: %s", way, host_report);
	must_eq(_Unwind_FindEnclosingFunction(
			(char *)strtoul(line + sizeof(way) - 3, NULL, 16) - 1),
		by_outer_gate);
	free_host_report();
	check_scene();
}
END_TEST

/* Far behind a region, where the module's range has nothing yet. */
START_TEST(test_far_off)
{
	static const char memory[] =
		", in no region: reserved addresses, where nothing is\n";
	static const char hint[] =
		"  hint       an index or a pointer that is far off: the regions "
		"near it are the module's own\n";
	struct modiso_region *region;
	char *text;

	make_scene();
	region = make_region(module, PAGE, "store");
	text = printed(enter_fault(module, make_gate(module, write_there),
				   W(region_bytes(region)) + 100 * PAGE),
		       false);
	if (strstr(text, memory) == NULL || strstr(text, hint) == NULL)
		ck_abort_msg("not so: %s", text);
	free(text);
	check_scene();
}
END_TEST

static char *printed_map(const struct modiso_fault *fault)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	must(stream);
	expect(MODISO_OK, modiso_fault_print_map(fault, stream));
	must(!fclose(stream));
	return text;
}

/* The row of the map that begins at @base, or with @mark and @base. */
static const char *row_at(const char *map, const char *mark, uintptr_t base)
{
	char begin[40];

	snprintf(begin, sizeof(begin), "\n  %s %012zx", mark, (size_t)base);
	return strstr(map, begin);
}

static void must_row(const char *map, const char *mark, uintptr_t base,
		     const char *words)
{
	const char *row = row_at(map, mark, base), *found;

	if (row == NULL)
		ck_abort_msg("no row at %#zx in: %s", (size_t)base, map);
	found = strstr(row + 1, words);
	if (found == NULL || strchr(row + 1, '\n') < found)
		ck_abort_msg("no \"%s\" at %#zx in: %s", words, (size_t)base,
			     map);
}

START_TEST(test_map)
{
	struct modiso_fault fault;
	struct modiso_region *store, *ledger;
	struct modiso_module *neighbour;
	uintptr_t base;
	char *map;

	world_start();
	module = make_module("mapped");
	neighbour = make_module("neighbour");
	store = make_region(module, 2 * PAGE, "store");
	ledger = make_region(neighbour, PAGE, "ledger");
	base = W(region_bytes(store));
	/* Off the end of one's own. */
	fault = *enter_fault(module, make_gate(module, poke_load1),
			     base + 2 * PAGE);
	map = printed_map(&fault);
	must(strstr(map, "what module \"mapped\" may do there:\n"));
	must_row(map, "  ", base, " rw-  region \"store\" of module "
				  "\"mapped\", 8192 bytes");
	must(row_at(map, "=>", base + 2 * PAGE));
	free(map);
	/* Another's; granted meanwhile it is one's own as far as that goes. */
	base = W(region_bytes(ledger));
	fault = *enter_fault(module, make_gate(module, poke_load1), base + 8);
	map = printed_map(&fault);
	must_row(map, "=>", base, " ---  region \"ledger\" of module "
				  "\"neighbour\", 4096 bytes");
	free(map);
	expect(MODISO_OK, modiso_region_grant(ledger, module, MODISO_READ));
	map = printed_map(&fault);
	must_row(map, "=>", base, " r--  ");
	free(map);
	expect(MODISO_OK, modiso_region_revoke(ledger, module));
	/* What was no access has no place; who has ended has no rights. */
	expect(MODISO_OK, modiso_module_destroy(module));
	map = printed_map(&fault);
	must_row(map, "=>", base, " ---  ");
	free(map);
	fault.access = 0;
	map = printed_map(&fault);
	must_str(map, "");
	free(map);
	expect(MODISO_ERR_INVAL, modiso_fault_print_map(NULL, stderr));
	expect(MODISO_ERR_INVAL, modiso_fault_print_map(&fault, NULL));
	expect(MODISO_OK, modiso_module_destroy(neighbour));
	expect(MODISO_OK, modiso_fini());
	expect(MODISO_ERR_STATE, modiso_fault_print_map(&fault, stderr));
}
END_TEST

START_TEST(test_print_errors)
{
	struct modiso_fault none = {.struct_size = sizeof(none)};
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	FILE *full = fopen("/dev/full", "we"), *null = fopen("/dev/null", "we");

	must(full && null);
	setvbuf(full, NULL, _IONBF, 0);
	make_scene();
	fault = *enter_fault(module, make_gate(module, poke_ud2), 0);
	expect(MODISO_ERR_INVAL, modiso_fault_print(NULL, null));
	expect(MODISO_ERR_INVAL, modiso_fault_print(&fault, NULL));
	expect(MODISO_ERR_INVAL, modiso_fault_print(&none, null));
	expect(MODISO_ERR_INVAL, modiso_fault_print_json(NULL, null));
	expect(MODISO_ERR_INVAL, modiso_fault_print_json(&fault, NULL));
	expect(MODISO_ERR_INVAL, modiso_fault_print_json(&none, null));
	expect(MODISO_ERR_OS, modiso_fault_print(&fault, full));
	clearerr(full);
	expect(MODISO_ERR_OS, modiso_fault_print_json(&fault, full));
	must_eq(errno, ENOSPC);
	fclose(full);
	fclose(null);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fault_print");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_print);
	tcase_add_test(tcase, test_print_odd_names);
	tcase_add_test(tcase, test_map);
	tcase_add_test(tcase, test_print_errors);
	tcase_add_test(tcase, test_host_frames);
	tcase_add_test(tcase, test_nested_later);
	tcase_add_test(tcase, test_far_off);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
