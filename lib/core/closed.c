/* SPDX-License-Identifier: MIT */
#include "core/closed.h"

#include "backend/backend.h"
#include "base/error.h"
#include "core/addrmap.h"
#include "core/runtime.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/objects.h"
#include "os/program.h"

/* In order of nothing; those that are empty are left out at the end. */
struct pieces {
	struct mdi_cover piece[2 * 64];
	uint32_t count;
	bool too_many;
};

static void add(struct pieces *pieces, uintptr_t base, uintptr_t end)
{
	if (base >= end)
		return;
	if (pieces->count == MDI_COUNT(pieces->piece)) {
		pieces->too_many = true;
		return;
	}
	pieces->piece[pieces->count++] = (struct mdi_cover){
		.base = base, .end = end
	};
}

/* What lies behind the hole becomes a piece of its own. */
static void take_away(struct pieces *pieces, uintptr_t base, uintptr_t end)
{
	uint32_t count = pieces->count;

	for (uint32_t i = 0; i < count; i++) {
		struct mdi_cover *piece = &pieces->piece[i];
		uintptr_t old_end = piece->end;

		if (base >= end || base >= piece->end || end <= piece->base)
			continue;
		piece->end = base > piece->base ? base : piece->base;
		add(pieces, end, old_end);
	}
}

static void add_data(void *arg, uintptr_t base, uintptr_t end, bool hole)
{
	if (!hole)
		add(arg, base, end);
}

static void take_holes(void *arg, uintptr_t base, uintptr_t end, bool hole)
{
	if (hole)
		take_away(arg, base, end);
}

static void take_layers(struct pieces *pieces)
{
	const struct mdi_layer *layer = mdi_core_state.runtime.layers;

	for (; layer->state != NULL; layer = mdi_layer_next(layer))
		take_away(pieces, (uintptr_t)layer->state,
			  (uintptr_t)layer->state + layer->size);
}

static void take_regions(struct pieces *pieces)
{
	const struct mdi_addrnode *node;

	for (uint32_t i = 0; i < pieces->count; i++) {
		struct mdi_cover *piece = &pieces->piece[i];

		while ((node = mdi_addrmap_overlap(piece->base, piece->end)) !=
		       NULL)
			take_away(pieces, node->base, node->end);
	}
}

static void sort(struct pieces *pieces)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pieces->count; i++)
		if (pieces->piece[i].base < pieces->piece[i].end)
			pieces->piece[count++] = pieces->piece[i];
	pieces->count = count;
	for (uint32_t i = 1; i < count; i++)
		for (uint32_t j = i; j > 0 && pieces->piece[j].base <
						      pieces->piece[j - 1].base;
		     j--) {
			struct mdi_cover other = pieces->piece[j];

			pieces->piece[j] = pieces->piece[j - 1];
			pieces->piece[j - 1] = other;
		}
}

/* What lies side by side is one system call. */
static void join(struct pieces *pieces)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pieces->count; i++) {
		struct mdi_cover *piece = &pieces->piece[i];

		if (count > 0 && pieces->piece[count - 1].end >= piece->base) {
			if (piece->end > pieces->piece[count - 1].end)
				pieces->piece[count - 1].end = piece->end;
		} else {
			pieces->piece[count++] = *piece;
		}
	}
	pieces->count = count;
}

/*
 * Whatever the heap becomes lies behind what it is: the last piece goes as far
 * as that. The top of it may be a region's, so there may be none.
 */
static void grow_with_heap(struct pieces *pieces, uintptr_t end)
{
	for (uint32_t i = 0; i < pieces->count; i++)
		if (pieces->piece[i].end == end) {
			pieces->piece[i].grows = true;
			return;
		}
	if (pieces->count == MDI_COUNT(pieces->piece))
		pieces->too_many = true;
	else
		pieces->piece[pieces->count++] = (struct mdi_cover){
			.base = end, .end = end, .grows = true
		};
}

