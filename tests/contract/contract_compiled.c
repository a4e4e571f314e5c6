/* SPDX-License-Identifier: MIT */
/*
 * Modules that modiso-cc made of plain C, with each compiler that is there:
 * the files modules/NAME-COMPILER.so beside the test programs.
 */
#include "support/world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const compilers[] = {"gcc", "clang"};
static const char *compiler;
static struct modiso_module *module;
static struct modiso_service *uart, *noter;
static struct modiso_export exports[2];
static struct modiso_image_options options;

static char said[64];
static long events;

/* "long" of a module is as long as a pointer, on every system. */
MODISO_CALL static intptr_t uart_write(const char *text, intptr_t length)
{
	if (length < 0 || (size_t)length >= sizeof(said))
		return -1;
	if (modiso_copy_in(modiso_module_caller(), said, text,
			   (size_t)length) != MODISO_OK)
		return -2;
	said[length] = '\0';
	return length;
}

MODISO_CALL static void note(intptr_t event)
{
	events = events * 10 + (long)event;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "modules/%s-%s.so", name, compiler);
	return path;
}

static void begin(int which)
{
	compiler = compilers[which];
	if (access(path_of("plain"), R_OK) != 0)
		test_skip(compiler, "the tests were built without it");
	module = world_module();
	expect(MODISO_OK,
	       modiso_service_create("uart_write", (modiso_fn)uart_write, NULL,
				     &uart));
	expect(MODISO_OK,
	       modiso_service_create("note", (modiso_fn)note, NULL, &noter));
	exports[0] = (struct modiso_export){"uart_write", uart};
	exports[1] = (struct modiso_export){"note", noter};
	options = (struct modiso_image_options){
		.struct_size = sizeof(options),
		.exports = exports,
		.export_count = 2,
	};
	events = 0;
}

static void finish(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(uart));
	expect(MODISO_OK, modiso_service_destroy(noter));
	world_stop();
}

static struct modiso_image *load(const char *name)
{
	struct modiso_image *image = NULL;

	expect(MODISO_OK,
	       modiso_image_load(module, path_of(name), &options, &image));
	return image;
}

static struct modiso_gate *gate;
static struct modiso_image *image;

static struct modiso_gate *to(const char *name)
{
	if (gate != NULL)
		expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_OK, modiso_image_gate(image, name, NULL, &gate));
	return gate;
}

START_TEST(plain)
{
	modiso_fn half;

	begin(_i);
	image = load("plain");
	must_eq(events, 1);
	must_eq((int)enter(to("count"), 0), 105);
	must_eq((int)enter(to("count"), 0), 106);
	must_eq((int)enter(to("last_of_bss"), 0), 42);
	must_eq((int)enter(to("calculate"), 0, 6, 7), 13 + 42);
	must_eq((int)enter(to("calculate"), 1, 6, 7), 42 + 42);
	must_eq((int)enter(to("memory"), 0), 1);
	must_eq((int)enter(to("call_chosen"), 0), 1234);
	must_eq((int)enter(to("chosen"), 0), 1234);
	must_eq((int)enter(to("cloned"), 14), 42);
	must_eq(enter(to("speak"), 3), 12);
	must_str(said, "number three");
	expect(MODISO_OK, modiso_gate_thunk(to("half"), &half));
	must(((CALLED(double, double))half)(5.0) == 2.5);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_OK, modiso_image_unload(image));
	must_eq(events, 12);
	finish();
}
END_TEST

/* Loaded twice: two sets of data. */
START_TEST(twice)
{
	struct modiso_image *first;

	begin(_i);
	first = image = load("plain");
	enter(to("count"), 0);
	image = load("plain");
	must_eq((int)enter(to("count"), 0), 105);
	image = first;
	must_eq((int)enter(to("count"), 0), 106);
	finish();
}
END_TEST

static char report[2048];

static const char *print(const struct modiso_fault *fault)
{
	FILE *stream = tmpfile();
	size_t length;

	must(stream != NULL);
	expect(MODISO_OK, modiso_fault_print(fault, stream));
	rewind(stream);
	length = fread(report, 1, sizeof(report) - 1, stream);
	report[length] = '\0';
	fclose(stream);
	return report;
}

