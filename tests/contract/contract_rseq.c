/* SPDX-License-Identifier: MIT */
/*
 * contract_rseq - a thread that enters modules has no area for restartable
 * sequences: the C library's is taken back, and the program's own is found.
 */
#include "support/proc.h"
#include "support/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OTHER_SIGNATURE (RSEQ_SIG + 1)

static struct rseq area __attribute__((aligned(32)));
static struct modiso_module *module, *other;

static struct rseq *c_library_area(void)
{
	return (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static int call(struct rseq *at, int flags, uint32_t signature)
{
	return (int)syscall(SYS_rseq, at, 32, flags, signature);
}

static void take_back(struct rseq *at)
{
	must(!call(at, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
}

/* It can say so itself. */
static bool c_library_has_one(void)
{
	return __rseq_size != 0 &&
	       (int)((volatile struct rseq *)c_library_area())->cpu_id >= 0;
}

static void begin(void)
{
	if (!c_library_has_one())
		test_skip("rseq", "the C library has registered none");
	module = world_module();
	other = make_module("other");
}

static void must_refuse(int code, int want)
{
	must_eq(code, want);
	must(strstr(modiso_last_error_text(), "restartable sequences"));
}

static void must_enter(struct modiso_module *into)
{
	must_eq(enter(make_gate(into, module_add_one), 1), 2);
}

/* As librseq does: an area of its own, instead of the C library's. */
START_TEST(test_own)
{
	begin();
	take_back(c_library_area());
	must(!call(&area, 0, _i ? OTHER_SIGNATURE : RSEQ_SIG));
	must_refuse(modiso_thread_attach(), MODISO_ERR_STATE);
	must_refuse(modiso_gate_call(make_gate(module, module_add_one),
				     WORDS(1), NULL),
		    MODISO_ERR_STATE);
	/* It is still there, and the thread is as it was. */
	must_eq(call(&area, 0, _i ? OTHER_SIGNATURE : RSEQ_SIG), -1);
	must_eq(errno, EBUSY);
	must(!call(&area, RSEQ_FLAG_UNREGISTER,
		   _i ? OTHER_SIGNATURE : RSEQ_SIG));
	must_enter(module);
	/* Nothing that was not there comes back. */
	expect(MODISO_OK, modiso_thread_detach());
	must(!c_library_has_one());
	must(!call(&area, 0, RSEQ_SIG));
	take_back(&area);
}
END_TEST

/* The C library's area, registered anew in another way. */
START_TEST(test_changed)
{
	begin();
	take_back(c_library_area());
	must(!call(c_library_area(), 0, OTHER_SIGNATURE));
	must_eq(modiso_thread_attach(), MODISO_ERR_OS);
	must(strstr(modiso_last_error_text(), "rseq"));
	must(!call(c_library_area(), RSEQ_FLAG_UNREGISTER, OTHER_SIGNATURE));
	must_enter(module);
}
END_TEST

/* When the thread is attached already: found at its next new module. */
START_TEST(test_later)
{
	begin();
	must_enter(module);
	must(!c_library_has_one());
	must(!call(&area, 0, RSEQ_SIG));
	must_refuse(modiso_gate_call(make_gate(other, module_add_one),
				     WORDS(1), NULL),
		    MODISO_ERR_STATE);
	take_back(&area);
	must_enter(other);
	expect(MODISO_OK, modiso_thread_detach());
	must(c_library_has_one());
}
END_TEST

/* Each time. A thread that an attached one makes has none to begin with. */
static void *live(void *unused)
{
	must(c_library_has_one());
	must_enter(module);
	must(!c_library_has_one());
	expect(MODISO_OK, modiso_thread_detach());
	must(c_library_has_one());
	return unused;
}

static void *live_without(void *unused)
{
	must(!c_library_has_one());
	must_enter(module);
	expect(MODISO_OK, modiso_thread_detach());
	must(!c_library_has_one());
	return unused;
}

START_TEST(test_new_thread)
{
	begin();
	thread_join(thread_start(live, NULL));
	must_enter(module);
	thread_join(thread_start(live_without, NULL));
}
END_TEST

/* In a program whose C library was told to register none. */
#define WITHOUT "without"

static int run_without(void)
{
	if (__rseq_size != 0 || c_library_has_one())
		return 2;
	module = world_module();
	must_enter(module);
	expect(MODISO_OK, modiso_thread_detach());
	must(!call(&area, 0, RSEQ_SIG));
	must_refuse(modiso_thread_attach(), MODISO_ERR_STATE);
	take_back(&area);
	must_enter(module);
	return 0;
}

static void start_without(void *unused)
{
	(void)unused;
	setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
	execl("/proc/self/exe", "contract_rseq", WITHOUT, NULL);
	_exit(3);
}

START_TEST(test_without)
{
	if (!c_library_has_one())
		test_skip("rseq", "the C library has registered none");
	must_exit(child_status(start_without, NULL), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rseq");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_own, 0, 2);
	tcase_add_test(tcase, test_changed);
	tcase_add_test(tcase, test_later);
	tcase_add_test(tcase, test_new_thread);
	tcase_add_test(tcase, test_without);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], WITHOUT))
		return run_without();
	return test_main(make_suite, TEST_ON_BACKEND);
}
