/* SPDX-License-Identifier: MIT */
/*
 * contract_image_flat - images without an ELF file around them.
 */
#include "contract/image_maker.h"
#include "support/world.h"
#include "support/elf.h"
#include "support/proc.h"

#include <string.h>

static unsigned char blob[9000];

static struct modiso_flat flat_layout(void)
{
	static const struct modiso_flat_symbol symbols[] = {
		{"load1", 8}, {"store1", 16}, {"table", 8192 + 5}};
	struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_offset = 40,
		.code_size = 5900,
		.data_offset = 6000,
		.data_size = 3000,
		.bss_size = 2000,
		.symbols = symbols,
		.symbol_count = 3,
	};

	begin();
	memset(blob, 0xc3, sizeof(blob));
	memcpy(blob + 40, elf.bytes + elf.program[ELF_CODE].p_offset, 24);
	memset(blob + 6000, 0x5a, 3000);
	return flat;
}

static int prepare(const struct modiso_flat *flat, struct modiso_image **out)
{
	return modiso_image_prepare(module, blob, sizeof(blob), flat, NULL,
				    out);
}

START_TEST(flat_image)
{
	struct modiso_flat flat = flat_layout();
	struct modiso_gate *load1, *store1;
	struct modiso_image *image = NULL;
	struct proc_mapping mapping;
	void *table = NULL;
	char *code;

	expect(MODISO_OK, prepare(&flat, &image));
	expect(MODISO_ERR_STATE, modiso_image_symbol(image, "table", &table));
	code = at(image, 0);
	for (size_t i = 0; i < 16384; i += PAGE) {
		must(proc_mapping(code + i, &mapping));
		must(mapping.perms[1] != 'w' && mapping.perms[2] != 'x');
	}
	expect(MODISO_OK, modiso_image_seal(image));
	expect(MODISO_ERR_STATE, modiso_image_seal(image));
	expect(MODISO_OK, modiso_image_symbol(image, "table", &table));
	must_eq(table, code + 8192 + 5);
	load1 = gate_to(image, "load1");
	store1 = gate_to(image, "store1");
	must_eq(enter(load1, W(table)), 0x5a);
	must_map_as(code, 5900, "r-x");
	must_map_as(code + 8192, 5000, "rw-");
	must_eq(enter(load1, W(code) + 8192 + 2999), 0x5a);
	must_eq(enter(load1, W(code) + 8192 + 3000), 0);
	enter(store1, W(code) + 8192 + 4999, 9);
	must_fault(store1, code + 5899, 1);
	must_eq(enter(load1, W(code) + 5899), 0xc3);
	close_gate(load1);
	close_gate(store1);
	expect(MODISO_OK, modiso_image_unload(image));
	/* Prepared and never sealed. */
	expect(MODISO_OK, prepare(&flat, &image));
	expect(MODISO_OK, modiso_image_unload(image));
	expect(MODISO_OK, prepare(&flat, &image));
	finish();
}
END_TEST

START_TEST(flat_refused)
{
	struct modiso_flat good = flat_layout(), flat;
	struct modiso_image *image = NULL;
	struct modiso_flat_symbol symbol = {"out", 5900};

#define BAD(field, value)                                                      \
	do {                                                                   \
		flat = good;                                                   \
		flat.field = (value);                                          \
		expect(MODISO_ERR_INVAL, prepare(&flat, &image));              \
	} while (0)
	BAD(code_size, 0);
	BAD(code_size, 8961);
	BAD(code_size, SIZE_MAX);
	BAD(code_offset, SIZE_MAX - 10);
	BAD(code_offset, 200);
	BAD(data_offset, 6001);
	BAD(data_offset, 100);
	BAD(data_size, SIZE_MAX);
	BAD(bss_size, SIZE_MAX);
	BAD(data_distance, 4096);
	BAD(data_distance, 8200);
	BAD(data_distance, SIZE_MAX & ~(size_t)4095);
	BAD(flags, 1);
	BAD(struct_size, 4);
	flat = good;
	flat.symbols = &symbol;
	flat.symbol_count = 1;
	expect(MODISO_ERR_INVAL, prepare(&flat, &image));
	symbol.offset = 8192 + 5000;
	expect(MODISO_ERR_INVAL, prepare(&flat, &image));
	symbol.offset = 8192 + 4999;
	expect(MODISO_OK, prepare(&flat, &image));
	flat.bss_size = (size_t)1 << 32;
	expect(MODISO_ERR_LIMIT, prepare(&flat, &image));
	memcpy(blob + 5937, "\x0f\x01\xef", 3);
	expect(MODISO_ERR_GADGET, prepare(&good, &image));
	finish();
}
END_TEST

