/* SPDX-License-Identifier: MIT */
/*
 * contract_init - start and end of the library: which backend, refused when,
 * what is put back, and its words for each error.
 */
#include "support/world.h"
#include "support/proc.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

START_TEST(test_twice)
{
	world_start();
	expect(MODISO_ERR_STATE, modiso_init(NULL));
	must_eq(modiso_backend_current(),
		on_pkey() ? MODISO_BACKEND_PKEY : MODISO_BACKEND_MPROTECT);
	world_stop();
	expect(MODISO_ERR_STATE, modiso_fini());
}
END_TEST

/* One whole life: what a program does between its first and last call. */
static void one_life(void)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, PAGE, "region");
	struct modiso_gate *gate = make_gate(module, module_add_one);
	modiso_fn thunk;

	region_bytes(region)[0] = 1;
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	must_eq(((uintptr_t(*)(uintptr_t))thunk)(4), 5);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}

START_TEST(test_lives)
{
	unsigned long n = run_times(300, 40);
	struct proc_usage before;

	one_life();
	one_life();
	before = proc_usage();
	while (n--)
		one_life();
	proc_must_not_grow(&before, 0, 512);
}
END_TEST

static const int owned_signals[] = {SIGSEGV, SIGBUS,  SIGILL,
				    SIGFPE,  SIGTRAP, SIGSYS};

static void some_handler(int signo)
{
	(void)signo;
}

START_TEST(test_handlers_put_back)
{
	struct sigaction mine = {.sa_handler = some_handler}, now;
	size_t i;

	sigaddset(&mine.sa_mask, SIGUSR1);
	mine.sa_flags = SA_RESTART;
	for (i = 0; i < 6; i++)
		must_eq(sigaction(owned_signals[i], &mine, NULL), 0);
	world_start();
	/* The program sees its own: the library passes on to it. */
	for (i = 0; i < 6; i++) {
		sigaction(owned_signals[i], NULL, &now);
		must(now.sa_handler == some_handler);
	}
	/* One is replaced meanwhile; that stays as it is. */
	mine.sa_handler = SIG_DFL;
	must_eq(sigaction(SIGTRAP, &mine, NULL), 0);
	world_stop();
	for (i = 0; i < 6; i++) {
		sigaction(owned_signals[i], NULL, &now);
		if (owned_signals[i] == SIGTRAP) {
			must(now.sa_handler == SIG_DFL);
			continue;
		}
		must(now.sa_handler == some_handler);
		must(now.sa_flags & SA_RESTART);
		must(!(now.sa_flags & SA_SIGINFO));
		must(sigismember(&now.sa_mask, SIGUSR1));
	}
}
END_TEST

static const struct {
	const char *name;
	struct modiso_options options;
} wrong_options[] = {
	{"size 0", {.struct_size = 0}},
	{"size 4", {.struct_size = 4}},
	{"first size - 1",
	 {.struct_size = offsetof(struct modiso_options, closed) - 1}},
	{"closed",
	 {.struct_size = sizeof(struct modiso_options),
	  .closed = MODISO_CLOSED_STACKS << 1}},
	{"backend 3",
	 {.struct_size = sizeof(struct modiso_options), .backend = 3}},
	{"backend -1",
	 {.struct_size = sizeof(struct modiso_options),
	  .backend = (uint32_t)-1}},
	{"capability",
	 {.struct_size = sizeof(struct modiso_options), .require = 1u << 31}},
	{"next capability",
	 {.struct_size = sizeof(struct modiso_options),
	  .require = MODISO_CAP_GUARD | MODISO_CAP_SYSCALLS << 1}},
	{"flag", {.struct_size = sizeof(struct modiso_options), .flags = 8}},
	{"flags",
	 {.struct_size = sizeof(struct modiso_options), .flags = 1u << 31}},
};

#define WRONG_OPTIONS ((int)(sizeof(wrong_options) / sizeof(*wrong_options)))

START_TEST(test_wrong_options)
{
	expect_code(
		(errno = ERRNO_MARK, modiso_init(&wrong_options[_i].options)),
		MODISO_ERR_INVAL, wrong_options[_i].name, __FILE__, __LINE__);
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
	world_start();
	world_stop();
}
END_TEST

static struct modiso_backend_info query(enum modiso_backend backend)
{
	struct modiso_backend_info info;

	memset(&info, 0xa5, sizeof(info));
	info.struct_size = sizeof(info);
	expect(MODISO_OK, modiso_backend_query(backend, &info));
	must_eq(info.struct_size, sizeof(info));
	must_eq(info.backend, backend);
	must(memchr(info.reason, 0, sizeof(info.reason)));
	return info;
}

