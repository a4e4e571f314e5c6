/* SPDX-License-Identifier: MIT */
#include "support/elf.h"

#include <stdlib.h>
#include <string.h>

#define PAGE ((size_t)4096)

/* Where things are in the first segment. */
enum {
	AT_PROGRAM = sizeof(Elf64_Ehdr),
	AT_SYMBOLS = AT_PROGRAM + ELF_HEADERS * sizeof(Elf64_Phdr),
	AT_RELA = AT_SYMBOLS + ELF_SYMBOLS * sizeof(Elf64_Sym),
	AT_HASH = AT_RELA + ELF_RELOCATIONS * sizeof(Elf64_Rela),
	AT_STRINGS = AT_HASH + 4 * (2 + 1 + ELF_SYMBOLS),
};

static const char strings[] = "\0import\0identity\0load1\0store1\0call\0words";

static const unsigned char code[ELF_CODE_MIN] = {
	[0] = 0x48,  0x89, 0xf8, 0xc3, /* mov %rdi, %rax; ret */
	[8] = 0x0f,  0xb6, 0x07, 0xc3, /* movzbl (%rdi), %eax; ret */
	[16] = 0x40, 0x88, 0x37, 0xc3, /* mov %sil, (%rdi); ret */
	[24] = 0xff, 0x25,             /* jmp *words[ELF_WORD_GOT] */
};

static size_t pages(size_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

static void load(struct elf_image *image, enum elf_load i, size_t at,
		 size_t size, size_t memory, uint32_t flags)
{
	image->program[i] = (Elf64_Phdr){
		.p_type = memory ? PT_LOAD : PT_NULL,
		.p_flags = flags,
		.p_offset = at,
		.p_vaddr = at,
		.p_paddr = at,
		.p_filesz = size,
		.p_memsz = memory,
		.p_align = PAGE,
	};
}

static void set_header(struct elf_image *image)
{
	*image->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			    ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = AT_PROGRAM,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = ELF_HEADERS,
	};
}

static void set_symbols(struct elf_image *image, size_t code_at,
			size_t words_at)
{
	const char *name = strings;

	for (int i = 0; i < ELF_SYMBOLS; i++) {
		Elf64_Sym *symbol = &image->symbol[i];

		symbol->st_name = (uint32_t)(name - strings);
		name += strlen(name) + 1;
		if (i < ELF_IDENTITY)
			symbol->st_shndx = SHN_UNDEF;
		else
			symbol->st_shndx = 1;
		if (i > ELF_NONE)
			symbol->st_info = ELF64_ST_INFO(
				STB_GLOBAL,
				i == ELF_WORDS ? STT_OBJECT : STT_FUNC);
		if (i >= ELF_IDENTITY && i <= ELF_CALL) {
			symbol->st_value =
				code_at + 8 * (size_t)(i - ELF_IDENTITY);
			symbol->st_size = 8;
		}
	}
	image->symbol[ELF_WORDS].st_value = words_at;
	image->symbol[ELF_WORDS].st_size = 8 * ELF_WORDS_COUNT;
	image->hash[0] = 1; /* one bucket, all in one chain */
	image->hash[1] = ELF_SYMBOLS;
	image->hash[2] = 1;
	for (uint32_t i = 1; i + 1 < ELF_SYMBOLS; i++)
		image->hash[3 + i] = i + 1;
}

static void set_rela(struct elf_image *image, size_t words_at)
{
	image->rela[0] = (Elf64_Rela){
		.r_offset = words_at + 8 * ELF_WORD_GOT,
		.r_info = ELF64_R_INFO(ELF_IMPORT, R_X86_64_GLOB_DAT),
	};
	image->rela[1] = (Elf64_Rela){
		.r_offset = words_at + 8 * ELF_WORD_SELF,
		.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE),
		.r_addend = (int64_t)words_at + 8 * ELF_WORD_SELF,
	};
	image->rela[2] = (Elf64_Rela){
		.r_offset = words_at + 8 * ELF_WORD_INIT,
		.r_info = ELF64_R_INFO(ELF_IDENTITY, R_X86_64_64),
	};
}

