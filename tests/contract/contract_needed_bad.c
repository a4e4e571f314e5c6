/* SPDX-License-Identifier: MIT */
/*
 * contract_needed_bad - libraries that are made by hand, to be wrong: names
 * that lead elsewhere or round in a circle, very many of them, versions that
 * lie, thread-local storage that is too much, files that are damaged.
 */
#include "contract/image_maker.h"
#include "support/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/modiso-needed-XXXXXX";
static const char *directories[] = {directory};
static char heard[1024];

static void hear(const char *of, const char *name, const char *why, void *arg)
{
	size_t used = strlen(heard);

	(void)arg;
	snprintf(heard + used, sizeof(heard) - used, "%s: %s: %s\n", of, name,
		 why);
}

/* An image with room for tables among its constants. */
static void make(void)
{
	const struct elf_shape shape = {100, 4096, 600, 300};

	elf_free(&elf);
	begin_shape(&shape);
	options.needed_dirs = directories;
	options.needed_dir_count = 1;
	options.missing = hear;
}

static void start(void)
{
	make();
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	must(mkdtemp(directory) != NULL);
	heard[0] = '\0';
}

static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* What was made becomes a library, and the next one is begun. */
static void save(const char *name)
{
	FILE *file = fopen(path_of(name), "wb");

	must(file != NULL);
	must_eq(fwrite(elf.bytes, 1, elf.length, file), elf.length);
	must(!fclose(file));
	make();
}

static void end(void)
{
	static const char *const names[] = {"identity", "load1", "store1",
					    "call", "words"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	must_eq(rmdir(directory), 0);
	finish();
}

/* A name that stands among those of symbols; the tag is a new one each time. */
static void name(int64_t tag, enum elf_symbol what)
{
	Elf64_Dyn *entry = elf_tag(&elf, tag == DT_NEEDED ? DT_NULL : tag);

	entry->d_tag = tag;
	entry->d_un.d_val = elf.symbol[what].st_name;
}

static void need(enum elf_symbol what)
{
	name(DT_NEEDED, what);
}

static void refused_at(int code, const char *words, int line)
{
	struct modiso_image *image = NULL;
	int got = load_code(&image);

	if (got != code || image != NULL ||
	    strstr(modiso_last_error_text(), words) == NULL)
		ck_abort_msg("line %d: %s: \"%s\"; not %s with \"%s\"", line,
			     modiso_error_name(got), modiso_last_error_text(),
			     modiso_error_name(code), words);
	make();
}
#define refused(code, words) refused_at((code), (words), __LINE__)

/* Each once, however often and by whom it is named; itself, too. */
START_TEST(circle)
{
	struct modiso_image *image;
	void *address = NULL;

	start();
	need(ELF_STORE1);
	need(ELF_LOAD1);
	need(ELF_LOAD1);
	save("load1");
	name(DT_SONAME, ELF_CALL);
	need(ELF_LOAD1);
	need(ELF_CALL);
	need(ELF_IDENTITY);
	save("store1");
	must_eq(symlink("store1", path_of("identity")), 0);
	need(ELF_LOAD1);
	image = load();
	expect(MODISO_OK, modiso_image_symbol(image, "words", &address));
	must_eq(enter(gate_to(image, "call"), 99), 100);
	expect(MODISO_OK, modiso_module_destroy(module));
	module = make_module("module");
	unlink(path_of("store1"));
	refused(MODISO_ERR_NOENT, "needs store1, which no directory");
	must(strstr(heard, "load1: store1: no directory has this library\n"));
	end();
}
END_TEST

START_TEST(paths)
{
	static const char *const names[] = {"../words", "/etc/abc", "words\\ab",
					    ""};

	start();
	save("words");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		strcpy(elf.strings + elf.symbol[ELF_IDENTITY].st_name,
		       names[i]);
		need(ELF_IDENTITY);
		refused(MODISO_ERR_ACCESS, "without a path");
	}
	elf_tag(&elf, DT_NEEDED)->d_un.d_val = 1u << 20;
	refused(MODISO_ERR_FORMAT, "a library whose name has no end");
	strcpy(elf.strings + elf.symbol[ELF_LOAD1].st_name, ".");
	need(ELF_LOAD1);
	refused(MODISO_ERR_INVAL, "not a regular file");
	directories[0] = "";
	need(ELF_LOAD1);
	refused(MODISO_ERR_INVAL, "needed_dirs[0] is empty");
	directories[0] = NULL;
	need(ELF_LOAD1);
	refused(MODISO_ERR_INVAL, "needed_dirs[0] is NULL");
	directories[0] = directory;
	end();
}
END_TEST

