/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_refused - where system calls of modules cannot be stopped,
 * modules that ask for it are refused, with the reason, and so is a program
 * that requires it.
 */
#include "contract/guard_code.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */

/* Each preset, and the requirement. */
static void must_be_refused(const char *why)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	struct modiso_options needs = {
		.struct_size = sizeof(needs),
		.backend = on_pkey() ? MODISO_BACKEND_PKEY :
				       MODISO_BACKEND_MPROTECT,
		.require = MODISO_CAP_SYSCALLS,
	};
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
	};
	struct modiso_module *made = UNTOUCHED;

	expect(MODISO_ERR_NOTSUP, modiso_init(&needs));
	must(strstr(modiso_last_error_text(), why));
	expect(MODISO_OK, modiso_backend_query(
				  (enum modiso_backend)needs.backend, &info));
	must(!(info.caps & MODISO_CAP_SYSCALLS));
	must(!on_pkey() || strstr(info.reason, why));
	world_start();
	for (options.syscalls = MODISO_SYSCALLS_NONE;
	     options.syscalls <= MODISO_SYSCALLS_LOG; options.syscalls++) {
		expect(MODISO_ERR_NOTSUP,
		       modiso_module_create("refused", &options, &made));
		must(strstr(modiso_last_error_text(), why));
		must(made == UNTOUCHED);
	}
	make_module("not guarded");
}

START_TEST(test_page_permissions)
{
	must_be_refused("protection keys");
}
END_TEST

/*
 * --- a kernel that refuses, and one that says yes and does nothing ---
 *
 * In a program of its own each: this one has asked already.
 */
static void run_filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DISPATCH, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1 /* EPERM */),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	must_be_refused("PR_SET_SYSCALL_USER_DISPATCH: Operation not");
}

static void pretend(pid_t pid)
{
	struct user_regs_struct regs;

	must(!ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	if (regs.orig_rax != SYS_prctl || regs.rdi != DISPATCH)
		return;
	regs.orig_rax = (unsigned long long)-1;
	must(!ptrace(PTRACE_SETREGS, pid, NULL, &regs));
	must(!ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
	must(waitpid(pid, NULL, __WALL) == pid);
	must(!ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	regs.rax = 0;
	must(!ptrace(PTRACE_SETREGS, pid, NULL, &regs));
}

/* The signal that it gets, when it goes on. */
static int signal_of(int status)
{
	int signo = WSTOPSIG(status);

	if (status >> 16 != 0 || signo == (SIGTRAP | 0x80) || signo == SIGSTOP)
		return 0;
	return signo;
}

/* Its first process's exit status. */
static int stand_in(pid_t first)
{
	int status;
	pid_t pid;

	must(waitpid(first, &status, __WALL) == first);
	must(!ptrace(PTRACE_SETOPTIONS, first, NULL,
		     PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK |
			     PTRACE_O_EXITKILL));
	must(!ptrace(PTRACE_SYSCALL, first, NULL, NULL));
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == first)
				return status;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			pretend(pid);
		ptrace(PTRACE_SYSCALL, pid, NULL,
		       (long)signal_of(status));
	}
	return -1;
}

static void run_traced(void)
{
	must(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	must(!raise(SIGSTOP));
	must_be_refused("stops no call");
}

static const struct world {
	const char *name;
	void (*run)(void);
} worlds[] = {
	{"filtered", run_filtered},
	{"traced", run_traced},
};

START_TEST(test_stand_in)
{
	const struct world *world = &worlds[_i];
	pid_t pid = fork();
	int status;

	must(pid >= 0);
	if (pid == 0) {
		execl("/proc/self/exe", "contract_guard_refused", world->name,
		      NULL);
		_exit(127);
	}
	if (world->run == run_traced)
		status = stand_in(pid);
	else
		must(waitpid(pid, &status, 0) == pid);
	must_eq(status, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_refused");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_stand_in, 0,
				    sizeof(worlds) / sizeof(*worlds));
	} else {
		tcase_add_test(tcase, test_page_permissions);
	}
	return suite;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++)
		if (argc > 1 && !strcmp(argv[1], worlds[i].name)) {
			worlds[i].run();
			return 0;
		}
	return test_main(make_suite, TEST_ON_BACKEND);
}
