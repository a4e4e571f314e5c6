/* SPDX-License-Identifier: MIT */
/*
 * Images that come into a module: every byte protected, never writable and
 * executable, connected to services alone, and gone without a trace.
 */
#include "contract/image_maker.h"
#include "support/world.h"
#include "support/elf.h"
#include "support/proc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void refuse(int code, const char *words)
{
	struct modiso_image *image = NULL;

	expect(code, load_code(&image));
	must(image == NULL);
	if (strstr(modiso_last_error_text(), words) == NULL)
		ck_abort_msg("\"%s\" is not in \"%s\"", words,
			     modiso_last_error_text());
	elf_free(&elf);
	begin();
}

START_TEST(runs)
{
	struct modiso_image *image;
	struct modiso_gate *gate;
	void *words = NULL;

	begin();
	image = load();
	gate = gate_to(image, "identity");
	must_eq(enter(gate, 4711), 4711);
	close_gate(gate);
	gate = gate_to(image, "call");
	must_eq(enter(gate, 99), 100);
	must_eq(seen, 99);
	close_gate(gate);
	expect(MODISO_OK, modiso_image_symbol(image, "words", &words));
	must_eq(words, at(image, elf.symbol[ELF_WORDS].st_value));
	/* It can read and write its data, by its own address. */
	gate = gate_to(image, "store1");
	enter(gate, W(words) + 8 * ELF_WORD_SPARE, 77);
	close_gate(gate);
	gate = gate_to(image, "load1");
	must_eq(enter(gate, W(words) + 8 * ELF_WORD_SPARE), 77);
	close_gate(gate);
	expect(MODISO_OK, modiso_image_unload(image));
	finish();
}
END_TEST

START_TEST(from_file)
{
	struct modiso_image *image = NULL;
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	char path[] = "/tmp/modiso-image-XXXXXX", gone[] = "/tmp/not/there";
	int fd;

	begin();
	fd = mkstemp(path);
	must(fd >= 0);
	must(write(fd, elf.bytes, elf.length) == (ssize_t)elf.length);
	options.name = NULL;
	expect(MODISO_OK, modiso_image_load(module, path, &options, &image));
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must_str(info.name, path + 5);
	must(info.module == module);
	must(info.sealed);
	must(info.entry == NULL);
	expect(MODISO_OK, modiso_image_unload(image));
	expect(MODISO_OK, modiso_image_load_fd(module, fd, &options, &image));
	/* What happens to the file later is of no consequence. */
	must(ftruncate(fd, 0) == 0);
	must_eq(enter(gate_to(image, "identity"), 5), 5);
	expect(MODISO_ERR_FORMAT,
	       modiso_image_load(module, path, &options, &image));
	close(fd);
	unlink(path);
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, path, &options, &image));
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, gone, &options, &image));
	finish();
}
END_TEST

START_TEST(from_no_file)
{
	struct modiso_image *image = NULL;

	begin();
	expect(MODISO_ERR_INVAL,
	       modiso_image_load(module, "/tmp", &options, &image));
	expect(MODISO_ERR_OS,
	       modiso_image_load_fd(module, 999, &options, &image));
	finish();
}
END_TEST

START_TEST(missing_import)
{
	struct modiso_export twice[2];
	void *address;

	begin();
	options.export_count = 0;
	refuse(MODISO_ERR_NOENT, "needs import,");
	twice[0] = twice[1] = export;
	options.exports = twice;
	options.export_count = 2;
	refuse(MODISO_ERR_INVAL, "import twice");
	options.abi = "kernel-3";
	refuse(MODISO_ERR_NOTSUP, "no ABI tag; the host wants kernel-3");
	options.flags = 1u << 20;
	refuse(MODISO_ERR_INVAL, "unknown bits");
	elf.symbol[ELF_LOAD1].st_name = elf.symbol[ELF_STORE1].st_name;
	refuse(MODISO_ERR_FORMAT, "store1 twice");
	expect(MODISO_ERR_NOENT,
	       modiso_image_symbol(load(), "absent", &address));
	must(strstr(modiso_last_error_text(), "absent"));
	finish();
}
END_TEST

static void put_note(const char *tag)
{
	Elf64_Nhdr header = {7, (uint32_t)strlen(tag) + 1, 1};
	unsigned char *note = elf.bytes + elf.program[ELF_RODATA].p_offset;

	memcpy(note, &header, sizeof(header));
	memcpy(note + sizeof(header), "modiso\0", 8);
	strcpy((char *)note + sizeof(header) + 8, tag);
	elf.program[ELF_SPARE] = elf.program[ELF_RODATA];
	elf.program[ELF_SPARE].p_type = PT_NOTE;
	elf.program[ELF_SPARE].p_align = 4;
}

START_TEST(abi_tag)
{
	begin();
	put_note("kernel-2");
	options.abi = "kernel-3";
	refuse(MODISO_ERR_NOTSUP, "ABI tag kernel-2; the host wants kernel-3");
	put_note("kernel-33");
	options.abi = "kernel-3";
	refuse(MODISO_ERR_NOTSUP, "ABI tag kernel-33;");
	put_note("kernel-3");
	options.abi = "kernel-3";
	expect(MODISO_OK, modiso_image_unload(load()));
	finish();
}
END_TEST

