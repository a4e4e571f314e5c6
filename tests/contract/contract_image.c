/* SPDX-License-Identifier: MIT */
/*
 * Images that come into a module: every byte protected, never writable and
 * executable, connected to services alone, and gone without a trace.
 */
#include "support/elf.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static struct modiso_module *module;
static struct elf_image elf;
static struct modiso_service *service;
static struct modiso_export export;
static struct modiso_image_options options;

static uintptr_t seen;

static uintptr_t import(uintptr_t value)
{
	seen = value;
	return value + 1;
}

static void begin_shape(const struct elf_shape *shape)
{
	if (module == NULL) {
		module = world_module();
		expect(MODISO_OK,
		       modiso_service_create("import", (modiso_fn)import, NULL,
					     &service));
	}
	export = (struct modiso_export){"import", service};
	options = (struct modiso_image_options){
		.struct_size = sizeof(options),
		.name = "test.so",
		.exports = &export,
		.export_count = 1,
	};
	elf_make(&elf, shape);
}

static void begin(void)
{
	const struct elf_shape shape = {100, 200, 600, 300};

	begin_shape(&shape);
}

static void finish(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_service_destroy(service));
	world_stop();
	elf_free(&elf);
}

static int load_code(struct modiso_image **out)
{
	return modiso_image_load_memory(module, elf.bytes, elf.length, &options,
					out);
}

static struct modiso_image *load(void)
{
	struct modiso_image *image = NULL;

	expect(MODISO_OK, load_code(&image));
	must(image);
	return image;
}

/* The run-time address of something, as linked. */
static char *at(const struct modiso_image *image, uint64_t vaddr)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};

	expect(MODISO_OK, modiso_image_get_info(image, &info));
	return (char *)info.base + vaddr;
}

static struct modiso_gate *gate_to(const struct modiso_image *image,
				   const char *name)
{
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK, modiso_image_gate(image, name, NULL, &gate));
	return gate;
}

static void close_gate(struct modiso_gate *gate)
{
	expect(MODISO_OK, modiso_gate_destroy(gate));
}

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

/* --- the stack above it --- */

/* A frame that ends at @sp, and a store to it, or wherever else. */
MODULE_CODE static uintptr_t store_in_frame(uintptr_t sp, uintptr_t address)
{
	__asm__ volatile("mov %%rsp, %%rdx\n\t"
			 "mov %0, %%rsp\n\t"
			 "movb $1, (%1)\n\t"
			 "mov %%rdx, %%rsp"
			 :
			 : "r"(sp), "r"(address)
			 : "rdx", "memory");
	return 0;
}

static uint32_t kind_of(uintptr_t sp, uintptr_t address)
{
	return enter_fault(module, make_gate(module, store_in_frame), sp,
			   address)
		->kind;
}

/* Whichever of the two comes first, the guard page lies between them. */
START_TEST(stack_above)
{
	struct modiso_image *image;
	struct modiso_gate *local;
	uintptr_t sp, guard;
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	size_t findings;
	int round;

	begin();
	local = make_gate(module, poke_local);
	if (_i)
		enter(local, 0);
	for (round = 0; round < 2; round++) {
		image = load();
		sp = enter(local, 0);
		expect(MODISO_OK, modiso_region_find((void *)sp, &info));
		guard = W(info.base);
		expect(MODISO_OK,
		       modiso_region_find((void *)(guard - 1), &info));
		must(info.access & MODISO_WRITE);
		must_eq(enter_fault(module, make_gate(module, poke_recurse), 0)
				->kind,
			MODISO_FAULT_STACK);
		must_eq(enter_fault(module, make_gate(module, poke_dig),
				    1 << 20)
				->kind,
			MODISO_FAULT_STACK);
		/* Frames that are larger than the page. */
		must_eq(kind_of(guard + 512, guard + 1024), MODISO_FAULT_STACK);
		must_eq(kind_of(guard - 512, guard), MODISO_FAULT_STACK);
		must_eq(kind_of(guard - 2 * PAGE, guard + PAGE - 1),
			MODISO_FAULT_STACK);
		/* What hits it from elsewhere is no overflow. */
		must(kind_of(sp, guard + 8) != MODISO_FAULT_STACK);
		expect(MODISO_OK, modiso_audit(NULL, 0, &findings));
		must_eq(findings, 0);
		expect(MODISO_OK, modiso_image_unload(image));
	}
	finish();
}
END_TEST

/* --- runs, and is connected --- */

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
	unlink(path);
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, path, &options, &image));
	expect(MODISO_ERR_NOENT,
	       modiso_image_load(module, gone, &options, &image));
	expect(MODISO_ERR_INVAL,
	       modiso_image_load(module, "/tmp", &options, &image));
	expect(MODISO_ERR_OS,
	       modiso_image_load_fd(module, 999, &options, &image));
	close(fd);
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

/* --- what it must not do --- */

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
	/* Less than half of what 50 images would have left. */
	proc_must_not_grow(&before, 0, 512);
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

