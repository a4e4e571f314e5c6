/* SPDX-License-Identifier: MIT */
#include "support/seeds.h"

#include "support/elf.h"
#include "support/scan_samples.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must_have(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* --- images --- */

static void plain(struct elf_image *image)
{
	(void)image;
}

static void relro(struct elf_image *image)
{
	image->program[ELF_RELRO] = image->program[ELF_DATA];
	image->program[ELF_RELRO].p_type = PT_GNU_RELRO;
	image->program[ELF_RELRO].p_memsz = 4096;
}

static void ifunc(struct elf_image *image)
{
	image->rela[1].r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE);
	image->rela[1].r_addend = (int64_t)image->program[ELF_CODE].p_vaddr;
	image->symbol[ELF_STORE1].st_info =
		ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	while (*name != '\0')
		hash = hash * 33 + (unsigned char)*name++;
	return hash;
}

/* In place of the other table; all symbols are in one bucket. */
static void gnu(struct elf_image *image)
{
	const Elf64_Phdr *at = &image->program[ELF_RODATA];
	uint32_t *table = (void *)(image->bytes + at->p_offset);

	elf_tag(image, DT_HASH)->d_tag = DT_DEBUG;
	elf_tag(image, DT_GNU_HASH)->d_un.d_ptr = at->p_vaddr;
	table[0] = 1;		 /* buckets */
	table[1] = ELF_IDENTITY; /* the first symbol that is defined */
	table[2] = 1;		 /* words of 64 bits in the filter */
	table[4] = table[5] = UINT32_MAX;
	table[6] = ELF_IDENTITY;
	for (uint32_t i = ELF_IDENTITY; i < ELF_SYMBOLS; i++)
		table[7 + i - ELF_IDENTITY] =
			(gnu_hash(image->strings + image->symbol[i].st_name) &
			 ~1u) |
			(i + 1 == ELF_SYMBOLS);
}

/* One word to relocate, and a map of 63 more, of which two are. */
static void relr(struct elf_image *image)
{
	const Elf64_Phdr *at = &image->program[ELF_RODATA];
	uint64_t *table = (void *)(image->bytes + at->p_offset);

	table[0] = image->symbol[ELF_WORDS].st_value + 8 * ELF_WORD_SPARE;
	table[1] = 0xb;
	elf_tag(image, DT_RELR)->d_un.d_ptr = at->p_vaddr;
	elf_tag(image, DT_RELRSZ)->d_un.d_val = 16;
	elf_tag(image, DT_RELRENT)->d_un.d_val = 8;
}

