/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
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

static const struct bench_subject *const base_subjects[] = {
	&bench_base,   &bench_start, &bench_touch, &bench_scan,
	&bench_dlopen, &bench_simulator, &bench_parser_plain, NULL};
static const struct bench_subject *const backend_subjects[] = {
	&bench_gate,	 &bench_region, &bench_fault,	 &bench_guard,
	&bench_image,	 &bench_heap,	&bench_first,	 &bench_snapshot,
	&bench_crowd,	 &bench_threads, &bench_simulator, &bench_parser,
	NULL};

static const struct bench_subject *const *subjects(enum worker_place place)
{
	return place == PLACE_BASE ? base_subjects : backend_subjects;
}

const char *worker_place_name(enum worker_place place)
{
	static const char *const names[PLACES] = {"-", "pkey", "mprotect"};

	return names[place];
}

const struct bench_row *worker_row(enum worker_place place, unsigned number)
{
	const struct bench_subject *const *subject = subjects(place);
	const struct bench_row *row;

	for (; *subject != NULL; subject++)
		for (row = (*subject)->rows; row->name != NULL; row++)
			if (number-- == 0)
				return row;
	return NULL;
}

/* ------------------------------------------------------------------------
 * In the worker.
 */

static int open_all(enum worker_place place)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	const struct bench_subject *const *subject;
	int rc = 0;

	if (place != PLACE_BASE) {
		options.backend = place == PLACE_PKEY ? MODISO_BACKEND_PKEY
						      : MODISO_BACKEND_MPROTECT;
		rc = modiso_init(&options);
		if (rc == MODISO_ERR_NOTSUP)
			return bench_say(BENCH_ABSENT, "%s",
					 modiso_last_error_text());
		rc = bench_check("modiso_init", rc);
	}
	for (subject = subjects(place); rc == 0 && *subject != NULL; subject++)
		rc = (*subject)->open();
	return rc;
}

static void close_all(enum worker_place place)
{
	const struct bench_subject *const *subject;

	for (subject = subjects(place); *subject != NULL; subject++)
		(*subject)->close();
	if (place != PLACE_BASE && modiso_fini() != 0)
		fprintf(stderr, "modiso-bench: modiso_fini: %s\n",
			modiso_last_error_text());
}

static int measure(const struct bench_row *row, uint64_t rounds,
		   uint64_t *ticks)
{
	uint64_t began;
	int rc = row->begin != NULL ? row->begin() : 0;

	if (rc != 0)
		return rc;
	/* Caches, lazily made stacks, the first fault of a page. */
	rc = row->run(rounds < 4 ? rounds : 4);
	if (rc == 0) {
		began = clock_now();
		rc = row->run(rounds);
		*ticks = clock_now() - began;
	}
	if (row->end != NULL)
		row->end();
	return rc;
}

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
	answer.rc = open_all(place);
	snprintf(answer.reason, sizeof(answer.reason), "%s", bench_said());
	reply(out, &answer);
	if (answer.rc != 0)
		exit(0);
	while (read(in, &question, sizeof(question)) == sizeof(question) &&
	       question.row != NO_MORE) {
		answer.rc = measure(worker_row(place, question.row),
				    question.rounds, &answer.ticks);
		snprintf(answer.reason, sizeof(answer.reason), "%s",
			 answer.rc == 0 ? "" : bench_said());
		reply(out, &answer);
	}
	close_all(place);
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
		/* An interrupt is the measurer's, who still wants answers. */
		signal(SIGINT, SIG_IGN);
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
