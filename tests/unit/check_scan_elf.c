/* SPDX-License-Identifier: MIT */
/*
 * check_scan_elf - what of an ELF file becomes executable is looked at, to the
 * last byte of the last page, and nothing that the file says is believed.
 */
#include "support/elf_maker.h"
#include "support/test.h"

#include <modiso.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RX   (PF_R | PF_X)
#define MOST 16

struct hits {
	size_t count;
	struct modiso_scan_hit at[MOST];
	char section[MOST][160], symbol[MOST][160];
};

static struct elf_file elf;
static struct hits hits;
static struct modiso_scan_info info;

static int collect(const struct modiso_scan_hit *hit, void *arg)
{
	struct hits *all = arg;

	if (all->count == MOST)
		ck_abort_msg("more than %d hits", MOST);
	all->at[all->count] = *hit;
	snprintf(all->section[all->count], sizeof(all->section[0]), "%s",
		 hit->section ? hit->section : "-");
	snprintf(all->symbol[all->count], sizeof(all->symbol[0]), "%s",
		 hit->symbol ? hit->symbol : "-");
	all->count++;
	return 0;
}

static int scan_part(size_t length)
{
	hits.count = 0;
	memset(&info, 0, sizeof(info));
	info.struct_size = sizeof(info);
	return modiso_scan_elf(elf.bytes, length, MODISO_SCAN_ALL, collect,
			       &hits, &info);
}

static int scan(void)
{
	int result = scan_part(ELF_SIZE);

	ck_assert_uint_eq(info.hit_count, hits.count);
	if (result == MODISO_OK || result == MODISO_ERR_GADGET)
		ck_assert_int_eq(result == MODISO_OK, hits.count == 0);
	return result;
}

static void put(size_t offset, const char *bytes, size_t length)
{
	memcpy(elf.bytes + offset, bytes, length);
}

static void put_wrpkru(size_t offset)
{
	put(offset, "\x0f\x01\xef", 3);
}

static void expect_hit(size_t i, uint64_t offset, uint64_t address)
{
	ck_assert_uint_lt(i, hits.count);
	ck_assert_uint_eq(hits.at[i].kind, MODISO_SCAN_WRPKRU);
	ck_assert_uint_eq(hits.at[i].offset, offset);
	ck_assert_uint_eq(hits.at[i].address, address);
	ck_assert_uint_eq(hits.at[i].length, 3);
	ck_assert_mem_eq(hits.at[i].bytes, "\x0f\x01\xef", 3);
}

static void setup(void)
{
	elf_start(&elf);
}

static void teardown(void)
{
	elf_end(&elf);
}

/* --- which bytes --- */

START_TEST(test_clean)
{
	elf_segment(&elf, RX, 0x1000, 0x1000, 0x2000);
	ck_assert_int_eq(scan(), MODISO_OK);
	ck_assert_uint_eq(info.segment_count, 1);
	ck_assert_uint_eq(info.bytes, 0x2000);
	ck_assert_uint_eq(info.writable_count, 0);
}
END_TEST

/* From its first byte to its last, and not one byte more. */
START_TEST(test_edges)
{
	elf_segment(&elf, RX, 0x2000, 0x402000, 0x1000);
	put_wrpkru(0x2000);
	put_wrpkru(0x2ffd);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_uint_eq(hits.count, 2);
	expect_hit(0, 0x2000, 0x402000);
	expect_hit(1, 0x2ffd, 0x402ffd);
	memset(elf.bytes + 0x2000, 0x90, 0x1000);
	put_wrpkru(0x1ffe);
	put_wrpkru(0x2ffe);
	put_wrpkru(0x4000);
	ck_assert_int_eq(scan(), MODISO_OK);
}
END_TEST

/* The kernel maps whole pages: what lies around the segment comes along. */
START_TEST(test_page_rounding)
{
	elf_segment(&elf, RX, 0x2800, 0x2800, 0x10);
	put_wrpkru(0x2000);
	put_wrpkru(0x2ffd);
	put_wrpkru(0x1ffd);
	put_wrpkru(0x3000);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_uint_eq(hits.count, 2);
	expect_hit(0, 0x2000, 0x2000);
	expect_hit(1, 0x2ffd, 0x2ffd);
	ck_assert_uint_eq(info.bytes, 0x1000);
}
END_TEST

