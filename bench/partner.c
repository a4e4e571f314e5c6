/* SPDX-License-Identifier: MIT */
#include "partner.h"

#include "bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In memory that both processes share. */
struct turn {
	_Atomic uint32_t ours;   /* questions */
	_Atomic uint32_t theirs; /* answers */
};

struct partner {
	pid_t pid[2]; /* one that reads a pipe, one that sleeps on a futex */
	int question, answer;
	struct turn *turn;
};

/* On the same CPU, on the other one. */
static struct partner partners[2];
static struct partner *chosen;

static void answer_pipe(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
}

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
	while (atomic_load(word) == value)
		syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store(word, value);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void __attribute__((noreturn)) answer_futex(struct turn *turn)
{
	uint32_t round;

	for (round = 0;; round++) {
		sleep_while(&turn->ours, round);
		wake(&turn->theirs, round + 1);
	}
}

/* Forks; the child is pinned and ends with its parent. */
static pid_t fork_partner(int cpu)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	bench_pin(cpu);
	return 0;
}

static int start(struct partner *partner, int cpu)
{
	int to[2], from[2];

	partner->turn =
		mmap(NULL, sizeof(*partner->turn), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (partner->turn == MAP_FAILED || pipe(to) != 0 || pipe(from) != 0)
		return bench_say(BENCH_FAILED, "pipe: %s", strerror(errno));
	partner->pid[0] = fork_partner(cpu);
	if (partner->pid[0] == 0) {
		close(to[1]);
		close(from[0]);
		answer_pipe(to[0], from[1]);
		_exit(0);
	}
	partner->pid[1] = fork_partner(cpu);
	if (partner->pid[1] == 0)
		answer_futex(partner->turn);
	close(to[0]);
	close(from[1]);
	partner->question = to[1];
	partner->answer = from[0];
	if (partner->pid[0] == -1 || partner->pid[1] == -1)
		return bench_say(BENCH_FAILED, "fork: %s", strerror(errno));
	return 0;
}

int partner_open(void)
{
	int rc = start(&partners[0], bench_cpu);

	if (rc == 0 && bench_other_cpu != -1)
		rc = start(&partners[1], bench_other_cpu);
	return rc;
}

void partner_close(void)
{
	int i, j;

	for (i = 0; i < 2; i++)
		for (j = 0; j < 2; j++)
			if (partners[i].pid[j] > 0) {
				kill(partners[i].pid[j], SIGKILL);
				waitpid(partners[i].pid[j], NULL, 0);
			}
}

int partner_same_cpu(void)
{
	chosen = &partners[0];
	return 0;
}

int partner_other_cpu(void)
{
	if (bench_other_cpu == -1)
		return bench_say(BENCH_ABSENT, "there is only one CPU");
	chosen = &partners[1];
	return 0;
}

int partner_run_pipe(uint64_t rounds)
{
	char byte = 0;

	while (rounds-- > 0)
		if (write(chosen->question, &byte, 1) != 1 ||
		    read(chosen->answer, &byte, 1) != 1)
			return bench_say(BENCH_FAILED, "pipe: %s",
					 strerror(errno));
	return 0;
}

int partner_run_futex(uint64_t rounds)
{
	struct turn *turn = chosen->turn;
	uint32_t round = atomic_load(&turn->theirs);

	while (rounds-- > 0) {
		wake(&turn->ours, round + 1);
		sleep_while(&turn->theirs, round);
		round++;
	}
	return 0;
}
