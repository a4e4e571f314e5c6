/* SPDX-License-Identifier: MIT */
/* The parser of images: what it takes, and that it refuses everything else. */
#include "support/elf.h"
#include "support/parse.h"
#include "support/test.h"

#include <modiso/error.h>
#include <modiso/region.h>

#include <stdlib.h>
#include <string.h>

static struct elf_image image;
static struct mdi_elf elf;
static char *pages; /* of the image that was parsed last */
static bool ignore_needed;

static void begin(void)
{
	const struct elf_shape shape = {100, 200, 5900, 300};

	elf_make(&image, &shape);
}

/*
 * A copy of exactly the right length: valgrind and sanitizers see a byte read
 * beyond it.
 */
static int parse_length(size_t length)
{
	unsigned char *copy = malloc(length ? length : 1);
	struct mdi_scan_source source = parse_source(copy, length);
	int result;

	memcpy(copy, image.bytes, length);
	free(pages);
	result = parse_image(&elf, &source, ignore_needed, &pages);
	free(copy);
	return result;
}

static int parse(void)
{
	return parse_length(image.length);
}

#define refused(code, words) refused_at((code), (words), __LINE__)
static void refused_at(int code, const char *words, int line)
{
	int got = parse();

	if (got != code || strstr(modiso_last_error_text(), words) == NULL)
		ck_abort_msg("line %d: %s: %s; not %s with \"%s\"", line,
			     modiso_error_name(got),
			     got ? modiso_last_error_text() : "",
			     modiso_error_name(code), words);
	elf_free(&image);
	begin();
}

#define FORMAT MODISO_ERR_FORMAT
#define ACCESS MODISO_ERR_ACCESS
#define NOTSUP MODISO_ERR_NOTSUP

START_TEST(valid)
{
	begin();
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(elf.segment_count, 4);
	ck_assert_uint_eq(elf.segment[1].access, MODISO_READ | MODISO_EXEC);
	ck_assert_uint_eq(elf.segment[3].access, MODISO_READ | MODISO_WRITE);
	ck_assert_uint_eq(elf.segment[3].size, 6200);
	ck_assert_uint_eq(elf.low, 0);
	ck_assert_uint_eq(elf.span, 5 * 4096);
	ck_assert_uint_eq(elf.symbol_count, ELF_SYMBOLS);
	ck_assert_uint_eq(elf.rela.length, 3 * sizeof(Elf64_Rela));
	ck_assert_uint_eq(elf.init.count, 1);
	ck_assert(mdi_elf_is_code(&elf, 4096 + 99));
	ck_assert(!mdi_elf_is_code(&elf, 4096 + 100));
	ck_assert(!mdi_elf_is_code(&elf, 4095));
}
END_TEST

/* Every length below the whole: refused, and nothing beyond it read. */
START_TEST(truncated)
{
	begin();
	for (size_t length = 0; length < image.length; length++)
		if (parse_length(length) == 0)
			ck_abort_msg("%zu bytes of %zu are enough", length,
				     image.length);
	ck_assert_int_eq(parse_length(image.length), 0);
}
END_TEST

START_TEST(wrong_kind)
{
	begin();
	image.bytes[0] = 0;
	refused(FORMAT, "no ELF file");
	image.header->e_machine = EM_AARCH64;
	refused(FORMAT, "machine 183");
	image.header->e_ident[EI_CLASS] = ELFCLASS32;
	refused(FORMAT, "class 1");
	image.header->e_ident[EI_DATA] = ELFDATA2MSB;
	refused(FORMAT, "order 2");
	image.header->e_version = 7;
	refused(FORMAT, "version");
	image.header->e_type = ET_EXEC;
	refused(FORMAT, "type 2");
	image.header->e_type = ET_REL;
	refused(FORMAT, "type 1");
	image.header->e_phnum = 0;
	refused(FORMAT, "0 program headers");
	image.header->e_phnum = 0xffff;
	refused(FORMAT, "65535 program headers");
	image.header->e_phentsize = 32;
	refused(FORMAT, "of 32 bytes");
	image.header->e_phoff = UINT64_MAX - 8;
	refused(FORMAT, "not in the file");
	image.header->e_entry = 12;
	refused(FORMAT, "entry point 0xc");
}
END_TEST