START_TEST(test_header)
{
	elf_segment(&elf, RX, 0, 0, 0x1000);
	put_wrpkru(EI_PAD);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_uint_eq(hits.count, 1);
	expect_hit(0, EI_PAD, EI_PAD);
}
END_TEST

/* The last page of a file need not be whole. */
START_TEST(test_end_of_file)
{
	elf_segment(&elf, RX, 0x3000, 0x3000, 0x10);
	put_wrpkru(0x3200);
	ck_assert_int_eq(scan_part(0x3203), MODISO_ERR_GADGET);
	expect_hit(0, 0x3200, 0x3200);
	ck_assert_uint_eq(info.bytes, 0x203);
	ck_assert_int_eq(scan_part(0x3202), MODISO_OK);
}
END_TEST

/* Execute-only counts; readable, writable or not a PT_LOAD does not. */
START_TEST(test_flags)
{
	Elf64_Phdr *program = elf_segment(&elf, PF_X, 0x1000, 0x1000, 0x1000);

	put_wrpkru(0x1800);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	program->p_flags = PF_R | PF_W;
	ck_assert_int_eq(scan(), MODISO_OK);
	ck_assert_uint_eq(info.segment_count, 0);
	program->p_flags = PF_R | PF_W | PF_X;
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_uint_eq(info.writable_count, 1);
	program->p_type = PT_GNU_STACK;
	ck_assert_int_eq(scan(), MODISO_OK);
	program->p_type = PT_LOAD;
	program->p_filesz = 0;
	ck_assert_int_eq(scan(), MODISO_OK);
}
END_TEST

/* Two segments, adjacent in memory wherever they lie in the file. */
START_TEST(test_adjacent)
{
	for (size_t cut = 1; cut <= 2; cut++) {
		elf.header->e_phnum = 0;
		memset(elf.bytes + 0x1000, 0x90, 0x5000);
		/* In the order of the file, not of the addresses. */
		elf_segment(&elf, RX, 0x2000, 0x21000, 0x1000);
		elf_segment(&elf, RX, 0x4000, 0x20000, 0x1000);
		memcpy(elf.bytes + 0x5000 - cut, "\x0f\x01\xef", cut);
		memcpy(elf.bytes + 0x2000, &"\x0f\x01\xef"[cut], 3 - cut);
		ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
		ck_assert_uint_eq(hits.count, 1);
		expect_hit(0, 0x5000 - cut, 0x21000 - cut);
		/* With a gap nothing runs across. */
		elf.programs[0].p_vaddr += 0x1000;
		ck_assert_int_eq(scan(), MODISO_OK);
	}
}
END_TEST

/* The page tail of one, cut off by the end of the file, is not adjacent. */
START_TEST(test_cut_off_tail)
{
	elf_segment(&elf, RX, 0x4000, 0x20000, 0x10);
	elf_segment(&elf, RX, 0x2000, 0x21000, 0x1000);
	put(0x4010, "\x0f\x01", 2);
	put(0x2000, "\xef", 1);
	ck_assert_int_eq(scan_part(0x4012), MODISO_OK);
}
END_TEST

START_TEST(test_many_segments)
{
	for (uint64_t i = 0; i < 30; i++)
		elf_segment(&elf, RX, 0x1000 + i % 5 * 0x1000,
			    0x100000 - i * 0x1000, 0x1000);
	put(0x1000, "\xef", 1);
	put(0x2ffe, "\x0f\x01", 2);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	/* 29 is at the lowest address; each fifth is the first page. */
	ck_assert_uint_eq(hits.count, 6);
	ck_assert_uint_eq(info.bytes, 30 * 0x1000);
	for (size_t i = 0; i < hits.count; i++)
		expect_hit(i, 0x2ffe, 0x100000 - (26 - 5 * i) * 0x1000 + 0xffe);
}
END_TEST

