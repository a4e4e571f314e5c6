/* SPDX-License-Identifier: MIT */
#include "core/recorder.h"

#include "arch/arch.h"
#include "backend/keeper.h"
#include "base/error.h"
#include "base/settings.h"
#include "core/entries.h"
#include "core/frames.h"
#include "core/gate.h"
#include "core/vault.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/misuse.h"
#include "os/process.h"
#include "os/tracepoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RW (MDI_PROT_READ | MDI_PROT_WRITE)

#define NAMES_SIZE                                                             \
	(MODISO_RECORD_NAMES * sizeof(struct modiso_record_name))
#define HEAD_SIZE (sizeof(struct modiso_record_file) + NAMES_SIZE)
#define FILE_SIZE                                                              \
	(HEAD_SIZE +                                                           \
	 (size_t)MDI_THREADS_MAX * sizeof(struct modiso_record_ring))

/* What is between two moments, from which the counter's pace is known. */
#define PACE_NS 1000000u
/* So long takes a moment at most, by the counter. */
#define MOMENT 100000u

static struct mdi_recorder_state *const own = &mdi_core_state.recorder;

static struct modiso_record_ring *ring_of(const struct mdi_thread *thread)
{
	return (struct modiso_record_ring *)(void *)(mdi_thread_block(thread) +
						     T_RING);
}

/* --- start and stop --- */

/* The library's lock is held. Who loses the CPU in between tries again. */
static void note_moment(void)
{
	uint64_t before, after, now;
	int tries = 0;

	if (own->file == NULL)
		return;
	do {
		before = mdi_clock();
		now = mdi_os_now_ns();
		after = mdi_clock();
	} while (after - before > MOMENT && ++tries < 10);
	own->file->last_ns = now;
	own->file->last = after;
}

static void begin_file(void)
{
	struct modiso_record_file *file = own->file;
	uint32_t never = 0;

	file->version = MODISO_RECORD_VERSION;
	file->process = mdi_os_process_id();
	file->backend = (uint32_t)mdi_backend_now->id;
	file->names_offset = sizeof(*file);
	file->rings_offset = HEAD_SIZE;
	file->ring_size = sizeof(struct modiso_record_ring);
	strncpy(file->program, program_invocation_short_name,
		sizeof(file->program) - 1);
	note_moment();
	file->first = file->last;
	file->first_ns = file->last_ns;
	mdi_os_wait(&never, 0, PACE_NS);
	note_moment();
	/* Last: who reads a file without it reads nothing. */
	memcpy(file->magic, MODISO_RECORD_MAGIC, sizeof(file->magic));
}

/* The file, mapped; what is behind its head is nobody's yet. */
static int map_file(const char *path)
{
	const char *call = "open";
	char name[300];
	int fd;

	snprintf(name, sizeof(name), "%s.%d", path, (int)mdi_os_process_id());
	fd = mdi_file_create_named(name, FILE_SIZE);
	if (fd >= 0) {
		own->base = mdi_file_map_aside(FILE_SIZE, fd, 0, true);
		mdi_file_close(fd);
		call = "mmap";
	}
	if (own->base == NULL)
		return mdi_fail_os(call, "%s, of the recorder", name);
	if (mdi_mem_protect(own->base, HEAD_SIZE, RW) == 0 &&
	    mdi_mem_populate_all(own->base, HEAD_SIZE) == 0 &&
	    mdi_backend_protect_own(mdi_backend_now, own->base, HEAD_SIZE,
				    MDI_OWN_CLOSED) == 0)
		return 0;
	return mdi_fail_os("mmap", "the names of the recorder, %s", name);
}

static void use_head(char *head)
{
	own->file = (void *)head;
	own->names = (void *)(head + sizeof(*own->file));
}

int mdi_recorder_start(const struct modiso_options *options)
{
	const char *path = options->record_path;
	struct mdi_vault_area *area = NULL;
	int result = 0;

	if (path == NULL && mdi_settings()->record_path[0] != '\0')
		path = mdi_settings()->record_path;
	memset(own, 0, sizeof(*own));
	own->on = path != NULL || options->flags & MODISO_INIT_RECORD ||
		  mdi_settings()->record;
	if (path != NULL && (path[0] == '\0' || strlen(path) > 255))
		return mdi_fail(MODISO_ERR_INVAL,
				"options.record_path has %zu bytes: 1 to 255",
				strlen(path));
	if (path != NULL)
		result = map_file(path);
	if (result != 0) {
		mdi_recorder_stop();
		return result;
	}
	if (own->base == NULL && own->on) {
		area = mdi_vault_map(HEAD_SIZE);
		if (area == NULL) {
			mdi_recorder_stop();
			return mdi_fail_memory("the recorder's names");
		}
	}
	if (own->on) {
		use_head(own->base != NULL ? own->base : area->base);
		begin_file();
		mdi_recorder_entries(&mdi_arch_state.entries);
	}
	mdi_keeper_tells(own->on ? mdi_recorder_waited : NULL);
	return 0;
}

void mdi_recorder_stop(void)
{
	note_moment();
	if (own->base != NULL)
		mdi_mem_release(own->base, FILE_SIZE);
	memset(own, 0, sizeof(*own));
}

bool mdi_recorder_overlaps(uintptr_t base, uintptr_t end)
{
	return own->base != NULL && base < (uintptr_t)own->base + FILE_SIZE &&
	       (uintptr_t)own->base < end;
}

