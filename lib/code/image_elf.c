/* SPDX-License-Identifier: MIT */
#include "code/image_elf.h"

#include "base/error.h"

#include <inttypes.h>
#include <modiso/region.h>

#include <stddef.h>
#include <string.h>

/* More than any module's address range; sums below it cannot wrap. */
#define SPAN_MAX ((uint64_t)1 << 40)

#define NOTE_ABI 1
#define TRAP     0xcc /* int3 */

const struct mdi_segment *mdi_elf_segment(const struct mdi_elf *elf,
					  uint64_t vaddr, uint64_t length)
{
	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct mdi_segment *segment = &elf->segment[i];
		uint64_t at = vaddr - segment->vaddr;

		if (vaddr >= segment->vaddr && at <= segment->size &&
		    length <= segment->size - at)
			return segment;
	}
	return NULL;
}

bool mdi_elf_part(const struct mdi_elf *elf, uint64_t vaddr, uint64_t length,
		  struct mdi_part *part)
{
	const struct mdi_segment *segment = mdi_elf_segment(elf, vaddr, length);
	uint64_t at;

	if (segment == NULL)
		return false;
	at = vaddr - segment->vaddr;
	if (at > segment->file_size || length > segment->file_size - at)
		return false;
	part->offset = vaddr - elf->low;
	part->length = length;
	return true;
}

bool mdi_elf_is_code(const struct mdi_elf *elf, uint64_t vaddr)
{
	const struct mdi_segment *segment = mdi_elf_segment(elf, vaddr, 1);

	return segment != NULL && segment->access & MODISO_EXEC;
}

/* --- the header --- */

static int check_identity(const struct mdi_elf *elf, const Elf64_Ehdr *header)
{
	const unsigned char *ident = header->e_ident;

	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return mdi_fail(MODISO_ERR_FORMAT, "image %s is no ELF file",
				elf->name);
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s is for machine %u, class %u, byte "
				"order %u; this one is x86-64 (62, 2, 1)",
				elf->name, header->e_machine, ident[EI_CLASS],
				ident[EI_DATA]);
	if (ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has an unknown version of ELF",
				elf->name);
	if (header->e_type != ET_DYN)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has ELF type %u; modules are shared "
				"objects or static-PIE programs (3)",
				elf->name, header->e_type);
	return 0;
}

/* As many program headers as most files have come with the header. */
#define HEAD (sizeof(Elf64_Ehdr) + 12 * sizeof(Elf64_Phdr))
_Static_assert(offsetof(struct mdi_elf, program) ==
		       offsetof(struct mdi_elf, header) + sizeof(Elf64_Ehdr),
	       "they lie in the structure as in the file");

static int read_headers(struct mdi_elf *elf,
			const struct mdi_scan_source *source)
{
	Elf64_Ehdr *header = &elf->header;
	size_t head;
	int result;

	if (source->size < sizeof(*header))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s is truncated: %zu bytes are less "
				"than an ELF header",
				elf->name, (size_t)source->size);
	head = source->size < HEAD ? (size_t)source->size : HEAD;
	result = mdi_scan_source_read(
		source, 0, (char *)elf + offsetof(struct mdi_elf, header),
		head);
	if (result == 0)
		result = check_identity(elf, header);
	if (result != 0)
		return result;
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
	    header->e_phnum > MDI_HEADERS_MAX)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has %u program headers of %u bytes; "
				"1 to %d of %zu are possible",
				elf->name, header->e_phnum, header->e_phentsize,
				MDI_HEADERS_MAX, sizeof(Elf64_Phdr));
	if (!mdi_scan_source_has(source, header->e_phoff,
				 header->e_phnum * sizeof(Elf64_Phdr)))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s is truncated: its program headers "
				"are not in the file",
				elf->name);
	if (header->e_phoff == sizeof(*header) &&
	    header->e_phnum * sizeof(Elf64_Phdr) <= head - sizeof(*header))
		return 0;
	return mdi_scan_source_read(source, header->e_phoff, elf->program,
				    header->e_phnum * sizeof(Elf64_Phdr));
}

/* --- segments --- */

static uint64_t page_down(uint64_t vaddr)
{
	return vaddr & ~(uint64_t)(MDI_PAGE_SIZE - 1);
}

/* Only for sums that were checked against SPAN_MAX. */
static uint64_t page_up(uint64_t vaddr)
{
	return page_down(vaddr + MDI_PAGE_SIZE - 1);
}

