/* SPDX-License-Identifier: MIT */
/*
 * contract_refused - system calls that a policy refuses: the sentence names the
 * call and the policy, not something else that it could have been.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include "backend/state.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct modiso_gate *gate;

/* From here on system call @number fails with @error. */
static void refuse(uint32_t number, uint32_t error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* A thread that has not been in a module yet. */
static void call_first(void *error)
{
	refuse(SYS_rt_sigprocmask, *(const uint32_t *)error);
	if (modiso_gate_call(gate, NULL, 0, NULL) != MODISO_ERR_OS ||
	    (uint32_t)errno != *(const uint32_t *)error ||
	    strstr(modiso_last_error_text(), "rt_sigprocmask") == NULL ||
	    strstr(modiso_last_error_text(), "seccomp") == NULL)
		_exit(1);
	_exit(0);
}

START_TEST(test_sigprocmask)
{
	static uint32_t errors[] = {EPERM, ENOSYS};

	gate = make_gate(world_module(), poke_local);
	must_eq(child_status(call_first, &errors[_i]), 0);
}
END_TEST

/* --- calls of memory, and what stands behind their errors --- */

/* A module with a region. */
static int create(void)
{
	struct modiso_module *module;
	struct modiso_region *region;
	int code = modiso_module_create("m", NULL, &module);

	return code == MODISO_OK ? modiso_region_create(module, 1 << 20, RW,
							NULL, &region) :
				   code;
}

/* The refusal must say all of this. */
static void must_say(const char *const *words)
{
	if (create() == MODISO_OK)
		_exit(1);
	for (; *words != NULL; words++) {
		if (strstr(modiso_last_error_text(), *words) == NULL) {
			fprintf(stderr, "no \"%s\" in \"%s\"\n", *words,
				modiso_last_error_text());
			_exit(2);
		}
	}
	_exit(0);
}

/* As MDWE, SELinux and a filter do, and a kernel without the call. */
static const struct {
	uint32_t error;
	const char *words[4];
} policies[] = {
	{EPERM, {"mmap", "Operation not permitted", "seccomp", NULL}},
	{EACCES, {"mmap", "Permission denied", "SELinux", NULL}},
	{ENOSYS, {"mmap", "not implemented", "seccomp", NULL}},
};

static void create_refused(void *number)
{
	uint32_t i = *(const uint32_t *)number;

	refuse(SYS_mmap, policies[i].error);
	must_say(policies[i].words);
}

START_TEST(test_policy)
{
	uint32_t number = (uint32_t)_i;

	world_start();
	must_eq(child_status(create_refused, &number), 0);
}
END_TEST

/* With so few keys it matters whether a child can be made that asks. */
static void no_child(void *unused)
{
	const struct modiso_options options = {
		.struct_size = sizeof(options),
		.backend = MODISO_BACKEND_PKEY,
		.max_keys = 3,
	};
	const struct modiso_module_options confined = {
		.struct_size = sizeof(confined),
		.confinement = MODISO_CONFINE_READONLY,
	};
	struct modiso_module *module;

	(void)unused;
	refuse(SYS_clone, EAGAIN);
	mdi_backend_state.pkey.frames_asked = false; /* by the parent */
	must_eq(modiso_init(&options), MODISO_OK);
	must_eq(modiso_module_create("m", &confined, &module),
		MODISO_ERR_NOTSUP);
	fputs(modiso_last_error_text(), stderr);
}

START_TEST(test_no_child)
{
	char said[1024];

	must_exit(child_output(no_child, NULL, said, sizeof(said)), 0);
	if (!strstr(said, "clone(2)") || !strstr(said, "RLIMIT_NPROC"))
		ck_abort_msg("%s", said);
}
END_TEST

static void limit(__rlimit_resource_t resource, rlim_t bytes)
{
	const struct rlimit tight = {bytes, bytes};

	must(!setrlimit(resource, &tight));
}

static void no_space(void *unused)
{
	static const char *const words[] = {"mmap", "Cannot allocate memory",
					    "of 1048576 KiB (RLIMIT_AS)",
					    "(vm.max_map_count)", NULL};

	(void)unused;
	limit(RLIMIT_AS, (rlim_t)1 << 30);
	must_say(words);
}

static void no_data(void *unused)
{
	static const char *const words[] = {"of 4 KiB (RLIMIT_DATA)",
					    "(vm.max_map_count)", NULL};

	(void)unused;
	limit(RLIMIT_DATA, PAGE);
	must_say(words);
}

/* Root may lock as much as it likes. */
static void no_locked(void *unused)
{
	static const char *const words[] = {
		"mmap", "Resource temporarily unavailable",
		"256 KiB (RLIMIT_MEMLOCK)", NULL};

	(void)unused;
	limit(RLIMIT_MEMLOCK, 256 * 1024);
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		_exit(3);
	if (syscall(SYS_mlockall, MCL_FUTURE) != 0)
		_exit(4);
	must_say(words);
}

START_TEST(test_limit)
{
	static void (*const bodies[])(void *) = {no_space, no_data, no_locked};
	char said[1024];

	if (TEST_SANITIZED)
		test_skip("no-sanitizer", "it needs memory of its own");
	world_start();
	if (child_output(bodies[_i], NULL, said, sizeof(said)) != 0)
		ck_abort_msg("%s", said);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("refused");
	TCase *tcase = tcase_create("refused");

	tcase_add_loop_test(tcase, test_sigprocmask, 0, 2);
	tcase_add_loop_test(tcase, test_policy, 0, 3);
	tcase_add_loop_test(tcase, test_limit, 0, 3);
	if (on_pkey())
		tcase_add_test(tcase, test_no_child);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
