/* SPDX-License-Identifier: MIT */
/*
 * contract_needed - libraries that an image names come with it, from
 * directories of the host's: their functions, their data, thread-local
 * variables of each, versions, a choice that is made inside the module, and the
 * order in which they begin and end.
 */
#include "support/world.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const compilers[] = {"gcc", "clang"};
static const char *const directories[] = {"/nonexistent", "modules"};
static struct modiso_module *module;
static struct modiso_service *noter;
static struct modiso_export export;
static struct modiso_image_options options;
static struct modiso_image *image;
static char file[64];

static long noted[8];
static unsigned notes;

MODISO_CALL static void note(long event)
{
	if (notes < 8)
		noted[notes++] = event;
}

static void must_have_noted(long a, long b, long c)
{
	must_eq(notes, 3);
	must_eq(noted[0], a);
	must_eq(noted[1], b);
	must_eq(noted[2], c);
	notes = 0;
}

/* Of each compiler, at the two ends of confinement where keys are. */
static void begin(int which)
{
	const struct modiso_module_options module_options = {
		.struct_size = sizeof(module_options),
		.confinement = which / 2 == 1 && on_pkey()
				       ? (uint32_t)MODISO_CONFINE_SEALED
				       : (uint32_t)MODISO_CONFINE_GUARD,
	};

	world_start();
	expect(MODISO_OK,
	       modiso_module_create("module", &module_options, &module));
	which %= 2;
	expect(MODISO_OK,
	       modiso_service_create("note", (modiso_fn)note, NULL, &noter));
	export = (struct modiso_export){"note", noter};
	options = (struct modiso_image_options){
		.struct_size = sizeof(options),
		.exports = &export,
		.export_count = 1,
		.needed_dirs = directories,
		.needed_dir_count = 2,
	};
	notes = 0;
	snprintf(file, sizeof(file), "modules/top-%s.so", compilers[which]);
	if (access(file, R_OK) != 0)
		test_skip(compilers[which], "the tests were built without it");
}

static void finish(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(noter));
	world_stop();
}

static void load(void)
{
	expect(MODISO_OK, modiso_image_load(module, file, &options, &image));
}

static void must_say(const char *what)
{
	if (strstr(modiso_last_error_text(), what) == NULL)
		ck_abort_msg("\"%s\" does not say \"%s\"",
			     modiso_last_error_text(), what);
}

static struct modiso_gate *gate_of(const char *name)
{
	const struct modiso_gate_options gate_options = {
		.struct_size = sizeof(gate_options),
		.word_args = 1,
	};
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK,
	       modiso_image_gate(image, name, &gate_options, &gate));
	return gate;
}

START_TEST(top_runs)
{
	struct modiso_gate *gate;
	long *table;
	void *address;

	begin(_i);
	load();
	must_have_noted(1, 2, 3);
	gate = gate_of("top");
	must_eq(enter(gate, 0), 2);  /* the default version */
	must_eq(enter(gate, 1), 1);  /* an old one, asked for by its name */
	must_eq(enter(gate, 2), 20); /* data */
	must_eq(enter(gate, 4), 2 * (10 + 20 + 31)); /* chosen once */
	must_eq(enter(gate, 5), 42);
	must_eq(enter(gate, 6), 5); /* the image stands before its library */
	must_eq(enter(gate, 8), 0); /* weak, and nobody's */
	/* What the host looks for it finds in the libraries, too. */
	expect(MODISO_OK, modiso_image_symbol(image, "low_table", &address));
	table = address;
	must_eq(table[0], 10);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	gate = gate_of("answer");
	must_eq(enter(gate, 0), 2);
	expect(MODISO_ERR_BUSY, modiso_image_unload(image));
	must_say("a gate into module");
	expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_ERR_NOENT,
	       modiso_image_symbol(image, "nobody", &address));
	expect(MODISO_OK, modiso_image_unload(image));
	must_have_noted(-3, -2, -1);
	/* And once more: nothing has stayed. */
	load();
	must_have_noted(1, 2, 3);
	finish();
}
END_TEST

/* Versions of symbols that its own table of hashes does not count. */
START_TEST(program_needs)
{
	begin(_i);
	snprintf(file, sizeof(file), "modules/user-%s.so", compilers[_i % 2]);
	load();
	must_eq(enter(gate_of(NULL), 300), 300 + 2 * 10 + 1);
	finish();
}
END_TEST

static void *run_thread(void *arg)
{
	struct modiso_gate *gate = arg;

	must_eq(enter(gate, 3), 7 + 100 + 1000);
	must_eq(enter(gate, 7), 1);
	must_eq(enter(gate, 3), 8 + 101 + 1000);
	return NULL;
}

/* Each image has its own variables, and each thread of each its own. */
START_TEST(thread_local)
{
	struct modiso_gate *gate;
	pthread_t thread;

	begin(_i);
	load();
	gate = gate_of("top");
	run_thread(gate);
	must_eq(pthread_create(&thread, NULL, run_thread, gate), 0);
	must_eq(pthread_join(thread, NULL), 0);
	must_eq(enter(gate, 3), 9 + 102 + 1000);
	must_eq(enter(gate, 7), 2);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	/* Their blocks go with them. */
	expect(MODISO_OK, modiso_image_unload(image));
	load();
	gate = gate_of("top");
	run_thread(gate);
	finish();
}
END_TEST

