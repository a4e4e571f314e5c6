/* SPDX-License-Identifier: MIT */
/*
 * recording.h - a file of the flight recorder, read. It may be of a process
 * that runs, or that was killed in the middle of writing; and nothing in it is
 * believed.
 */
#ifndef MODISO_TOOLS_RECORDING_H
#define MODISO_TOOLS_RECORDING_H

#include <modiso.h>
#include <modiso/record.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has happened, in order of its beginning. */
struct event {
	double begin_ns, end_ns; /* since the recorder was started */
	uint64_t what, end;      /* as modiso_record_event has them */
	/* Whose; MODISO_RECORD_MODULE's for a wait. NULL: not known. */
	const struct modiso_record_name *name;
	uint32_t kind; /* enum modiso_record_kind */
	uint32_t track;
	bool open; /* a call that is under way: end_ns is the last moment */
};

/* A thread or a fiber, as long as a ring was its own. */
struct track {
	int32_t thread; /* 0: not known */
	bool fiber;
};

struct recording {
	struct modiso_record_file head;
	struct modiso_record_name *names;
	struct event *events;
	size_t count, room;
	struct track *tracks;
	uint32_t track_count;
};

/*
 * At most @last events of each ring, 0: all that are there. NULL, or what is
 * wrong with the file; errno is 0 where the system has no part in it.
 */
const char *recording_read(const char *path, uint64_t last,
			   struct recording *out);

#endif /* MODISO_TOOLS_RECORDING_H */
