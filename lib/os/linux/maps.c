/* SPDX-License-Identifier: MIT */
#include "os/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Does the line end with this name, and no longer one? */
static bool is_named(const char *line, const char *name)
{
	const char *found = strstr(line, name);
	size_t length = strlen(name);

	return found != NULL && found[-1] == ' ' &&
	       (found[length] == '\n' || found[length] == '\0');
}

/* "7f00-7f01 rw-p 00000000 00:00 0   [stack]": the head of an entry. */
static bool parse_head(const char *line, struct mdi_mapping *map)
{
	unsigned long long offset, inode;
	unsigned major, minor;
	size_t base, end;
	char perms[5];

	if (sscanf(line, "%zx-%zx %4s %llx %x:%x %llu", &base, &end, perms,
		   &offset, &major, &minor, &inode) != 7)
		return false;
	*map = (struct mdi_mapping){
		.base = base,
		.end = end,
		.read = perms[0] == 'r',
		.write = perms[1] == 'w',
		.exec = perms[2] == 'x',
		.shared = perms[3] == 's',
		.stack = strstr(line, "[stack]") != NULL,
		.ring = is_named(line, "anon_inode:[io_uring]"),
		.aio = is_named(line, "/[aio]") ||
		       is_named(line, "/[aio] (deleted)"),
		.key = -1,
		.device = (uint64_t)major << 32 | minor,
		.inode = inode,
		.offset = offset,
	};
	return true;
}

/* The last line of an entry: two-letter flags (proc(5)). */
static void parse_flags(const char *line, struct mdi_mapping *map)
{
	map->hugetlb = strstr(line, " ht") != NULL;
	map->stack = map->stack || strstr(line, " gd") != NULL;
}

/*
 * One line, cut off at @size: a path can be longer, and what follows then must
 * not be taken for a line of its own.
 */
static bool next_line(FILE *file, char *line, size_t size)
{
	int c;

	if (fgets(line, (int)size, file) == NULL)
		return false;
	if (strchr(line, '\n') != NULL)
		return true;
	do {
		c = getc(file);
	} while (c != '\n' && c != EOF);
	return true;
}

/* A list that could not be read to its end is none: -1, errno says why. */
static int close_read(FILE *file)
{
	int saved = errno, failed = ferror(file);

	fclose(file);
	errno = saved;
	return failed ? -1 : 0;
}

int mdi_maps_walk(bool (*visit)(const struct mdi_mapping *map, void *arg),
		  void *arg)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	struct mdi_mapping map = { 0 };
	char line[512];

	if (file == NULL)
		return -1;
	while (next_line(file, line, sizeof(line))) {
		if (parse_head(line, &map))
			continue;
		if (sscanf(line, "ProtectionKey: %d", &map.key) == 1)
			continue;
		if (strncmp(line, "VmFlags:", 8) != 0)
			continue;
		parse_flags(line, &map);
		if (!visit(&map, arg))
			break;
	}
	return close_read(file);
}

static const char *proc_file(uint32_t pid, const char *name, char path[64])
{
	if (pid == 0)
		snprintf(path, 64, "/proc/self/%s", name);
	else
		snprintf(path, 64, "/proc/%u/%s", pid, name);
	return path;
}

int mdi_maps_walk_code(uint32_t pid,
		       bool (*visit)(const struct mdi_mapping *map,
				     const char *name, void *arg),
		       void *arg)
{
	char line[512], path[384], of[64];
	FILE *file = fopen(proc_file(pid, "maps", of), "re");
	struct mdi_mapping map;

	if (file == NULL)
		return -1;
	while (next_line(file, line, sizeof(line))) {
		if (!parse_head(line, &map) || !map.exec)
			continue;
		path[0] = '\0';
		(void)sscanf(line, "%*s %*s %*s %*s %*s %383[^\n]", path);
		if (!visit(&map, path, arg))
			break;
	}
	return close_read(file);
}

int mdi_maps_open_memory(uint32_t pid)
{
	char path[64];

	return open(proc_file(pid, "mem", path), O_RDONLY | O_CLOEXEC);
}

