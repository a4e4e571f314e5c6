/* SPDX-License-Identifier: MIT */
/* Relocations and imports of an image, on a copy that runs nowhere. */
#include "support/elf.h"
#include "support/parse.h"
#include "support/test.h"

#include "arch/tls.h"
#include "code/image_reloc.h"

#include <modiso.h>

#include <stdlib.h>
#include <string.h>

#define BIAS ((uintptr_t)0x7f1234560000)

static struct elf_image image;
static struct mdi_elf elf;
static struct mdi_reloc reloc;
static struct mdi_bindings bindings;
static struct modiso_service *service;
static struct modiso_export export;

static void host_function(void)
{
}

static void begin(void)
{
	const struct elf_shape shape = {0, 200, 5900, 300};

	elf_make(&image, &shape);
}

static void begin_bound(void)
{
	const struct modiso_options options = {
		.struct_size = sizeof(options),
		.backend = MODISO_BACKEND_MPROTECT,
	};

	begin();
	ck_assert_int_eq(modiso_init(&options), 0);
	ck_assert_int_eq(
		modiso_service_create("import", host_function, NULL, &service),
		0);
	export = (struct modiso_export){"import", service};
	ck_assert_int_eq(mdi_bindings_init(&bindings, &export, 1), 0);
}

static int relocate(void)
{
	struct mdi_scan_source source = parse_source(image.bytes, image.length);

	free(reloc.pages);
	free(reloc.late);
	reloc = (struct mdi_reloc){
		.elf = &elf,
		.bindings = &bindings,
		.bias = BIAS,
	};
	ck_assert_int_eq(parse_image(&elf, &source, false, &reloc.pages), 0);
	return mdi_relocate(&reloc);
}

static uint64_t word(int i)
{
	uint64_t value;

	memcpy(&value,
	       reloc.pages + image.symbol[ELF_WORDS].st_value + 8 * (size_t)i,
	       sizeof(value));
	return value;
}

#define refused(code, words) refused_at((code), (words), __LINE__)
static void refused_at(int code, const char *words, int line)
{
	int got = relocate();

	if (got != code || strstr(modiso_last_error_text(), words) == NULL)
		ck_abort_msg("line %d: %s: %s; not %s with \"%s\"", line,
			     modiso_error_name(got),
			     got ? modiso_last_error_text() : "",
			     modiso_error_name(code), words);
	elf_free(&image);
	begin();
}

START_TEST(applied)
{
	begin_bound();
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_GOT),
			  (uintptr_t)modiso_service_thunk(service));
	ck_assert_uint_eq(word(ELF_WORD_SELF),
			  BIAS + image.symbol[ELF_WORDS].st_value +
				  8 * ELF_WORD_SELF);
	ck_assert_uint_eq(word(ELF_WORD_INIT), BIAS + 4096);
	ck_assert_uint_eq(word(ELF_WORD_SPARE), 0);
	ck_assert_uint_eq(reloc.late_count, 0);
}
END_TEST

START_TEST(addends)
{
	begin_bound();
	/* 64: symbol + addend. GLOB_DAT: the symbol, whatever the addend. */
	image.rela[2].r_addend = 24;
	image.rela[0].r_addend = 5;
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_INIT), BIAS + 4096 + 24);
	ck_assert_uint_eq(word(ELF_WORD_GOT),
			  (uintptr_t)modiso_service_thunk(service));
	/* An absolute symbol does not move. */
	image.symbol[ELF_IDENTITY].st_shndx = SHN_ABS;
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_INIT), 4096 + 24);
}
END_TEST

START_TEST(missing)
{
	begin_bound();
	memcpy(image.strings + image.symbol[ELF_IMPORT].st_name, "impost", 7);
	refused(MODISO_ERR_NOENT, "needs impost, which the host");
	memcpy(image.strings + image.symbol[ELF_IMPORT].st_name, "impost", 7);
	image.symbol[ELF_IMPORT].st_info = ELF64_ST_INFO(STB_WEAK, STT_NOTYPE);
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_GOT), 0);
}
END_TEST

START_TEST(kinds)
{
	static const struct {
		uint32_t kind;
		const char *name;
	} list[] = {
		{R_X86_64_PC32, "relocation 2 (R_X86_64_PC32)"},
		{R_X86_64_COPY, "relocation 5 (R_X86_64_COPY)"},
		{R_X86_64_32, "relocation 10 (R_X86_64_32)"},
		{R_X86_64_TPOFF32, "relocation 23 (R_X86_64_TPOFF32)"},
		{200, "relocation 200 (unknown)"},
	};

	begin_bound();
	for (size_t i = 0; i < MDI_COUNT(list); i++) {
		image.rela[2].r_info = ELF64_R_INFO(ELF_IDENTITY, list[i].kind);
		refused(MODISO_ERR_NOTSUP, list[i].name);
	}
	image.rela[2].r_info = ELF64_R_INFO(0, R_X86_64_NONE);
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_INIT), 0);
}
END_TEST