/* --- names --- */

START_TEST(test_names)
{
	elf_segment(&elf, RX, 0x1000, 0x1000, 0x3000);
	elf_section(&elf, ".text", SHT_PROGBITS, 0x1100, 0x1000);
	elf_section(&elf, ".fini", SHT_PROGBITS, 0x2100, 0x100);
	elf_symbol(&elf, SHT_SYMTAB, "outer", 0x1200, 0x100);
	elf_symbol(&elf, SHT_SYMTAB, "inner", 0x1240, 0x10);
	elf_symbol(&elf, SHT_SYMTAB, "label", 0x2000, 0);
	elf_symbol(&elf, SHT_SYMTAB, "bad\033name", 0x2100, 0x10);
	elf_section(&elf, ".last", SHT_PROGBITS, 0x3000, 0x100);
	elf_symbol(&elf, SHT_SYMTAB, "before", 0x2ff0, 0);
	put_wrpkru(0x1080); /* no section */
	put_wrpkru(0x1180); /* no symbol */
	put_wrpkru(0x1200);
	put_wrpkru(0x1245);
	put_wrpkru(0x1260);
	put_wrpkru(0x12fd);
	put_wrpkru(0x1300);
	put_wrpkru(0x20fd);
	put_wrpkru(0x210d);
	put_wrpkru(0x3010); /* "before" does not reach into .last */
	static const struct {
		const char *section, *symbol;
		uint64_t offset;
	} wanted[] = {
		{"-", "-", 0},
		{".text", "-", 0},
		{".text", "outer", 0},
		{".text", "inner", 5},
		{".text", "outer", 96},
		{".text", "outer", 253},
		{".text", "-", 0},
		{".text", "label", 253},
		{".fini", "bad?name", 13},
		{".last", "-", 0},
	};
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_uint_eq(hits.count, 10);
	for (size_t i = 0; i < hits.count; i++) {
		ck_assert_str_eq(hits.section[i], wanted[i].section);
		ck_assert_str_eq(hits.symbol[i], wanted[i].symbol);
		ck_assert_uint_eq(hits.at[i].symbol_offset, wanted[i].offset);
	}
}
END_TEST

START_TEST(test_sentence)
{
	elf_segment(&elf, RX, 0x1000, 0x401000, 0x1000);
	elf_section(&elf, ".text", SHT_PROGBITS, 0x1000, 0x1000)->sh_addr =
		0x401000;
	elf_symbol(&elf, SHT_SYMTAB, "outer", 0x401200, 0x100);
	put_wrpkru(0x1210);
	ck_assert_int_eq(modiso_scan_elf(elf.bytes, ELF_SIZE, MODISO_SCAN_ALL,
					 NULL, NULL, NULL),
			 MODISO_ERR_GADGET);
	ck_assert_str_eq(modiso_last_error_text(),
			 "image: wrpkru (0f 01 ef) at file offset 0x1210, "
			 "address 0x401210, section .text, symbol outer+0x10");
}
END_TEST

/* Exported symbols serve when the file was stripped of the others. */
START_TEST(test_dynamic_symbols)
{
	elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	elf_section(&elf, ".text", SHT_PROGBITS, 0x1000, 0x1000);
	elf_symbol(&elf, SHT_DYNSYM, "exported", 0x1200, 0x100);
	put_wrpkru(0x1210);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_str_eq(hits.symbol[0], "exported");
	elf_symbol(&elf, SHT_SYMTAB, "local", 0x1200, 0x100);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_str_eq(hits.symbol[0], "local");
}
END_TEST