/* The data lies as far behind the code as the blob was linked for. */
START_TEST(flat_distance)
{
	struct modiso_flat flat = flat_layout();
	struct modiso_image *image = NULL;
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	char *code;

	flat.data_distance = 0x10000;
	flat.symbol_count = 2;
	expect(MODISO_OK, prepare(&flat, &image));
	expect(MODISO_OK, modiso_image_seal(image));
	code = at(image, 0);
	must_map_as(code, 5900, "r-x");
	must_map_as(code + 0x10000, 5000, "rw-");
	must_eq(code[0x10000], 0x5a);
	expect(MODISO_ERR_NOENT, modiso_region_find(code + 0x8000, &info));
	finish();
}
END_TEST

/* --- what gdb is told: its own interface for code that is made --- */

struct jit_entry {
	struct jit_entry *next, *prev;
	const char *file;
	uint64_t size;
};

extern struct jit_descriptor {
	uint32_t version, action;
	struct jit_entry *relevant, *first;
} __jit_debug_descriptor;

static unsigned told;
static uint32_t action;
static Elf64_Shdr seen_by_gdb;

/* In place of the library's, as gdb's breakpoint is. */
void __jit_debug_register_code(void);
void __jit_debug_register_code(void)
{
	const struct jit_entry *entry = __jit_debug_descriptor.relevant;

	told++;
	action = __jit_debug_descriptor.action;
	memcpy(&seen_by_gdb, entry->file + sizeof(Elf64_Ehdr),
	       sizeof(seen_by_gdb));
}

START_TEST(flat_debugger)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Shdr code;
	} file = {
		.header = {.e_ident = ELFMAG,
			   .e_shoff = sizeof(Elf64_Ehdr),
			   .e_shentsize = sizeof(Elf64_Shdr),
			   .e_shnum = 1},
		.code = {.sh_type = SHT_NOBITS,
			 .sh_flags = SHF_ALLOC,
			 .sh_addr = 0x28},
	};
	struct modiso_image_options debugger = {
		.struct_size = sizeof(debugger),
		.flags = MODISO_IMAGE_DEBUGGER,
	};
	struct modiso_flat flat = flat_layout();
	struct modiso_image *image = NULL;

	expect(MODISO_ERR_NOTSUP,
	       modiso_image_prepare(module, blob, sizeof(blob), &flat,
				    &debugger, &image));
	/* No ELF file: gdb hears nothing of it. */
	flat.debug_file = blob;
	flat.debug_size = sizeof(blob);
	expect(MODISO_OK, modiso_image_prepare(module, blob, sizeof(blob),
					       &flat, &debugger, &image));
	expect(MODISO_OK, modiso_image_unload(image));
	must_eq(told, 0);
	flat.debug_file = &file;
	flat.debug_size = sizeof(file);
	expect(MODISO_OK, modiso_image_prepare(module, blob, sizeof(blob),
					       &flat, &debugger, &image));
	must_eq(told, 1);
	must_eq(action, 1);
	must_eq(seen_by_gdb.sh_addr, W(at(image, 0x28)));
	must_eq(file.code.sh_addr, 0x28);
	expect(MODISO_OK, modiso_image_seal(image));
	must_eq(told, 1);
	expect(MODISO_OK, modiso_image_unload(image));
	must_eq(told, 2);
	must_eq(action, 2);
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_flat");
	TCase *tcase = tcase_create("image");

	tcase_add_test(tcase, flat_image);
	tcase_add_test(tcase, flat_refused);
	tcase_add_test(tcase, flat_distance);
	tcase_add_test(tcase, flat_debugger);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