START_TEST(bad_segments)
{
	begin();
	image.program[ELF_CODE].p_flags |= PF_W;
	refused(ACCESS, "writable and executable");
	image.program[ELF_DATA].p_flags |= PF_X;
	refused(ACCESS, "writable and executable");
	image.program[ELF_DATA].p_filesz = image.program[ELF_DATA].p_memsz + 1;
	refused(FORMAT, "larger in the file");
	image.program[ELF_DATA].p_offset += 1;
	refused(FORMAT, "truncated");
	image.program[ELF_DATA].p_offset = UINT64_MAX - 10;
	refused(FORMAT, "truncated");
	image.program[ELF_DATA].p_memsz = UINT64_MAX;
	refused(FORMAT, "must be below 1 TiB");
	image.program[ELF_DATA].p_vaddr = UINT64_MAX - 100;
	refused(FORMAT, "must be below 1 TiB");
	image.program[ELF_DATA].p_memsz = (uint64_t)1 << 47;
	refused(FORMAT, "must be below 1 TiB");
	image.program[ELF_DATA].p_align = 48;
	refused(FORMAT, "no power of two");
	image.program[ELF_DATA].p_align = 0x200000;
	refused(NOTSUP, "max-page-size");
	/* Two in one page, inside each other, the same. */
	image.program[ELF_RODATA].p_vaddr =
		image.program[ELF_CODE].p_vaddr + 150;
	refused(FORMAT, "overlap");
	image.program[ELF_RODATA].p_vaddr = image.program[ELF_DATA].p_vaddr + 8;
	refused(FORMAT, "overlap");
	image.program[ELF_RODATA].p_vaddr = image.program[ELF_CODE].p_vaddr;
	refused(FORMAT, "overlap");
	image.program[ELF_CODE].p_memsz = 3 * 4096;
	refused(FORMAT, "overlap");
	for (int i = 0; i < ELF_HEADERS; i++)
		image.program[i].p_type = PT_NULL;
	refused(FORMAT, "nothing to load");
}
END_TEST

/* In any order in the file, sorted by address afterwards. */
START_TEST(unsorted_segments)
{
	Elf64_Phdr moved;

	begin();
	moved = image.program[ELF_META];
	image.program[ELF_META] = image.program[ELF_DATA];
	image.program[ELF_DATA] = moved;
	ck_assert_int_eq(parse(), 0);
	for (unsigned i = 1; i < elf.segment_count; i++)
		ck_assert_uint_gt(elf.segment[i].vaddr,
				  elf.segment[i - 1].vaddr);
}
END_TEST

START_TEST(policy)
{
	begin();
	image.program[ELF_STACK].p_flags |= PF_X;
	refused(ACCESS, "executable stack");
	elf_tag(&image, DT_TEXTREL);
	refused(ACCESS, "DT_TEXTREL");
	elf_tag(&image, DT_FLAGS)->d_un.d_val = DF_TEXTREL;
	refused(ACCESS, "DF_TEXTREL");
	elf_tag(&image, DT_NEEDED)->d_un.d_val = 1;
	refused(NOTSUP, "library import");
	elf_tag(&image, DT_NEEDED)->d_un.d_val = 1u << 31;
	refused(NOTSUP, "library ?");
	elf_tag(&image, DT_REL)->d_un.d_val = 1;
	refused(NOTSUP, "REL;");
}
END_TEST

static Elf64_Phdr *tls_of(uint64_t file_size, uint64_t size, uint64_t align)
{
	Elf64_Phdr *tls = &image.program[ELF_SPARE];

	*tls = image.program[ELF_DATA];
	tls->p_type = PT_TLS;
	tls->p_filesz = file_size;
	tls->p_memsz = size;
	tls->p_align = align;
	return tls;
}

