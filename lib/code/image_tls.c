/* SPDX-License-Identifier: MIT */
/* Thread-local storage of an image, as its program header says it. */
#include "code/image_elf.h"

#include "base/error.h"
#include "core/tls.h"
#include "os/here.h"

#include <inttypes.h>

static int refuse(const struct mdi_elf *elf, const char *what)
{
	return mdi_fail(MODISO_ERR_FORMAT,
			"image %s: its thread-local storage (PT_TLS) %s",
			elf->name, what);
}

/* Each number before the arithmetic; sums of what passes are small. */
int mdi_elf_take_tls(struct mdi_elf *elf, const Elf64_Phdr *header)
{
	uint64_t align = header->p_align > 1 ? header->p_align : 1;
	struct mdi_part part;

	if (!MDI_HAS_MODULE_POINTER)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"image %s has thread-local storage (PT_TLS, "
				"%#" PRIx64 " bytes), which a module cannot "
				"have on this system",
				elf->name, header->p_memsz);
	if (elf->tls.is)
		return refuse(elf, "is there twice");
	if (header->p_filesz > header->p_memsz)
		return refuse(elf, "is larger in the file than in memory");
	if ((align & (align - 1)) != 0)
		return refuse(elf, "has an alignment that is no power of two");
	if (header->p_vaddr % align != 0)
		return refuse(elf, "is not aligned as it says");
	if (header->p_memsz > MDI_TLS_MAX || align > MDI_PAGE_SIZE)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"image %s has thread-local storage of %#" PRIx64
				" bytes, aligned to %#" PRIx64 "; %#zx and "
				"%#x are possible",
				elf->name, header->p_memsz, align, MDI_TLS_MAX,
				(unsigned)MDI_PAGE_SIZE);
	if (header->p_filesz != 0 &&
	    !mdi_elf_part(elf, header->p_vaddr, header->p_filesz, &part))
		return refuse(elf, "is not in the file, or not in one segment");
	elf->tls = (struct mdi_elf_tls){
		.vaddr = header->p_vaddr,
		.file_size = header->p_filesz,
		.size = header->p_memsz,
		.align = align,
		.is = true,
	};
	mdi_elf_place_tls(elf, 0);
	return 0;
}

void mdi_elf_place_tls(struct mdi_elf *elf, uint64_t below)
{
	struct mdi_elf_tls *tls = &elf->tls;

	tls->below = (below + tls->size + tls->align - 1) & -tls->align;
}
