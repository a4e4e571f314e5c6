/* SPDX-License-Identifier: MIT */
/*
 * contract_refused - system calls that a policy refuses: the sentence names the
 * call and the policy, not something else that it could have been.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
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

static Suite *make_suite(void)
{
	Suite *suite = suite_create("refused");
	TCase *tcase = tcase_create("refused");

	tcase_add_loop_test(tcase, test_sigprocmask, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
