/* SPDX-License-Identifier: MIT */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENT ((uint64_t)sizeof(struct modiso_record_event))
#define RINGS_MAX 4096
#define KIND_MASK 31u

static bool read_at(int fd, uint64_t offset, void *to, size_t length)
{
	char *bytes = to;
	ssize_t got;

	while (length > 0) {
		got = pread(fd, bytes, length, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = 0;
		if (got <= 0)
			return false;
		bytes += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return true;
}

static const char *check_head(const struct modiso_record_file *head)
{
	errno = 0;
	if (memcmp(head->magic, MODISO_RECORD_MAGIC, sizeof(head->magic)) != 0)
		return "it is no recording of libmodiso";
	if (head->version != MODISO_RECORD_VERSION)
		return "it is of another version of libmodiso";
	if (head->names_count > MODISO_RECORD_NAMES ||
	    head->rings_count > RINGS_MAX ||
	    head->ring_size != sizeof(struct modiso_record_ring) ||
	    head->names_offset > INT32_MAX || head->rings_offset > INT32_MAX ||
	    head->last <= head->first || head->last_ns <= head->first_ns)
		return "its beginning is damaged";
	return NULL;
}

static double to_ns(const struct recording *from, uint64_t clock)
{
	const struct modiso_record_file *head = &from->head;
	double pace = (double)(head->last_ns - head->first_ns) /
		      (double)(head->last - head->first);

	return clock < head->first ? 0 : (double)(clock - head->first) * pace;
}

/* The last entry that is not of a later time. */
static const struct modiso_record_name *
find_name(const struct recording *from, uint64_t what, uint64_t time)
{
	const struct modiso_record_name *name =
		from->names + from->head.names_count;

	while (name-- != from->names)
		if (name->what == what && name->time <= time)
			return name;
	return NULL;
}

static struct event *add(struct recording *to, uint32_t kind, uint64_t begin,
			 uint64_t what, uint64_t end)
{
	struct event *event;

	if (to->count == to->room) {
		to->room = to->room * 2 + 1024;
		event = realloc(to->events, to->room * sizeof(*event));
		if (event == NULL)
			return NULL;
		to->events = event;
	}
	event = &to->events[to->count++];
	*event = (struct event){
		.kind = kind,
		.begin_ns = to_ns(to, begin),
		.end_ns = to_ns(to, end),
		.what = what,
		.end = end,
		.track = to->track_count - 1,
	};
	if (kind != MODISO_RECORD_FAULT && kind != MODISO_RECORD_THREAD)
		event->name = find_name(to, what, begin);
	if (kind == MODISO_RECORD_FAULT || kind == MODISO_RECORD_THREAD)
		event->end_ns = event->begin_ns;
	return event;
}

static bool add_track(struct recording *to, int32_t thread, bool fiber)
{
	struct track *track = realloc(
		to->tracks, (to->track_count + 1) * sizeof(*track));

	if (track == NULL)
		return false;
	to->tracks = track;
	track[to->track_count++] = (struct track){
		.thread = thread,
		.fiber = fiber,
	};
	return true;
}

static bool has_begin(const struct recording *to, size_t first, uint64_t begin)
{
	double begin_ns = to_ns(to, begin);

	for (size_t i = first; i < to->count; i++)
		if (to->events[i].begin_ns == begin_ns &&
		    (to->events[i].kind == MODISO_RECORD_CALL ||
		     to->events[i].kind == MODISO_RECORD_ENDED))
			return true;
	return false;
}

static bool add_open(struct recording *to, uint64_t begin, uint64_t what)
{
	struct event *event = add(to, MODISO_RECORD_CALL, begin, what,
				  to->head.last > begin ? to->head.last
							: begin);

	if (event != NULL)
		event->open = true;
	return event != NULL;
}

/* Calls under way: see struct modiso_record_call. */
static bool add_calls(struct recording *to, size_t first,
		      const struct modiso_record_ring *ring)
{
	const struct modiso_record_call *call = ring->calls;
	uint64_t last = 0;

	for (; call < ring->calls + MODISO_RECORD_DEPTH; call++) {
		if (call->gate == 0 || call->begin <= last ||
		    has_begin(to, first, call->begin))
			return true;
		last = call->begin;
		if (!add_open(to, call->begin, call->gate))
			return false;
		if (call->service_begin <= last ||
		    has_begin(to, first, call->service_begin))
			return true;
		last = call->service_begin;
		if (!add_open(to, call->service_begin, call->service))
			return false;
	}
	return true;
}

static bool take_event(struct recording *to,
		       const struct modiso_record_event *event)
{
	uint32_t kind = (uint32_t)(event->place & KIND_MASK);

	if (kind == MODISO_RECORD_THREAD)
		return add_track(to, (int32_t)event->what, event->end == 1);
	/* The end of a fault is an address. */
	if (kind > MODISO_RECORD_THREAD ||
	    (event->end < event->begin && kind != MODISO_RECORD_FAULT))
		return true;
	return add(to, kind, event->begin, event->what, event->end) != NULL;
}

/*
 * @next: bytes that had been written when all was read. What was written since
 * the ring's beginning was read may have come over the oldest ones.
 */
static bool take_ring(struct recording *to,
		      const struct modiso_record_ring *ring, uint64_t next,
		      uint64_t last)
{
	uint64_t end = ring->next / EVENT, n = 0;
	size_t first = to->count;

	if (next / EVENT > MODISO_RECORD_EVENTS)
		n = next / EVENT - MODISO_RECORD_EVENTS;
	if (last != 0 && end > last && n < end - last)
		n = end - last;
	/* Whose the first ones are is known by what comes before them. */
	if (!add_track(to, n == 0 ? 0 : ring->thread, false))
		return false;
	for (; n < end; n++) {
		const struct modiso_record_event *event =
			&ring->events[n % MODISO_RECORD_EVENTS];

		if (event->place / EVENT == n && !take_event(to, event))
			return false;
	}
	return add_calls(to, first, ring);
}

static int by_begin(const void *a, const void *b)
{
	const struct event *left = a, *right = b;

	if (left->track != right->track)
		return left->track < right->track ? -1 : 1;
	if (left->begin_ns != right->begin_ns)
		return left->begin_ns < right->begin_ns ? -1 : 1;
	/* What is around something comes first. */
	return left->end_ns > right->end_ns ? -1 : left->end_ns < right->end_ns;
}

static const char *read_rings(int fd, struct recording *to, uint64_t last)
{
	struct modiso_record_ring *ring = malloc(sizeof(*ring));
	const char *what = NULL;
	uint64_t next;

	if (ring == NULL)
		return "there is no memory for it";
	for (uint32_t i = 0; what == NULL && i < to->head.rings_count; i++) {
		uint64_t at = to->head.rings_offset + i * sizeof(*ring);

		if (!read_at(fd, at, ring, sizeof(*ring)) ||
		    !read_at(fd, at, &next, sizeof(next)))
			what = "it is shorter than it says";
		else if (!take_ring(to, ring, next, last))
			what = "there is no memory for it";
	}
	free(ring);
	return what;
}

static const char *read_names(int fd, struct recording *to)
{
	size_t count = to->head.names_count;

	to->names = calloc(count + 1, sizeof(*to->names));
	if (to->names == NULL)
		return "there is no memory for it";
	if (!read_at(fd, to->head.names_offset, to->names,
		     count * sizeof(*to->names)))
		return "it is shorter than it says";
	for (size_t i = 0; i < count; i++) {
		struct modiso_record_name *name = &to->names[i];

		name->name[sizeof(name->name) - 1] = '\0';
		name->module_name[sizeof(name->module_name) - 1] = '\0';
	}
	return NULL;
}

const char *recording_read(const char *path, uint64_t last,
			   struct recording *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	const char *what;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return "it cannot be opened";
	if (!read_at(fd, 0, &out->head, sizeof(out->head)))
		what = "it is no recording of libmodiso";
	else
		what = check_head(&out->head);
	out->head.program[sizeof(out->head.program) - 1] = '\0';
	if (what == NULL)
		what = read_names(fd, out);
	if (what == NULL)
		what = read_rings(fd, out, last);
	saved = errno;
	close(fd);
	errno = saved;
	if (what == NULL)
		qsort(out->events, out->count, sizeof(*out->events), by_begin);
	return what;
}
