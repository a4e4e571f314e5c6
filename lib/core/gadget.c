/* SPDX-License-Identifier: MIT */
#include "core/gadget.h"

#include "arch/arch.h"
#include "arch/forbidden.h"
#include "base/error.h"
#include "core/cfi.h"
#include "core/seal.h"
#include "core/state.h"
#include "os/code.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct mdi_gadget_state *const own = &mdi_core_state.gadget;

/* --- which code there is --- */

/* FNV-1a, by words. */
static uint64_t mixed(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * 0x100000001b3u;
}

struct search {
	uintptr_t base, end; /* memory side by side that is code */
	bool writable;       /* some of it */
	uint64_t list;       /* a number for what is mapped */
	bool listing;        /* nothing but that number is wanted */
	int result;
};

/* The kernel makes these calls; the page may be one that cannot be read. */
static bool is_vsyscall(const char *name)
{
	return strcmp(name, "[vsyscall]") == 0;
}

/* --- one that was found --- */

/* "/usr/lib/libc.so.6 at 0x109352", by its own addresses. */
static void name_place(uintptr_t at, char *text, size_t size)
{
	struct mdi_object object;
	struct mdi_mapping map;
	char path[256] = "";

	if (mdi_object_find(at, &object)) {
		mdi_object_path(&object, path, sizeof(path));
		at -= object.bias;
	} else {
		(void)mdi_maps_name(at, &map, path, sizeof(path));
	}
	snprintf(text, size, "%s at %#zx",
		 path[0] != '\0' ? path : "memory without a name", (size_t)at);
}

static int refuse(const struct mdi_scan_match *match, uintptr_t at,
		  const char *why)
{
	char place[320], bytes[3 * MODISO_SCAN_BYTES + 1] = "";

	for (size_t i = 0; i < match->length && i < MODISO_SCAN_BYTES; i++)
		snprintf(bytes + 3 * i, 4, " %02x",
			 ((const uint8_t *)at)[i]);
	name_place(at, place, sizeof(place));
	return mdi_fail(MODISO_ERR_GADGET,
			"a guarded module could jump to the host's own %s (%s) "
			"in %s, and it cannot be taken away: %s",
			mdi_gadget_name(match->kind), bytes + 1, place, why);
}

static bool function_of(uintptr_t at, uintptr_t *start, uintptr_t *end)
{
	struct mdi_object object;
	struct mdi_cfi_entry entry;
	struct mdi_cfi cfi;

	if (!mdi_object_find(at, &object) || object.unwind == 0)
		return false;
	cfi = (struct mdi_cfi){object.base, object.end, object.unwind};
	if (mdi_cfi_find(&cfi, at, &entry) != MDI_CFI_CALLER)
		return false;
	*start = entry.start;
	*end = entry.start + entry.length;
	return true;
}

/* One that was there in the library's life before has its detour still. */
static struct mdi_gadget *place_for(uintptr_t at)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (own->gadgets[i].at == at && !own->gadgets[i].removed)
			return &own->gadgets[i];
	return own->count < MDI_COUNT(own->gadgets)
		       ? &own->gadgets[own->count]
		       : NULL;
}

static int fail_change(const char *call, uintptr_t at)
{
	char place[320];

	name_place(at, place, sizeof(place));
	return mdi_fail_os(call, "taking an instruction away from the host's "
				 "code, %s", place);
}

/* The next place in the page of detours, which lies near the first of them. */
static int make_detour(struct mdi_gadget *gadget)
{
	uintptr_t page = mdi_arch_state.detours;
	uint8_t code[MDI_DETOUR_SIZE];
	const char *call;

	if (page == 0) {
		page = (uintptr_t)mdi_code_near(gadget->at);
		if (page == 0)
			return fail_change("mmap", gadget->at);
		mdi_arch_state.detours = page;
		mdi_arch_state.detours_size = MDI_PAGE_SIZE;
	}
	gadget->detour = page + own->detours * MDI_DETOUR_SIZE;
	if (own->detours == MDI_PAGE_SIZE / MDI_DETOUR_SIZE ||
	    !mdi_gadget_detour(gadget, code))
		return mdi_fail(MODISO_ERR_LIMIT,
				"no room for a jump near the host's code at "
				"%#zx", (size_t)gadget->at);
	call = mdi_code_change(gadget->detour, code, sizeof(code));
	if (call != NULL)
		return fail_change(call, gadget->at);
	own->detours++;
	return 0;
}

static int take_away(const struct search *search,
		     const struct mdi_scan_match *match, uintptr_t at)
{
	struct mdi_gadget *gadget = place_for(at), planned;
	uintptr_t start, end;
	const char *why;
	int result = 0;

	if (gadget == NULL)
		return refuse(match, at, "there are too many of them");
	if (search->writable)
		return refuse(match, at, "the code there is writable");
	if (!function_of(at, &start, &end) || start < search->base ||
	    end > search->end)
		return refuse(match, at, "no function is known to hold it");
	why = mdi_gadget_plan(&planned, at, match->kind, start, end);
	if (why != NULL)
		return refuse(match, at, why);
	/* Where the same was before, the same detour leads back to it. */
	if (gadget != &own->gadgets[own->count] &&
	    memcmp(gadget->was, planned.was, sizeof(planned.was)) == 0)
		planned = *gadget;
	if (planned.detours && planned.detour == 0)
		result = make_detour(&planned);
	if (result != 0)
		return result;
	planned.removed = true;
	*gadget = planned;
	if (gadget == &own->gadgets[own->count])
		__atomic_store_n(&own->count, own->count + 1,
				 __ATOMIC_RELEASE);
	why = mdi_code_change(at, gadget->now, gadget->length);
	if (why == NULL)
		return 0;
	gadget->removed = false;
	if (errno == EPERM && mdi_seal_is_on())
		return refuse(match, at, "it is sealed (modiso_code_seal()); "
					 "make the first guarded module "
					 "before");
	return fail_change(why, at);
}