static void add_tls(void)
{
	Elf64_Phdr *tls = &image.program[ELF_SPARE];

	*tls = image.program[ELF_RODATA];
	tls->p_type = PT_TLS;
	tls->p_filesz = 8;
	tls->p_memsz = 100;
	tls->p_align = 64;
	image.symbol[ELF_IDENTITY].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
	image.symbol[ELF_IDENTITY].st_value = 24;
}

static void relocation(int i, uint32_t symbol, uint32_t kind, int64_t addend)
{
	image.rela[i].r_info = ELF64_R_INFO(symbol, kind);
	image.rela[i].r_addend = addend;
}

/* 128 bytes lie below the thread pointer; the variable is the 24th of them. */
START_TEST(thread_local)
{
	static const uint32_t all[] = {R_X86_64_TPOFF64, R_X86_64_DTPMOD64,
				       R_X86_64_DTPOFF64, R_X86_64_TLSDESC};
	uintptr_t function = 0;

	begin_bound();
	add_tls();
	relocation(0, ELF_IDENTITY, R_X86_64_DTPMOD64, 5);
	relocation(1, ELF_IDENTITY, R_X86_64_DTPOFF64, 5);
	relocation(2, 0, R_X86_64_TPOFF64, 40);
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_GOT), (uint64_t)-128);
	ck_assert_uint_eq(word(ELF_WORD_SELF), 24 + 5);
	ck_assert_uint_eq(word(ELF_WORD_INIT), (uint64_t)-128 + 40);
	relocation(0, 0, R_X86_64_NONE, 0);
	relocation(2, 0, R_X86_64_NONE, 0);
	relocation(1, ELF_IDENTITY, R_X86_64_TLSDESC, 8);
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(ELF_WORD_SELF), (uintptr_t)mdi_tls_described);
	ck_assert_uint_eq(word(ELF_WORD_SPARE), (uint64_t)-128 + 32);
	/* The second word of a descriptor is looked at as well. */
	image.rela[1].r_offset = image.program[ELF_DATA].p_vaddr + 6200 - 8;
	refused(MODISO_ERR_FORMAT, "in no segment");
	/* Who calls for an address is bound to the library's own function. */
	ck_assert(mdi_tls_function("__tls_get_addr", &function));
	ck_assert_uint_eq(function, (uintptr_t)mdi_tls_address);
	ck_assert(!mdi_tls_function("__tls_get_addr_slow", &function));
	for (size_t i = 0; i < MDI_COUNT(all); i++) {
		relocation(2, ELF_IDENTITY, all[i], 0);
		refused(MODISO_ERR_FORMAT, "names an image that has none");
		add_tls();
		relocation(2, 0xffffff, all[i], 0);
		refused(MODISO_ERR_FORMAT, "a symbol that does not exist");
		add_tls();
		relocation(2, ELF_LOAD1, all[i], 0);
		refused(MODISO_ERR_FORMAT, "a symbol that is not in it");
		add_tls();
		image.symbol[ELF_IDENTITY].st_value = 101;
		relocation(2, ELF_IDENTITY, all[i], 0);
		refused(MODISO_ERR_FORMAT, "a symbol that is not in it");
		add_tls();
		relocation(2, ELF_IMPORT, all[i], 0);
		refused(MODISO_ERR_NOENT, "needs import (thread-local, in no");
	}
	/* An indirect function's address is known when threads have copies. */
	add_tls();
	image.program[ELF_SPARE].p_vaddr = image.program[ELF_DATA].p_vaddr;
	image.program[ELF_SPARE].p_filesz = 1000;
	image.program[ELF_SPARE].p_memsz = 1000;
	relocation(1, 0, R_X86_64_IRELATIVE, 4096);
	refused(MODISO_ERR_NOTSUP, "address of an indirect function");
}
END_TEST