START_TEST(faults)
{
	const struct modiso_fault *fault;
	struct modiso_region *secret;

	begin(_i);
	image = load("plain");
	secret = make_region(NULL, 100, "secret");
	fault = enter_fault(module, to("poke"), W(modiso_region_base(secret)));
	must_blame(fault, MODISO_WRITE, modiso_region_base(secret), secret);
	must(strstr(print(fault), ", poke + 0"));
	must(strstr(report, "plain-"));
	/* Its own call-frame information leads to the gate. */
	must_eq(fault->frame_count, 1);
	must_eq(fault->frames_end, MODISO_FRAMES_GATE);
	/* The stack protector of a module: its own canary. */
	must_eq(enter(to("smash"), 8), 1);
	fault = enter_fault(module, to("smash"), 40);
	must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
	must(strstr(print(fault), "__stack_chk_fail"));
	must(strstr(report, "\n  from       0x"));
	must(strstr(strstr(report, "\n  from       0x"), ", smash + 0x"));
	must_eq((int)enter(to("last_of_bss"), 0), 42);
	expect(MODISO_OK, modiso_region_destroy(secret));
	finish();
}
END_TEST

/* What the linker puts before the code is there when it is asked for. */
START_TEST(headers)
{
	begin(_i);
	image = load("count");
	must(strstr(print(enter_fault(module, to("first_byte"), 0)),
		    "in no region: the headers of count-"));
	must_eq(enter(to("count"), 4), 5);
	options.flags = MODISO_IMAGE_HEADERS;
	image = load("count");
	must_eq(enter(to("first_byte"), 0), 0x7f);
	must_eq(enter(to("count"), 4), 5);
	finish();
}
END_TEST

START_TEST(canary)
{
	uintptr_t *guard = NULL, first;

	begin(_i);
	image = load("plain");
	expect(MODISO_OK, modiso_image_symbol(image, "__stack_chk_guard",
					      (void **)&guard));
	first = *guard;
	must_eq(first & 0xff, 0);
	must(first != 0);
	image = load("plain");
	expect(MODISO_OK, modiso_image_symbol(image, "__stack_chk_guard",
					      (void **)&guard));
	must(*guard != first);
	finish();
}
END_TEST

START_TEST(abi)
{
	begin(_i);
	options.abi = "test-2";
	expect(MODISO_ERR_NOTSUP,
	       modiso_image_load(module, path_of("plain"), &options, &image));
	must(strstr(modiso_last_error_text(), "test-1; the host wants test-2"));
	options.abi = "test-1";
	expect(MODISO_OK, modiso_image_unload(load("plain")));
	finish();
}
END_TEST

START_TEST(program)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};

	begin(_i);
	image = load("pie");
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must(info.entry != NULL);
	must_eq((int)enter(to(NULL), 2), 42);
	must_eq((int)enter(to(NULL), 2), 44);
	finish();
}
END_TEST

START_TEST(refused)
{
	begin(_i);
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, path_of("printf"), &options, &image));
	must(strstr(modiso_last_error_text(), "needs printf,"));
	/* File, offset, section and symbol. */
	expect(MODISO_ERR_GADGET,
	       modiso_image_load(module, path_of("gadget"), &options, &image));
	must(strstr(modiso_last_error_text(), "image gadget-"));
	must(strstr(modiso_last_error_text(), " at offset 0x"));
	must(strstr(modiso_last_error_text(), ", .text, escape + 0x"));
	must(strstr(modiso_last_error_text(), ": wrpkru (0f 01 ef)"));
	options.export_count = 1;
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, path_of("plain"), &options, &image));
	must(strstr(modiso_last_error_text(), "needs note,"));
	finish();
}
END_TEST

/* Code that may touch nothing but its own: loaded, started, called, ended. */
START_TEST(confined)
{
	struct modiso_module_options sealed = {
		.struct_size = sizeof(sealed),
		.confinement = MODISO_CONFINE_SEALED,
	};
	const struct modiso_fault *fault;
	static volatile int mine;
	struct modiso_module *open;

	begin(_i);
	open = module;
	expect(MODISO_OK, modiso_module_create("sealed", &sealed, &module));
	image = load("plain");
	must_eq(events, 1);
	must_eq((int)enter(to("count"), 0), 105);
	must_eq((int)enter(to("memory"), 0), 1);
	must_eq((int)enter(to("call_chosen"), 0), 1234);
	must_eq(enter(to("speak"), 2), 10);
	must_str(said, "number two");
	must_eq(enter(to("smash"), 8), 1);
	fault = enter_fault(module, to("smash"), 40);
	must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
	fault = enter_fault(module, to("poke"), W(&mine));
	must_eq(fault->address, &mine);
	must_eq(mine, 0);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_OK, modiso_image_unload(image));
	must_eq(events, 12);
	expect(MODISO_OK, modiso_module_destroy(open));
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const tests[] = {plain, twice,   faults,  headers, canary,
				      abi,   program, refused};
	Suite *suite = suite_create("compiled");
	TCase *tcase = tcase_create("compiled");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0, 2);
	/* SEALED needs protection keys. */
	if (on_pkey())
		tcase_add_loop_test(tcase, confined, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