START_TEST(gate_entries)
{
	struct modiso_gate *gate = NULL;
	struct modiso_image *image;

	begin();
	image = load();
	expect(MODISO_ERR_ACCESS,
	       modiso_image_gate(image, "words", NULL, &gate));
	expect(MODISO_ERR_NOENT, modiso_image_gate(image, NULL, NULL, &gate));
	expect(MODISO_ERR_INVAL, modiso_image_gate(image, "call", NULL, NULL));
	expect(MODISO_ERR_INVAL, modiso_image_gate(NULL, "call", NULL, &gate));
	must(gate == NULL);
	finish();
}
END_TEST

START_TEST(wrpkru_refused)
{
	static const unsigned char wrpkru[] = {0x0f, 0x01, 0xef};

	begin();
	memcpy(elf.bytes + elf.program[ELF_CODE].p_offset + 97, wrpkru, 3);
	refuse(MODISO_ERR_GADGET, "0x1061");
	/* The last two bytes of the code and the trap behind are none. */
	memcpy(elf.bytes + elf.program[ELF_CODE].p_offset + 98, wrpkru, 2);
	expect(MODISO_OK, modiso_image_unload(load()));
	finish();
}
END_TEST

/* An initialiser that faults takes its image along. */
START_TEST(init_faults)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct proc_usage before;
	struct modiso_image *image;

	begin();
	image = load(); /* a first thread, a first stack, a first fault */
	expect(MODISO_OK, modiso_image_unload(image));
	elf.bytes[elf.program[ELF_CODE].p_offset] = 0xf4; /* hlt */
	refuse(MODISO_ERR_FAULT, "");
	before = proc_usage();
	for (int i = 0; i < 50; i++) {
		elf.bytes[elf.program[ELF_CODE].p_offset] = 0xf4;
		refuse(MODISO_ERR_FAULT, "");
	}
	/* Less than a page for each of them. */
	proc_must_not_grow(&before, 0, 128);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must(fault.module == module);
	must_eq(fault.kind, MODISO_FAULT_PRIVILEGED);
	/* One that is no code. */
	elf_tag(&elf, DT_INIT_ARRAY)->d_un.d_ptr =
		elf.symbol[ELF_WORDS].st_value + 8 * ELF_WORD_SELF;
	refuse(MODISO_ERR_FORMAT, "entry 0 of its init array");
	/* One in the host. */
	elf.symbol[ELF_IDENTITY].st_shndx = SHN_ABS;
	elf.symbol[ELF_IDENTITY].st_value = (uintptr_t)import;
	refuse(MODISO_ERR_FORMAT, "which is not in its code");
	finish();
}
END_TEST

/* Before all others; and an entry that nothing relocated is no function. */
START_TEST(preinit)
{
	struct modiso_image *image;

	begin();
	elf_tag(&elf, DT_PREINIT_ARRAY)->d_un.d_ptr =
		elf.symbol[ELF_WORDS].st_value + 8 * ELF_WORD_INIT;
	elf_tag(&elf, DT_PREINIT_ARRAYSZ)->d_un.d_val = 8;
	elf_tag(&elf, DT_INIT_ARRAYSZ)->d_un.d_val = 0;
	elf.rela[2].r_info =
		ELF64_R_INFO(ELF_CALL, ELF64_R_TYPE(elf.rela[2].r_info));
	seen = 77;
	image = load();
	must(seen != 77); /* what "call" was called with */
	expect(MODISO_OK, modiso_image_unload(image));
	elf_tag(&elf, DT_PREINIT_ARRAY)->d_un.d_ptr =
		elf.symbol[ELF_WORDS].st_value + 8 * ELF_WORD_SPARE;
	refuse(MODISO_ERR_FORMAT, "entry 0 of its init array is 0");
	finish();
}
END_TEST

/* Another module, and its image, cannot touch any of it. */
START_TEST(other_module)
{
	struct modiso_image *image, *other_image = NULL;
	struct modiso_module *other;
	struct modiso_gate *gate;
	const struct modiso_fault *fault;

	begin();
	image = load();
	other = make_module("other");
	expect(MODISO_OK, modiso_image_load_memory(other, elf.bytes, elf.length,
						   &options, &other_image));
	gate = gate_to(other_image, "load1");
	for (int i = ELF_CODE; i <= ELF_DATA; i++) {
		const Elf64_Phdr *header = &elf.program[i];
		char *last = at(image, header->p_vaddr + header->p_memsz - 1);

		fault = enter_fault(other, gate, W(last));
		must(fault->owner == module);
		must_eq(fault->address, last);
	}
	close_gate(gate);
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_image_unload(image));
	finish();
}
END_TEST

