/* SPDX-License-Identifier: MIT */
#include "os/windows/views.h"

#include "os/memory.h"
#include "os/windows/state.h"
#include "os/windows/windows.h"

#include <errno.h>
#include <string.h>

/* In front of its bytes, in a page of its own. */
struct mdi_copy_file {
	uint64_t length;
	uint32_t users; /* views, and the number that it is open by */
};

struct mdi_view {
	uintptr_t base, end;
	struct mdi_copy_file *file;
	uint64_t offset;
};

static struct mdi_views_state *const own = &mdi_os_state.views;

static char *bytes_of(const struct mdi_copy_file *file)
{
	return (char *)(uintptr_t)file + MDI_PAGE_SIZE;
}

/* --- files; the lock is held where one is let go --- */

/* A free number; -1 with errno. */
static int free_number(void)
{
	for (int i = 0; i < MDI_FILES_OPEN; i++)
		if (own->open[i].copy == NULL && own->open[i].section == NULL)
			return i;
	errno = EMFILE;
	return -1;
}

static struct mdi_open_file *open_file(int fd)
{
	return fd >= MDI_FILE_FIRST && fd < MDI_FILE_FIRST + MDI_FILES_OPEN ?
		       &own->open[fd - MDI_FILE_FIRST] :
		       NULL;
}

static struct mdi_copy_file *new_file(uint64_t length)
{
	struct mdi_copy_file *file = NULL;

	if (length <= SIZE_MAX - MDI_PAGE_SIZE)
		file = VirtualAlloc(NULL, MDI_PAGE_SIZE + (size_t)length,
				    MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	if (file == NULL)
		errno = ENOMEM;
	else
		*file = (struct mdi_copy_file){ .length = length, .users = 1 };
	return file;
}

int mdi_copy_create(uint64_t length)
{
	int number;

	mdi_lock(&own->lock);
	number = free_number();
	if (number >= 0) {
		own->open[number].copy = new_file(length);
		if (own->open[number].copy == NULL)
			number = -1;
	}
	mdi_unlock(&own->lock);
	return number >= 0 ? MDI_FILE_FIRST + number : -1;
}

int mdi_section_open(void *section, bool writable)
{
	int number;

	mdi_lock(&own->lock);
	number = free_number();
	if (number >= 0)
		own->open[number] = (struct mdi_open_file){
			.section = section, .writable = writable
		};
	mdi_unlock(&own->lock);
	return number >= 0 ? MDI_FILE_FIRST + number : -1;
}

void *mdi_section_of(int fd, bool *writable)
{
	const struct mdi_open_file *file = open_file(fd);

	if (file == NULL)
		return NULL;
	*writable = file->writable;
	return file->section;
}

struct mdi_copy_file *mdi_copy_of(int fd)
{
	const struct mdi_open_file *file = open_file(fd);

