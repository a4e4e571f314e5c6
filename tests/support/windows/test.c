/* SPDX-License-Identifier: MIT */
/*
 * The runner. Each case runs in a process of its own, which is this program
 * once more with the case's number in the environment. It has passed when the
 * process ends with 0 and its last line says so: where the system ends a
 * process at once, Wine makes that a 0 as well.
 */
#include "support/test.h"

#include "support/windows/again.h"

#include <modiso.h>

#include <stdarg.h>
#include <stdbool.h>
#include <windows.h>

#define CASES 256

static struct {
	const struct test_case *test;
	int i;
	const TCase *group;
} cases[CASES];
static unsigned case_count;

/* What needs something that there is none of here. */
static const struct {
	const char *name, *why;
} without[] = {
	{"test_signal_mask", "signals"},
	{"test_stack_on_signal_stack", "signals"},
	{"test_handler_in_module", "signals"},
	{"test_notify", "signals"},
	{"test_pass_to_handler", "signals"},
	{"test_called_on_new_thread", "signals"},
	{"test_kernel_refuses", "limits of a process"},
	{"test_locked", "calls of mlock(2)"},
	{"test_fork", "forks"},
	{"test_no_system_call", "filters of system calls"},
	{"test_preset", "system calls with numbers"},
	{"test_rules", "system calls with numbers"},
	{"test_wild_stack", "stacks for faults of another one"},
	{"test_interrupts_modules", "interrupts of a module by another thread"},
	{"test_host_beside_module", "interrupts of a module by another thread"},
	{"test_setgid", "groups of users"},
	{"test_big_frame", "stacks for faults of another one"},
	{"program_needs", "images with thread-local storage"},
	{"top_runs", "images with thread-local storage"},
	{"thread_local", "images with thread-local storage"},
	{"not_found", "images with thread-local storage"},
	{"data", "images with thread-local storage"},
	{"tables", "images with thread-local storage"},
	{"module_ends", "images with thread-local storage"},
	{"test_tls", "images with thread-local storage"},
	{"storage", "images with thread-local storage"},
	{"test_handler", "signals"},
	{"test_handlers", "signals"},
	{"test_refused_in_handler", "signals"},
	{"test_signals", "signals"},
	{"test_mask", "signals"},
	{"flat_debugger", "names that gdb knows its interface by"},
	{"test_writer_stays", "handlers of the program's own for faults"},
	{"test_signal_stacks", "signals"},
	{"test_in_handler", "signals"},
	{"test_push_non_canonical", "stacks for faults of another one"},
	{"test_ring", "rings of io_uring(7)"},
	{"test_polled_ring", "rings of io_uring(7)"},
	{"test_aio", "contexts of io_setup(2)"},
	{"test_report_full", "a device that is always full"},
};

const char *test_backend(void)
{
	return "mprotect";
}

const char *test_pkey_missing(void)
{
	return "this libmodiso was built with --disable-pkey";
}

Suite *suite_create(const char *name)
{
	static Suite suite;

	suite.name = name;
	return &suite;
}

TCase *tcase_create(const char *name)
{
	(void)name;
	return calloc(1, sizeof(TCase));
}

void suite_add_tcase(Suite *suite, TCase *group)
{
	(void)suite;
	(void)group;
}

void tcase_add_checked_fixture(TCase *group, void (*setup)(void),
			       void (*teardown)(void))
{
	group->setup = setup;
	group->teardown = teardown;
}

void tcase_add_loop_test(TCase *group, const struct test_case *test, int first,
			 int end)
{
	for (int i = first; i < end && case_count < CASES; i++) {
		cases[case_count].test = test;
		cases[case_count].i = i;
		cases[case_count++].group = group;
	}
}

void test_failed(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# failed at %s:%d: ", file, line);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_Exit(EXIT_FAILURE);
}

void test_skip(const char *what, const char *reason)
{
	printf(AGAIN_SKIPPED "%s: %s\n", what, reason);
	fflush(stdout);
	_Exit(EXIT_SUCCESS);
}

FILE *open_memstream(char **text, size_t *size)
{
	(void)text;
	(void)size;
	test_skip("stream", "there are no streams into memory");
}

FILE *fmemopen(void *text, size_t size, const char *mode)
{
	(void)mode;
	return open_memstream((char **)&text, &size);
}

/* A case that has not got on for so long hangs. */
#define HANGS_S 300
#define IN_WORDS(number) IN_WORDS_(number)
#define IN_WORDS_(number) #number

static volatile unsigned long progress;

void test_gets_on(unsigned long count)
{
	progress = count;
}

/*
 * In the case's own process, and in each of its children: what it has started
 * would keep its output open. Other threads may hold any lock.
 */
static DWORD CALLBACK watch(void *unused)
{
	static const char words[] =
		"# it hangs: no progress for " IN_WORDS(HANGS_S) " s\n";
	unsigned long before = progress;
	int seconds = 0;
	DWORD written;

	(void)unused;
	while (seconds++ < HANGS_S) {
		Sleep(1000);
		if (progress != before)
			seconds = 0;
		before = progress;
	}
	WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), words, sizeof(words) - 1,
		  &written, NULL);
	TerminateProcess(GetCurrentProcess(), 124);
	return 0;
}

static int run_one(unsigned n)
{
	const TCase *group = cases[n].group;
	HANDLE watcher = CreateThread(NULL, 0, watch, NULL, 0, NULL);

	if (watcher != NULL)
		CloseHandle(watcher);
	if (group->setup != NULL)
		group->setup();
	cases[n].test->run(cases[n].i);
	if (group->teardown != NULL)
		group->teardown();
	printf(AGAIN_DONE "\n");
	fflush(stdout);
	_Exit(EXIT_SUCCESS);
}

static const char *missing(const char *name)
{
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (strcmp(name, without[i].name) == 0)
			return without[i].why;
	return NULL;
}

/* 1 when it has failed. The case's own words come in front. */
static int report(unsigned n)
{
	const char *why = missing(cases[n].test->name);
	char skipped[256] = "";
	bool good;

	if (why != NULL)
		snprintf(skipped, sizeof(skipped), "%s: there are none", why);
	good = why != NULL || again_run_case(n, skipped, sizeof(skipped));
	printf("%s %u - %s:%d%s%s\n", good ? "ok" : "not ok", n + 1,
	       cases[n].test->name, cases[n].i, *skipped ? " # SKIP " : "",
	       skipped);
	return !good;
}

int test_main(Suite *(*make)(void), enum test_needs needs)
{
	const char *number = getenv(AGAIN_CASE);
	int failed = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (needs == TEST_ON_PKEY) {
		printf("1..0 # SKIP pkey: %s\n", test_pkey_missing());
		return EXIT_SUCCESS;
	}
	make();
	if (number != NULL)
		return run_one((unsigned)strtoul(number, NULL, 10));
	printf("1..%u\n", case_count);
	for (unsigned n = 0; n < case_count; n++)
		failed += report(n);
	return failed != 0;
}