/* Tables that lie cost the names, not the hit. */
START_TEST(test_bad_names)
{
	Elf64_Ehdr *header = elf.header;
	Elf64_Shdr *sections = elf.sections, *symbols;
	Elf64_Sym *symbol;

	elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	put_wrpkru(0x1210);
	elf_section(&elf, ".text", SHT_PROGBITS, 0x1000, 0x1000);
	symbol = elf_symbol(&elf, SHT_SYMTAB, "name", 0x1200, 0x100);
	symbols = &sections[3];
#define BREAK(place, value, in, symbol_name)                                   \
	do {                                                                   \
		__typeof__(place) kept = place;                                \
                                                                               \
		place = (__typeof__(place))(value);                            \
		ck_assert_int_eq(scan(), MODISO_ERR_GADGET);                   \
		ck_assert_uint_eq(hits.count, 1);                              \
		ck_assert_str_eq(hits.section[0], in);                         \
		ck_assert_str_eq(hits.symbol[0], symbol_name);                 \
		place = kept;                                                  \
	} while (0)
	BREAK(header->e_version, 1, ".text", "name");
	BREAK(header->e_shoff, UINT64_MAX - 8, "-", "-");
	BREAK(header->e_shoff, ELF_SIZE, "-", "-");
	BREAK(header->e_shnum, 0xffff, "-", "-");
	BREAK(header->e_shnum, 0, "-", "-");
	BREAK(header->e_shentsize, 63, "-", "-");
	BREAK(header->e_shstrndx, 0xffff, "-", "name");
	BREAK(sections[1].sh_offset, UINT64_MAX, "-", "-");
	BREAK(sections[1].sh_size, UINT64_MAX, "-", "-");
	BREAK(sections[1].sh_size, 1, "-", "-");
	BREAK(sections[1].sh_size, 4, ".te", "-");
	BREAK(sections[2].sh_name, UINT32_MAX, "-", "name");
	BREAK(sections[2].sh_size, UINT64_MAX, ".text", "name");
	BREAK(sections[2].sh_addr, UINT64_MAX, "-", "name");
	BREAK(symbols->sh_link, 0xffff, ".text", "-");
	BREAK(symbols->sh_offset, UINT64_MAX - 1, ".text", "-");
	BREAK(symbols->sh_offset, ELF_SIZE - 1, ".text", "-");
	BREAK(symbols->sh_size, UINT64_MAX, ".text", "-");
	BREAK(symbols->sh_size, 0, ".text", "-");
	BREAK(symbol->st_name, ELF_SIZE - ELF_AT_NAMES, ".text", "-");
	BREAK(symbol->st_name, ELF_SIZE - ELF_AT_NAMES - 1, ".text", "-");
	BREAK(symbol->st_name, 0, ".text", "-");
	BREAK(symbol->st_shndx, SHN_UNDEF, ".text", "-");
	BREAK(symbol->st_size, UINT64_MAX, ".text", "name");
#undef BREAK
	/* A name without an end. */
	symbol->st_name = ELF_SIZE - ELF_AT_NAMES - 200;
	memset(elf.bytes + ELF_SIZE - 200, 'x', 200);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_uint_eq(strlen(hits.symbol[0]), 127);
}
END_TEST

/* --- malformed --- */