START_TEST(thread_local)
{
	static const uint64_t odd[] = {3, 48, 4097, UINT64_MAX};

	begin();
	tls_of(5, 100, 64);
	ck_assert_int_eq(parse(), 0);
	ck_assert(elf.tls.is);
	ck_assert_uint_eq(elf.tls.file_size, 5);
	ck_assert_uint_eq(elf.tls.below, 128);
	tls_of(0, 0, 0);
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(elf.tls.below, 0);
	/* The most, and one byte more; what would wrap when it is rounded. */
	tls_of(0, 1 << 20, 4096);
	ck_assert_int_eq(parse(), 0);
	tls_of(0, (1 << 20) + 1, 8);
	refused(NOTSUP, "thread-local storage of 0x100001 bytes");
	tls_of(0, UINT64_MAX, 64);
	refused(NOTSUP, "thread-local storage of 0xffffffffffffffff bytes");
	tls_of(8, 8, 8192)->p_vaddr = 8192;
	refused(NOTSUP, "aligned to 0x2000");
	tls_of(8, 8, 1ull << 63)->p_vaddr = 0;
	refused(NOTSUP, "aligned to 0x8000000000000000");
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		tls_of(8, 8, odd[i])->p_vaddr = 0;
		refused(FORMAT, "no power of two");
	}
	tls_of(8, 8, 64)->p_vaddr += 32;
	refused(FORMAT, "is not aligned as it says");
	tls_of(9, 8, 8);
	refused(FORMAT, "larger in the file than in memory");
	tls_of(UINT64_MAX, 8, 8);
	refused(FORMAT, "larger in the file than in memory");
	tls_of(5901, 6000, 8);
	refused(FORMAT, "not in the file");
	tls_of(8, 8, 8)->p_vaddr = UINT64_MAX - 7;
	refused(FORMAT, "not in the file");
	tls_of(8, 8, 8)->p_vaddr = 1ull << 40;
	refused(FORMAT, "not in the file");
	tls_of(8, 8, 8);
	image.program[ELF_STACK] = image.program[ELF_SPARE];
	refused(FORMAT, "is there twice");
}
END_TEST

/* What could mean something is named, what is known to mean nothing is not. */
START_TEST(tags)
{
	static const struct {
		int64_t tag;
		const char *name;
	} unknown[] = {
		{0x6000000f, "DT_ANDROID_REL)"},
		{0x60000011, "DT_ANDROID_RELA)"},
		{0x6fffe000, "DT_ANDROID_RELR)"},
		{DT_TLSDESC_PLT, "TLS descriptors"},
		{DT_GNU_CONFLICT, "prelink"},
		{DT_AUXILIARY, "DT_AUXILIARY"},
		{DT_FILTER, "DT_FILTER"},
		{31, "dynamic tag 0x1f"},
		{38, "dynamic tag 0x26"},
		{DT_MOVETAB, "dynamic tag 0x6ffffefe"},
		{0x12345678, "dynamic tag 0x12345678"},
		{-1, "dynamic tag 0xffffffffffffffff"},
	};
	static const int64_t harmless[] = {
		DT_SONAME, DT_RPATH,	DT_RUNPATH, DT_SYMBOLIC, DT_DEBUG,
		DT_PLTGOT, DT_BIND_NOW, DT_FLAGS_1, DT_RELACOUNT, DT_VERDEF,
		DT_VERNEED, 0x6ffffdf4, 0x70000000, 0x70000001, 0x70000003};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		begin();
		elf_tag(&image, unknown[i].tag);
		refused(NOTSUP, unknown[i].name);
		elf_free(&image);
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		begin();
		elf_tag(&image, harmless[i])->d_un.d_val = 0;
		ck_assert_int_eq(parse(), 0);
		elf_free(&image);
	}
	begin();
}
END_TEST

/* Shorter than the symbols that it is about. */
START_TEST(versions)
{
	uint64_t end;
	bool old;

	begin();
	end = image.program[ELF_DATA].p_vaddr;
	end += image.program[ELF_DATA].p_filesz;
	elf_tag(&image, DT_VERSYM)->d_un.d_ptr = end - 2 * ELF_SYMBOLS;
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(mdi_elf_version(&elf, ELF_SYMBOLS - 1, &old), 0);
	ck_assert(!old);
	elf_tag(&image, DT_VERSYM)->d_un.d_ptr = end - 2 * ELF_SYMBOLS + 2;
	refused(FORMAT, "versions");
	elf_tag(&image, DT_VERSYM)->d_un.d_ptr = UINT64_MAX;
	refused(FORMAT, "versions");
}
END_TEST

/* Where the segment in front has room behind what the file has of it. */
START_TEST(versions_begin_segment)
{
	uint64_t table;
	bool old;

	begin();
	table = image.program[ELF_RODATA].p_vaddr;
	image.program[ELF_CODE].p_memsz =
		table - image.program[ELF_CODE].p_vaddr;
	elf_tag(&image, DT_VERSYM)->d_un.d_ptr = table;
	image.bytes[table + 2 * ELF_CALL] = 7;
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(elf.versions.offset, table);
	ck_assert_uint_eq(elf.versions.length, 200);
	ck_assert_uint_eq(mdi_elf_version(&elf, ELF_CALL, &old), 7);
}
END_TEST