static int check_load(const struct mdi_elf *elf,
		      const struct mdi_scan_source *source,
		      const Elf64_Phdr *load)
{
	if (load->p_filesz > load->p_memsz)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: the segment at %#" PRIx64 " is "
				"larger in "
				"the file than in memory",
				elf->name, load->p_vaddr);
	if (!mdi_scan_source_has(source, load->p_offset, load->p_filesz))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s is truncated: the segment at %#"
				PRIx64 " "
				"has %#" PRIx64 " bytes at %#" PRIx64 " of a "
				"file of %#zx",
				elf->name, load->p_vaddr, load->p_filesz,
				load->p_offset, (size_t)source->size);
	if (load->p_vaddr > SPAN_MAX || load->p_memsz > SPAN_MAX)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: the segment of %#" PRIx64 " bytes "
				"at %#" PRIx64 ": "
				"size and address must be below 1 TiB",
				elf->name, load->p_memsz, load->p_vaddr);
	if ((load->p_align & (load->p_align - 1)) != 0)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: the segment at %#" PRIx64 " is "
				"aligned to "
				"%#" PRIx64 ", no power of two",
				elf->name, load->p_vaddr, load->p_align);
	if (load->p_align > MDI_PAGE_SIZE)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"image %s: the segment at %#" PRIx64 " is "
				"aligned to "
				"%#" PRIx64 ", more than a page: a variable in "
				"it is "
				"(aligned attribute), or it was not linked "
				"with -z max-page-size=4096",
				elf->name, load->p_vaddr, load->p_align);
	if (load->p_flags & PF_W && load->p_flags & PF_X)
		return mdi_fail(MODISO_ERR_ACCESS,
				"image %s: the segment at %#" PRIx64 " is "
				"writable and "
				"executable",
				elf->name, load->p_vaddr);
	return 0;
}

static int add_segment(struct mdi_elf *elf,
		       const struct mdi_scan_source *source,
		       const Elf64_Phdr *load)
{
	struct mdi_segment *segment = &elf->segment[elf->segment_count];
	int result;

	if (load->p_memsz == 0)
		return 0;
	result = check_load(elf, source, load);
	if (result != 0)
		return result;
	if (elf->segment_count == MDI_SEGMENTS_MAX)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has more than %d segments", elf->name,
				MDI_SEGMENTS_MAX);
	*segment = (struct mdi_segment){
		.vaddr = load->p_vaddr,
		.size = load->p_memsz,
		.file_offset = load->p_offset,
		.file_size = load->p_filesz,
		.access = MODISO_READ |
			  (load->p_flags & PF_W ? MODISO_WRITE : 0) |
			  (load->p_flags & PF_X ? MODISO_EXEC : 0),
	};
	elf->segment_count++;
	return 0;
}

static void sort_segments(struct mdi_elf *elf)
{
	for (unsigned i = 1; i < elf->segment_count; i++) {
		struct mdi_segment moved = elf->segment[i];
		unsigned j = i;

		for (; j > 0 && elf->segment[j - 1].vaddr > moved.vaddr; j--)
			elf->segment[j] = elf->segment[j - 1];
		elf->segment[j] = moved;
	}
}

/* No two in one page: each has a protection of its own. */
static int check_layout(struct mdi_elf *elf)
{
	const struct mdi_segment *segment = elf->segment, *last;

	if (elf->segment_count == 0)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has nothing to load", elf->name);
	sort_segments(elf);
	for (unsigned i = 1; i < elf->segment_count; i++) {
		last = &segment[i - 1];
		if (page_down(segment[i].vaddr) >=
		    page_up(last->vaddr + last->size))
			continue;
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: the segments at %#" PRIx64 " and %#"
				PRIx64 " "
				"overlap, or share a page; link with -z "
				"separate-code",
				elf->name, last->vaddr, segment[i].vaddr);
	}
	last = &segment[elf->segment_count - 1];
	elf->low = page_down(segment[0].vaddr);
	elf->span = page_up(last->vaddr + last->size) - elf->low;
	return 0;
}

/* --- the other program headers --- */

/* It may end with the segment's last page, where the segment itself does not */
static int check_relro(struct mdi_elf *elf, const Elf64_Phdr *header)
{
	const struct mdi_segment *segment =
		mdi_elf_segment(elf, header->p_vaddr, 1);

	if (header->p_memsz == 0)
		return 0;
	if (segment == NULL ||
	    header->p_memsz >
		    page_up(segment->vaddr + segment->size) - header->p_vaddr)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: what is to become read-only is in "
				"no segment",
				elf->name);
	if (!(segment->access & MODISO_WRITE))
		return 0; /* it is so already */
	/* A page that it ends in holds writable data as well. */
	elf->relro = page_down(header->p_vaddr);
	elf->relro_end = page_down(header->p_vaddr + header->p_memsz);
	if (elf->relro_end < elf->relro)
		elf->relro_end = elf->relro;
	return 0;
}

static void read_abi(struct mdi_elf *elf, uint64_t at, uint64_t size)
{
	const char *text = (const char *)mdi_elf_at(elf, at);

	elf->abi.offset = at;
	elf->abi.length = strnlen(text, size);
}