static void segments_refuse(void)
{
	struct modiso_image *image;

	image = load();
	/* Segments of it are not the host's to change one by one. */
	for (int i = ELF_CODE; i <= ELF_DATA; i++) {
		struct modiso_region_info info = {.struct_size = sizeof(info)};

		expect(MODISO_OK,
		       modiso_region_find(at(image, elf.program[i].p_vaddr),
					  &info));
		expect(MODISO_ERR_BUSY, modiso_region_destroy(info.region));
		expect(MODISO_ERR_BUSY,
		       modiso_region_protect(info.region, MODISO_READ));
	}
	expect(MODISO_OK, modiso_image_unload(image));
}

START_TEST(segments_stay)
{
	begin();
	segments_refuse();
	finish();
}
END_TEST

/* --- every byte protected --- */

static void must_be(const char *first, size_t length, const char *perms)
{
	struct proc_mapping mapping;

	for (size_t i = 0; i < length; i += PAGE) {
		must(proc_mapping(first + i, &mapping));
		if (strncmp(mapping.perms, perms, 3))
			ck_abort_msg("page %zu of %zu bytes is %s, not %s",
				     i / PAGE, length, mapping.perms, perms);
	}
	/* The last byte lies in the region, and its page ends it. */
	must(proc_mapping(first + length - 1, &mapping));
	must(!strncmp(mapping.perms, perms, 3));
}

static void must_fault(struct modiso_gate *gate, const char *address,
		       uintptr_t value)
{
	const struct modiso_fault *fault =
		enter_fault(module, gate, W(address), value);

	must_eq(fault->address, address);
}

/*
 * A module of 5.9 KB once had its first page made accessible and no other, and
 * crashed when its table of services was connected.
 */
static void check_size(size_t size)
{
	const struct elf_shape shape = {size, size, size, size};
	struct modiso_gate *call, *load1, *store1, *last;
	const struct elf_image *e = &elf;
	struct modiso_image *image;
	char *code, *rodata, *data;
	size_t data_length;

	begin_shape(&shape);
	/* The word that the import's relocation fills lies at the very end. */
	elf.rela[1].r_offset =
		e->program[ELF_DATA].p_vaddr + e->program[ELF_DATA].p_memsz - 8;
	image = load();
	code = at(image, e->program[ELF_CODE].p_vaddr);
	rodata = at(image, e->program[ELF_RODATA].p_vaddr);
	data = at(image, e->program[ELF_DATA].p_vaddr);
	data_length = e->program[ELF_DATA].p_memsz;
	store1 = gate_to(image, "store1");
	load1 = gate_to(image, "load1");
	call = gate_to(image, "call");
	must_eq(enter(call, size), size + 1);
	must_be(code, e->program[ELF_CODE].p_memsz, "r-x");
	must_be(rodata, size, "r--");
	must_be(data, data_length, "rw-");
	must_be(at(image, 0), e->program[ELF_META].p_memsz, "---");
	/* The last byte of each, by the module itself. */
	must_eq(enter(load1, W(code) + size - 1), 0xc3);
	last = make_gate_fn(module, (modiso_fn)(uintptr_t)(code + size - 1));
	(void)enter(last, 0);
	close_gate(last);
	enter(load1, W(rodata) + size - 1);
	enter(store1, W(data) + data_length - 1, 3);
	must_eq(enter(load1, W(data) + data_length - 1), 3);
	for (size_t i = 0; i < size; i += size - 1) {
		must_fault(store1, code + i, 0x90);
		must_fault(store1, rodata + i, 1);
	}
	must_eq(enter(load1, W(code) + size - 1), 0xc3);
	close_gate(call);
	close_gate(load1);
	close_gate(store1);
	expect(MODISO_OK, modiso_image_unload(image));
	elf_free(&elf);
}

START_TEST(page_boundaries)
{
	static const size_t sizes[] = {512,   4088,  4095,  4096,  4097,
				       5900,  8191,  8192,  8193,  12287,
				       12288, 12289, 65535, 65536, 65537};

	check_size(sizes[_i]);
	begin();
	finish();
}
END_TEST

/* What only a loader reads is not the module's. */
START_TEST(tables_left_out)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image *image;
	struct modiso_gate *load1;

	begin();
	image = load();
	load1 = gate_to(image, "load1");
	must_fault(load1, at(image, 0), 0);
	must_fault(load1, at(image, PAGE - 1), 0);
	must_eq(enter(load1, W(at(image, PAGE))), 0x48);
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must_eq(info.start, at(image, PAGE));
	must_eq(info.length, elf.program[ELF_DATA].p_vaddr);
	close_gate(load1);
	expect(MODISO_OK, modiso_image_unload(image));
	finish();
}
END_TEST

static void must_keep_tables(void)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image *image = load();
	struct modiso_gate *load1 = gate_to(image, "load1");

	must_eq(enter(load1, W(at(image, 0))), 0x7f);
	must_fault(gate_to(image, "store1"), at(image, 0), 0);
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must_eq(info.start, at(image, 0));
	expect(MODISO_OK, modiso_module_destroy(module));
	module = make_module("module");
	elf_free(&elf);
	begin();
}