#define MANY 100000u
#define NAME 8u

/* A hundred thousand names, all of them other ones, or all the same. */
static void make_many(bool same)
{
	const struct elf_shape shape = {
		100, (MANY + ELF_TAGS) * sizeof(Elf64_Dyn) + MANY * NAME, 600,
		300};
	Elf64_Phdr *constants;
	Elf64_Dyn *entry;
	char *names;

	elf_free(&elf);
	begin_shape(&shape);
	options.needed_dirs = directories;
	options.needed_dir_count = 1;
	constants = &elf.program[ELF_RODATA];
	names = (char *)elf.bytes + constants->p_offset;
	entry = (void *)(names + MANY * NAME);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names + i * NAME, NAME, "l%u", i);
		entry[i].d_tag = DT_NEEDED;
		entry[i].d_un.d_val = same ? 0 : i * NAME;
	}
	entry[MANY] = (Elf64_Dyn){.d_tag = DT_STRTAB};
	entry[MANY].d_un.d_ptr = constants->p_vaddr;
	entry[MANY + 1] = (Elf64_Dyn){.d_tag = DT_STRSZ};
	entry[MANY + 1].d_un.d_val = MANY * NAME;
	entry[MANY + 2] = *elf_tag(&elf, DT_SYMTAB);
	elf.program[ELF_DYNAMIC].p_vaddr =
		constants->p_vaddr + MANY * NAME;
	elf.program[ELF_DYNAMIC].p_filesz =
		(MANY + ELF_TAGS) * sizeof(Elf64_Dyn);
}

START_TEST(many)
{
	start();
	make_many(false);
	refused(MODISO_ERR_LIMIT, "need more than 63 libraries");
	make_many(true);
	refused(MODISO_ERR_NOENT, "needs l0, which no directory");
	end();
}
END_TEST

/* --- versions --- */

static uint32_t hash_of(const char *text)
{
	uint32_t hash = 0;

	for (; *text != '\0'; text++) {
		hash = (hash << 4) + (unsigned char)*text;
		hash = (hash ^ (hash & 0xf0000000u) >> 24) & 0x0fffffffu;
	}
	return hash;
}

static struct versions {
	uint16_t of[16];
	struct {
		Elf64_Verdef entry;
		Elf64_Verdaux name;
	} defined;
	struct {
		Elf64_Verneed entry;
		Elf64_Vernaux name[2];
	} needed;
} *versions;

/* All symbols are in no version; one is defined, and two are needed. */
static void add_versions(void)
{
	uint64_t at = elf.program[ELF_RODATA].p_vaddr;
	const char *text = elf.strings + elf.symbol[ELF_CALL].st_name;

	versions = (void *)(elf.bytes + at);
	for (int i = 0; i < ELF_SYMBOLS; i++)
		versions->of[i] = 1;
	versions->defined.entry = (Elf64_Verdef){
		.vd_version = VER_DEF_CURRENT,
		.vd_ndx = 2,
		.vd_cnt = 1,
		.vd_hash = hash_of(text),
		.vd_aux = sizeof(Elf64_Verdef),
	};
	versions->defined.name.vda_name = elf.symbol[ELF_CALL].st_name;
	versions->needed.entry = (Elf64_Verneed){
		.vn_version = VER_NEED_CURRENT,
		.vn_cnt = 2,
		.vn_file = elf.symbol[ELF_LOAD1].st_name,
		.vn_aux = sizeof(Elf64_Verneed),
	};
	for (uint16_t i = 0; i < 2; i++)
		versions->needed.name[i] = (Elf64_Vernaux){
			.vna_hash = hash_of(text),
			.vna_other = (uint16_t)(3 + i),
			.vna_name = elf.symbol[ELF_CALL].st_name,
			.vna_next = i == 0 ? sizeof(Elf64_Vernaux) : 0,
		};
	elf_tag(&elf, DT_VERSYM)->d_un.d_ptr = at;
	elf_tag(&elf, DT_VERDEF)->d_un.d_ptr =
		at + offsetof(struct versions, defined);
	elf_tag(&elf, DT_VERDEFNUM)->d_un.d_val = 1;
	elf_tag(&elf, DT_VERNEED)->d_un.d_ptr =
		at + offsetof(struct versions, needed);
	elf_tag(&elf, DT_VERNEEDNUM)->d_un.d_val = 1;
	need(ELF_LOAD1);
}