static int read_notes(struct mdi_elf *elf, const Elf64_Phdr *header)
{
	uint64_t at, left = header->p_filesz;
	struct mdi_part part;
	Elf64_Nhdr note;

	if (!mdi_elf_part(elf, header->p_vaddr, left, &part))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: a note at %#" PRIx64 " is in no "
				"segment",
				elf->name, header->p_vaddr);
	at = part.offset;
	while (left >= sizeof(note)) {
		uint64_t align = header->p_align == 8 ? 7 : 3;
		uint64_t name, size;

		memcpy(&note, mdi_elf_at(elf, at), sizeof(note));
		name = (sizeof(note) + note.n_namesz + align) & ~align;
		size = (name + note.n_descsz + align) & ~align;
		if (name + note.n_descsz > left)
			return mdi_fail(MODISO_ERR_FORMAT,
					"image %s: a note runs out of its "
					"segment",
					elf->name);
		if (note.n_type == NOTE_ABI && note.n_namesz == 7 &&
		    memcmp(mdi_elf_at(elf, at + sizeof(note)), "modiso", 7) ==
			    0)
			read_abi(elf, at + name, note.n_descsz);
		if (size >= left)
			break;
		at += size;
		left -= size;
	}
	return 0;
}

/* What the headers alone say. */
static int check_other(struct mdi_elf *elf, const Elf64_Phdr *header)
{
	switch (header->p_type) {
	case PT_TLS:
		return mdi_elf_take_tls(elf, header);
	case PT_GNU_STACK:
		if (!(header->p_flags & PF_X))
			return 0;
		return mdi_fail(MODISO_ERR_ACCESS,
				"image %s wants an executable stack; link with "
				"-z noexecstack",
				elf->name);
	case PT_GNU_RELRO:
		return check_relro(elf, header);
	case PT_GNU_EH_FRAME:
		elf->unwind = header->p_vaddr;
		return 0;
	default:
		return 0;
	}
}

int mdi_elf_headers(struct mdi_elf *elf, const struct mdi_scan_source *source)
{
	const Elf64_Ehdr *header = &elf->header;
	int result;

	memset((char *)elf + offsetof(struct mdi_elf, bytes), 0,
	       sizeof(*elf) - offsetof(struct mdi_elf, bytes));
	elf->name = source->name;
	result = read_headers(elf, source);
	for (unsigned i = 0; result == 0 && i < header->e_phnum; i++)
		if (elf->program[i].p_type == PT_LOAD)
			result = add_segment(elf, source, &elf->program[i]);
	if (result == 0)
		result = check_layout(elf);
	for (unsigned i = 0; result == 0 && i < header->e_phnum; i++)
		result = check_other(elf, &elf->program[i]);
	if (result != 0)
		return result;
	if (header->e_entry != 0 && !mdi_elf_is_code(elf, header->e_entry))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: its entry point %#" PRIx64 " is not "
				"in code",
				elf->name, header->e_entry);
	elf->entry = header->e_entry;
	return 0;
}

/* Code ends in traps, not in what the page would be filled with. */
static void fill_with_traps(const struct mdi_elf *elf, char *pages,
			    const struct mdi_segment *segment)
{
	size_t offset = segment->vaddr - elf->low;
	size_t end = offset + segment->file_size;

	memset(pages + (offset & -MDI_PAGE_SIZE), TRAP,
	       offset & (MDI_PAGE_SIZE - 1));
	if (segment->size == segment->file_size)
		memset(pages + end, TRAP, -end & (MDI_PAGE_SIZE - 1));
}

int mdi_elf_segments(struct mdi_elf *elf, const struct mdi_scan_source *source,
		     char *pages)
{
	int result = 0;

	for (unsigned i = 0; result == 0 && i < elf->segment_count; i++) {
		const struct mdi_segment *segment = &elf->segment[i];
		size_t at = segment->vaddr - elf->low;
		bool aside = at < elf->aside_length;

		if (segment->file_size == 0)
			continue;
		result = mdi_scan_source_read(
			source, segment->file_offset,
			aside ? (char *)elf->aside + at : pages + at,
			segment->file_size);
		if (result == 0 && segment->access & MODISO_EXEC)
			fill_with_traps(elf, pages, segment);
	}
	elf->bytes = (const unsigned char *)pages;
	return result;
}

/* The header of the file and those of the program, where they are loaded. */
static void add_headers(struct mdi_elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;

	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct mdi_segment *segment = &elf->segment[i];

		if (segment->file_offset != 0)
			continue;
		mdi_elf_add_table(elf, segment->vaddr, sizeof(*header));
		mdi_elf_add_table(elf, segment->vaddr + header->e_phoff,
				  header->e_phnum * sizeof(Elf64_Phdr));
	}
}

int mdi_elf_contents(struct mdi_elf *elf, bool ignore_needed)
{
	int result = 0;

	add_headers(elf);
	for (unsigned i = 0; result == 0 && i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *program = &elf->program[i];

		if (program->p_type == PT_NOTE ||
		    program->p_type == PT_INTERP)
			mdi_elf_add_table(elf, program->p_vaddr,
					  program->p_filesz);
		if (program->p_type == PT_NOTE)
			result = read_notes(elf, program);
		else if (program->p_type == PT_DYNAMIC)
			result = mdi_elf_dynamic(elf, program, ignore_needed);
	}
	return result;
}