START_TEST(needed_ignored)
{
	begin();
	elf_tag(&image, DT_NEEDED)->d_un.d_val = 1;
	ignore_needed = true;
	ck_assert_int_eq(parse(), 0);
}
END_TEST

START_TEST(bad_tables)
{
	begin();
	elf_tag(&image, DT_STRTAB)->d_un.d_ptr = 4000;
	refused(FORMAT, "names");
	elf_tag(&image, DT_STRSZ)->d_un.d_val = UINT64_MAX;
	refused(FORMAT, "names");
	elf_tag(&image, DT_SYMTAB)->d_un.d_ptr = UINT64_MAX - 4;
	refused(FORMAT, "symbols");
	elf_tag(&image, DT_SYMENT)->d_un.d_val = 16;
	refused(FORMAT, "symbols");
	image.hash[1] = 1u << 30;
	refused(FORMAT, "symbols");
	elf_tag(&image, DT_HASH)->d_un.d_ptr = 1u << 30;
	refused(FORMAT, "hash table");
	elf_tag(&image, DT_RELASZ)->d_un.d_val = 25;
	refused(FORMAT, "relocations");
	elf_tag(&image, DT_RELASZ)->d_un.d_val = UINT64_MAX - 15;
	refused(FORMAT, "relocations");
	elf_tag(&image, DT_RELAENT)->d_un.d_val = 16;
	refused(FORMAT, "relocations");
	elf_tag(&image, DT_RELA)->d_un.d_ptr = 1u << 30;
	refused(FORMAT, "relocations");
	elf_tag(&image, DT_RELR)->d_un.d_ptr = image.program[0].p_vaddr;
	elf_tag(&image, DT_RELRSZ)->d_un.d_val = 12;
	refused(FORMAT, "packed relocations");
	elf_tag(&image, DT_RELR)->d_un.d_ptr = 1u << 30;
	elf_tag(&image, DT_RELRSZ)->d_un.d_val = 16;
	refused(FORMAT, "packed relocations");
	elf_tag(&image, DT_RELR)->d_un.d_ptr = image.program[0].p_vaddr;
	elf_tag(&image, DT_RELRSZ)->d_un.d_val = 16;
	elf_tag(&image, DT_RELRENT)->d_un.d_val = 16;
	refused(FORMAT, "packed relocations");
	elf_tag(&image, DT_PREINIT_ARRAY)->d_un.d_ptr = 1u << 30;
	elf_tag(&image, DT_PREINIT_ARRAYSZ)->d_un.d_val = 8;
	refused(FORMAT, "preinit array");
	elf_tag(&image, DT_JMPREL)->d_un.d_ptr = 64;
	refused(FORMAT, "relocations of calls");
	elf_tag(&image, DT_INIT_ARRAYSZ)->d_un.d_val = 12;
	refused(FORMAT, "init array");
	elf_tag(&image, DT_INIT_ARRAY)->d_un.d_val = UINT64_MAX - 7;
	refused(FORMAT, "init array");
	elf_tag(&image, DT_INIT)->d_un.d_val = 64;
	refused(FORMAT, "init function 0x40");
	elf_tag(&image, DT_FINI)->d_un.d_val = UINT64_MAX;
	refused(FORMAT, "fini function");
	image.program[ELF_DYNAMIC].p_filesz = 10 * sizeof(Elf64_Dyn);
	refused(FORMAT, "no end");
	image.program[ELF_DYNAMIC].p_vaddr = 1u << 30;
	refused(FORMAT, "dynamic section is in no segment");
	image.program[ELF_SPARE] = image.program[ELF_DYNAMIC];
	refused(FORMAT, "two dynamic sections");
	elf_tag(&image, DT_NULL);
	image.dynamic[10] = image.dynamic[0];
	refused(FORMAT, "dynamic tag 6 twice");
	image.program[ELF_RELRO] = image.program[ELF_DATA];
	image.program[ELF_RELRO].p_type = PT_GNU_RELRO;
	image.program[ELF_RELRO].p_memsz += 4096;
	refused(FORMAT, "read-only is in no segment");
	image.program[ELF_RELRO] = image.program[ELF_DATA];
	image.program[ELF_RELRO].p_type = PT_GNU_RELRO;
	image.program[ELF_RELRO].p_memsz = UINT64_MAX;
	refused(FORMAT, "read-only is in no segment");
}
END_TEST