/* What is said of versions is what is there. */
START_TEST(lies)
{
	start();
	add_versions();
	save("load1");
	add_versions();
	expect(MODISO_OK, modiso_image_unload(load()));
	versions->of[ELF_STORE1] = 7;
	refused(MODISO_ERR_FORMAT, "store1 is of version number 7");
	add_versions();
	versions->needed.name[1].vna_other = 0x8003;
	refused(MODISO_ERR_FORMAT, "number 3, which another one has");
	add_versions();
	versions->needed.name[1].vna_other = 1;
	refused(MODISO_ERR_FORMAT, "number 1, which stands for none");
	add_versions();
	versions->defined.entry.vd_hash++;
	refused(MODISO_ERR_FORMAT, "which is another name's");
	add_versions();
	versions->needed.name[0].vna_hash++;
	refused(MODISO_ERR_FORMAT, "which is another name's");
	add_versions();
	versions->needed.entry.vn_file = elf.symbol[ELF_WORDS].st_name;
	refused(MODISO_ERR_FORMAT, "of words, a library that it does not need");
	add_versions();
	versions->needed.entry.vn_cnt = 3;
	refused(MODISO_ERR_FORMAT, "versions end too early");
	add_versions();
	versions->needed.entry.vn_cnt = UINT16_MAX;
	versions->needed.name[1].vna_next = UINT32_MAX - 3;
	refused(MODISO_ERR_FORMAT, "versions are not in the file");
	add_versions();
	versions->defined.entry.vd_version = 2;
	refused(MODISO_ERR_FORMAT, "of an unknown kind");
	add_versions();
	elf_tag(&elf, DT_VERDEF)->d_un.d_ptr = UINT64_MAX - 3;
	refused(MODISO_ERR_FORMAT, "versions are not in the file");
	add_versions();
	elf_tag(&elf, DT_VERNEEDNUM)->d_un.d_val = UINT64_MAX;
	refused(MODISO_ERR_FORMAT, "versions end too early");
	end();
}
END_TEST

/* The library has another version than the one that is wanted. */
START_TEST(other_version)
{
	const char *text;

	start();
	add_versions();
	versions->of[ELF_IDENTITY] = 0x8002;
	save("load1");
	add_versions();
	text = elf.strings + elf.symbol[ELF_STORE1].st_name;
	for (int i = 0; i < 2; i++) {
		versions->needed.name[i].vna_name =
			elf.symbol[ELF_STORE1].st_name;
		versions->needed.name[i].vna_hash = hash_of(text);
	}
	versions->needed.name[1].vna_flags = VER_FLG_WEAK;
	refused(MODISO_ERR_NOENT, "store1 (load1 has no such version)");
	must(strstr(heard, "test.so: store1: load1 has no such version\n"));
	/* It has the version, and not the symbol; by its name there is one. */
	add_versions();
	elf.symbol[ELF_IMPORT].st_name = elf.symbol[ELF_WORDS].st_name;
	elf.symbol[ELF_IMPORT].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	elf.symbol[ELF_WORDS].st_name = 0;
	versions->of[ELF_IMPORT] = 3;
	refused(MODISO_ERR_NOENT,
		"words (wanted as a function, data in load1)");
	add_versions();
	elf.symbol[ELF_IMPORT].st_name = elf.symbol[ELF_IDENTITY].st_name;
	elf.symbol[ELF_IDENTITY].st_name = 0;
	versions->of[ELF_IMPORT] = 1;
	refused(MODISO_ERR_NOENT,
		"identity (load1 has it in old versions alone)");
	add_versions();
	elf.symbol[ELF_IMPORT].st_name = elf.symbol[ELF_IDENTITY].st_name;
	elf.symbol[ELF_IDENTITY].st_name = 0;
	versions->of[ELF_IMPORT] = 3;
	expect(MODISO_OK, modiso_image_unload(load()));
	end();
}
END_TEST

