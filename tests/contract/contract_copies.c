/* SPDX-License-Identifier: MIT */
/*
 * contract_copies - two copies of the library in one process: a plug-in that
 * brought its own. Both would own the signals and the keys, so the second one
 * is refused while the first one runs.
 */
#include "support/world.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy {
	int (*init)(const struct modiso_options *options);
	int (*fini)(void);
	const char *(*text)(void);
};

static char copied_file[] = "/tmp/modiso-copy-XXXXXX";

/* The shared library: where the build has it, or where the loader finds it. */
static const char *library_file(void)
{
	static char built[4096];
	const char *named = getenv("MODISO_TEST_LIBRARY");
	const char *top = getenv("top_builddir");

	if (named)
		return named;
	snprintf(built, sizeof(built), "%s/lib/.libs/libmodiso.so.0",
		 top ? top : "..");
	if (!access(built, R_OK))
		return built;
	return "libmodiso.so.0";
}

static void *load(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		test_skip("library", dlerror());
	return handle;
}

static struct copy copy_of(void *handle)
{
	struct copy copy;
	void *symbol;

	symbol = dlsym(handle, "modiso_init");
	must(symbol);
	memcpy(&copy.init, &symbol, sizeof(symbol));
	symbol = dlsym(handle, "modiso_fini");
	must(symbol);
	memcpy(&copy.fini, &symbol, sizeof(symbol));
	symbol = dlsym(handle, "modiso_last_error_text");
	must(symbol);
	memcpy(&copy.text, &symbol, sizeof(symbol));
	return copy;
}

/* The same file under another name: the loader takes it for another library. */
static void *load_again(void *first)
{
	char buffer[65536];
	struct stat status;
	ssize_t got = 0;
	Dl_info info;
	int from, to;
	void *handle;

	must(dladdr(dlsym(first, "modiso_init"), &info));
	from = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	must(from >= 0 && !fstat(from, &status));
	to = mkstemp(copied_file);
	must(to >= 0);
	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		must_eq(write(to, buffer, (size_t)got), got);
	must_eq(got, 0);
	close(from);
	close(to);
	handle = load(copied_file);
	unlink(copied_file);
	must(handle != first);
	return handle;
}

/* While @first runs @second is refused, and the other way round. */
static void check_pair(const struct copy *first, const struct copy *second)
{
	must_eq(first->init(NULL), MODISO_OK);
	must_eq(second->init(NULL), MODISO_ERR_STATE);
	must(*second->text());
	must_eq(second->fini(), MODISO_ERR_STATE);
	must_eq(first->fini(), MODISO_OK);
	must_eq(second->init(NULL), MODISO_OK);
	must_eq(first->init(NULL), MODISO_ERR_STATE);
	must_eq(second->fini(), MODISO_OK);
}

START_TEST(test_linked_and_loaded)
{
	const struct copy linked = {modiso_init, modiso_fini,
				    modiso_last_error_text};
	const struct copy loaded = copy_of(load(library_file()));

	must(loaded.init != linked.init);
	check_pair(&linked, &loaded);
}
END_TEST

START_TEST(test_two_loaded)
{
	void *handle = load(library_file());
	const struct copy first = copy_of(handle);
	const struct copy second = copy_of(load_again(handle));

	must(first.init != second.init);
	check_pair(&first, &second);
}
END_TEST

/* The copy that is refused leaves the one that runs as it was. */
START_TEST(test_first_unharmed)
{
	const struct copy loaded = copy_of(load(library_file()));
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, module_add_one);

	must_eq(enter(gate, 1), 2);
	must_eq(loaded.init(NULL), MODISO_ERR_STATE);
	must_eq(enter(gate, 2), 3);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("copies");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_linked_and_loaded);
	tcase_add_test(tcase, test_two_loaded);
	tcase_add_test(tcase, test_first_unharmed);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
