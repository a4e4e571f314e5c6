/* SPDX-License-Identifier: MIT */
/*
 * Which images give the module's threads a TLS block, and those that use the
 * thread pointer without having any TLS.
 */
#include "code/image.h"

#include "core/tls.h"
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

int mdi_image_tls_begin(struct modiso_image *image, const struct mdi_elf *elf)
{
	struct mdi_tls_image tls = {
		.filled = elf->tls.file_size,
		.size = elf->tls.size,
		.align = elf->tls.is ? elf->tls.align : 1,
	};
	enum use use = elf->tls.is ? USES_POINTER : wants_block(image);
	int result;

	if (use == USES_NOTHING)
		return 0;
	if (!elf->tls.is && image->module->tls != NULL) {
		mdi_tls_share(image->module);
		image->has_tls = true;
		return 0;
	}
	if (tls.filled != 0)
		tls.bytes = mdi_elf_at(elf, elf->tls.vaddr - elf->low);
	result = mdi_tls_begin(image->module, &tls);
	image->has_tls = result == 0;
	/* Without one each read of the host's word is a fault. */
	return result == MODISO_ERR_BUSY && use == USES_CANARY ? 0 : result;
}