static char heard[512];

static void hear(const char *of, const char *name, const char *why, void *arg)
{
	size_t used = strlen(heard);

	must(arg == &options);
	snprintf(heard + used, sizeof(heard) - used, "%s: %s: %s\n", of, name,
		 why);
}

static void must_hear(const char *what)
{
	if (strstr(heard, what) == NULL)
		ck_abort_msg("\"%s\" was not heard: %s", what, heard);
}

/* Never from the system's directories, nor from where the image itself lies. */
START_TEST(not_found)
{
	struct modiso_image *none = UNTOUCHED;
	char low[32];

	begin(_i);
	options.missing = hear;
	options.missing_arg = &options;
	options.needed_dir_count = 0;
	expect(MODISO_ERR_NOTSUP,
	       modiso_image_load(module, file, &options, &none));
	must_say("needed_dirs");
	must_eq(strlen(heard), 0);
	options.needed_dir_count = 1;
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, file, &options, &none));
	snprintf(low, sizeof(low), ", low-%s.so", compilers[_i % 2]);
	must_say("needs mid-");
	must_say(low);
	must_hear(low + 2);
	must_hear("mid-");
	must_hear("no directory has this library");
	/* Without them their symbols are missing: all at once. */
	heard[0] = '\0';
	options.flags = MODISO_IMAGE_IGNORE_NEEDED;
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, file, &options, &none));
	must_say("answer");
	must_say("low_chosen");
	must_hear("low_table: the host does not export it\n");
	must_hear("mid: the host does not export it\n");
	/* And with them that of the host. */
	heard[0] = '\0';
	options.flags = 0;
	options.needed_dir_count = 2;
	options.export_count = 0;
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, file, &options, &none));
	must_hear("note: no library has it\n");
	must_hear("top-"); /* of all images at once */
	must_hear("mid-");
	must_hear(low + 2);
	must(none == UNTOUCHED);
	options.needed_dirs = NULL;
	expect(MODISO_ERR_INVAL,
	       modiso_image_load(module, file, &options, &none));
	must_say("needed_dirs is NULL");
	finish();
}
END_TEST

/* A function of the host's is no data. */
START_TEST(data)
{
	struct modiso_export two[2];
	struct modiso_image *none = UNTOUCHED;

	begin(_i);
	two[0] = export;
	two[1] = (struct modiso_export){"low_table", noter};
	options.exports = two;
	options.export_count = 2;
	load(); /* the library has it */
	expect(MODISO_OK, modiso_image_unload(image));
	options.needed_dir_count = 1;
	options.flags = MODISO_IMAGE_IGNORE_NEEDED;
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, file, &options, &none));
	must_say("low_table (the host exports a function");
	must(none == UNTOUCHED);
	finish();
}
END_TEST

/* What only loaders read is not the module's, lists of versions among it. */
START_TEST(tables)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};

	begin(_i);
	/* One that has versions, and one that wants those of another. */
	for (int wants = 0; wants < 2; wants++) {
		snprintf(file, sizeof(file), "modules/%s-%s.so",
			 wants ? "top" : "low", compilers[_i % 2]);
		options.flags = 0;
		load();
		expect(MODISO_OK, modiso_image_get_info(image, &info));
		must((char *)info.start > (char *)info.base);
		expect(MODISO_OK, modiso_image_unload(image));
		options.flags = MODISO_IMAGE_HEADERS;
		load();
		expect(MODISO_OK, modiso_image_get_info(image, &info));
		must(info.start == info.base);
		expect(MODISO_OK, modiso_image_unload(image));
	}
	finish();
}
END_TEST

/* A library and what it needs, without thread-local storage. */
START_TEST(without_tls)
{
	struct modiso_gate *gate;
	intptr_t *table;
	void *address;

	begin(_i);
	snprintf(file, sizeof(file), "modules/mid_alone-%s.so",
		 compilers[_i % 2]);
	for (int round = 0; round < 2; round++) {
		load();
		must_eq(notes, 2);
		must_eq(noted[0], 1);
		must_eq(noted[1], 2);
		gate = gate_of("mid");
		must_eq(enter(gate, 0), 42);
		expect(MODISO_OK, modiso_gate_destroy(gate));
		gate = gate_of("low_chosen");
		must_eq(enter(gate, 0), 10 + 20 + 31);
		expect(MODISO_OK, modiso_gate_destroy(gate));
		expect(MODISO_OK,
		       modiso_image_symbol(image, "low_table", &address));
		table = address;
		must_eq(table[0], 10);
		expect(MODISO_OK, modiso_image_unload(image));
		must_eq(notes, 4);
		must_eq(noted[2], -2);
		must_eq(noted[3], -1);
		notes = 0;
	}
	finish();
}
END_TEST

/* The module ends with all of them. */
START_TEST(module_ends)
{
	begin(_i);
	load();
	finish();
	begin(_i);
	load();
	expect(MODISO_OK, modiso_image_unload(image));
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const tests[] = {program_needs, top_runs, thread_local,
				      not_found,     data,     tables,
				      module_ends,   without_tls};
	Suite *suite = suite_create("needed");
	TCase *tcase = tcase_create("needed");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0,
				    i < 3 && on_pkey() ? 4 : 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
