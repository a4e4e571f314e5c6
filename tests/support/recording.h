/* SPDX-License-Identifier: MIT */
/*
 * support/recording.h - the flight recorder's file, seen from a test.
 */
#ifndef TESTS_SUPPORT_RECORDING_H
#define TESTS_SUPPORT_RECORDING_H

#include <modiso/record.h>

#include <stdbool.h>
#include <sys/types.h>

struct recording {
	const struct modiso_record_file *file;
	const struct modiso_record_name *names;
	size_t length;
};

/* As modiso_options.record_path; the process's number is put behind it. */
#define RECORDING_PATH "/tmp/modiso-recording"

/* Map the file of process @pid, and remove it. */
struct recording recording_open(pid_t pid);
void recording_close(struct recording *recording);

/* The ring of a thread. */
const struct modiso_record_ring *recording_ring(const struct recording *from,
						pid_t thread);

/* The nth event that was written, from 0 on; NULL: it is not whole. */
const struct modiso_record_event *
recording_event(const struct modiso_record_ring *ring, uint64_t n);
uint64_t recording_count(const struct modiso_record_ring *ring);

/* How many of the whole events that are there are of this kind. */
unsigned recording_kind(const struct modiso_record_ring *ring,
			enum modiso_record_kind kind);

/* What a number stands for; it must have a name. */
const struct modiso_record_name *recording_name(const struct recording *from,
						uint64_t what);

#endif /* TESTS_SUPPORT_RECORDING_H */
