/* SPDX-License-Identifier: MIT */
/* check_image_symbols - names of an image, and whose they are. */
#include "support/elf.h"
#include "support/parse.h"
#include "support/test.h"

#include "code/image_scope.h"
#include "code/image_symbols.h"

#include <modiso.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct elf_image image;
static struct mdi_elf elf;

static void begin(void)
{
	const struct elf_shape shape = {0, 200, 5900, 300};

	elf_make(&image, &shape);
}

static char *pages;
static void *name_block; /* the caller frees it */

static int read_names(struct mdi_symbols *symbols)
{
	struct mdi_scan_source source = parse_source(image.bytes, image.length);
	struct mdi_symbol_table table;
	int result;

	ck_assert_int_eq(parse_image(&elf, &source, false, &pages), 0);
	ck_assert_int_eq(mdi_symbols_measure(&elf, &source, &table, symbols),
			 0);
	name_block = calloc(1, symbols->size);
	result = mdi_symbols_fill(&elf, &source, &table, symbols, name_block);
	free(pages);
	return result;
}

START_TEST(names)
{
	struct mdi_symbols symbols;
	const struct mdi_symbol *symbol;

	begin();
	ck_assert_int_eq(read_names(&symbols), 0);
	ck_assert_uint_eq(symbols.export_count, 5);
	symbol = mdi_symbols_find(&symbols, "store1");
	ck_assert_ptr_nonnull(symbol);
	ck_assert_uint_eq(symbol->vaddr, 4096 + 16);
	ck_assert_ptr_nonnull(mdi_symbols_find(&symbols, "words"));
	ck_assert_ptr_null(mdi_symbols_find(&symbols, "import"));
	ck_assert_ptr_null(mdi_symbols_find(&symbols, "store"));
	ck_assert_ptr_null(mdi_symbols_find(&symbols, "store11"));
	symbol = mdi_symbols_at(&symbols, 4096 + 23);
	ck_assert_str_eq(symbols.strings + symbol->name, "store1");
	ck_assert_uint_eq(symbols.function_count, 4);
	ck_assert_ptr_null(mdi_symbols_at(&symbols, 4096 + 32));
	ck_assert_ptr_null(mdi_symbols_at(&symbols, 4095));
	free(name_block);
	elf_free(&image);
}
END_TEST

/* Two versions of a name: the one for whoever binds by the name is meant. */
START_TEST(name_of_two_versions)
{
	uint64_t table = 0;
	const struct mdi_symbol *symbol;
	struct mdi_symbols symbols;
	uint16_t *version;

	begin();
	image.symbol[ELF_LOAD1].st_name = image.symbol[ELF_STORE1].st_name;
	table = image.program[ELF_RODATA].p_vaddr;
	version = (uint16_t *)(void *)(image.bytes + table);
	elf_tag(&image, DT_VERSYM)->d_un.d_ptr = table;
	for (int i = 0; i < ELF_SYMBOLS; i++)
		version[i] = 1;
	version[ELF_LOAD1] = 0x8002;
	version[ELF_STORE1] = 3;
	ck_assert_int_eq(read_names(&symbols), 0);
	symbol = mdi_symbols_find(&symbols, "store1");
	ck_assert_ptr_nonnull(symbol);
	ck_assert_uint_eq(symbol->vaddr, 4096 + 16);
	free(name_block);
	version[ELF_LOAD1] = 2;
	ck_assert_int_eq(read_names(&symbols), MODISO_ERR_FORMAT);
	free(name_block);
	elf_free(&image);
}
END_TEST

START_TEST(name_twice)
{
	struct mdi_symbols symbols;

	begin();
	image.symbol[ELF_LOAD1].st_name = image.symbol[ELF_STORE1].st_name;
	ck_assert_int_eq(read_names(&symbols), MODISO_ERR_FORMAT);
	ck_assert_ptr_nonnull(
		strstr(modiso_last_error_text(), "defines store1 twice"));
	free(name_block);
	elf_free(&image);
}
END_TEST