/*
 * A segment that is made read-only as a whole: linkers then let it end with a
 * page, which is more than the segment has.
 */
START_TEST(relro_to_the_page_end)
{
	Elf64_Phdr *relro, *data;

	begin();
	relro = &image.program[ELF_RELRO];
	data = &image.program[ELF_DATA];
	for (uint64_t more = 0; more <= 4096; more++) {
		uint64_t end = data->p_vaddr + data->p_memsz + more;

		*relro = *data;
		relro->p_type = PT_GNU_RELRO;
		relro->p_memsz = data->p_memsz + more;
		/* A page that is shared with what stays writable is left. */
		ck_assert_int_eq(parse(),
				 end <= elf.low + elf.span ? 0 : FORMAT);
		if (end > elf.low + elf.span)
			continue;
		ck_assert_uint_eq(elf.relro, data->p_vaddr);
		ck_assert_uint_eq(elf.relro_end, end & ~(uint64_t)4095);
	}
	elf_free(&image);
}
END_TEST

/* The table is in its own hash chain, symbols in their own names... */
START_TEST(self_referring)
{
	begin();
	elf_tag(&image, DT_GNU_HASH)->d_un.d_ptr =
		image.program[ELF_RODATA].p_vaddr;
	elf_tag(&image, DT_HASH)->d_tag = DT_DEBUG;
	ck_assert_int_eq(parse(), 0); /* all zero: no bucket, no symbol */
	ck_assert_uint_eq(elf.symbol_count, 0);
	/* A bucket that leads out, a chain without an end. */
	((uint32_t *)(image.bytes + image.program[ELF_RODATA].p_offset))[0] = 1;
	((uint32_t *)(image.bytes + image.program[ELF_RODATA].p_offset))[4] =
		UINT32_MAX;
	ck_assert_int_eq(parse(), FORMAT);
	((uint32_t *)(image.bytes + image.program[ELF_RODATA].p_offset))[4] = 1;
	ck_assert_int_eq(parse(), FORMAT);
	elf_free(&image);
	begin();
	elf_tag(&image, DT_STRTAB)->d_un.d_ptr =
		elf_tag(&image, DT_SYMTAB)->d_un.d_ptr;
	elf_tag(&image, DT_RELA)->d_un.d_ptr =
		elf_tag(&image, DT_SYMTAB)->d_un.d_ptr;
	(void)parse();
}
END_TEST

START_TEST(notes)
{
	struct {
		Elf64_Nhdr header;
		char name[8];
		char tag[8];
	} note = {{7, 6, 1}, "modiso", "abi-1"};

	begin();
	image.program[ELF_SPARE] = image.program[ELF_RODATA];
	image.program[ELF_SPARE].p_type = PT_NOTE;
	image.program[ELF_SPARE].p_align = 4;
	image.program[ELF_SPARE].p_filesz = sizeof(note);
	memcpy(image.bytes + image.program[ELF_RODATA].p_offset, &note,
	       sizeof(note));
	ck_assert_int_eq(parse(), 0);
	ck_assert_uint_eq(elf.abi.length, 5);
	ck_assert_int_eq(memcmp(elf.bytes + elf.abi.offset, "abi-1", 5), 0);
	image.program[ELF_SPARE].p_filesz = sizeof(note) - 3;
	ck_assert_int_eq(parse(), FORMAT);
	image.program[ELF_SPARE].p_filesz = UINT64_MAX;
	ck_assert_int_eq(parse(), FORMAT);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_elf");
	TCase *tcase = tcase_create("parse");

	tcase_add_test(tcase, valid);
	tcase_add_test(tcase, truncated);
	tcase_add_test(tcase, wrong_kind);
	tcase_add_test(tcase, bad_segments);
	tcase_add_test(tcase, unsorted_segments);
	tcase_add_test(tcase, policy);
	tcase_add_test(tcase, thread_local);
	tcase_add_test(tcase, tags);
	tcase_add_test(tcase, versions);
	tcase_add_test(tcase, versions_begin_segment);
	tcase_add_test(tcase, needed_ignored);
	tcase_add_test(tcase, bad_tables);
	tcase_add_test(tcase, relro_to_the_page_end);
	tcase_add_test(tcase, self_referring);
	tcase_add_test(tcase, notes);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