/* --- all of them --- */

static bool is_known(uintptr_t at)
{
	if (mdi_is_own_code(at))
		return true;
	for (uint32_t i = 0; i < own->count; i++)
		if (mdi_gadget_in_detour(&own->gadgets[i], at))
			return true;
	return false;
}

/* From the beginning again behind each: it may have been two in one. */
static int search_code(const struct search *search)
{
	const uint8_t *bytes = (const uint8_t *)search->base;
	size_t length = search->end - search->base, from = 0;
	struct mdi_scan_match match;
	uintptr_t at;
	int result;

	while ((from = mdi_scan_next(bytes, length, from, mdi_gadget_kinds(),
				     &match)) != 0) {
		at = search->base + match.at;
		if (is_known(at) ||
		    !mdi_gadget_is(match.kind, bytes + match.at, match.length))
			continue;
		result = take_away(search, &match, at);
		if (result != 0)
			return result;
		from = match.at;
	}
	return 0;
}

static bool finish(struct search *search)
{
	if (search->base != 0)
		search->result = search_code(search);
	return search->result == 0;
}

static bool visit(const struct mdi_mapping *map, const char *name, void *arg)
{
	struct search *search = arg;

	search->list = mixed(search->list, map->base);
	search->list = mixed(search->list, map->end);
	search->list = mixed(search->list, map->device);
	search->list = mixed(search->list, map->inode);
	search->list = mixed(search->list, map->offset);
	if (search->listing || is_vsyscall(name))
		return true;
	if (!map->read) {
		search->result = mdi_fail(
			MODISO_ERR_GADGET,
			"a guarded module could jump to code that cannot be "
			"read, and so not be searched: %s at %#zx",
			name[0] != '\0' ? name : "memory without a name",
			(size_t)map->base);
		return false;
	}
	if (map->base == search->end && search->base != 0) {
		search->end = map->end;
		search->writable = search->writable || map->write;
		return true;
	}
	if (!finish(search))
		return false;
	search->base = map->base;
	search->end = map->end;
	search->writable = map->write;
	return true;
}

static int walk(struct search *search, bool listing)
{
	*search = (struct search){.listing = listing};
	if (mdi_maps_walk_code(0, visit, search) != 0)
		return mdi_fail_os("open", "/proc/self/maps");
	if (search->result == 0 && !listing)
		finish(search);
	return search->result;
}

/*
 * Changing code splits its mappings, so the list that is kept is that of
 * afterwards.
 */
static int remove_all(void)
{
	uint64_t loads = mdi_code_loads();
	struct search search;
	int result = walk(&search, true);

	if (result == 0 && own->searched && search.list == own->list)
		return 0;
	if (result == 0)
		result = walk(&search, false);
	if (result == 0)
		result = walk(&search, true);
	if (result != 0)
		return result;
	own->list = search.list;
	own->loads = loads;
	own->searched = true;
	return 0;
}

int mdi_gadgets_remove(void)
{
	int saved = errno, result = remove_all();

	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}

int mdi_gadgets_look_again(void)
{
	return mdi_code_loads() == own->loads ? 0 : mdi_gadgets_remove();
}

bool mdi_gadgets_removed(void)
{
	return own->searched;
}

static bool is_there(const struct mdi_gadget *gadget)
{
	return mdi_mem_allows(gadget->at, false) &&
	       memcmp((const void *)gadget->at, gadget->now,
		      gadget->length) == 0;
}

static bool put_back(const struct mdi_gadget *gadget)
{
	return !is_there(gadget) ||
	       mdi_code_change(gadget->at, gadget->was, gadget->length) ==
		       NULL ||
	       !mdi_seal_is_on();
}

/* A detour needs nobody; a trap does, and cannot be taken back. */
bool mdi_gadgets_sealed(void)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (mdi_seal_is_on() && own->gadgets[i].removed &&
		    !own->gadgets[i].detours && is_there(&own->gadgets[i]))
			return true;
	return false;
}

/*
 * What was unloaded meanwhile may be something else by now: only where the
 * bytes are those that were put there. The page of detours stays, as a thread
 * may be in it.
 */
void mdi_gadgets_put_back(void)
{
	int saved = errno;

	for (uint32_t i = 0; i < own->count; i++) {
		struct mdi_gadget *gadget = &own->gadgets[i];

		if (gadget->removed)
			gadget->removed = !put_back(gadget);
	}
	own->searched = false;
	errno = saved;
}

const struct mdi_gadget *mdi_gadget_at(uintptr_t at)
{
	uint32_t count = __atomic_load_n(&own->count, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < count; i++)
		if (own->gadgets[i].at == at && own->gadgets[i].removed &&
		    !own->gadgets[i].detours)
			return &own->gadgets[i];
	return NULL;
}