static void check_info(enum modiso_backend backend, const char *name)
{
	const uint32_t levels =
		MODISO_CAP_GUARD | MODISO_CAP_READONLY | MODISO_CAP_SEALED |
		MODISO_CAP_SYSCALLS;
	struct modiso_backend_info info = query(backend);

	must_str(info.name, name);
	must(info.usable <= 1);
	if (!info.usable) {
		must_eq(info.caps, 0);
		must(*info.reason);
		return;
	}
	must(info.caps & MODISO_CAP_GUARD);
	if (backend == MODISO_BACKEND_MPROTECT)
		must_eq(info.caps & ~MODISO_CAP_EXITS,
			MODISO_CAP_GUARD | MODISO_CAP_UNLIMITED);
	else
		must((info.caps & MODISO_CAP_PER_THREAD) &&
		     (info.caps & MODISO_CAP_PARALLEL));
	/* A level that is missing is missing for a reason; so is the guard. */
	must((*info.reason != '\0') == ((info.caps & levels) != levels));
}

START_TEST(test_query)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	check_info(MODISO_BACKEND_PKEY, "pkey");
	check_info(MODISO_BACKEND_MPROTECT, "mprotect");
	must_eq(query(MODISO_BACKEND_MPROTECT).usable, 1);
	must_eq(query(MODISO_BACKEND_MPROTECT).keys_total, 0);
	must_eq(query(MODISO_BACKEND_PKEY).usable, test_pkey_missing() == NULL);
	world_start();
	check_info(MODISO_BACKEND_MPROTECT, "mprotect");
	world_stop();
	check_info(MODISO_BACKEND_PKEY, "pkey");

	expect(MODISO_ERR_INVAL,
	       modiso_backend_query(MODISO_BACKEND_AUTO, &info));
	expect(MODISO_ERR_INVAL,
	       modiso_backend_query((enum modiso_backend)3, &info));
	expect(MODISO_ERR_INVAL,
	       modiso_backend_query(MODISO_BACKEND_PKEY, NULL));
	info.struct_size = 0;
	expect(MODISO_ERR_INVAL,
	       modiso_backend_query(MODISO_BACKEND_PKEY, &info));
	info.struct_size = offsetof(struct modiso_backend_info, reason);
	expect(MODISO_ERR_INVAL,
	       modiso_backend_query(MODISO_BACKEND_MPROTECT, &info));
}
END_TEST

/* The library holds keys while it runs, and gives every one of them back. */
START_TEST(test_keys_given_back)
{
	struct modiso_backend_info before = query(MODISO_BACKEND_PKEY), now;

	if (before.usable) {
		must_eq(before.keys_total, 15);
		must(before.keys_free > 0 && before.keys_free <= 15);
	}
	world_start();
	now = query(MODISO_BACKEND_PKEY);
	if (on_pkey())
		must(now.keys_free < before.keys_free);
	world_stop();
	must_eq(query(MODISO_BACKEND_PKEY).keys_free, before.keys_free);
}
END_TEST

static int init_with(enum modiso_backend backend, uint32_t require)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.backend = backend,
		.require = require,
	};

	return modiso_init(&options);
}

/* Each capability is there when the query says so, and refused if not. */
START_TEST(test_require)
{
	enum modiso_backend backend =
		on_pkey() ? MODISO_BACKEND_PKEY : MODISO_BACKEND_MPROTECT;
	uint32_t caps = query(backend).caps, bit;

	for (bit = 1; bit <= MODISO_CAP_SYSCALLS; bit <<= 1) {
		if (caps & bit) {
			expect(MODISO_OK, init_with(backend, bit));
			world_stop();
			continue;
		}
		expect(MODISO_ERR_NOTSUP, init_with(backend, bit));
		must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
	}
	expect(MODISO_OK, init_with(backend, caps));
	world_stop();
}
END_TEST

/* MODISO_BACKEND=pkey, or the same in the options: met or refused in words. */
static void check_named(enum modiso_backend backend, int got)
{
	struct modiso_backend_info info = query(backend);

	if (info.usable) {
		expect_code(got, MODISO_OK, "modiso_init", __FILE__, __LINE__);
		must_eq(modiso_backend_current(), backend);
		world_stop();
		return;
	}
	expect_code(got, MODISO_ERR_NOTSUP, "modiso_init", __FILE__, __LINE__);
	must(strstr(modiso_last_error_text(), info.reason));
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
}

START_TEST(test_environment)
{
	setenv("MODISO_BACKEND", "mprotect", 1);
	errno = ERRNO_MARK;
	check_named(MODISO_BACKEND_MPROTECT, modiso_init(NULL));
	errno = ERRNO_MARK;
	check_named(MODISO_BACKEND_MPROTECT, init_with(MODISO_BACKEND_AUTO, 0));
	setenv("MODISO_BACKEND", "pkey", 1);
	errno = ERRNO_MARK;
	check_named(MODISO_BACKEND_PKEY, modiso_init(NULL));
	/* The option beats the environment, whichever is the stronger one. */
	errno = ERRNO_MARK;
	check_named(MODISO_BACKEND_MPROTECT,
		    init_with(MODISO_BACKEND_MPROTECT, 0));
	setenv("MODISO_BACKEND", "mprotect", 1);
	errno = ERRNO_MARK;
	check_named(MODISO_BACKEND_PKEY, init_with(MODISO_BACKEND_PKEY, 0));
	/* A backend by name and a capability that it never has. */
	expect(MODISO_ERR_NOTSUP,
	       init_with(MODISO_BACKEND_MPROTECT, MODISO_CAP_PER_THREAD));
}
END_TEST

