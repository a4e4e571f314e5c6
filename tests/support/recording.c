/* SPDX-License-Identifier: MIT */
#include "support/recording.h"

#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct recording recording_open(pid_t pid)
{
	struct recording recording;
	struct stat status;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), RECORDING_PATH ".%d", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && !fstat(fd, &status));
	must_eq(status.st_mode & 07777, 0600);
	recording.length = (size_t)status.st_size;
	recording.file = mmap(NULL, recording.length, PROT_READ, MAP_SHARED,
			      fd, 0);
	must(recording.file != MAP_FAILED);
	must(!close(fd) && !unlink(path));
	must(!memcmp(recording.file->magic, MODISO_RECORD_MAGIC, 16));
	must_eq(recording.file->process, pid);
	recording.names = (const void *)((const char *)recording.file +
					 recording.file->names_offset);
	return recording;
}

void recording_close(struct recording *recording)
{
	must(!munmap((void *)(uintptr_t)recording->file, recording->length));
}

const struct modiso_record_ring *recording_ring(const struct recording *from,
						pid_t thread)
{
	const char *rings = (const char *)from->file + from->file->rings_offset;

	for (uint32_t i = 0; i < from->file->rings_count; i++) {
		const struct modiso_record_ring *ring =
			(const void *)(rings + i * from->file->ring_size);

		if (ring->thread == thread)
			return ring;
	}
	ck_abort_msg("no ring of thread %d", (int)thread);
	return NULL;
}

uint64_t recording_count(const struct modiso_record_ring *ring)
{
	return ring->next / sizeof(ring->events[0]);
}

const struct modiso_record_event *
recording_event(const struct modiso_record_ring *ring, uint64_t n)
{
	const struct modiso_record_event *event =
		&ring->events[n % MODISO_RECORD_EVENTS];

	return event->place / sizeof(*event) == n ? event : NULL;
}

unsigned recording_kind(const struct modiso_record_ring *ring,
			enum modiso_record_kind kind)
{
	uint64_t end = recording_count(ring), n;
	unsigned count = 0;

	n = end > MODISO_RECORD_EVENTS ? end - MODISO_RECORD_EVENTS : 0;
	for (; n < end; n++) {
		const struct modiso_record_event *event =
			recording_event(ring, n);

		count += event != NULL &&
			 (event->place & 31) == (uint64_t)kind;
	}
	return count;
}

const struct modiso_record_name *recording_name(const struct recording *from,
						uint64_t what)
{
	uint32_t i = from->file->names_count;

	while (i-- > 0)
		if (from->names[i].what == what)
			return &from->names[i];
	ck_abort_msg("no name for %#lx", (unsigned long)what);
	return NULL;
}
