/* SPDX-License-Identifier: MIT */
/*
 * bench_simulator.c - a whole program: ticks of examples/simulator, with its
 * six devices that make no mistake, or with many, isolated and not. A round is
 * a process; its start is in the numbers.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICKS       300 /* of the scenario */
#define CROWD_TICKS 60

extern char **environ;

static const char *simulator, *scenario;

/* A scenario in memory, with its name in /proc; made when a row is run. */
static char crowd[32];

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

static void crowd_close(void)
{
	int fd = -1;

	if (sscanf(crowd, "/proc/%*d/fd/%d", &fd) == 1)
		close(fd);
	crowd[0] = '\0';
}

/* Half of them expire now and then, and half are asked for nothing. */
static int crowd_open(unsigned devices)
{
	int fd = memfd_create("modiso-bench", 0);
	FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "w");
	unsigned i;

	snprintf(crowd, sizeof(crowd), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (file == NULL)
		return bench_say(BENCH_FAILED, "a scenario in memory: %s",
				 strerror(errno));
	fprintf(file, "ticks %d\nmemory 64k\n", CROWD_TICKS);
	for (i = 0; i < devices; i++)
		fprintf(file, "device d%u %s irq=%u\n", i,
			i % 2 ? "timer" : "uart", i);
	return fclose(file) == 0 ? 0 :
				   bench_say(BENCH_FAILED,
					     "a scenario in memory: %s",
					     strerror(errno));
}

static int crowd_of_50(void)
{
	int rc = need_simulator();

	return rc != 0 ? rc : crowd_open(50);
}

static int crowd_of_200(void)
{
	int rc = need_simulator();

	return rc != 0 ? rc : crowd_open(200);
}

static int run_once(const char *path, const char *isolation,
		    const char *threads)
{
	const char *const words[] = { simulator,	  "--quiet",
				      "--isolation", isolation, "--threads",
				      threads, path, NULL };
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

static int run(uint64_t rounds, const char *path, const char *isolation,
	       const char *threads)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0)
		rc = run_once(path, isolation, threads);
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
	return run(rounds, scenario, backend_name(), "1");
}

static int run_2(uint64_t rounds)
{
	return run(rounds, scenario, backend_name(), "2");
}

static int run_4(uint64_t rounds)
{
	return run(rounds, scenario, backend_name(), "4");
}

static int run_crowd(uint64_t rounds)
{
	return run(rounds, crowd, backend_name(), "2");
}

#define FLAGS (BENCH_HEAVY | BENCH_TIMED | BENCH_RARE)

static const char one_way[] = "one way";

static const struct bench_row rows[] = {
	{ ROW_TICK, one_way, FLAGS, TICKS, run_1, need_simulator, NULL },
	{ ROW_TICK_2, one_way, FLAGS, TICKS, run_2,
	  need_simulator, NULL },
	{ "simulator: a tick, 4 threads", one_way, FLAGS, TICKS, run_4,
	  need_simulator, NULL },
	{ ROW_TICK_50, one_way, FLAGS,
	  CROWD_TICKS, run_crowd, crowd_of_50, crowd_close },
	{ ROW_TICK_CROWD, one_way, FLAGS, CROWD_TICKS, run_crowd, crowd_of_200,
	  crowd_close },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_simulator = {
	.rows = rows,
};
