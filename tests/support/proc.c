/* SPDX-License-Identifier: MIT */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>


bool proc_mapping(const void *address, struct proc_mapping *mapping)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	uintptr_t where = (uintptr_t)address;
	unsigned long start, end;
	char line[512], perms[5];
	bool found = false;

	if (!smaps)
		ck_abort_msg("cannot open /proc/self/smaps");
	memset(mapping, 0, sizeof(*mapping));
	mapping->pkey = -1;
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx %4s ", &start, &end, perms) == 3) {
			if (found)
				break;
			found = where >= start && where < end;
			mapping->start = start;
			mapping->end = end;
			memcpy(mapping->perms, perms, sizeof(perms));
		} else if (found) {
			sscanf(line, "ProtectionKey: %d", &mapping->pkey);
			sscanf(line, "VmFlags: %127[^\n]", mapping->flags);
		}
	}
	fclose(smaps);
	return found;
}

int proc_key(const void *address)
{
	struct proc_mapping mapping;

	must(proc_mapping(address, &mapping));
	return mapping.pkey;
}

bool proc_writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], perms[5];
	bool found = false;

	if (!maps)
		ck_abort_msg("cannot open /proc/self/maps");
	while (!found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%*x-%*x %4s ", perms) == 1 &&
			perms[1] == 'w' && perms[2] == 'x';
	fclose(maps);
	return found;
}

static size_t count_entries(const char *path)
{
	DIR *directory = opendir(path);
	size_t count = 0;

	if (!directory)
		ck_abort_msg("cannot open %s", path);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static size_t count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t count = 0;
	int c;

	if (!file)
		ck_abort_msg("cannot open %s", path);
	while ((c = getc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return count;
}

/* The number behind "@key:" in a file of lines like "Rss:   123 kB". */
static unsigned long number_of(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key);
	char line[256];

	if (!file)
		ck_abort_msg("cannot open %s", path);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, length) || line[length] != ':')
			continue;
		fclose(file);
		return strtoul(line + length + 1, NULL, 10);
	}
	ck_abort_msg("no %s in %s", key, path);
}

unsigned long proc_status(const char *key)
{
	return number_of("/proc/self/status", key);
}

/*
 * By the page tables: what statm says is counted in batches on each CPU and
 * thread before Linux 6.2, and can be a megabyte off.
 */
static size_t rss_kib(void)
{
	/* Pages of files come in as the kernel likes, many at a time. */
	return number_of("/proc/self/smaps_rollup", "Anonymous");
}

/* By taking those that are left. Their rights stay as they are: closed. */
static size_t keys_in_use(void)
{
	long taken[16];
	size_t left = 0, i;

	while (left < 15) {
		taken[left] = syscall(SYS_pkey_alloc, 0ul, 1ul);
		if (taken[left] < 0)
			break;
		left++;
	}
	for (i = 0; i < left; i++)
		syscall(SYS_pkey_free, taken[i]);
	return 15 - left;
}

size_t proc_mappings(void)
{
	return count_lines("/proc/self/maps");
}

size_t proc_fds(void)
{
	return count_entries("/proc/self/fd");
}

struct proc_usage proc_usage(void)
{
	struct proc_usage usage = {
		.mappings = proc_mappings(),
		.fds = proc_fds(),
		.threads = count_entries("/proc/self/task"),
		.rss_kib = rss_kib(),
		.keys = keys_in_use(),
	};

	return usage;
}

pid_t proc_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

void proc_share_cpu(pid_t tid)
{
	int cpu = sched_getcpu();
	cpu_set_t cpus;

	if (cpu < 0)
		return;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	if (tid != 0)
		sched_setaffinity(tid, sizeof(cpus), &cpus);
}

bool proc_is_asleep(pid_t tid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	stat = fopen(path, "re");
	if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		ck_abort_msg("thread %d is gone", (int)tid);
	fclose(stat);
	return state == 'S';
}

bool thread_owns_stack(const void *address)
{
	pthread_attr_t attr;
	void *base;
	size_t size;
	bool mine;

	if (pthread_getattr_np(pthread_self(), &attr) ||
	    pthread_attr_getstack(&attr, &base, &size))
		ck_abort_msg("cannot tell where this thread's stack is");
	mine = (uintptr_t)address - (uintptr_t)base < size;
	pthread_attr_destroy(&attr);
	return mine;
}

int child_output(void (*body)(void *arg), void *arg, char *text, size_t size)
{
	const struct rlimit no_core = {0, 0};
	size_t length = 0;
	ssize_t got = 0;
	int status = 0, ends[2];
	char rest[256];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		ck_abort_msg("pipe2: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		ck_abort_msg("fork: %s", strerror(errno));
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(ends[1], STDERR_FILENO);
		body(arg);
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	do {
		length += (size_t)got;
		if (length + 1 < size)
			got = read(ends[0], text + length, size - length - 1);
		else
			break;
	} while (got > 0);
	text[length] = '\0';
	while (read(ends[0], rest, sizeof(rest)) > 0)
		;
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid)
		ck_abort_msg("waitpid: %s", strerror(errno));
	return status;
}

unsigned char *pages_map(size_t pages, int prot)
{
	void *base = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (base == MAP_FAILED)
		ck_abort_msg("mmap: %s", strerror(errno));
	return base;
}

void pages_unmap(void *base, size_t pages)
{
	if (munmap(base, pages * PAGE))
		ck_abort_msg("munmap: %s", strerror(errno));
}

unsigned char *pages_of_file(size_t pages, int *file)
{
	void *base;

	*file = memfd_create("pages", MFD_CLOEXEC);
	if (*file < 0 || ftruncate(*file, (off_t)(pages * PAGE)))
		ck_abort_msg("memfd_create: %s", strerror(errno));
	base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    *file, 0);
	if (base == MAP_FAILED)
		ck_abort_msg("mmap: %s", strerror(errno));
	return base;
}

void file_cut(int file, size_t pages)
{
	if (ftruncate(file, (off_t)(pages * PAGE)))
		ck_abort_msg("ftruncate: %s", strerror(errno));
	close(file);
}

bool faults_need_stack(void)
{
	return false;
}

unsigned char *pages_nowhere(void)
{
	/* ThreadSanitizer has the first of these, AddressSanitizer the other */
	static const uintptr_t places[] = {0x500000000000ul, 0x7000000000ul};
	struct proc_mapping mapping;

	for (int i = 0; i < 2; i++)
		if (!proc_mapping((const void *)places[i], &mapping))
			return (unsigned char *)places[i];
	ck_abort_msg("there is something everywhere");
}
