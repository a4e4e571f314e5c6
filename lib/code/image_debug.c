/* SPDX-License-Identifier: MIT */
/*
 * gdb's interface for code that is made at run time: a list of ELF files in
 * memory, and a function that does nothing, on which gdb has a breakpoint.
 *
 * The files are made by image_debug_file.c.
 */
#include "code/image_debug.h"

#include "base/error.h"
#include "core/runtime.h"
#include "core/vault.h"
#include "os/lock.h"

#include <string.h>

struct jit_entry {
	struct jit_entry *next, *prev;
	const void *file;
	uint64_t size;
};

enum { JIT_NOTHING, JIT_REGISTER, JIT_UNREGISTER };

struct jit_descriptor {
	uint32_t version;
	uint32_t action;
	struct jit_entry *relevant;
	struct jit_entry *first;
};

struct mdi_image_debug {
	struct jit_entry entry;
	size_t size; /* of the block: this, then the file */
	bool listed;
};

/* Guards the list; nests inside the library's lock. */
static struct mdi_lock lock;
static struct jit_descriptor mdi_jit_descriptor __attribute__((used)) = {
	.version = 1,
};

/*
 * gdb finds the two by name, in each file that has them. Weak: a program may
 * link in other makers of code, which have their own.
 */
extern struct jit_descriptor __jit_debug_descriptor __attribute__((
	weak, alias("mdi_jit_descriptor"), visibility("default")));

__attribute__((weak, noinline, visibility("default"))) void
__jit_debug_register_code(void);

void __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

static void tell(struct jit_entry *entry, uint32_t action)
{
	mdi_jit_descriptor.relevant = entry;
	mdi_jit_descriptor.action = action;
	__jit_debug_register_code();
	mdi_jit_descriptor.action = JIT_NOTHING;
	mdi_jit_descriptor.relevant = NULL;
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
	mdi_lock(&lock);
	debug->entry.next = mdi_jit_descriptor.first;
	if (debug->entry.next != NULL)
		debug->entry.next->prev = &debug->entry;
	mdi_jit_descriptor.first = &debug->entry;
	debug->listed = true;
	tell(&debug->entry, JIT_REGISTER);
	mdi_unlock(&lock);
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

void mdi_image_debug_remove(struct modiso_image *image)
{
	struct mdi_image_debug *debug = image->debug;

	if (debug == NULL || !debug->listed)
		return;
	mdi_lock(&lock);
	if (debug->entry.next != NULL)
		debug->entry.next->prev = debug->entry.prev;
	if (debug->entry.prev != NULL)
		debug->entry.prev->next = debug->entry.next;
	else
		mdi_jit_descriptor.first = debug->entry.next;
	debug->listed = false;
	tell(&debug->entry, JIT_UNREGISTER);
	mdi_unlock(&lock);
}

void mdi_image_debug_free(struct modiso_image *image)
{
	if (image->debug != NULL)
		mdi_vault_free(image->debug, image->debug->size);
	image->debug = NULL;
}