/* --- rings --- */

static int open_ring(void *ring)
{
	const size_t length = sizeof(struct modiso_record_ring);

	if (mdi_mem_protect(ring, length, RW) != 0 ||
	    mdi_mem_populate_all(ring, length) != 0)
		return mdi_fail_os("mmap", "what a thread's calls are recorded "
					   "in");
	return mdi_backend_protect_own(mdi_backend_now, ring, length,
				       MDI_OWN_CLOSED);
}

int mdi_recorder_commit(uint32_t index, char *block)
{
	const size_t length = sizeof(struct modiso_record_ring);

	if (!own->on)
		return 0;
	if (own->base != NULL &&
	    mdi_mem_move(own->base + HEAD_SIZE + index * length, length,
			 block + T_RING) != 0)
		return mdi_fail_os("mremap", "what a thread's calls are "
					     "recorded in");
	return open_ring(block + T_RING);
}

/* The parent goes on in its file, and writes to its rings. */
void mdi_recorder_after_fork(uint32_t count)
{
	const size_t length = sizeof(struct modiso_record_ring);
	struct mdi_vault_area *area;
	char *ring;

	if (own->base == NULL)
		return;
	/* Names are still wanted for reports; without memory there are none. */
	area = mdi_vault_map(HEAD_SIZE);
	if (area != NULL)
		memcpy(area->base, own->base, HEAD_SIZE);
	mdi_mem_release(own->base, FILE_SIZE);
	own->base = NULL;
	own->file = NULL;
	own->names = NULL;
	if (area != NULL)
		use_head(area->base);
	for (uint32_t i = MDI_BLOCK_FIRST; i < count; i++) {
		ring = mdi_arch_state.blocks + (size_t)i * MDI_BLOCK_SIZE +
		       T_RING;
		if (mdi_mem_commit(ring, length) != 0 || open_ring(ring) != 0)
			mdi_misuse_last("a child would write to its parent's "
					"recorder");
	}
}

/* --- events --- */

static void put(struct mdi_thread *thread, enum modiso_record_kind kind,
		uint64_t begin, uint64_t what, uint64_t end)
{
	struct modiso_record_ring *ring = ring_of(thread);
	uint64_t place =
		__atomic_fetch_add(&ring->next, E_SIZE, __ATOMIC_RELAXED);
	struct modiso_record_event *event =
		&ring->events[place / E_SIZE % MODISO_RECORD_EVENTS];

	event->begin = begin;
	event->what = what;
	event->end = end;
	__atomic_store_n(&event->place, place | kind, __ATOMIC_RELEASE);
}

void mdi_recorder_thread(struct mdi_thread *thread)
{
	if (!own->on)
		return;
	ring_of(thread)->thread = thread->tid;
	memset(ring_of(thread)->calls, 0, sizeof(ring_of(thread)->calls));
	if (own->file != NULL && own->file->rings_count <= thread->index)
		own->file->rings_count = thread->index + 1;
	note_moment();
	put(thread, MODISO_RECORD_THREAD, mdi_clock(),
	    (uint32_t)thread->tid, thread->host != thread);
}

void mdi_recorder_fault(struct mdi_thread *thread, struct modiso_fault *fault)
{
	if (!own->on || thread == NULL)
		return;
	fault->recorded = ring_of(thread)->next;
	fault->recorded_run = own->file != NULL ? own->file->first : 0;
	fault->recorded_ring = thread->index;
	put(thread, MODISO_RECORD_FAULT, mdi_clock(),
	    fault->number << 8 | fault->kind, fault->address);
}

void mdi_recorder_ended(struct mdi_thread *thread)
{
	uint32_t depth = mdi_thread_depth(thread);
	struct modiso_record_call *call;

	if (!own->on || depth == 0)
		return;
	call = &ring_of(thread)->calls[depth - 1];
	if (call->gate != 0)
		put(thread, MODISO_RECORD_ENDED, call->begin, call->gate,
		    mdi_clock());
	call->gate = 0;
}

void mdi_recorder_waited(const struct mdi_domain *domain, uint64_t begin)
{
	struct mdi_thread *thread = mdi_thread_self();

	if (own->on && thread != NULL && domain != NULL)
		put(thread, MODISO_RECORD_WAIT, begin, domain->head.link,
		    mdi_clock());
}

/* --- instead of what gates call --- */

MODISO_CALL static int slow(struct mdi_gate_slot *slot)
{
	uint32_t rights = slot->domain->rights;
	uint64_t begin = mdi_clock();
	struct mdi_thread *thread;
	int result = mdi_gate_slow(slot);

	thread = mdi_thread_self();
	if (thread == NULL)
		return result;
	/* They are others while the module has no key. */
	if (slot->domain->rights != rights) {
		put(thread, MODISO_RECORD_MISS, begin, (uintptr_t)slot,
		    mdi_clock());
		MDI_PROBE1(miss, slot);
	}
	if (result != 0 && mdi_thread_depth(thread) < MODISO_RECORD_DEPTH)
		ring_of(thread)->calls[mdi_thread_depth(thread)].gate = 0;
	return result;
}

MODISO_CALL static void land(struct mdi_thread *thread)
{
	mdi_recorder_ended(thread);
	mdi_gate_land(thread);
}

void mdi_recorder_entries(struct mdi_entries *entries)
{
	entries->gate_slow = slow;
	entries->gate_land = land;
}