/* --- the rest --- */

static void add_tls(uint64_t size, uint64_t align)
{
	Elf64_Phdr *tls = &elf.program[ELF_SPARE];

	*tls = elf.program[ELF_DATA];
	tls->p_type = PT_TLS;
	tls->p_filesz = 0;
	tls->p_memsz = size;
	tls->p_align = align;
}

START_TEST(storage)
{
	start();
	add_tls(1u << 20, 4096);
	save("load1");
	add_tls(1, 1);
	need(ELF_LOAD1);
	refused(MODISO_ERR_NOTSUP, "storage of 0x101000 bytes");
	add_tls(UINT64_MAX, 64);
	save("load1");
	need(ELF_LOAD1);
	refused(MODISO_ERR_NOTSUP, "image load1 has thread-local storage of 0x");
	add_tls(1, 4096);
	save("load1");
	add_tls(1, 4096);
	need(ELF_LOAD1);
	expect(MODISO_OK, modiso_image_unload(load()));
	end();
}
END_TEST

/* Whatever is wrong with a library, nothing stays of it or of the others. */
START_TEST(damaged)
{
	struct proc_usage before;

	start();
	save("store1");
	elf.header->e_machine = 40; /* ARM */
	save("load1");
	/* The first one may have made the heap larger. */
	for (int i = 0; i < 2; i++) {
		need(ELF_STORE1);
		need(ELF_LOAD1);
		before = proc_usage();
		refused(MODISO_ERR_FORMAT, "image load1 is for machine 40");
	}
	proc_must_not_grow(&before, 0, 256);
	/* An initialiser that faults, its own. */
	elf_tag(&elf, DT_SYMBOLIC)->d_un.d_val = 0;
	elf.bytes[elf.program[ELF_CODE].p_offset] = 0xf4; /* hlt */
	save("load1");
	/* From the first call on there is a stack as well. */
	for (int i = 0; i < 3; i++) {
		need(ELF_STORE1);
		need(ELF_LOAD1);
		refused(MODISO_ERR_FAULT, "");
		before = i == 0 ? proc_usage() : before;
	}
	proc_must_not_grow(&before, 0, 256);
	save("load1");
	need(ELF_STORE1);
	need(ELF_LOAD1);
	expect(MODISO_OK, modiso_image_unload(load()));
	proc_must_not_grow(&before, 0, 256);
	end();
}
END_TEST

/* What has a library's name is no program, whatever its header says. */
START_TEST(entry)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image *image;

	start();
	for (int i = 0; i < 2; i++) {
		elf.header->e_entry = elf.program[ELF_CODE].p_vaddr;
		if (i == 1)
			name(DT_SONAME, ELF_CALL);
		image = load();
		expect(MODISO_OK, modiso_image_get_info(image, &info));
		must((info.entry == NULL) == (i == 1));
		expect(MODISO_OK, modiso_image_unload(image));
	}
	end();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("needed_bad");
	TCase *tcase = tcase_create("needed_bad");

	tcase_add_test(tcase, circle);
	tcase_add_test(tcase, paths);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, lies);
	tcase_add_test(tcase, other_version);
	tcase_add_test(tcase, storage);
	tcase_add_test(tcase, damaged);
	tcase_add_test(tcase, entry);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
