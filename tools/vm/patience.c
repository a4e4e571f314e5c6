/* SPDX-License-Identifier: MIT */
/*
 * patience - run a program for as long as it gets on.
 *
 *	patience [-l SECONDS] [-a LOOKS] [-c SECONDS] [-t] PROGRAM [ARGUMENT]...
 *
 * A clock cannot tell a hang from a slow or a busy machine. So no time limit
 * is set: while the program prints nothing, its processes are looked at every
 * few seconds (-l, 5), and what was found since its last line decides.
 *
 *   asleep   no thread of it had anything to do at so many looks (-a, 24): one
 *            that waits for a CPU or a disk, however long, has. Nobody is
 *            going to wake them up.
 *   busy     it has used so many seconds of CPU time (-c, 900), which pass only
 *            as it runs: a loop without end. What takes longer prints a line
 *            now and then.
 *
 * Then the processes that the program has started are ended, so that Check
 * blames the case that hangs and goes on with the next; when there are none, or
 * that does not help, the program itself. Where each thread is goes to the log.
 *
 * Whatever the program leaves running ends with it. The exit status is the
 * program's, or 128 and the signal's number. -t prints what it took.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t program;
static long look_ms = 5000, asleep_max = 24;
static double busy_max = 900;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void put(const char *data, size_t length)
{
	while (length > 0) {
		ssize_t done = write(STDOUT_FILENO, data, length);

		if (done < 0 && errno != EINTR)
			return;
		if (done > 0) {
			data += done;
			length -= (size_t)done;
		}
	}
}

/* --- what /proc says of the program's session --- */

struct task {
	char name[20], state;
	int session;
	double cpu; /* seconds, those of children that have ended included */
};

static bool read_task(const char *path, struct task *task)
{
	FILE *file = fopen(path, "re");
	unsigned long used[2] = {0, 0};
	long waited[2] = {0, 0};
	int found = 0;

	if (!file)
		return false;
	found = fscanf(file,
		       "%*d (%19[^)]) %c %*d %*d %d %*d %*d %*u %*u %*u %*u "
		       "%*u %lu %lu %ld %ld",
		       task->name, &task->state, &task->session, &used[0],
		       &used[1], &waited[0], &waited[1]);
	fclose(file);
	task->cpu = (double)(used[0] + used[1]) +
		    (double)(waited[0] + waited[1]);
	task->cpu /= (double)sysconf(_SC_CLK_TCK);
	return found == 7;
}

/* Asleep until somebody wakes it up, or stopped, or dead. */
static bool is_asleep(char state)
{
	return strchr("STtZX", state) != NULL;
}

static void print_task(const char *directory, const struct task *task)
{
	char path[700], place[64] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "%s/wchan", directory);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(place, sizeof(place), file))
			place[0] = '\0';
		fclose(file);
	}
	printf("# patience: %s (%s): %c in %s\n", strrchr(directory, '/') + 1,
	       task->name, task->state, place);
}

struct look {
	bool asleep;
	double cpu;
	unsigned others; /* processes beside the program itself */
};

/* All threads of one process. */
static void look_at_threads(const char *process, struct look *look, bool tell)
{
	char path[300], place[600];
	struct dirent *entry;
	struct task task;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/task", process);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(place, sizeof(place), "%s/%s/stat", path,
			 entry->d_name);
		if (!read_task(place, &task))
			continue;
		if (!is_asleep(task.state))
			look->asleep = false;
		place[strlen(place) - strlen("/stat")] = '\0';
		if (tell)
			print_task(place, &task);
	}
	if (directory)
		closedir(directory);
}

/* @signo 0: none is sent; to the program itself only if @all. */
static struct look look_around(bool tell, int signo, bool all)
{
	struct look look = {.asleep = true};
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	struct task task;
	char path[64];
	pid_t pid;

	while (processes && (entry = readdir(processes))) {
		pid = (pid_t)atoi(entry->d_name);
		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		if (!read_task(path, &task) || task.session != program)
			continue;
		look.cpu += task.cpu;
		if (pid != program && task.state != 'Z')
			look.others++;
		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		look_at_threads(path, &look, tell);
		if (signo != 0 && (all || pid != program))
			kill(pid, signo);
	}
	if (processes)
		closedir(processes);
	return look;
}

/* --- the program --- */

