/* SPDX-License-Identifier: MIT */
/*
 * gdb's interface for code that is made at run time: a list of ELF files in
 * memory, and a function that does nothing, on which gdb has a breakpoint.
 *
 * The file that gdb sees is a copy of the image whose sections and symbols
 * have the addresses that they have here. Lines are left out: gdb would not
 * relocate them. The copy comes from the image and may be damaged on purpose;
 * here it is checked before it is changed, in gdb it is gdb's business.
 */
#include "code/image_debug.h"

#include "base/error.h"
#include "base/lock.h"
#include "core/runtime.h"
#include "core/vault.h"

#include <pthread.h>
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
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
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

/* --- the copy --- */

static bool in_file(size_t length, uint64_t offset, uint64_t size)
{
	return offset <= length && size <= length - offset;
}

static void move_symbols(char *file, const Elf64_Shdr *section, uintptr_t bias)
{
	Elf64_Sym symbol;

	for (uint64_t at = 0; section->sh_size - at >= sizeof(symbol);
	     at += sizeof(symbol)) {
		char *place = file + section->sh_offset + at;

		memcpy(&symbol, place, sizeof(symbol));
		if (symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS)
			symbol.st_value += bias;
		memcpy(place, &symbol, sizeof(symbol));
	}
}

/* Code, data, symbols and their names stay; the rest is not for gdb. */
static void move_section(char *file, size_t length, Elf64_Shdr *section,
			 uintptr_t bias)
{
	bool alloc = section->sh_flags & SHF_ALLOC;
	bool there = section->sh_type == SHT_NOBITS ||
		     in_file(length, section->sh_offset, section->sh_size);

	switch (there ? section->sh_type : SHT_NULL) {
	case SHT_SYMTAB:
		move_symbols(file, section, bias);
		return;
	case SHT_STRTAB:
	case SHT_PROGBITS:
	case SHT_NOBITS:
	case SHT_X86_64_UNWIND:
	case SHT_INIT_ARRAY:
	case SHT_FINI_ARRAY:
		if (alloc) {
			section->sh_addr += bias;
			return;
		}
		if (section->sh_type == SHT_STRTAB)
			return;
		break;
	default:
		break;
	}
	section->sh_type = SHT_NULL;
	section->sh_flags = 0;
}

/* False: there is nothing in it for a debugger. */
static bool move_file(char *file, size_t length, uintptr_t bias)
{
	Elf64_Ehdr header;
	Elf64_Shdr section;

	memcpy(&header, file, sizeof(header));
	if (header.e_shnum == 0 || header.e_shentsize != sizeof(section) ||
	    !in_file(length, header.e_shoff, header.e_shnum * sizeof(section)))
		return false;
	for (unsigned i = 0; i < header.e_shnum; i++) {
		char *place = file + header.e_shoff + i * sizeof(section);

		memcpy(&section, place, sizeof(section));
		move_section(file, length, &section, bias);
		memcpy(place, &section, sizeof(section));
	}
	header.e_type = ET_EXEC;
	header.e_phoff = 0;
	header.e_phnum = 0;
	header.e_entry = 0;
	memcpy(file, &header, sizeof(header));
	return true;
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
		return mdi_fail(MODISO_ERR_NOMEM,
				"no memory for a debugger's copy of %s",
				image->name);
	debug->size = size;
	file = (char *)(debug + 1);
	result = mdi_scan_source_read(from, 0, file, from->size);
	if (result != 0 || !move_file(file, from->size, image->bias))
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