START_TEST(targets)
{
	begin_bound();
	image.rela[1].r_offset = 4096;
	refused(MODISO_ERR_ACCESS, "0x1000, which is code");
	image.rela[1].r_offset = image.program[ELF_RODATA].p_vaddr;
	refused(MODISO_ERR_ACCESS, "which is read-only");
	image.rela[1].r_offset = 64;
	refused(MODISO_ERR_ACCESS, "which is read-only");
	image.rela[1].r_offset = UINT64_MAX - 3;
	refused(MODISO_ERR_FORMAT, "in no segment");
	/* The last word that fits, and one byte more. */
	image.rela[1].r_offset = image.program[ELF_DATA].p_vaddr + 6200 - 8;
	ck_assert_int_eq(relocate(), 0);
	image.rela[1].r_offset++;
	refused(MODISO_ERR_FORMAT, "in no segment");
	image.rela[2].r_info = ELF64_R_INFO(0xffffffff, R_X86_64_64);
	refused(MODISO_ERR_FORMAT, "symbol 4294967295");
	image.symbol[ELF_IDENTITY].st_name = 1000000;
	refused(MODISO_ERR_FORMAT, "symbol 2");
	image.symbol[ELF_IDENTITY].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
	refused(MODISO_ERR_FORMAT, "identity is thread-local");
}
END_TEST

/* Side by side, of one kind: each target is looked at, not the first alone. */
static void relative(int i, uint64_t target)
{
	image.rela[i].r_offset = target;
	image.rela[i].r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE);
	image.rela[i].r_addend = 4096 + i;
}

START_TEST(side_by_side)
{
	uint64_t data, end, words;

	begin_bound();
	data = image.program[ELF_DATA].p_vaddr;
	end = data + image.program[ELF_DATA].p_memsz;
	words = image.symbol[ELF_WORDS].st_value;
	for (int i = 0; i < ELF_RELOCATIONS; i++)
		relative(i, words + 8 * (uint64_t)i);
	ck_assert_int_eq(relocate(), 0);
	for (int i = 0; i < ELF_RELOCATIONS; i++)
		ck_assert_uint_eq(word(i), BIAS + 4096 + (uint64_t)i);
	image.rela[1].r_info = ELF64_R_INFO(0, R_X86_64_NONE);
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(word(1), 0);
	ck_assert_uint_eq(word(2), BIAS + 4096 + 2);
	for (int i = 1; i < ELF_RELOCATIONS; i++) {
		uint64_t bad[] = {data - 8, data - 1, end - 7, end,
				  UINT64_MAX - 3};

		for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
			relative(0, words);
			relative(1, words + 8);
			relative(2, words + 16);
			relative(i, bad[k]);
			refused(MODISO_ERR_FORMAT, "in no segment");
		}
		relative(0, words);
		relative(1, words + 8);
		relative(i, 4096);
		refused(MODISO_ERR_ACCESS, "0x1000, which is code");
	}
}
END_TEST

START_TEST(resolvers)
{
	begin_bound();
	image.rela[1].r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
	image.rela[1].r_addend = 4096;
	image.symbol[ELF_IDENTITY].st_info =
		ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
	image.rela[2].r_addend = 3;
	ck_assert_int_eq(relocate(), 0);
	ck_assert_uint_eq(reloc.late_count, 2);
	ck_assert_uint_eq(reloc.late[0].resolver, BIAS + 4096);
	ck_assert_uint_eq(reloc.late[0].addend, 0);
	ck_assert_uint_eq(reloc.late[1].resolver, BIAS + 4096);
	ck_assert_uint_eq(reloc.late[1].addend, 3);
	image.rela[1].r_addend = (int64_t)image.program[ELF_DATA].p_vaddr;
	refused(MODISO_ERR_FORMAT, "resolver at 0x3000 is not in code");
}
END_TEST

/* --- exports of the host --- */

START_TEST(many_exports)
{
	enum { COUNT = 1000 };
	static struct modiso_export exports[COUNT];
	static char names[COUNT][16];
	uintptr_t address;

	begin_bound();
	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "f%d", i);
		exports[i] = (struct modiso_export){names[i], service};
	}
	mdi_bindings_fini(&bindings);
	ck_assert_int_eq(mdi_bindings_init(&bindings, exports, COUNT), 0);
	for (int i = 0; i < COUNT; i++)
		ck_assert(mdi_bindings_find(&bindings, names[i], &address));
	ck_assert(!mdi_bindings_find(&bindings, "f1000", &address));
	ck_assert(!mdi_bindings_find(&bindings, "f", &address));
	mdi_bindings_fini(&bindings);
	strcpy(names[999], "f7");
	ck_assert_int_eq(mdi_bindings_init(&bindings, exports, COUNT),
			 MODISO_ERR_INVAL);
	ck_assert_ptr_nonnull(
		strstr(modiso_last_error_text(), "f7 twice, at 7 and 999"));
	exports[3].service = NULL;
	ck_assert_int_eq(mdi_bindings_init(&bindings, exports, COUNT),
			 MODISO_ERR_INVAL);
	ck_assert_ptr_nonnull(strstr(modiso_last_error_text(), "f3"));
	exports[2].name = "";
	ck_assert_int_eq(mdi_bindings_init(&bindings, exports, COUNT),
			 MODISO_ERR_INVAL);
	ck_assert_int_eq(mdi_bindings_init(&bindings, NULL, 1),
			 MODISO_ERR_INVAL);
}
END_TEST