	return file != NULL ? file->copy : NULL;
}

void mdi_copy_write(struct mdi_copy_file *file, uint64_t offset,
		    const void *from, size_t length)
{
	memcpy(bytes_of(file) + offset, from, length);
}

int mdi_copy_freeze(const struct mdi_copy_file *file)
{
	return mdi_mem_protect(bytes_of(file), (size_t)file->length,
			       MDI_PROT_READ);
}

static void let_go(struct mdi_copy_file *file)
{
	if (--file->users == 0)
		VirtualFree(file, 0, MEM_RELEASE);
}

void mdi_number_close(int fd)
{
	struct mdi_open_file *file = open_file(fd);

	if (file == NULL)
		return;
	mdi_lock(&own->lock);
	if (file->copy != NULL)
		let_go(file->copy);
	if (file->section != NULL)
		CloseHandle(file->section);
	*file = (struct mdi_open_file){ .copy = NULL };
	mdi_unlock(&own->lock);
}

/* --- the list of views, in order of address; the lock is held --- */

/* The first one that ends above @at, or own->count. */
static size_t first_above(uintptr_t at)
{
	size_t low = 0, high = own->count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (own->views[middle].end > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool make_room(void)
{
	size_t room = own->room * 2 + MDI_PAGE_SIZE / sizeof(*own->views);
	struct mdi_view *views;

	if (own->count < own->room)
		return true;
	views = VirtualAlloc(NULL, room * sizeof(*views),
			     MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	if (views == NULL)
		return false;
	if (own->views != NULL) {
		memcpy(views, own->views, own->count * sizeof(*views));
		VirtualFree(own->views, 0, MEM_RELEASE);
	}
	own->views = views;
	own->room = room;
	return true;
}

static void insert(const struct mdi_view *view)
{
	size_t at = first_above(view->base);

	memmove(&own->views[at + 1], &own->views[at],
		(own->count - at) * sizeof(*view));
	own->views[at] = *view;
	__atomic_store_n(&own->count, own->count + 1, __ATOMIC_RELAXED);
}

/* Its file is the caller's to let go. */
static void take_out(size_t at)
{
	__atomic_store_n(&own->count, own->count - 1, __ATOMIC_RELAXED);
	memmove(&own->views[at], &own->views[at + 1],
		(own->count - at) * sizeof(*own->views));
}

static void end_views(uintptr_t base, uintptr_t end)
{
	size_t at = first_above(base);

	while (at < own->count && own->views[at].base < end) {
		let_go(own->views[at].file);
		take_out(at);
	}
	if (own->count != 0 || own->views == NULL)
		return;
	VirtualFree(own->views, 0, MEM_RELEASE);
	own->views = NULL;
	own->room = 0;
}

void mdi_views_end(const void *base, size_t length)
{
	if (__atomic_load_n(&own->count, __ATOMIC_RELAXED) == 0)
		return;
	mdi_lock(&own->lock);
	end_views((uintptr_t)base, (uintptr_t)base + length);
	mdi_unlock(&own->lock);
}

/* --- what they hold --- */

static void put_back(char *to, const char *from, size_t length)
{
	for (size_t at = 0; at < length; at += MDI_PAGE_SIZE)
		if (memcmp(to + at, from + at, MDI_PAGE_SIZE) != 0)
			memcpy(to + at, from + at, MDI_PAGE_SIZE);
}

/* Pages of one protection. */
static int restore_piece(char *to, const char *from, size_t length,
			 DWORD protection)
{
	DWORD was;

	if (protection == PAGE_READWRITE) {
		put_back(to, from, length);
		return 0;
	}
	if (!VirtualProtect(to, length, PAGE_READWRITE, &was))
		return mdi_windows_failed();
	put_back(to, from, length);
	return VirtualProtect(to, length, protection, &was) ?
		       0 :
		       mdi_windows_failed();
}

static int restore(char *to, const char *from, size_t length)
{
	MEMORY_BASIC_INFORMATION piece;
	size_t part;

	for (; length != 0; to += part, from += part, length -= part) {
		if (VirtualQuery(to, &piece, sizeof(piece)) == 0)
			return mdi_windows_failed();
		part = (size_t)((char *)piece.BaseAddress + piece.RegionSize -
				to);
		if (part > length)
			part = length;
		if (piece.State == MEM_COMMIT &&
		    restore_piece(to, from, part, piece.Protect) != 0)
			return -1;
	}
	return 0;
}

static const char *file_at(const struct mdi_view *view, uintptr_t at)
{
	return bytes_of(view->file) + view->offset + (at - view->base);
}

int mdi_view_restore(char *at, size_t *length)
{
	uintptr_t base = (uintptr_t)at, end = base + *length;
	const struct mdi_view *view;
	int result = 0;

	if (__atomic_load_n(&own->count, __ATOMIC_RELAXED) == 0)
		return 0;
	mdi_lock(&own->lock);
	view = &own->views[first_above(base)];
	if (view == own->views + own->count || view->base >= end) {
		/* None of it is of a view. */
	} else if (view->base > base) {
		*length = view->base - base;
	} else {
		if (view->end < end)
			*length = view->end - base;
		result = restore(at, file_at(view, base), *length) == 0 ? 1 :
									  -1;
	}
	mdi_unlock(&own->lock);
	return result;
}

/* --- views begin --- */

void *mdi_view_make(struct mdi_copy_file *file, uint64_t offset, size_t length)
{
	struct mdi_view view = { .file = file, .offset = offset };
	void *base = NULL;

	mdi_lock(&own->lock);
	if (make_room())
		base = VirtualAlloc(NULL, length, MEM_RESERVE, PAGE_NOACCESS);
	if (base != NULL) {
		view.base = (uintptr_t)base;
		view.end = view.base + length;
		insert(&view);
		file->users++;
	}
	mdi_unlock(&own->lock);
	if (base == NULL)
		errno = ENOMEM;
	return base;
}

int mdi_view_move(void *from, size_t length, void *to)
{
	uintptr_t base = (uintptr_t)from;
	struct mdi_view view;
	int result = -1;
	size_t at;

	mdi_lock(&own->lock);
	at = first_above(base);
	if (at < own->count && own->views[at].base == base &&
	    own->views[at].end == base + length) {
		view = own->views[at];
		view.base = (uintptr_t)to;
		view.end = view.base + length;
		result = restore(to, file_at(&view, view.base), length);
	} else {
		errno = ENOSYS;
	}
	if (result == 0) {
		end_views(view.base, view.end);
		take_out(first_above(base));
		insert(&view);
	}
	mdi_unlock(&own->lock);
	if (result == 0)
		VirtualFree(from, 0, MEM_RELEASE);
	return result;
}
