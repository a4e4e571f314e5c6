/* SPDX-License-Identifier: MIT */
/*
 * Which images give the module's threads a TLS block, and those that use the
 * thread pointer without having any TLS.
 */
#include "code/image_load.h"

#include "base/error.h"
#include "core/tls.h"
#include "core/vault.h"
#include "os/here.h"

#include <modiso/region.h>

#include <string.h>

#define FS_PREFIX 0x64
#define REX(byte) (((byte) & 0xf0) == 0x40)

enum use { USES_NOTHING, USES_CANARY, USES_POINTER };

/*
 * "mov %fs:0x28, %rax" and its kind: an opcode of one byte, an address of four
 * and no register in it. Bytes that only look so make no harm: the image gets a
 * block that it does not need.
 */
static enum use use_at(const unsigned char *code, size_t length)
{
	size_t at = length > 1 && REX(code[1]) ? 2 : 1;
	uint32_t address;

	if (length < at + 7 || (code[at + 1] & 0xc7) != 0x04 ||
	    code[at + 2] != 0x25)
		return USES_NOTHING;
	memcpy(&address, code + at + 3, sizeof(address));
	return address == TCB_CANARY ? USES_CANARY :
	       address == TCB_SELF   ? USES_POINTER :
				       USES_NOTHING;
}

static enum use use_in(const unsigned char *code, size_t length)
{
	const unsigned char *end = code + length;
	enum use most = USES_NOTHING, use;

	while (code < end && most != USES_POINTER) {
		code = memchr(code, FS_PREFIX, (size_t)(end - code));
		if (code == NULL)
			break;
		use = use_at(code, (size_t)(end - code));
		most = use > most ? use : most;
		code++;
	}
	return most;
}

/*
 * Without TLS of its own code would find the host's at FS. Under GUARD and
 * READONLY the stack protector may read its word there. Who takes the pointer
 * itself is about to use what the host's C library keeps there, as a C library
 * that is part of the image does, and is given an empty block in its place.
 */
static enum use wants_block(const struct modiso_image *image)
{
	bool closed =
		image->module->domain.confinement == MODISO_CONFINE_SEALED;
	enum use most = USES_NOTHING, use;

	for (unsigned i = 0; i < image->part_count; i++) {
		if (!(image->part[i].access & MODISO_EXEC))
			continue;
		use = use_in((const unsigned char *)image->pages +
				     image->part[i].offset,
			     image->part[i].length);
		most = use > most ? use : most;
	}
	return !MDI_HAS_MODULE_POINTER || (most == USES_CANARY && !closed) ?
		       USES_NOTHING :
		       most;
}

/* What the images need together; *@tls: which of them have some. */
static enum use use_of(const struct mdi_group *group, bool *any)
{
	enum use most = USES_NOTHING, use;

	*any = false;
	for (unsigned i = 0; i < group->count; i++) {
		const struct mdi_load *load = group->load[i];

		*any |= load->elf.tls.is;
		use = load->elf.tls.is ? USES_POINTER
				       : wants_block(load->image);
		most = use > most ? use : most;
	}
	return most;
}

static void copy(const struct mdi_elf *elf, char *end)
{
	if (elf->tls.file_size != 0)
		memcpy(end - elf->tls.below,
		       mdi_elf_at(elf, elf->tls.vaddr - elf->low),
		       elf->tls.file_size);
}

/* What all threads begin with, below one another as they have been placed. */
static int begin_many(const struct mdi_group *group, struct mdi_tls_image *tls)
{
	struct modiso_image *image = group->load[0]->image;
	char *bytes;
	int result;

	tls->size = (tls->size + tls->align - 1) & -tls->align;
	bytes = mdi_vault_alloc(tls->size);
	if (bytes == NULL)
		return mdi_fail_memory("thread-local storage of image %s",
				       image->name);
	for (unsigned i = 0; i < group->count; i++)
		copy(&group->load[i]->elf, bytes + tls->size);
	tls->bytes = bytes;
	tls->filled = tls->size;
	result = mdi_tls_begin(image->module, tls);
	mdi_vault_free(bytes, tls->size);
	return result;
}

static int begin(const struct mdi_group *group)
{
	struct mdi_tls_image tls = {.align = 1};
	const struct mdi_elf *one = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < group->count; i++) {
		const struct mdi_elf *elf = &group->load[i]->elf;

		if (!elf->tls.is || elf->tls.size == 0)
			continue;
		count++;
		one = elf;
		if (elf->tls.align > tls.align)
			tls.align = elf->tls.align;
		if (elf->tls.below > tls.size)
			tls.size = elf->tls.below;
	}
	if (count > 1)
		return begin_many(group, &tls);
	if (one != NULL && one->tls.file_size != 0) {
		tls.filled = one->tls.file_size;
		tls.bytes = mdi_elf_at(one, one->tls.vaddr - one->low);
	}
	return mdi_tls_begin(group->load[0]->image->module, &tls);
}

int mdi_image_tls_begin(const struct mdi_group *group)
{
	struct modiso_image *image = group->load[0]->image;
	bool any;
	enum use use = use_of(group, &any);
	int result;

	if (use == USES_NOTHING)
		return 0;
	if (!any && image->module->tls != NULL) {
		mdi_tls_share(image->module);
		image->has_tls = true;
		return 0;
	}
	result = begin(group);
	image->has_tls = result == 0;
	/* Without one each read of the host's word is a fault. */
	return result == MODISO_ERR_BUSY && use == USES_CANARY ? 0 : result;
}