Elf64_Dyn *elf_tag(struct elf_image *image, int64_t tag)
{
	Elf64_Dyn *entry = image->dynamic;

	while (entry->d_tag != DT_NULL && entry->d_tag != tag)
		entry++;
	if (entry - image->dynamic >= ELF_TAGS - 1)
		abort();
	entry->d_tag = tag;
	return entry;
}

static void set_dynamic(struct elf_image *image, size_t words_at)
{
	elf_tag(image, DT_SYMTAB)->d_un.d_ptr = AT_SYMBOLS;
	elf_tag(image, DT_SYMENT)->d_un.d_val = sizeof(Elf64_Sym);
	elf_tag(image, DT_STRTAB)->d_un.d_ptr = AT_STRINGS;
	elf_tag(image, DT_STRSZ)->d_un.d_val = sizeof(strings);
	elf_tag(image, DT_HASH)->d_un.d_ptr = AT_HASH;
	elf_tag(image, DT_RELA)->d_un.d_ptr = AT_RELA;
	elf_tag(image, DT_RELASZ)->d_un.d_val =
		ELF_RELOCATIONS * sizeof(Elf64_Rela);
	elf_tag(image, DT_RELAENT)->d_un.d_val = sizeof(Elf64_Rela);
	elf_tag(image, DT_INIT_ARRAY)->d_un.d_ptr =
		words_at + 8 * ELF_WORD_INIT;
	elf_tag(image, DT_INIT_ARRAYSZ)->d_un.d_val = 8;
}

void elf_make(struct elf_image *image, const struct elf_shape *shape)
{
	size_t code_size =
		shape->code > ELF_CODE_MIN ? shape->code : ELF_CODE_MIN;
	size_t data_size =
		shape->data > ELF_DATA_MIN ? shape->data : ELF_DATA_MIN;
	size_t code_at = PAGE, rodata_at = code_at + pages(code_size);
	size_t data_at = rodata_at + pages(shape->rodata);
	size_t words_at = data_at + ELF_TAGS * sizeof(Elf64_Dyn);
	int32_t distance;

	image->length = data_at + data_size;
	image->bytes = calloc(1, image->length);
	if (image->bytes == NULL)
		abort();
	image->header = (void *)image->bytes;
	image->program = (void *)(image->bytes + AT_PROGRAM);
	image->symbol = (void *)(image->bytes + AT_SYMBOLS);
	image->rela = (void *)(image->bytes + AT_RELA);
	image->hash = (void *)(image->bytes + AT_HASH);
	image->strings = (char *)image->bytes + AT_STRINGS;
	image->dynamic = (void *)(image->bytes + data_at);
	set_header(image);
	load(image, ELF_META, 0, AT_STRINGS + sizeof(strings),
	     AT_STRINGS + sizeof(strings), PF_R);
	load(image, ELF_CODE, code_at, code_size, code_size, PF_R | PF_X);
	load(image, ELF_RODATA, rodata_at, shape->rodata, shape->rodata, PF_R);
	load(image, ELF_DATA, data_at, data_size, data_size + shape->bss,
	     PF_R | PF_W);
	image->program[ELF_DYNAMIC] = image->program[ELF_DATA];
	image->program[ELF_DYNAMIC].p_type = PT_DYNAMIC;
	image->program[ELF_DYNAMIC].p_filesz = ELF_TAGS * sizeof(Elf64_Dyn);
	image->program[ELF_STACK].p_type = PT_GNU_STACK;
	image->program[ELF_STACK].p_flags = PF_R | PF_W;
	memcpy(image->strings, strings, sizeof(strings));
	set_symbols(image, code_at, words_at);
	set_rela(image, words_at);
	set_dynamic(image, words_at);
	memset(image->bytes + code_at, 0xc3, code_size); /* ret */
	memcpy(image->bytes + code_at, code, sizeof(code));
	distance = (int32_t)(words_at - (code_at + 24 + 6));
	memcpy(image->bytes + code_at + 26, &distance, sizeof(distance));
	memset(image->bytes + code_at + 30, 0xc3, 2);
}

void elf_free(struct elf_image *image)
{
	free(image->bytes);
	image->bytes = NULL;
}