struct change {
	uintptr_t base, end;
};

static int update(void *arg)
{
	const struct change *change = arg;
	struct pieces pieces = { .count = 0 };
	uintptr_t heap = 0, heap_end = 0;

	if (mdi_core_state.runtime.options.closed & MODISO_CLOSED_HEAP &&
	    mdi_heap_find(&heap, &heap_end) != 0)
		return MODISO_ERR_OS;
	mdi_objects_data(add_data, &pieces);
	sort(&pieces);
	join(&pieces);
	mdi_objects_data(take_holes, &pieces);
	add(&pieces, heap, heap_end);
	take_layers(&pieces);
	take_regions(&pieces);
	take_away(&pieces, change->base, change->end);
	sort(&pieces);
	if (heap_end != 0)
		grow_with_heap(&pieces, heap_end);
	if (pieces.too_many)
		return mdi_fail(MODISO_ERR_LIMIT,
				"the program's data is in more than %zu pieces",
				MDI_COUNT(pieces.piece));
	return mdi_backend_now->process->cover(pieces.piece, pieces.count);
}

int mdi_closed_update(uintptr_t base, uintptr_t end)
{
	struct change change = { base, end };

	if (mdi_backend_now->process == NULL ||
	    mdi_core_state.runtime.options.closed == 0)
		return 0;
	return mdi_backend_steady(update, &change);
}

/* Of the library, or of an object whose data stays open in all programs. */
static bool is_known(uintptr_t at, uintptr_t *until)
{
	struct mdi_object object;
	size_t end;

	if (!mdi_object_find(at, &object))
		return mdi_threads_hold(at, until) ||
		       mdi_vault_holds(at, until);
	return mdi_page_round(object.end, &end) &&
	       mdi_range_holds(object.base, end, at, until) &&
	       (object.own || mdi_object_is_libc(&object));
}

void mdi_closed_open(uintptr_t base, uintptr_t end,
		     void (*each)(void *arg, uintptr_t base, uintptr_t end),
		     void *arg)
{
	const struct mdi_process_rights *process = mdi_backend_now->process;
	uintptr_t until, begin = base;

	if (process == NULL || mdi_core_state.runtime.options.closed == 0)
		return;
	for (uintptr_t at = base; at < end; at = until) {
		until = end;
		if (!process->covers(at, &until) && !is_known(at, &until))
			continue;
		if (begin < at)
			each(arg, begin, at);
		begin = until;
	}
	if (begin < end)
		each(arg, begin, end);
}

/*
 * Those are where threads wait, and where the kernel's answers to them go. It
 * would find them closed, and fail, and nobody could be asked for a moment.
 */
static int refuse_waiters(const char *what, const char *name)
{
	return mdi_fail(MODISO_ERR_NOTSUP,
			"options.closed: %s (%s) of threads that run at the "
			"same time: while one is in a module the system calls "
			"of the others that read or write there would fail; "
			"it can be had where one runs at a time "
			"(MODISO_EXCLUSION_EXTERNAL), or with protection keys",
			what, name);
}

int mdi_closed_check(const struct modiso_options *options)
{
	const char *why;

	if (options->closed == 0 || mdi_backend_now->process == NULL)
		return 0;
	why = mdi_objects_stay_open();
	if (why != NULL)
		return mdi_fail(MODISO_ERR_NOTSUP, "options.closed: %s", why);
	if (options->exclusion == MODISO_EXCLUSION_EXTERNAL)
		return options->closed & MODISO_CLOSED_HEAP ?
			       mdi_heap_take_all() :
			       0;
	if (options->closed & MODISO_CLOSED_HEAP)
		return refuse_waiters("the heap", "MODISO_CLOSED_HEAP");
	if (options->closed & MODISO_CLOSED_STACKS)
		return refuse_waiters("the stacks", "MODISO_CLOSED_STACKS");
	return 0;
}
