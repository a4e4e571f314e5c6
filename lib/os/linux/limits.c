/* SPDX-License-Identifier: MIT */
#include "os/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_GET_MDWE
#	define PR_GET_MDWE 66
#endif

/*
 * --- what /proc says, as far as there is one ---
 *
 * By system calls: the C library's functions are cancellation points, and locks
 * may be held.
 */

static int open_to_read(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

static bool read_some(const char *path, char *text, size_t size)
{
	int fd = open_to_read(path);
	long length;

	if (fd < 0)
		return false;
	length = syscall(SYS_read, fd, text, size - 1);
	syscall(SYS_close, fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

/* "VmSize:	    1234 kB" of /proc/self/status; 0: it cannot be told. */
static unsigned long status_kib(const char *name)
{
	const char *line;
	char text[4096];

	if (!read_some("/proc/self/status", text, sizeof(text)))
		return 0;
	line = strstr(text, name);
	return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

static unsigned long count_mappings(void)
{
	int fd = open_to_read("/proc/self/maps");
	unsigned long lines = 0;
	char text[4096];
	long length;

	if (fd < 0)
		return 0;
	while ((length = syscall(SYS_read, fd, text, sizeof(text))) > 0)
		for (long i = 0; i < length; i++)
			lines += text[i] == '\n';
	syscall(SYS_close, fd);
	return lines;
}

/* --- sentences --- */

struct sentence {
	char *text;
	size_t size, length;
};

static void add(struct sentence *sentence, const char *format, ...)
	MDI_PRINTF(2, 3);

static void add(struct sentence *sentence, const char *format, ...)
{
	size_t room = sentence->size - sentence->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(sentence->text + sentence->length, room, format,
			   args);
	va_end(args);
	if (length > 0)
		sentence->length += (size_t)length < room ? (size_t)length :
							    room - 1;
}

/* False: there is no such limit. */
static bool add_limit(struct sentence *sentence, int resource,
		      const char *name, const char *used)
{
	struct rlimit limit;
	unsigned long kib;

	if (getrlimit(resource, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return false;
	kib = used ? status_kib(used) : 0;
	if (kib != 0)
		add(sentence, "%lu of ", kib);
	add(sentence, "%llu KiB (%s), ",
	    (unsigned long long)limit.rlim_cur / 1024, name);
	return true;
}

/* Which one it was the kernel does not say: how full each of them is. */
static void explain_memory(struct sentence *sentence)
{
	unsigned long mappings = count_mappings();
	char most[32] = "?";
	bool limited;

	add(sentence, "; in use: ");
	limited = add_limit(sentence, RLIMIT_AS, "RLIMIT_AS", "VmSize:");
	limited |= add_limit(sentence, RLIMIT_DATA, "RLIMIT_DATA", "VmData:");
	if (read_some("/proc/sys/vm/max_map_count", most, sizeof(most)))
		most[strcspn(most, "\n")] = '\0';
	if (mappings != 0)
		add(sentence, "%lu of ", mappings);
	add(sentence, "%s mappings (vm.max_map_count); raise %s", most,
	    limited ? "the one that is reached" :
		      "it, or see vm.overcommit_memory");
}

static void explain_denied(struct sentence *sentence)
{
	int mdwe = prctl(PR_GET_MDWE, 0, 0, 0, 0);

	if (mdwe > 0)
		add(sentence, "; MDWE is on for this process (PR_SET_MDWE, "
			      "systemd's MemoryDenyWriteExecute=)");
	else
		add(sentence, "; a security policy forbids it (SELinux: "
			      "execmem, execmod; MDWE; seccomp)");
}

static bool is_of_memory(const char *call)
{
	return strstr(call, "map") != NULL ||
	       strstr(call, "mprotect") != NULL || strcmp(call, "madvise") == 0;
}

static void explain(struct sentence *sentence, const char *call, int error)
{
	struct rlimit limit;

	if (error == ENOMEM) {
		explain_memory(sentence);
	} else if (error == EAGAIN && is_of_memory(call)) {
		add(sentence, "; what is locked in memory (mlockall) is "
			      "limited to ");
		if (!add_limit(sentence, RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK",
			       NULL))
			add(sentence, "what RLIMIT_MEMLOCK says, ");
		add(sentence, "raise it");
	} else if (error == EMFILE &&
		   getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		add(sentence, "; raise RLIMIT_NOFILE, which is %llu",
		    (unsigned long long)limit.rlim_cur);
	} else if (error == EACCES && is_of_memory(call)) {
		explain_denied(sentence);
	} else if (error == EPERM && is_of_memory(call)) {
		add(sentence, "; a security policy forbids it (seccomp, as "
			      "systemd and containers set it), or the mapping "
			      "is sealed (mseal)");
	}
}

void mdi_os_why(const char *call, int error, char *text, size_t size)
{
	struct sentence sentence = { .text = text, .size = size };
	int saved = errno;

	text[0] = '\0';
	explain(&sentence, call, error);
	errno = saved;
}