START_TEST(test_malformed)
{
	Elf64_Ehdr *header = elf.header;
	Elf64_Phdr *program;
	uint8_t *ident = header->e_ident;

	elf_segment(&elf, PF_R, 0, 0, 0x1000);
	program = elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	elf_segment(&elf, RX, 0x3000, 0x3000, 0x1000);
#define BREAK(place, value, code)                                              \
	do {                                                                   \
		__typeof__(place) kept = place;                                \
                                                                               \
		place = (__typeof__(place))(value);                            \
		ck_assert_int_eq(scan(), code);                                \
		place = kept;                                                  \
		ck_assert_int_eq(scan(), MODISO_OK);                           \
	} while (0)
	BREAK(ident[0], 0, MODISO_ERR_FORMAT);
	BREAK(ident[3], 'f', MODISO_ERR_FORMAT);
	BREAK(ident[EI_CLASS], ELFCLASS32, MODISO_ERR_NOTSUP);
	BREAK(ident[EI_DATA], ELFDATA2MSB, MODISO_ERR_NOTSUP);
	BREAK(header->e_machine, EM_386, MODISO_ERR_NOTSUP);
	BREAK(header->e_type, ET_REL, MODISO_ERR_NOTSUP);
	BREAK(header->e_type, ET_CORE, MODISO_ERR_NOTSUP);
	BREAK(header->e_type, 0xffff, MODISO_ERR_NOTSUP);
	BREAK(header->e_type, ET_EXEC, MODISO_OK);
	BREAK(header->e_phnum, 0, MODISO_ERR_FORMAT);
	BREAK(header->e_phnum, 0xffff, MODISO_ERR_FORMAT);
	BREAK(header->e_phentsize, 32, MODISO_ERR_FORMAT);
	BREAK(header->e_phoff, UINT64_MAX, MODISO_ERR_FORMAT);
	BREAK(header->e_phoff, UINT64_MAX - 100, MODISO_ERR_FORMAT);
	BREAK(header->e_phoff, ELF_SIZE - 10, MODISO_ERR_FORMAT);
	BREAK(program->p_offset, ELF_SIZE, MODISO_ERR_FORMAT);
	BREAK(program->p_offset, UINT64_MAX - 0xfff, MODISO_ERR_FORMAT);
	BREAK(program->p_offset, 0x1001, MODISO_ERR_FORMAT);
	BREAK(program->p_filesz, 0x1001, MODISO_ERR_FORMAT);
	BREAK(program->p_filesz, UINT64_MAX, MODISO_ERR_FORMAT);
	BREAK(program->p_memsz, 0xfff, MODISO_ERR_FORMAT);
	BREAK(program->p_memsz, UINT64_MAX, MODISO_ERR_FORMAT);
	BREAK(program->p_memsz, UINT64_MAX - 0x1000, MODISO_ERR_FORMAT);
	BREAK(program->p_memsz, 0x2000, MODISO_OK);
	BREAK(program->p_vaddr, 0x1001, MODISO_ERR_FORMAT);
	BREAK(program->p_vaddr, UINT64_MAX - 0xfff, MODISO_ERR_FORMAT);
	BREAK(program->p_vaddr, 0x3000, MODISO_ERR_FORMAT);
	BREAK(program->p_vaddr, 0x2000, MODISO_OK);
#undef BREAK
}
END_TEST

/* Page rounding makes neighbours of these two overlap. */
START_TEST(test_overlap)
{
	elf_segment(&elf, RX, 0x1000, 0x1000, 0x800);
	elf_segment(&elf, RX, 0x2800, 0x1800, 0x800);
	ck_assert_int_eq(scan(), MODISO_ERR_FORMAT);
	elf.programs[1].p_vaddr = 0x2800;
	ck_assert_int_eq(scan(), MODISO_OK);
}
END_TEST

START_TEST(test_too_many_segments)
{
	elf.header->e_phoff = ELF_AT_SECTIONS;
	elf.programs = (Elf64_Phdr *)(void *)(elf.bytes + ELF_AT_SECTIONS);
	for (uint64_t i = 0; i < 65; i++)
		elf_segment(&elf, RX, 0x1000, i * 0x1000, 0x1000);
	ck_assert_int_eq(scan(), MODISO_ERR_LIMIT);
	elf.header->e_phnum = 64;
	ck_assert_int_eq(scan(), MODISO_OK);
	ck_assert_uint_eq(info.segment_count, 64);
}
END_TEST

/* A file that ends anywhere: memory behind its end is never touched. */
START_TEST(test_truncated)
{
	uint8_t *whole = elf.bytes, *shorter;
	struct elf_file copy;

	elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	elf_section(&elf, ".text", SHT_PROGBITS, 0x1000, 0x1000);
	elf_symbol(&elf, SHT_SYMTAB, "name", 0x1200, 0x100);
	put_wrpkru(0x1210);
	elf_start(&copy);
	for (size_t length = 0; length < ELF_SIZE; length++) {
		int result;

		if (length == 200)
			length = 0x1ff0;
		if (length == 0x2010)
			length = ELF_AT_SECTIONS - 100;
		shorter = copy.bytes + ELF_SIZE - length;
		memcpy(shorter, whole, length);
		hits.count = 0;
		result = modiso_scan_elf(shorter, length, MODISO_SCAN_ALL,
					 collect, &hits, NULL);
		if (result !=
		    (length < 0x2000 ? MODISO_ERR_FORMAT : MODISO_ERR_GADGET))
			ck_abort_msg("%zu bytes: %s", length,
				     modiso_error_name(result));
	}
	elf_end(&copy);
}
END_TEST

