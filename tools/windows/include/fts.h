/* SPDX-License-Identifier: MIT */
/*
 * fts.h - a walk over files and directories, as far as modiso-scan uses it: the
 * entries of a directory in order, links to directories not followed.
 */
#ifndef MODISO_TOOLS_FTS_H
#define MODISO_TOOLS_FTS_H

#define FTS_ROOTLEVEL 0

#define FTS_PHYSICAL  0x10
#define FTS_COMFOLLOW 0x01
#define FTS_NOCHDIR   0x04

enum { FTS_F, FTS_DEFAULT, FTS_D, FTS_DNR, FTS_ERR, FTS_NS, FTS_SLNONE };

typedef struct ftsent {
	struct ftsent *next;
	char *fts_path;
	const char *fts_name; /* the end of it */
	int fts_level, fts_info, fts_errno;
} FTSENT;
typedef struct fts FTS;

/* One path. NULL with errno. */
FTS *fts_open(char *const *paths, int options,
	      int (*order)(const FTSENT **left, const FTSENT **right));
/* NULL with errno, which is 0 at the end. */
FTSENT *fts_read(FTS *tree);
int fts_close(FTS *tree);

#endif /* MODISO_TOOLS_FTS_H */
