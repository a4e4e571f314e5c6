/* SPDX-License-Identifier: MIT */
#include "support/inject.h"
#include "support/proc.h"
#include "support/test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct inject *inject;

/* What can fail, and with what. */
static const struct call {
	int number, error;
	const char *name;
} calls[] = {
	{SYS_mmap, ENOMEM, "mmap"},
	{SYS_munmap, ENOMEM, "munmap"},
	{SYS_mremap, ENOMEM, "mremap"},
	{SYS_mprotect, ENOMEM, "mprotect"},
	{SYS_pkey_mprotect, ENOMEM, "pkey_mprotect"},
	{SYS_madvise, ENOMEM, "madvise"},
	{SYS_sigaltstack, ENOMEM, "sigaltstack"},
#define CALLS_OF_MEMORY 7
	{SYS_pkey_alloc, ENOSPC, "pkey_alloc"},
	{SYS_memfd_create, EMFILE, "memfd_create"},
	{SYS_openat, EMFILE, "openat"},
	{SYS_clone, EAGAIN, "clone"},
};
#define CALLS (sizeof(calls) / sizeof(*calls))

static const struct call *call_of(int number)
{
	size_t i;

	for (i = 0; i < CALLS; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

const char *inject_name(int number)
{
	const struct call *call = call_of(number);

	return call                      ? call->name
	       : number < INJECT_WRAPPED ? "nothing"
					 : "memory";
}

const char *inject_failed(void)
{
	return inject_name(inject->number);
}

/* The two processes never count at once: who asks waits for the answer. */
bool inject_here(int number)
{
	uint32_t place;

	if (!inject || !inject->armed)
		return false;
	place = inject->seen++ + 1;
	if (place < inject->first || place - inject->first >= inject->count)
		return false;
	if (inject->failed++ == 0)
		inject->number = number;
	return true;
}

/* --- the child --- */

/* Returns the descriptor on which the kernel asks; -1: there is no such. */
static int install_filter(size_t count)
{
	struct sock_filter code[4 + CALLS + 2];
	struct sock_fprog program = {.filter = code};
	unsigned short n = 0;
	size_t i;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						 AUDIT_ARCH_X86_64, 0,
						 (unsigned char)(count + 1));
	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (i = 0; i < count; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number,
			(unsigned char)(count - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						 SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						 SECCOMP_RET_USER_NOTIF);
	program.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* A message of one byte: 1 comes with the descriptor, 0 without one. */
union envelope {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static bool send_listener(int to, int listener)
{
	union envelope envelope = {{0}};
	char word = listener >= 0;
	struct iovec part = {&word, 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (listener >= 0) {
		message.msg_control = &envelope;
		message.msg_controllen = sizeof(envelope);
		envelope.header.cmsg_level = SOL_SOCKET;
		envelope.header.cmsg_type = SCM_RIGHTS;
		envelope.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&envelope.header), &listener, sizeof(int));
	}
	return sendmsg(to, &message, 0) == 1;
}

/* --- the parent --- */

static int receive_listener(int from)
{
	union envelope envelope = {{0}};
	char word = 0;
	struct iovec part = {&word, 1};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &envelope,
				 .msg_controllen = sizeof(envelope)};
	int listener = -1;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1 || !word ||
	    !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return listener;
}

/* What is this call to answer? 0: whatever the kernel says. */
static int verdict(int number)
{
	return inject_here(number) ? call_of(number)->error : 0;
}

/* More than either has today: the kernel writes what it knows. */
union question {
	struct seccomp_notif notif;
	char room[512];
};
union answer {
	struct seccomp_notif_resp resp;
	char room[512];
};

static void answer_one(int listener)
{
	union question question;
	union answer answer;
	int error;

	memset(&question, 0, sizeof(question));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question))
		return; /* who asked is gone */
	memset(&answer, 0, sizeof(answer));
	answer.resp.id = question.notif.id;
	error = verdict(question.notif.data.nr);
	if (error)
		answer.resp.error = -error;
	else
		answer.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* Until the child has ended; then end in the same way. */
static void answer_all(pid_t child, int listener)
{
	const struct rlimit no_core = {0, 0};
	struct pollfd wait[2] = {
		{.fd = listener, .events = POLLIN},
		{.fd = (int)syscall(SYS_pidfd_open, child, 0),
		 .events = POLLIN},
	};
	int status = 0;

	if (wait[1].fd < 0)
		ck_abort_msg("pidfd_open: %s", strerror(errno));
	while (!wait[1].revents) {
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			ck_abort_msg("poll: %s", strerror(errno));
		if (wait[0].revents & POLLIN)
			answer_one(listener);
	}
	if (waitpid(child, &status, 0) != child)
		ck_abort_msg("waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status)) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	/* Check's word on a failure has come by the file that both have. */
	_exit(WEXITSTATUS(status));
}

void inject_start(bool all)
{
	int ends[2], listener;
	pid_t child;
	char go;

	if (TEST_SANITIZED)
		test_skip("no-sanitizer",
			  "the calls that a sanitizer makes for "
			  "its own memory would fail as well");
	inject = mmap(NULL, sizeof(*inject), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (inject == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		ck_abort_msg("cannot talk to a child: %s", strerror(errno));
	proc_share_cpu(0);
	child = fork();
	if (child < 0)
		ck_abort_msg("fork: %s", strerror(errno));
	if (!child) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		listener = install_filter(all ? CALLS : CALLS_OF_MEMORY);
		if (!send_listener(ends[1], listener))
			_exit(EXIT_FAILURE);
		if (read(ends[1], &go, 1) != 1)
			_exit(EXIT_FAILURE);
		close(listener);
		close(ends[1]);
		return;
	}
	close(ends[1]);
	listener = receive_listener(ends[0]);
	if (listener < 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		test_skip("seccomp", "this kernel or container has no seccomp "
				     "filter that asks another process");
	}
	if (write(ends[0], "", 1) != 1)
		ck_abort_msg("cannot talk to a child: %s", strerror(errno));
	answer_all(child, listener);
}

void inject_arm(uint32_t first, uint32_t count)
{
	inject->first = first;
	inject->count = count;
	inject->seen = 0;
	inject->failed = 0;
	inject->number = -1;
	inject->armed = 1;
}

uint32_t inject_disarm(void)
{
	inject->armed = 0;
	return inject->failed;
}