/* Thread-local storage, and a relocation of each kind that it has. */
static void tls(struct elf_image *image)
{
	static const uint32_t kinds[ELF_RELOCATIONS] = {
		R_X86_64_DTPMOD64, R_X86_64_TPOFF64, R_X86_64_TLSDESC};
	Elf64_Phdr *header = &image->program[ELF_SPARE];

	*header = image->program[ELF_RODATA];
	header->p_type = PT_TLS;
	header->p_filesz = 24;
	header->p_memsz = 100;
	header->p_align = 64;
	image->symbol[ELF_LOAD1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
	image->symbol[ELF_LOAD1].st_value = 16;
	for (int i = 0; i < ELF_RELOCATIONS; i++)
		image->rela[i].r_info = ELF64_R_INFO(ELF_LOAD1, kinds[i]);
	image->rela[2].r_offset -= 8;
	elf_tag(image, DT_FLAGS)->d_un.d_val = DF_STATIC_TLS;
}

/* A library that it needs, with a version of it, and one of its own. */
static void versions(struct elf_image *image)
{
	const Elf64_Phdr *at = &image->program[ELF_RODATA];
	uint32_t name = image->symbol[ELF_CALL].st_name; /* "call" */
	unsigned char *to = image->bytes + at->p_offset;
	uint16_t *of = (void *)to;
	Elf64_Verdef *defined = (void *)(to + 16);
	Elf64_Verdaux *own = (void *)(defined + 1);
	Elf64_Verneed *needed = (void *)(own + 1);
	Elf64_Vernaux *other = (void *)(needed + 1);

	for (int i = 0; i < ELF_SYMBOLS; i++)
		of[i] = i == ELF_IMPORT ? 3 : 2;
	*defined = (Elf64_Verdef){VER_DEF_CURRENT, 0, 2, 1, 0x6982c,
				  sizeof(*defined), 0};
	own->vda_name = name;
	*needed = (Elf64_Verneed){VER_NEED_CURRENT, 1,
				  image->symbol[ELF_LOAD1].st_name,
				  sizeof(*needed), 0};
	*other = (Elf64_Vernaux){0x6982c, 0, 3, name, 0};
	elf_tag(image, DT_VERSYM)->d_un.d_ptr = at->p_vaddr;
	elf_tag(image, DT_VERDEF)->d_un.d_ptr = at->p_vaddr + 16;
	elf_tag(image, DT_VERDEFNUM)->d_un.d_val = 1;
	elf_tag(image, DT_VERNEED)->d_un.d_ptr =
		at->p_vaddr + 16 + sizeof(*defined) + sizeof(*own);
	elf_tag(image, DT_VERNEEDNUM)->d_un.d_val = 1;
	elf_tag(image, DT_NEEDED)->d_un.d_val =
		image->symbol[ELF_LOAD1].st_name;
}

static const struct {
	const char *name;
	void (*make)(struct elf_image *image);
} images[] = {
	{"plain", plain}, {"relro", relro}, {"ifunc", ifunc},
	{"gnu-hash", gnu}, {"relr", relr},   {"tls", tls},
	{"versions", versions},
};

static void use_file(const char *path, seed_fn *use)
{
	FILE *file = must_have(fopen(path, "rb"));
	const char *name = strrchr(path, '/') + 1;
	uint8_t *bytes;
	long length;

	if (fseek(file, 0, SEEK_END) != 0 || (length = ftell(file)) < 0)
		abort();
	rewind(file);
	bytes = must_have(malloc((size_t)length));
	if (fread(bytes, 1, (size_t)length, file) != (size_t)length)
		abort();
	fclose(file);
	use(name, bytes, (size_t)length);
	free(bytes);
}

void seeds_image(seed_fn *use)
{
	const struct elf_shape shape = {40, 128, ELF_DATA_MIN, 100};
	struct elf_image image;
	glob_t found;

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		elf_make(&image, &shape);
		images[i].make(&image);
		use(images[i].name, image.bytes, image.length);
		elf_free(&image);
	}
	if (glob("modules/*.so", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		use_file(found.gl_pathv[i], use);
	globfree(&found);
}

/* --- what is scanned --- */

/* Behind two bytes that say how the rest is cut: see fuzz_scan.c. */
static void use_cut(const char *name, const void *bytes, size_t length,
		    seed_fn *use)
{
	uint8_t *seed = must_have(malloc(length + 2));

	seed[0] = 5;
	seed[1] = 6;
	memcpy(seed + 2, bytes, length);
	use(name, seed, length + 2);
	free(seed);
}

static size_t put_samples(uint8_t *to)
{
	size_t length = 0;

	for (size_t i = 0; i < SAMPLES; i++) {
		memcpy(to + length, samples[i].bytes, samples[i].length);
		length += samples[i].length;
	}
	for (size_t i = 0; i < HARMLESS; i++) {
		memcpy(to + length, harmless[i].bytes, harmless[i].length);
		length += harmless[i].length;
	}
	return length;
}

/* Two sections of code: what ends one and what begins the next is a hit. */
static void use_elf(seed_fn *use)
{
	const struct elf_shape shape = {8192, 512, ELF_DATA_MIN, 0};
	struct elf_image image;
	Elf64_Shdr *section;
	uint8_t *code;
	size_t at;

	elf_make(&image, &shape);
	at = image.program[ELF_CODE].p_offset;
	code = image.bytes + at;
	put_samples(code + 256);
	memcpy(code + 4094, "\x0f\x01\xef\xc3", 4);
	section = (void *)(image.bytes + image.program[ELF_RODATA].p_offset);
	for (int i = 1; i <= 2; i++)
		section[i] = (Elf64_Shdr){
			.sh_type = SHT_PROGBITS,
			.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			.sh_addr = at + 4096 * (size_t)(i - 1),
			.sh_offset = at + 4096 * (size_t)(i - 1),
			.sh_size = 4096,
		};
	image.header->e_shoff = image.program[ELF_RODATA].p_offset;
	image.header->e_shentsize = sizeof(Elf64_Shdr);
	image.header->e_shnum = 3;
	use_cut("elf", image.bytes, image.length, use);
	elf_free(&image);
}

void seeds_scan(seed_fn *use)
{
	uint8_t bytes[(SAMPLES + HARMLESS) * sizeof(samples[0].bytes)];

	use_cut("samples", bytes, put_samples(bytes), use);
	use_elf(use);
}