enum { MANY = 1 << 18 };

static struct table {
	char names[16];
	Elf64_Sym symbol[MANY];
	uint16_t version[MANY];
} table;

/* Symbols of one name, all for old programs but the last. */
static void fill_table(void)
{
	strcpy(table.names + 1, "name");
	for (unsigned i = 1; i < MANY; i++) {
		table.symbol[i] = (Elf64_Sym){
			.st_name = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = i,
		};
		table.version[i] = i < MANY - 1 ? 0x8001 : 1;
	}
}

/* As many looks for it: to go through all of them each time would not end. */
START_TEST(many_of_one_name)
{
	const struct mdi_elf many = {
		.name = "many",
		.bytes = (const unsigned char *)&table,
		.segment = {{.size = sizeof(table),
			     .file_size = sizeof(table)}},
		.segment_count = 1,
		.strings = {.length = sizeof(table.names)},
		.symbols = {offsetof(struct table, symbol),
			    sizeof(table.symbol)},
		.symbol_count = MANY,
		.versions = {offsetof(struct table, version),
			     sizeof(table.version)},
	};
	struct mdi_wanted wanted = {"name", NULL, MDI_KIND_FUNCTION};
	static struct mdi_scope scope;
	struct mdi_found found;

	fill_table();
	ck_assert_int_eq(mdi_scope_add(&scope, &many, 0), 0);
	mdi_scope_find(&scope, &wanted, &found);
	ck_assert_int_eq(found.how, MDI_FOUND);
	ck_assert_uint_eq(found.symbol.st_value, MANY - 1);
	wanted.kind = MDI_KIND_TLS;
	for (unsigned i = 0; i < MANY; i++)
		mdi_scope_find(&scope, &wanted, &found);
	ck_assert_int_eq(found.how, MDI_FOUND_OTHER_KIND);
	mdi_scope_fini(&scope);
}
END_TEST

static struct long_table {
	char names[1 << 22];
	Elf64_Sym symbol[MANY];
} long_table;

/*
 * Names that are each other's ends, as long as all of them together: to compare
 * them in full would not end.
 */
START_TEST(long_names)
{
	const struct mdi_elf longest = {
		.name = "long",
		.bytes = (const unsigned char *)&long_table,
		.segment = {{.size = sizeof(long_table),
			     .file_size = sizeof(long_table)}},
		.segment_count = 1,
		.strings = {.length = sizeof(long_table.names)},
		.symbols = {offsetof(struct long_table, symbol),
			    sizeof(long_table.symbol)},
		.symbol_count = MANY,
	};
	size_t end = sizeof(long_table.names) - 1;
	struct mdi_wanted wanted = {"aaa", NULL, MDI_KIND_FUNCTION};
	static struct mdi_scope scope;
	struct mdi_found found;

	memset(long_table.names, 'a', end);
	for (unsigned i = 1; i < MANY; i++)
		long_table.symbol[i] = (Elf64_Sym){
			.st_name = (uint32_t)(end - (size_t)8 * i),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = i,
		};
	long_table.symbol[5].st_name = (uint32_t)(end - 3);
	ck_assert_int_eq(mdi_scope_add(&scope, &longest, 0), 0);
	mdi_scope_find(&scope, &wanted, &found);
	ck_assert_int_eq(found.how, MDI_FOUND);
	ck_assert_uint_eq(found.symbol.st_value, 5);
	ck_assert_ptr_nonnull(mdi_elf_string(&longest, end - MDI_NAME_MAX));
	ck_assert_ptr_null(mdi_elf_string(&longest, end - MDI_NAME_MAX - 1));
	mdi_scope_fini(&scope);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_symbols");
	TCase *tcase = tcase_create("symbols");

	tcase_add_test(tcase, names);
	tcase_add_test(tcase, name_of_two_versions);
	tcase_add_test(tcase, name_twice);
	tcase_add_test(tcase, many_of_one_name);
	tcase_add_test(tcase, long_names);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