START_TEST(tables_kept)
{
	Elf64_Phdr *meta;

	begin();
	options.flags = MODISO_IMAGE_HEADERS;
	must_keep_tables();
	/* A relocation names it. */
	elf.rela[1].r_addend = 0;
	must_keep_tables();
	/* A symbol lies in it. */
	elf.symbol[ELF_CALL].st_value = sizeof(Elf64_Ehdr);
	must_keep_tables();
	/* One byte behind them. */
	meta = &elf.program[ELF_META];
	meta->p_memsz = ++meta->p_filesz;
	must_keep_tables();
	elf.program[ELF_META].p_memsz++;
	must_keep_tables();
	/* Something between them. */
	elf.header->e_phnum--;
	must_keep_tables();
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

START_TEST(relro)
{
	struct modiso_gate *store1;
	struct modiso_image *image;
	char *data;

	{
		const struct elf_shape shape = {100, 200, 6000, 3000};

		begin_shape(&shape);
	}
	elf.program[ELF_RELRO] = elf.program[ELF_DATA];
	elf.program[ELF_RELRO].p_type = PT_GNU_RELRO;
	elf.program[ELF_RELRO].p_memsz = 4096;
	image = load();
	data = at(image, elf.program[ELF_DATA].p_vaddr);
	must_be(data, 4096, "r--");
	must_be(data + 4096, 9000 - 4096, "rw-");
	store1 = gate_to(image, "store1");
	must_fault(store1, data, 1);
	must_fault(store1, data + 4095, 1);
	enter(store1, W(data) + 4096, 1);
	must_eq(enter(gate_to(image, "call"), 1), 2);
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
	must_be((char *)words, 8, "r--");
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

/* --- coming and going --- */

static struct modiso_image *inner;

static uintptr_t unload_inside(uintptr_t value)
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
	unsigned long rounds = times(1000, 50);
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

/* --- never writable and executable --- */

static void load_traced(void *arg)
{
	struct modiso_image *image;

	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	image = load();
	enter(gate_to(image, "call"), 1);
}

static void map_traced(void *arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	(void)!mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

struct trace {
	unsigned stops, bad;
	unsigned new_code; /* executable mappings that came meanwhile, most */
};

static unsigned look(pid_t child, unsigned *bad)
{
	char path[64], line[512], perms[8];
	unsigned code = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)child);
	maps = fopen(path, "r");
	if (maps == NULL)
		return 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%*x-%*x %7s", perms) != 1)
			continue;
		code += perms[2] == 'x';
		*bad += perms[1] == 'w' && perms[2] == 'x';
	}
	fclose(maps);
	return code;
}

/* Stop at the beginning and at the end of every system call. */
static struct trace watch(void (*body)(void *))
{
	struct trace trace = {0};
	unsigned before, code;
	pid_t child = fork();
	int status, deliver = 0;

	must(child >= 0);
	if (child == 0) {
		body(NULL);
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	before = look(child, &trace.bad);
	for (;;) {
		ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)deliver);
		must(waitpid(child, &status, 0) == child);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		deliver = WSTOPSIG(status) == (SIGTRAP | 0x80)
				  ? 0
				  : WSTOPSIG(status);
		trace.stops++;
		code = look(child, &trace.bad);
		if (code > before && code - before > trace.new_code)
			trace.new_code = code - before;
	}
	must_exit(status, 0);
	return trace;
}

START_TEST(never_writable_code)
{
	struct trace trace;

	begin();
	trace = watch(load_traced);
	must_eq(trace.bad, 0);
	must_eq(trace.new_code, 1);
	must(trace.stops >= 12);
	/* And this is how it would look. */
	trace = watch(map_traced);
	must(trace.bad != 0);
	finish();
}
END_TEST

/* --- flat images --- */

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
	must_be(code, 5900, "r-x");
	must_be(code + 8192, 5000, "rw-");
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
	must_be(code, 5900, "r-x");
	must_be(code + 0x10000, 5000, "rw-");
	must_eq(code[0x10000], 0x5a);
	expect(MODISO_ERR_NOENT, modiso_region_find(code + 0x8000, &info));
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image");
	TCase *tcase = tcase_create("image");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, stack_above, 0, 2);
	tcase_add_test(tcase, runs);
	tcase_add_test(tcase, from_file);
	tcase_add_test(tcase, missing_import);
	tcase_add_test(tcase, abi_tag);
	tcase_add_test(tcase, gate_entries);
	tcase_add_test(tcase, wrpkru_refused);
	tcase_add_test(tcase, init_faults);
	tcase_add_test(tcase, segments_stay);
	tcase_add_loop_test(tcase, page_boundaries, 0, 15);
	tcase_add_test(tcase, tables_left_out);
	tcase_add_test(tcase, tables_kept);
	tcase_add_test(tcase, other_module);
	tcase_add_test(tcase, relro);
	tcase_add_test(tcase, indirect);
	tcase_add_test(tcase, busy);
	tcase_add_test(tcase, no_leak);
	tcase_add_test(tcase, several);
	tcase_add_test(tcase, never_writable_code);
	tcase_add_test(tcase, flat_image);
	tcase_add_test(tcase, flat_refused);
	tcase_add_test(tcase, flat_distance);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
