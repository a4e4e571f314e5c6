/* SPDX-License-Identifier: MIT */
/*
 * What a thread has done before a fault, for the report: read from its ring,
 * which goes on meanwhile.
 */
#include "core/recorder.h"

#include "backend/backend.h"

static struct mdi_recorder_state *const own = &mdi_core_state.recorder;

static const struct modiso_record_ring *ring_at(uint32_t index)
{
	return (const void *)(mdi_arch_state.blocks +
			      (size_t)index * MDI_BLOCK_SIZE + T_RING);
}

/* The fault itself is an event, right behind what was there. */
static bool is_there(const struct modiso_fault *fault)
{
	return mdi_backend_running() != NULL && own->on && own->file != NULL &&
	       fault->recorded != 0 &&
	       fault->recorded_run == own->file->first &&
	       fault->recorded_ring < own->file->rings_count;
}

/* The event at this place, if it is whole and not written over meanwhile. */
static bool get(const struct modiso_record_ring *ring, uint64_t place,
		struct modiso_record_event *event)
{
	const struct modiso_record_event *from =
		&ring->events[place / E_SIZE % MODISO_RECORD_EVENTS];

	event->begin = __atomic_load_n(&from->begin, __ATOMIC_RELAXED);
	event->what = __atomic_load_n(&from->what, __ATOMIC_RELAXED);
	event->end = __atomic_load_n(&from->end, __ATOMIC_RELAXED);
	event->place = __atomic_load_n(&from->place, __ATOMIC_ACQUIRE);
	return event->place / E_SIZE == place / E_SIZE &&
	       __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE) - place <=
		       MODISO_RECORD_EVENTS * E_SIZE;
}

static uint64_t to_ns(uint64_t clock)
{
	const struct modiso_record_file *file = own->file;
	uint64_t clocks = file->last - file->first;

	return clocks == 0 ? 0 :
			     (uint64_t)((double)clock *
					(double)(file->last_ns -
						 file->first_ns) /
					(double)clocks);
}

static void name(struct mdi_past *past, const struct modiso_record_event *event)
{
	static const char *const words[] = {
		[MODISO_RECORD_MODULE] = "module",
		[MODISO_RECORD_GATE] = "gate",
		[MODISO_RECORD_SERVICE] = "service",
	};
	uint32_t i = __atomic_load_n(&own->file->names_count, __ATOMIC_ACQUIRE);

	past->of = "gate";
	past->name = "";
	past->module_name = "";
	while (i-- > 0) {
		const struct modiso_record_name *is = &own->names[i];

		if (is->what != event->what || is->time > event->begin)
			continue;
		past->name = is->name;
		past->of = words[is->kind];
		if (is->kind == MODISO_RECORD_GATE)
			past->module_name = is->module_name;
		return;
	}
}

unsigned mdi_recorder_past(const struct modiso_fault *fault,
			   struct mdi_past past[MDI_PAST])
{
	const struct modiso_record_ring *ring;
	struct modiso_record_event event, at;
	uint64_t place = fault->recorded;
	unsigned count = 0;

	if (!is_there(fault))
		return 0;
	ring = ring_at(fault->recorded_ring);
	if (!get(ring, place, &at))
		return 0;
	while (count < MDI_PAST && place >= E_SIZE) {
		place -= E_SIZE;
		if (!get(ring, place, &event))
			break;
		if (event.place % E_SIZE == MODISO_RECORD_THREAD)
			break; /* another one's, before */
		if (event.place % E_SIZE == MODISO_RECORD_FAULT ||
		    event.end < event.begin || at.begin < event.begin)
			continue;
		past[count] = (struct mdi_past){
			.kind = (uint32_t)(event.place % E_SIZE),
			.before_ns = to_ns(at.begin - event.begin),
			.length_ns = to_ns(event.end - event.begin),
		};
		name(&past[count++], &event);
	}
	return count;
}