int mdi_maps_read(int memory, uintptr_t at, void *to, size_t length)
{
	ssize_t got;

	for (size_t done = 0; done < length; done += (size_t)got) {
		got = pread(memory, (char *)to + done, length - done,
			    (off_t)(at + done));
		if (got > 0)
			continue;
		if (got == 0)
			errno = EFAULT;
		return -1;
	}
	return 0;
}

void mdi_maps_close_memory(int memory)
{
	int saved = errno;

	close(memory);
	errno = saved;
}

bool mdi_maps_file(uintptr_t address, char *name, size_t size,
		   uintptr_t *offset)
{
	FILE *file = fopen("/proc/self/maps", "re");
	size_t base, end, at;
	char line[512], path[384];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && next_line(file, line, sizeof(line))) {
		path[0] = '\0';
		if (sscanf(line, "%zx-%zx %*s %zx %*s %*s %383[^\n]", &base,
			   &end, &at, path) < 3 ||
		    address < base || address >= end)
			continue;
		if (path[0] != '/')
			break;
		snprintf(name, size, "%s", path);
		*offset = address - base + at;
		found = true;
	}
	fclose(file);
	return found;
}

bool mdi_maps_name(uintptr_t address, struct mdi_mapping *map, char *name,
		   size_t size)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512], path[384];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && next_line(file, line, sizeof(line))) {
		if (!parse_head(line, map) || address < map->base ||
		    address >= map->end)
			continue;
		path[0] = '\0';
		(void)sscanf(line, "%*s %*s %*s %*s %*s %383[^\n]", path);
		snprintf(name, size, "%s", path);
		found = true;
	}
	fclose(file);
	return found;
}

/* One hexadecimal number; what follows it is at *text. */
static uintptr_t hex(const char **text)
{
	uintptr_t value = 0;

	for (;; (*text)++) {
		char c = **text;

		if (c >= '0' && c <= '9')
			value = value * 16 + (uintptr_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (uintptr_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* What is looked for, and what was found, while a list is read. */
struct question {
	uintptr_t a, b;
	char *path; /* or NULL: what holds a, "" when it has no name */
	size_t size;
	bool answer;
};

static void copy_path(const char *line, char *path, size_t size)
{
	while (*line != '\0' && *line != '/' && *line != '[')
		line++;
	while (size > 1 && *line != '\0') {
		*path++ = *line++;
		size--;
	}
	*path = '\0';
}

/* The head of a line: true while the answer is open. */
static bool consider(const char *line, struct question *asked)
{
	uintptr_t base = hex(&line), end;

	if (*line++ != '-')
		return true;
	end = hex(&line);
	if (asked->a >= end)
		return true;
	asked->answer = asked->a >= base && asked->b < end &&
			(asked->path != NULL || strncmp(line, " rw", 3) == 0);
	if (asked->answer && asked->path != NULL)
		copy_path(line, asked->path, asked->size);
	return false;
}

/* Heads of lines alone: longer than a head's, a path is cut off. */
static void scan(int fd, struct question *asked)
{
	char buffer[1024], head[256];
	size_t length = 0;
	ssize_t got;

	while ((got = syscall(SYS_read, fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (buffer[i] != '\n') {
				if (length < sizeof(head) - 1)
					head[length++] = buffer[i];
				continue;
			}
			head[length] = '\0';
			length = 0;
			if (!consider(head, asked))
				return;
		}
	}
}

static bool ask(struct question *asked)
{
	int saved = errno, fd;

	/* Raw calls: the C library's are cancellation points. */
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps",
			  O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		errno = saved;
		return false;
	}
	scan(fd, asked);
	syscall(SYS_close, fd);
	errno = saved;
	return asked->answer;
}

bool mdi_maps_together(uintptr_t a, uintptr_t b)
{
	struct question asked = { .a = a < b ? a : b, .b = a < b ? b : a };

	return ask(&asked);
}

bool mdi_maps_object(uintptr_t address, char *path, size_t size)
{
	struct question asked = {
		.a = address, .b = address, .path = path, .size = size
	};

	return ask(&asked);
}