START_TEST(test_auto)
{
	enum modiso_backend best =
		query(MODISO_BACKEND_PKEY).usable || !MDI_MPROTECT_FALLBACK
			? MODISO_BACKEND_PKEY
			: MODISO_BACKEND_MPROTECT;

	setenv("MODISO_BACKEND", "auto", 1);
	errno = ERRNO_MARK;
	check_named(best, modiso_init(NULL));
	unsetenv("MODISO_BACKEND");
	errno = ERRNO_MARK;
	check_named(best, modiso_init(NULL));
}
END_TEST

START_TEST(test_misspelled)
{
	static const char *const words[] = {"mprotekt", "pke", "pkeyx", "PKEY",
					    "pkey ",    "1",   "sim"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		setenv("MODISO_BACKEND", words[i], 1);
		expect(MODISO_ERR_INVAL, modiso_init(NULL));
		must(strstr(modiso_last_error_text(), words[i]));
		must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
	}
}
END_TEST

START_TEST(test_error_words)
{
	int code, other;

	for (code = 0; code >= MODISO_ERR_FAULT; code--) {
		must(*modiso_strerror(code));
		must(!strncmp(modiso_error_name(code), "MODISO_", 7));
		for (other = 0; other > code; other--) {
			must(strcmp(modiso_strerror(code),
				    modiso_strerror(other)));
			must(strcmp(modiso_error_name(code),
				    modiso_error_name(other)));
		}
	}
	must_str(modiso_error_name(MODISO_OK), "MODISO_OK");
	must_str(modiso_error_name(MODISO_ERR_INVAL), "MODISO_ERR_INVAL");
	must_str(modiso_error_name(MODISO_ERR_FAULT), "MODISO_ERR_FAULT");
	must(*modiso_strerror(1) && *modiso_strerror(-14));
	must(*modiso_error_name(-2147483647 - 1));
}
END_TEST

static void *text_of_another(void *arg)
{
	/* Anything but NULL: this thread has a text already. */
	return *modiso_last_error_text() ? arg : NULL;
}

START_TEST(test_error_text)
{
	struct modiso_module *module;
	char text[1024];

	must_str(modiso_last_error_text(), "");
	world_start();
	must_str(modiso_last_error_text(), "");
	expect(MODISO_ERR_INVAL, modiso_module_create("", NULL, &module));
	snprintf(text, sizeof(text), "%s", modiso_last_error_text());
	must(*text);
	/* It stays through success, and belongs to this thread alone. */
	module = make_module("module");
	must_str(modiso_last_error_text(), text);
	must_eq(thread_join(thread_start(text_of_another, untouched_byte)),
		NULL);
	must_str(modiso_last_error_text(), text);
	expect(MODISO_ERR_BUSY, modiso_fini());
	must(strcmp(modiso_last_error_text(), text));
}
END_TEST

#define SHSTK_STATUS 0x5005

/* Say what a kernel says to a program that has one. */
static void say_shadow_stack(int signo, siginfo_t *info, void *context)
{
	greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signo;
	(void)info;
	*(uint64_t *)reg[REG_RSI] = 1;
	reg[REG_RAX] = 0;
}

/* No CPU of the tests has them: a filter answers in the kernel's place. */
static void pretend_shadow_stack(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_arch_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SHSTK_STATUS, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = say_shadow_stack;
	action.sa_flags = SA_SIGINFO;
	must(!sigaction(SIGSYS, &action, NULL));
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		test_skip("seccomp", "this kernel takes no seccomp filter");
}

START_TEST(test_shadow_stack)
{
	pretend_shadow_stack();
	expect(MODISO_ERR_NOTSUP, modiso_init(NULL));
	must(strstr(modiso_last_error_text(), "shadow stack"));
	expect(MODISO_ERR_STATE, modiso_fini());
}
END_TEST

/*
 * The address space that is reserved is large, and costs nothing: neither
 * memory nor page tables.
 */
START_TEST(test_memory)
{
	unsigned long tables = proc_status("VmPTE");
	struct proc_usage before = proc_usage();

	must_eq(enter(make_gate(world_module(), module_add_one), 1), 2);
	must(proc_status("VmSize") > 4ul << 20);
	must(TEST_SANITIZED || proc_status("VmPTE") - tables <= 512);
	must(TEST_SANITIZED || proc_usage().rss_kib - before.rss_kib <= 3072);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("init");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_twice);
	tcase_add_test(tcase, test_shadow_stack);
	tcase_add_test(tcase, test_lives);
	tcase_add_test(tcase, test_handlers_put_back);
	tcase_add_loop_test(tcase, test_wrong_options, 0, WRONG_OPTIONS);
	tcase_add_test(tcase, test_query);
	tcase_add_test(tcase, test_keys_given_back);
	tcase_add_test(tcase, test_require);
	tcase_add_test(tcase, test_environment);
	tcase_add_test(tcase, test_auto);
	tcase_add_test(tcase, test_misspelled);
	tcase_add_test(tcase, test_error_words);
	tcase_add_test(tcase, test_error_text);
	tcase_add_test(tcase, test_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
