/* SPDX-License-Identifier: MIT */
/*
 * gdb's interface for code that is made at run time: a list of ELF files in
 * memory, and a function that does nothing, on which gdb has a breakpoint.
 *
 * The files are made by image_debug_file.c.
 */
#include "code/image_debug.h"

#include "base/error.h"
#include "code/state.h"
#include "core/runtime.h"
#include "core/vault.h"
#include "os/lock.h"

#include <string.h>

enum { JIT_NOTHING, JIT_REGISTER, JIT_UNREGISTER };

struct mdi_image_debug {
	struct mdi_jit_entry entry;
	size_t size; /* of the block: this, then the file */
	bool listed; /* for gdb to find, and was it told? */
	bool told;
};

static struct mdi_code_state *const own = &mdi_code_state;

/* gdb finds it by its name, as it does the list: see state.c. */
__attribute__((weak, noinline, visibility("default"))) void
__jit_debug_register_code(void);

void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

/* A program's own function may take its time: no lock is held but this one. */
static void tell(struct mdi_jit_entry *entry, uint32_t action)
{
	mdi_lock(&own->jit_lock);
	own->jit.relevant = entry;
	own->jit.action = action;
	__jit_debug_register_code();
	own->jit.action = JIT_NOTHING;
	own->jit.relevant = NULL;
	mdi_unlock(&own->jit_lock);
}

void mdi_image_debug_after_fork(void)
{
	own->jit_lock = (struct mdi_lock){ 0 };
	own->jit.action = JIT_NOTHING;
	own->jit.relevant = NULL;
}

/* --- coming and going --- */

static int add_gdb(struct modiso_image *image,
		   const struct mdi_scan_source *from)
{
	size_t size = sizeof(struct mdi_image_debug) + from->size;
	struct mdi_image_debug *debug;
	int result;
	char *file;

	mdi_runtime_lock();
	debug = mdi_vault_alloc(size);
	image->debug = debug;
	mdi_runtime_unlock();
	if (debug == NULL)
		return mdi_fail_memory("a debugger's copy of %s",
				       image->name);
	debug->size = size;
	file = (char *)(debug + 1);
	result = mdi_scan_source_read(from, 0, file, from->size);
	if (result != 0 || !mdi_image_debug_move(file, from->size, image->bias))
		return result;
	debug->entry.file = file;
	debug->entry.size = from->size;
	mdi_runtime_lock();
	debug->entry.next = own->jit.first;
	if (debug->entry.next != NULL)
		debug->entry.next->prev = &debug->entry;
	own->jit.first = &debug->entry;
	debug->listed = true;
	debug->told = true;
	mdi_runtime_unlock();
	tell(&debug->entry, JIT_REGISTER);
	return 0;
}

int mdi_image_debug_add(struct modiso_image *image,
			const struct mdi_image_request *request)
{
	uint32_t flags = request->options->flags;
	int result = 0;

	if (flags & MODISO_IMAGE_DEBUGGER)
		result = add_gdb(image, &request->source);
	if (result == 0 && flags & MODISO_IMAGE_PERF)
		result = mdi_image_perf_add(image);
	return result;
}

void mdi_image_debug_unlist(struct modiso_image *image)
{
	struct mdi_image_debug *debug = image->debug;

	if (debug == NULL || !debug->listed)
		return;
	if (debug->entry.next != NULL)
		debug->entry.next->prev = debug->entry.prev;
	if (debug->entry.prev != NULL)
		debug->entry.prev->next = debug->entry.next;
	else
		own->jit.first = debug->entry.next;
	debug->listed = false;
}

void mdi_image_debug_tell(struct modiso_image *image)
{
	struct mdi_image_debug *debug = image->debug;

	if (debug == NULL || !debug->told)
		return;
	debug->told = false;
	tell(&debug->entry, JIT_UNREGISTER);
}

void mdi_image_debug_remove(struct modiso_image *image)
{
	mdi_runtime_lock();
	mdi_image_debug_unlist(image);
	mdi_runtime_unlock();
	mdi_image_debug_tell(image);
}

void mdi_image_debug_free(struct modiso_image *image)
{
	if (image->debug != NULL)
		mdi_vault_free(image->debug, image->debug->size);
	image->debug = NULL;
}
