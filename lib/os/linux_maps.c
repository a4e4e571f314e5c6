/* SPDX-License-Identifier: MIT */
#include "os/linux_maps.h"

#include <stdio.h>
#include <string.h>

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
	fclose(file);
	return 0;
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
