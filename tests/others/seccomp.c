/* SPDX-License-Identifier: MIT */
/*
 * seccomp.c - a filter answers one system call with an error, as profiles of
 * containers and of services do.
 *
 *   seccomp            print the names of the calls, one to a line
 *   seccomp none       no filter
 *   seccomp CALL       EPERM and ENOSYS, before modiso_init() and after it
 *
 * The library works, or refuses with a sentence that names the call or the
 * error.
 */
#include "policy.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/*
 * What the library makes, as modiso-programs(7) lists it. Left out is what the
 * C library itself ends a process for (futex), and the way back from a signal
 * handler.
 */
static const struct call {
	const char *name;
	unsigned number;
} calls[] = {
#define CALL(name) {#name, SYS_##name}
	CALL(arch_prctl),	CALL(brk),
	CALL(clone),		CALL(clone3),
	CALL(close),		CALL(fcntl),
	CALL(fstatfs),		CALL(ftruncate),
	CALL(getdents64),
	CALL(getpid),		CALL(getrandom),
	CALL(gettid),		CALL(madvise),
	CALL(membarrier),	CALL(memfd_create),
	CALL(mmap),		CALL(mprotect),
	CALL(mremap),		CALL(munmap),
	CALL(newfstatat),	CALL(openat),
	CALL(pkey_alloc),	CALL(pkey_free),
	CALL(pkey_mprotect),	CALL(prctl),
	CALL(prlimit64),	CALL(pwrite64),
	CALL(read),		CALL(readlinkat),
	CALL(rseq),
	CALL(rt_sigaction),	CALL(rt_sigprocmask),
	CALL(rt_tgsigqueueinfo), CALL(sigaltstack),
	CALL(tgkill),		CALL(wait4),
#undef CALL
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void answer(unsigned number, unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		printf("no seccomp here: %s\n", strerror(errno));
		exit(77);
	}
}

/* Of memory there are many: the library has to say which one it was. */
static int of_memory(unsigned number)
{
	return number == SYS_mmap || number == SYS_munmap ||
	       number == SYS_mprotect || number == SYS_mremap ||
	       number == SYS_pkey_free;
}

static void run(const struct call *call, int error, int first)
{
	good_reason[0] = call->name;
	good_reason[1] = of_memory(call->number) ? call->name : strerror(error);
	if (first)
		answer(call->number, (unsigned)error);
	need("init", modiso_init(NULL));
	if (!first)
		answer(call->number, (unsigned)error);
	/* Without it the C library ends a process that makes threads. */
	policy_work(call->number != SYS_rseq);
}

/* In a process of its own: 0, or what is wrong has been said. */
static int try(const struct call *call, int error, int first)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		run(call, error, first);
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("a child: %s", strerror(errno));
	if (status == 0)
		return 0;
	printf("%s answers %s %s modiso_init(): %s %d\n", call->name,
	       strerror(error), first ? "before" : "after",
	       WIFSIGNALED(status) ? "signal" : "exit status",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return 1;
}

int main(int argc, char **argv)
{
	const struct call *call = NULL;
	int bad = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < CALLS; i++) {
		if (argc == 1)
			printf("%s\n", calls[i].name);
		else if (strcmp(argv[1], calls[i].name) == 0)
			call = &calls[i];
	}
	if (argc == 1)
		return 0;
	if (call != NULL) {
		for (int first = 0; first < 2; first++) {
			bad += try(call, EPERM, first);
			bad += try(call, ENOSYS, first);
		}
		return bad > 0;
	}
	if (strcmp(argv[1], "none") != 0)
		fail("%s is not on the list", argv[1]);
	need("init", modiso_init(NULL));
	policy_work(1);
	return 0;
}