/* Any byte of any header, any value: an answer, whatever it is. */
START_TEST(test_mutated)
{
	uint8_t kept[ELF_SIZE];
	unsigned seed = 1;

	elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	elf_segment(&elf, RX, 0x2000, 0x2000, 0x1000);
	elf_section(&elf, ".text", SHT_PROGBITS, 0x1000, 0x1000);
	elf_symbol(&elf, SHT_SYMTAB, "name", 0x1200, 0x100);
	put_wrpkru(0x1210);
	memcpy(kept, elf.bytes, ELF_SIZE);
	for (int round = 0; round < 20000; round++) {
		for (int i = rand_r(&seed) % 4; i >= 0; i--) {
			size_t at = (size_t)rand_r(&seed) % 0x300;

			if (at >= 0xc0)
				at += ELF_AT_SECTIONS - 0xc0;
			elf.bytes[at] = rand_r(&seed) % 2
						? (uint8_t)rand_r(&seed)
						: 0xff;
		}
		scan_part(ELF_SIZE);
		memcpy(elf.bytes, kept, 0x200);
		memcpy(elf.bytes + ELF_AT_SECTIONS, kept + ELF_AT_SECTIONS,
		       0x300);
	}
}
END_TEST

START_TEST(test_wrong_arguments)
{
	elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	ck_assert_int_eq(modiso_scan_elf(NULL, ELF_SIZE, MODISO_SCAN_ALL, NULL,
					 NULL, NULL),
			 MODISO_ERR_INVAL);
	ck_assert_int_eq(
		modiso_scan_elf(elf.bytes, ELF_SIZE, 0, NULL, NULL, NULL),
		MODISO_ERR_INVAL);
	memset(&info, 0, sizeof(info));
	ck_assert_int_eq(modiso_scan_elf(elf.bytes, ELF_SIZE, MODISO_SCAN_ALL,
					 NULL, NULL, &info),
			 MODISO_ERR_INVAL);
	ck_assert_int_eq(
		modiso_scan_file(NULL, MODISO_SCAN_ALL, NULL, NULL, NULL),
		MODISO_ERR_INVAL);
}
END_TEST

static int stop(const struct modiso_scan_hit *hit, void *arg)
{
	(void)hit;
	return --*(int *)arg == 0;
}

START_TEST(test_stop)
{
	int left = 2;

	elf_segment(&elf, RX, 0x1000, 0x1000, 0x1000);
	for (size_t i = 0; i < 5; i++)
		put_wrpkru(0x1100 + i * 3);
	info.struct_size = sizeof(info);
	ck_assert_int_eq(modiso_scan_elf(elf.bytes, ELF_SIZE, MODISO_SCAN_ALL,
					 stop, &left, &info),
			 MODISO_ERR_GADGET);
	ck_assert_int_eq(left, 0);
	ck_assert_uint_eq(info.hit_count, 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_elf");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_clean);
	tcase_add_test(tcase, test_edges);
	tcase_add_test(tcase, test_page_rounding);
	tcase_add_test(tcase, test_header);
	tcase_add_test(tcase, test_end_of_file);
	tcase_add_test(tcase, test_flags);
	tcase_add_test(tcase, test_adjacent);
	tcase_add_test(tcase, test_cut_off_tail);
	tcase_add_test(tcase, test_many_segments);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_sentence);
	tcase_add_test(tcase, test_dynamic_symbols);
	tcase_add_test(tcase, test_bad_names);
	tcase_add_test(tcase, test_malformed);
	tcase_add_test(tcase, test_overlap);
	tcase_add_test(tcase, test_too_many_segments);
	tcase_add_test(tcase, test_truncated);
	tcase_add_test(tcase, test_mutated);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_stop);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
