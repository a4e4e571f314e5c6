/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* What is still to be seen, the next one first. */
struct fts {
	FTSENT *first, *now;
	int (*order)(const FTSENT **left, const FTSENT **right);
};

static void drop(FTSENT *entry)
{
	if (entry != NULL)
		free(entry->fts_path);
	free(entry);
}

/* @folder NULL: @name is the whole path. */
static FTSENT *entry_of(const char *folder, const char *name, int level)
{
	size_t before = folder != NULL ? strlen(folder) : 0;
	FTSENT *entry = calloc(1, sizeof(*entry));
	char *path = malloc(before + strlen(name) + 2);
	bool bare = before != 0 && strchr("/\\", folder[before - 1]) == NULL;

	if (entry == NULL || path == NULL) {
		free(entry);
		free(path);
		errno = ENOMEM;
		return NULL;
	}
	if (before != 0)
		memcpy(path, folder, before);
	if (bare)
		path[before++] = '/';
	strcpy(path + before, name);
	entry->fts_path = path;
	entry->fts_name = path + before;
	entry->fts_level = level;
	return entry;
}

static void classify(FTSENT *entry, DWORD attributes)
{
	bool link = attributes & FILE_ATTRIBUTE_REPARSE_POINT;

	if (attributes == INVALID_FILE_ATTRIBUTES) {
		entry->fts_info = FTS_NS;
		entry->fts_errno = ENOENT;
	} else if (!(attributes & FILE_ATTRIBUTE_DIRECTORY)) {
		entry->fts_info = FTS_F;
	} else {
		entry->fts_info =
			link && entry->fts_level != FTS_ROOTLEVEL ? FTS_DEFAULT
								  : FTS_D;
	}
}

static void insert(FTS *tree, FTSENT **list, FTSENT *entry)
{
	const FTSENT *left, *right = entry;

	for (; (left = *list) != NULL; list = &(*list)->next)
		if (tree->order(&left, &right) > 0)
			break;
	entry->next = *list;
	*list = entry;
}

/* What is in a directory comes before what stands behind it. */
static void enter(FTS *tree, FTSENT *folder)
{
	FTSENT *list = NULL, *entry, **end;
	char *pattern = NULL;
	WIN32_FIND_DATAA found;
	HANDLE search = INVALID_HANDLE_VALUE;

	entry = entry_of(folder->fts_path, "*", 0);
	if (entry != NULL) {
		pattern = entry->fts_path;
		search = FindFirstFileA(pattern, &found);
		drop(entry);
	}
	if (search == INVALID_HANDLE_VALUE) {
		folder->fts_info = FTS_DNR;
		folder->fts_errno = EACCES;
		return;
	}
	do {
		if (strcmp(found.cFileName, ".") == 0 ||
		    strcmp(found.cFileName, "..") == 0)
			continue;
		entry = entry_of(folder->fts_path, found.cFileName,
				 folder->fts_level + 1);
		if (entry == NULL) {
			folder->fts_info = FTS_ERR;
			folder->fts_errno = ENOMEM;
			break;
		}
		classify(entry, found.dwFileAttributes);
		insert(tree, &list, entry);
	} while (FindNextFileA(search, &found));
	FindClose(search);
	for (end = &list; *end != NULL; end = &(*end)->next)
		;
	*end = tree->first;
	tree->first = list;
}

FTS *fts_open(char *const *paths, int options,
	      int (*order)(const FTSENT **left, const FTSENT **right))
{
	FTS *tree = calloc(1, sizeof(*tree));

	(void)options;
	if (tree == NULL)
		return NULL;
	tree->order = order;
	tree->first = entry_of(NULL, paths[0], FTS_ROOTLEVEL);
	if (tree->first == NULL) {
		free(tree);
		return NULL;
	}
	classify(tree->first, GetFileAttributesA(paths[0]));
	return tree;
}

FTSENT *fts_read(FTS *tree)
{
	drop(tree->now);
	tree->now = tree->first;
	if (tree->now == NULL) {
		errno = 0;
		return NULL;
	}
	tree->first = tree->now->next;
	if (tree->now->fts_info == FTS_D)
		enter(tree, tree->now);
	return tree->now;
}

int fts_close(FTS *tree)
{
	FTSENT *entry;

	drop(tree->now);
	while ((entry = tree->first) != NULL) {
		tree->first = entry->next;
		drop(entry);
	}
	free(tree);
	return 0;
}