/*
 * The table lies in data, and its entries change those behind them: each is
 * checked as it is when its turn comes.
 */
START_TEST(self_modifying)
{
	uint64_t table = 0;
	Elf64_Rela *rela;

	begin_bound();
	table = image.symbol[ELF_WORDS].st_value + 64;
	rela = (void *)(image.bytes + table);
	elf_tag(&image, DT_RELA)->d_un.d_ptr = table;
	elf_tag(&image, DT_RELASZ)->d_un.d_val = 2 * sizeof(*rela);
	rela[0] = (Elf64_Rela){
		.r_offset = table + sizeof(*rela), /* the second's r_offset */
		.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE),
		.r_addend = 16,
	};
	rela[1] = (Elf64_Rela){
		.r_offset = table,
		.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE),
	};
	ck_assert_int_eq(relocate(), MODISO_ERR_FORMAT);
	ck_assert_ptr_nonnull(
		strstr(modiso_last_error_text(), "is in no segment"));
	elf_free(&image);
}
END_TEST

/* --- packed relocations --- */

/* A table of @count words among the constants. */
static uint64_t *packed(size_t count)
{
	uint64_t table = image.program[ELF_RODATA].p_vaddr;

	elf_tag(&image, DT_RELR)->d_un.d_ptr = table;
	elf_tag(&image, DT_RELRSZ)->d_un.d_val = count * sizeof(uint64_t);
	elf_tag(&image, DT_RELRENT)->d_un.d_val = sizeof(uint64_t);
	return (uint64_t *)(void *)(image.bytes + table);
}

/* Where the table points to, in words from there on. */
static uint64_t packed_base(void)
{
	return image.symbol[ELF_WORDS].st_value + 128;
}

START_TEST(packed_applied)
{
	uint64_t base, value, *table;

	begin_bound();
	base = packed_base();
	for (uint64_t i = 0; i < 80; i++) {
		value = 1000 + i;
		memcpy(image.bytes + base + 8 * i, &value, sizeof(value));
	}
	table = packed(3);
	table[0] = base;
	table[1] = 1 | 1u << 1 | 1u << 3; /* words 1 and 3 */
	table[2] = 1 | 1u << 2;           /* word 1 + 63 + 1 */
	ck_assert_int_eq(relocate(), 0);
	for (uint64_t i = 0; i < 80; i++) {
		bool moved = i == 0 || i == 1 || i == 3 || i == 65;

		memcpy(&value, reloc.pages + base + 8 * i, sizeof(value));
		ck_assert_uint_eq(value, 1000 + i + (moved ? BIAS : 0));
	}
	/* And those of the other kind. */
	ck_assert_uint_eq(word(ELF_WORD_INIT), BIAS + 4096);
}
END_TEST

/* Out of the image, into what is not data, around the end of all addresses. */
START_TEST(packed_refused)
{
	uint64_t *table;

	begin_bound();
	packed(1)[0] = 1u << 30;
	refused(MODISO_ERR_FORMAT, "in no segment");
	packed(1)[0] = 4096;
	refused(MODISO_ERR_ACCESS, "which is code");
	packed(1)[0] = 3; /* nothing comes before it */
	refused(MODISO_ERR_ACCESS, "read-only");
	packed(1)[0] = UINT64_MAX - 1;
	refused(MODISO_ERR_FORMAT, "in no segment");
	table = packed(20);
	table[0] = packed_base();
	for (int i = 1; i < 19; i++)
		table[i] = 1; /* 63 words on, and none of them */
	table[19] = UINT64_MAX;
	refused(MODISO_ERR_FORMAT, "in no segment");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_reloc");
	TCase *tcase = tcase_create("reloc");

	tcase_add_test(tcase, applied);
	tcase_add_test(tcase, addends);
	tcase_add_test(tcase, missing);
	tcase_add_test(tcase, kinds);
	tcase_add_test(tcase, thread_local);
	tcase_add_test(tcase, targets);
	tcase_add_test(tcase, side_by_side);
	tcase_add_test(tcase, resolvers);
	tcase_add_test(tcase, self_modifying);
	tcase_add_test(tcase, packed_applied);
	tcase_add_test(tcase, packed_refused);
	tcase_add_test(tcase, many_exports);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