/* A resolver runs inside the module, and its answer is written before RELRO. */
START_TEST(indirect)
{
	struct modiso_image *image;
	void *address = NULL;
	uintptr_t *words;

	{
		const struct elf_shape shape = {100, 200, 6000, 3000};

		begin_shape(&shape);
	}
	elf.program[ELF_RELRO] = elf.program[ELF_DATA];
	elf.program[ELF_RELRO].p_type = PT_GNU_RELRO;
	elf.program[ELF_RELRO].p_memsz = 4096;
	/* "identity" is called without arguments: it returns 0. */
	elf.rela[1].r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
	elf.rela[1].r_addend = (int64_t)elf.program[ELF_CODE].p_vaddr;
	image = load();
	words = (void *)at(image, elf.symbol[ELF_WORDS].st_value);
	must_eq(words[ELF_WORD_SELF], 0);
	must_map_as((char *)words, 8, "r--");
	expect(MODISO_OK, modiso_image_unload(image));
	/* As a symbol: what the resolver returns is its address. */
	elf.symbol[ELF_STORE1].st_info =
		ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
	elf.bytes[elf.program[ELF_CODE].p_offset + 16] = 0x31; /* xor */
	elf.bytes[elf.program[ELF_CODE].p_offset + 17] = 0xc0; /* eax, eax */
	elf.bytes[elf.program[ELF_CODE].p_offset + 18] = 0xc3; /* ret */
	image = load();
	expect(MODISO_OK, modiso_image_symbol(image, "store1", &address));
	must(address == NULL);
	/* One that faults. */
	expect(MODISO_OK, modiso_image_unload(image));
	elf.bytes[elf.program[ELF_CODE].p_offset + 8] = 0xf4; /* hlt */
	elf.rela[1].r_addend += 8;
	refuse(MODISO_ERR_FAULT, "");
	finish();
}
END_TEST

static struct modiso_image *inner;

MODISO_CALL static uintptr_t unload_inside(uintptr_t value)
{
	(void)value;
	expect(MODISO_ERR_BUSY, modiso_image_unload(inner));
	return 0;
}

START_TEST(busy)
{
	struct modiso_service *meddler;
	struct modiso_image *image;
	struct modiso_gate *gate;

	begin();
	expect(MODISO_OK,
	       modiso_service_create("import", (modiso_fn)unload_inside, NULL,
				     &meddler));
	export.service = meddler;
	image = inner = load();
	gate = gate_to(image, "call");
	expect(MODISO_ERR_BUSY, modiso_image_unload(image));
	must(strstr(modiso_last_error_text(), "gate"));
	enter(gate, 1);
	close_gate(gate);
	expect(MODISO_OK, modiso_image_unload(image));
	expect(MODISO_OK, modiso_image_unload(NULL));
	expect(MODISO_OK, modiso_service_destroy(meddler));
	finish();
}
END_TEST

/* A thousand times in and out, and a thousand refusals, leave nothing. */
START_TEST(no_leak)
{
	unsigned long rounds = run_times(1000, 50);
	struct proc_usage before;

	begin();
	expect(MODISO_OK, modiso_image_unload(load()));
	before = proc_usage();
	for (unsigned long i = 0; i < rounds; i++)
		expect(MODISO_OK, modiso_image_unload(load()));
	options.export_count = 0;
	for (unsigned long i = 0; i < rounds; i++) {
		struct modiso_image *image;

		expect(MODISO_ERR_NOENT, load_code(&image));
	}
	proc_must_not_grow(&before, 0, 256);
	finish();
}
END_TEST

/* Several images in one module share it; each goes by itself. */
START_TEST(several)
{
	enum { COUNT = 10 };
	struct modiso_image *image[COUNT];
	struct modiso_gate *gate;
	struct proc_mapping mapping;
	char *page;

	begin();
	for (int i = 0; i < COUNT; i++)
		image[i] = load();
	for (int i = 0; i < COUNT; i += 2) {
		page = at(image[i], elf.program[ELF_CODE].p_vaddr);
		expect(MODISO_OK, modiso_image_unload(image[i]));
		must(proc_mapping(page, &mapping));
		must(!strncmp(mapping.perms, "---", 3));
	}
	for (int i = 1; i < COUNT; i += 2) {
		gate = gate_to(image[i], "call");
		must_eq(enter(gate, (uintptr_t)i), i + 1);
		close_gate(gate);
	}
	finish(); /* the module takes the rest along */
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image");
	TCase *tcase = tcase_create("image");

	tcase_add_test(tcase, runs);
	tcase_add_test(tcase, from_file);
	tcase_add_test(tcase, from_no_file);
	tcase_add_test(tcase, missing_import);
	tcase_add_test(tcase, abi_tag);
	tcase_add_test(tcase, gate_entries);
	tcase_add_test(tcase, wrpkru_refused);
	tcase_add_test(tcase, init_faults);
	tcase_add_test(tcase, preinit);
	tcase_add_test(tcase, other_module);
	tcase_add_test(tcase, indirect);
	tcase_add_test(tcase, busy);
	tcase_add_test(tcase, no_leak);
	tcase_add_test(tcase, several);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
