/* SPDX-License-Identifier: MIT */
/*
 * bench_simulator.c - a whole program: ticks of examples/simulator, with its
 * six devices that make no mistake, isolated and not. A round is a process; its
 * start is in the numbers.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICKS 300 /* of the scenario */

extern char **environ;

static const char *simulator, *scenario;

/* An example, which is not installed as a program. */
static int need_simulator(void)
{
	simulator = getenv("MODISO_BENCH_SIMULATOR");
	scenario = getenv("MODISO_BENCH_SCENARIO");
	if (simulator == NULL || scenario == NULL)
		return bench_say(BENCH_ABSENT, "MODISO_BENCH_SIMULATOR and "
					       "_SCENARIO do not name them");
	if (access(simulator, X_OK) != 0 || access(scenario, R_OK) != 0)
		return bench_say(BENCH_ABSENT, "no %s, or no %s", simulator,
				 scenario);
	return 0;
}

static int run_once(const char *isolation, const char *threads)
{
	const char *const words[] = { simulator,	  "--quiet",
				      "--isolation", isolation, "--threads",
				      threads, scenario, NULL };
	posix_spawn_file_actions_t actions;
	int rc, status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	rc = posix_spawn(&pid, words[0], &actions, NULL, (char **)words,
			 environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0)
		return bench_say(BENCH_FAILED, "posix_spawn: %s", strerror(rc));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return bench_say(BENCH_FAILED, "waitpid: %s",
					 strerror(errno));
	return status == 0 ? 0 :
			     bench_say(BENCH_FAILED,
				       "the simulator ended with status %d",
				       status);
}

static int run(uint64_t rounds, const char *isolation, const char *threads)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0)
		rc = run_once(isolation, threads);
	return rc;
}

/* The one that this worker has started. */
static const char *backend_name(void)
{
	switch (modiso_backend_current()) {
	case MODISO_BACKEND_PKEY:
		return "pkey";
	case MODISO_BACKEND_MPROTECT:
		return "mprotect";
	default:
		return "none";
	}
}

static int run_1(uint64_t rounds)
{
	return run(rounds, backend_name(), "1");
}

static int run_2(uint64_t rounds)
{
	return run(rounds, backend_name(), "2");
}

static int run_4(uint64_t rounds)
{
	return run(rounds, backend_name(), "4");
}

static int nothing_to_open(void)
{
	return 0;
}

static void nothing_to_close(void)
{
}

#define ROW(name, run)                                                     \
	{ name, "one way", BENCH_HEAVY | BENCH_TIMED | BENCH_RARE, TICKS, \
	  run, need_simulator, NULL }

static const struct bench_row rows[] = {
	ROW("simulator: a tick, 1 thread", run_1),
	ROW("simulator: a tick, 2 threads", run_2),
	ROW("simulator: a tick, 4 threads", run_4),
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_simulator = {
	.rows = rows,
	.open = nothing_to_open,
	.close = nothing_to_close,
};
