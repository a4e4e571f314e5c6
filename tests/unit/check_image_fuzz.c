/* SPDX-License-Identifier: MIT */
/* The seeds of the fuzzer, without the fuzzer. */
#include "support/elf.h"
#include "support/seeds.h"
#include "support/test.h"

#include "code/image_debug.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static unsigned used;

static void use(const char *name, const uint8_t *bytes, size_t length)
{
	ck_assert_msg(LLVMFuzzerTestOneInput(bytes, length) == 0, "%s", name);
	used++;
}

START_TEST(test_seeds)
{
	seeds_image(use);
	ck_assert_uint_ge(used, 5);
}
END_TEST

/* What debuggers are shown of a flat image, whatever its bytes look like. */
START_TEST(test_flat)
{
	const struct elf_shape shape = {ELF_CODE_MIN, 64, ELF_DATA_MIN, 64};
	unsigned char *before;
	struct elf_image image;

	elf_make(&image, &shape);
	image.header->e_shnum = 1;
	image.header->e_shentsize = sizeof(Elf64_Shdr);
	image.header->e_shoff = sizeof(Elf64_Ehdr);
	image.bytes[EI_MAG0] = 0;
	before = malloc(image.length);
	memcpy(before, image.bytes, image.length);
	for (size_t length = 0; length <= image.length; length++)
		ck_assert(!mdi_image_debug_move((char *)image.bytes, length,
						0x7f0000000000));
	ck_assert_mem_eq(image.bytes, before, image.length);
	free(before);
	elf_free(&image);
}
END_TEST

static struct twice {
	Elf64_Ehdr header;
	Elf64_Shdr section[2];
	Elf64_Sym symbol[100];
} twice;

/* Tables that overlap are no more work than the file is long. */
START_TEST(test_overlapping)
{
	const Elf64_Shdr table = {
		.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(struct twice, symbol),
		.sh_size = sizeof(twice.symbol),
	};

	twice = (struct twice){
		.header = {
			.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3},
			.e_shoff = offsetof(struct twice, section),
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 2,
		},
		.section = {table, table},
		.symbol = {[99] = {.st_value = 1, .st_shndx = 1}},
	};
	ck_assert(mdi_image_debug_move((char *)&twice, sizeof(twice), 0x1000));
	ck_assert_uint_eq(twice.symbol[99].st_value, 0x1001);
	ck_assert_uint_eq(twice.section[0].sh_type, SHT_SYMTAB);
	ck_assert_uint_eq(twice.section[1].sh_type, SHT_NULL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_fuzz");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_seeds);
	tcase_add_test(tcase, test_flat);
	tcase_add_test(tcase, test_overlapping);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