static void __attribute__((noreturn)) become(char *argv[], int output)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	dup2(output, STDOUT_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "patience: cannot run %s: %s\n", argv[0],
		strerror(errno));
	_exit(127);
}

/* Told to end: so must all of it. */
static void end_all(int signo)
{
	look_around(false, SIGKILL, true);
	_exit(128 + signo);
}

/* What has been found since the last line. */
struct silence {
	bool looked;
	long asleep;
	double cpu_before;
	unsigned strokes; /* signals sent in vain */
};

static void strike(struct silence *silence, const char *what)
{
	struct look look;
	bool all;

	printf("# patience: no line of output, and %s:\n", what);
	look = look_around(true, 0, false);
	fflush(stdout);
	all = look.others == 0 || silence->strokes > 1;
	look_around(false, silence->strokes++ ? SIGKILL : SIGTERM, all);
	/* A SIGTERM has ten seconds of being looked at to take effect. */
	silence->looked = false;
	silence->asleep = asleep_max - 2;
}

static double look_again(struct silence *silence)
{
	struct look look = look_around(false, 0, false);
	double used = look.cpu - silence->cpu_before;

	if (!silence->looked) {
		silence->looked = true;
		silence->cpu_before = look.cpu;
		used = 0;
	}
	silence->asleep += look.asleep;
	if (silence->asleep >= asleep_max)
		strike(silence, "all of its threads sleep");
	else if (used >= busy_max)
		strike(silence, "a long time of CPU is used up");
	return used;
}

/* Until the program has ended. @most: of CPU time between two lines. */
static int watch(int input, struct rusage *usage, double *most)
{
	struct pollfd fd = {.fd = input, .events = POLLIN};
	struct silence silence = {false, 0, 0, 0};
	double next = now() * 1000 + (double)look_ms, used;
	int status = 0, result = -1;
	char data[4096];
	pid_t gone;

	while (result < 0) {
		/* Also how long its end may go unnoticed. */
		if (poll(&fd, 1, 50) > 0) {
			ssize_t got = read(input, data, sizeof(data));

			if (got > 0) {
				put(data, (size_t)got);
				memset(&silence, 0, sizeof(silence));
				next = now() * 1000 + (double)look_ms;
			} else {
				fd.fd = -1;
			}
		}
		while ((gone = wait4(-1, &status, WNOHANG, usage)) > 0)
			if (gone == program)
				result = WIFSIGNALED(status)
						 ? 128 + WTERMSIG(status)
						 : WEXITSTATUS(status);
		if (result >= 0 || now() * 1000 < next)
			continue;
		used = look_again(&silence);
		*most = used > *most ? used : *most;
		next = now() * 1000 + (double)look_ms;
	}
	while (look_around(false, SIGKILL, true).others > 0)
		poll(NULL, 0, 10);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	while (fd.fd >= 0 && poll(&fd, 1, 0) > 0) {
		ssize_t got = read(input, data, sizeof(data));

		if (got <= 0)
			break;
		put(data, (size_t)got);
	}
	return result;
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

int main(int argc, char *argv[])
{
	const struct sigaction action = {.sa_handler = end_all};
	double began = now(), most = 0;
	struct rusage usage;
	bool tell = false;
	int ends[2], option, result;

	while ((option = getopt(argc, argv, "+l:a:c:t")) != -1) {
		switch (option) {
		case 'l':
			look_ms = 1000 * atol(optarg);
			break;
		case 'a':
			asleep_max = atol(optarg);
			break;
		case 'c':
			busy_max = atof(optarg);
			break;
		case 't':
			tell = true;
			break;
		default:
			return 2;
		}
	}
	if (optind == argc || pipe(ends) != 0) {
		fprintf(stderr, "patience: no program, or no pipe\n");
		return 2;
	}
	/* Whoever loses its parent is still looked at, and reaped. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memset(&usage, 0, sizeof(usage));
	program = fork();
	if (program == 0) {
		close(ends[0]);
		become(argv + optind, ends[1]);
	}
	if (program < 0)
		return 2;
	close(ends[1]);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	result = watch(ends[0], &usage, &most);
	if (tell)
		printf("# took %.1f s, %.1f s of CPU; at most %.0f s of it in "
		       "silence\n",
		       now() - began,
		       seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
		       most);
	return result;
}
