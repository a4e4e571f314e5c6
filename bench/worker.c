/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include "place.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A batch that takes longer than this hangs, also in an emulated machine. */
#define PATIENCE_MS 60000

/* Said, not shown by closing the pipe: later workers hold its other end too. */
#define NO_MORE UINT_MAX

struct question {
	unsigned row; /* or NO_MORE */
	uint64_t rounds;
};

struct answer {
	int rc;
	uint64_t ticks;
	char reason[WORKER_REASON];
};

const struct bench_subject *const place_base_subjects[] = {
	&bench_base,   &bench_start, &bench_touch, &bench_scan,
	&bench_dlopen, &bench_simulator, &bench_parser_plain, NULL};
const struct bench_subject *const place_backend_subjects[] = {
	&bench_gate,	 &bench_region, &bench_fault,	 &bench_guard,
	&bench_image,	 &bench_heap,	&bench_heap_batch, &bench_first,
	&bench_snapshot, &bench_crowd,	&bench_threads,	 &bench_simulator,
	&bench_parser,	 &bench_closed,	NULL};

/* ------------------------------------------------------------------------
 * In the worker.
 */

static void reply(int out, const struct answer *answer)
{
	if (write(out, answer, sizeof(*answer)) != sizeof(*answer))
		_exit(1);
}

static void __attribute__((noreturn))
work(enum worker_place place, int in, int out)
{
	struct question question;
	struct answer answer;

	memset(&answer, 0, sizeof(answer));
	bench_pin(bench_cpu);
	answer.rc = place_open(place);
	snprintf(answer.reason, sizeof(answer.reason), "%s", bench_said());
	reply(out, &answer);
	if (answer.rc != 0)
		exit(0);
	while (read(in, &question, sizeof(question)) == sizeof(question) &&
	       question.row != NO_MORE) {
		answer.rc = place_measure(worker_row(place, question.row),
					  question.rounds, &answer.ticks);
		snprintf(answer.reason, sizeof(answer.reason), "%s",
			 answer.rc == 0 ? "" : bench_said());
		reply(out, &answer);
	}
	place_close(place);
	exit(0);
}

/* ------------------------------------------------------------------------
 * In the measurer.
 */

static int lose(struct worker *worker, const char *how)
{
	int status = 0;

	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, &status, 0);
	worker->gone = true;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		snprintf(worker->reason, sizeof(worker->reason),
			 "died of signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(worker->reason, sizeof(worker->reason), "%s", how);
	return BENCH_FAILED;
}

static int receive(struct worker *worker, uint64_t *ticks)
{
	struct pollfd ready = {.fd = worker->answer, .events = POLLIN};
	struct answer answer;

	if (poll(&ready, 1, PATIENCE_MS) == 0)
		return lose(worker, "does not answer");
	if (read(worker->answer, &answer, sizeof(answer)) != sizeof(answer))
		return lose(worker, "ended without an answer");
	*ticks = answer.ticks;
	memcpy(worker->reason, answer.reason, sizeof(worker->reason));
	return answer.rc;
}

int worker_start(struct worker *worker, enum worker_place place)
{
	int to[2], from[2];
	uint64_t ticks;
	int rc;

	memset(worker, 0, sizeof(*worker));
	worker->place = place;
	fflush(NULL);
	if (pipe(to) != 0 || pipe(from) != 0 || (worker->pid = fork()) == -1) {
		snprintf(worker->reason, sizeof(worker->reason), "%s",
			 strerror(errno));
		worker->gone = true;
		return BENCH_FAILED;
	}
	if (worker->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* These are the measurer's, who still wants answers. */
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		close(to[1]);
		close(from[0]);
		work(place, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	worker->question = to[1];
	worker->answer = from[0];
	rc = receive(worker, &ticks);
	if (rc != 0 && !worker->gone)
		worker_stop(worker);
	return rc;
}

int worker_measure(struct worker *worker, unsigned row, uint64_t rounds,
		   uint64_t *ticks)
{
	struct question question = {.row = row, .rounds = rounds};

	if (worker->gone)
		return BENCH_FAILED;
	if (write(worker->question, &question, sizeof(question)) !=
	    sizeof(question))
		return lose(worker, "takes no questions");
	return receive(worker, ticks);
}

void worker_stop(struct worker *worker)
{
	struct question question = {.row = NO_MORE};

	if (worker->gone)
		return;
	if (write(worker->question, &question, sizeof(question)) !=
	    sizeof(question))
		kill(worker->pid, SIGKILL);
	close(worker->question);
	close(worker->answer);
	waitpid(worker->pid, NULL, 0);
	worker->gone = true;
}
