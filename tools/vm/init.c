/* SPDX-License-Identifier: MIT */
/*
 * init.c - the first and only lasting process of the virtual machine: runs the
 * jobs of /jobs one after the other and tells the host how each one ended.
 *
 * A line of /jobs is words: NAME=VALUE for the environment, a program, its
 * arguments. Words are separated by single spaces; %20 in one is a space, any
 * other byte alike, and % alone is an empty word.
 *
 * The host reads the second serial port, which the kernel never writes to, so
 * no kernel message can get between. On it each line has a mark in front:
 *
 *	@linux RELEASE PKU		once, at the beginning
 *	@begin NUMBER
 *	| ...				a line that the job printed
 *	@alive				now and then, while a job says nothing
 *	@took NUMBER SECONDS
 *	@end NUMBER exit STATUS		or "signal NUMBER"
 *	@done COUNT			once; without it the machine died
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 256

/* The host gives up a machine that is silent for much longer. */
#define ALIVE_SECONDS 10

static int port = -1;

static void put(const char *data, size_t length)
{
	ssize_t done;

	while (length > 0) {
		done = write(port, data, length);
		if (done < 0 && errno != EINTR)
			return;
		if (done > 0) {
			data += done;
			length -= (size_t)done;
		}
	}
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(line, strlen(line));
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void mount_on(const char *type, const char *path)
{
	mkdir(path, 0755);
	mount(type, path, type, 0, NULL);
}

static void open_port(void)
{
	struct termios mode;

	port = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (port < 0)
		return;
	tcgetattr(port, &mode);
	cfmakeraw(&mode);
	cfsetspeed(&mode, B115200);
	tcsetattr(port, TCSANOW, &mode);
}

/* Is @flag one of the words of the first "flags" line of /proc/cpuinfo? */
static bool cpu_has(const char *flag)
{
	static char line[16384];
	FILE *file = fopen("/proc/cpuinfo", "r");
	bool found = false;
	char *word;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "flags", 5))
			continue;
		for (word = strtok(line, " \t\n"); word;
		     word = strtok(NULL, " \t\n"))
			found = found || !strcmp(word, flag);
		break;
	}
	if (file)
		fclose(file);
	return found;
}

/* The tools of busybox, in /bin. */
static void install_tools(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/busybox", "busybox", "--install", "-s", "/bin",
		      (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/* %41 is A; a % that no two digits follow is nothing. In place. */
static char *decode(char *word)
{
	char *to = word;
	const char *from = word;
	unsigned byte;

	for (; *from; from++)
		if (*from != '%')
			*to++ = *from;
		else if (sscanf(from + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			from += 2;
		}
	*to = '\0';
	return word;
}

/* Set NAME=VALUE words, then become the program. Only ever in a child. */
static void __attribute__((noreturn)) become(char *line, int output)
{
	char *argv[MAX_WORDS + 1];
	int count = 0, null;
	char *word;

	for (word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		if (count == 0 && strchr(word, '='))
			putenv(decode(word));
		else if (count < MAX_WORDS)
			argv[count++] = decode(word);
	}
	argv[count] = NULL;
	setsid();
	null = open("/dev/null", O_RDONLY);
	dup2(null, 0);
	dup2(output, 1);
	dup2(output, 2);
	/* A terminal's signals and init's own state must not be inherited. */
	signal(SIGPIPE, SIG_DFL);
	if (count > 0)
		execvp(argv[0], argv);
	dprintf(2, "init: cannot run %s: %s\n", count ? argv[0] : "nothing",
		strerror(errno));
	_exit(127);
}

/*
 * Copy what is there now, each line marked. Returns false at the end of file.
 * A line longer than the buffer becomes several.
 */
static bool copy_output(int input, char *line, size_t size, size_t *used)
{
	ssize_t got = read(input, line + *used, size - *used - 1);
	char *start = line, *end;

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	*used += (size_t)got;
	while ((end = memchr(start, '\n', *used - (size_t)(start - line)))) {
		put("| ", 2);
		put(start, (size_t)(end + 1 - start));
		start = end + 1;
	}
	*used -= (size_t)(start - line);
	memmove(line, start, *used);
	if (*used == size - 1) {
		put("| ", 2);
		put(line, *used);
		put("\n", 1);
		*used = 0;
	}
	return true;
}

static void run_job(int number, char *line)
{
	static char buffer[4096];
	struct pollfd fd = { .events = POLLIN };
	size_t used = 0;
	int ends[2], status = 0;
	bool open_end = true, running = true;
	double began = now(), alive = began;
	pid_t pid, gone;

	say("@begin %d\n", number);
	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		say("@end %d exit 126\n", number);
		return;
	}
	if (pid == 0)
		become(line, ends[1]);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fd.fd = ends[0];
	while (running) {
		if (now() - alive > ALIVE_SECONDS) {
			alive = now();
			say("@alive\n");
		}
		/* Also the time that a program's end may go unnoticed. */
		if (open_end && poll(&fd, 1, 20) > 0)
			open_end = copy_output(ends[0], buffer,
					       sizeof(buffer), &used);
		else if (!open_end)
			usleep(20000);
		/* All children of the dead become init's and are reaped. */
		while ((gone = waitpid(-1, &status, WNOHANG)) > 0)
			if (gone == pid) {
				running = false;
				break;
			}
	}
	/* What the job left running must not disturb the next one. */
	kill(-1, SIGKILL);
	while (open_end && poll(&fd, 1, 200) > 0)
		open_end = copy_output(ends[0], buffer, sizeof(buffer), &used);
	if (used > 0) {
		put("| ", 2);
		put(buffer, used);
		put("\n", 1);
	}
	close(ends[0]);
	say("@took %d %.1f\n", number, now() - began);
	if (WIFSIGNALED(status))
		say("@end %d signal %d\n", number, WTERMSIG(status));
	else
		say("@end %d exit %d\n", number, WEXITSTATUS(status));
	while (waitpid(-1, NULL, 0) > 0)
		;
}

int main(void)
{
	static char line[16384];
	struct utsname name;
	int count = 0;
	FILE *jobs;

	mount_on("devtmpfs", "/dev");
	mount_on("proc", "/proc");
	mount_on("sysfs", "/sys");
	mount_on("tmpfs", "/dev/shm");
	mount_on("devpts", "/dev/pts");
	chmod("/tmp", 01777);
	chmod("/dev/shm", 01777);
	open_port();
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/", 1);
	setenv("TMPDIR", "/tmp", 1);
	setenv("LANG", "C", 1);
	install_tools();
	uname(&name);
	say("@linux %s %s\n", name.release,
	    cpu_has("ospke") ? "ospke" : "no-ospke");
	jobs = fopen("/jobs", "re");
	if (chdir("/t") == 0)
		while (jobs && fgets(line, sizeof(line), jobs)) {
			line[strcspn(line, "\n")] = '\0';
			run_job(++count, line);
		}
	say("@done %d\n", count);
	tcdrain(port);
	sync();
	/* With -no-reboot this ends QEMU. */
	reboot(RB_AUTOBOOT);
	return 0;
}
