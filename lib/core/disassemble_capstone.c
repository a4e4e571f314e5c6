/* SPDX-License-Identifier: MIT */
#include "core/disassemble.h"

#include "core/state.h"

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Those of capstone's functions that are called. */
struct capstone {
	__typeof__(cs_open) *open;
	__typeof__(cs_close) *close;
	__typeof__(cs_option) *option;
	__typeof__(cs_disasm) *disasm;
	__typeof__(cs_free) *free;
};

static struct mdi_disassemble_state *const own = &mdi_core_state.disassemble;

/* The version that the header is of: structures differ between two. */
#define TEXT_OF(number) #number
#define NAME_OF(major)  "libcapstone.so." TEXT_OF(major)

static bool find(void *library, void *to, const char *name)
{
	void *address = dlsym(library, name);

	memcpy(to, &address, sizeof(address));
	return address != NULL;
}

static struct capstone *functions(void)
{
	_Static_assert(sizeof(struct capstone) <= sizeof(own->functions),
		       "room for capstone's functions");
	return (struct capstone *)(void *)own->functions;
}

static void load(void)
{
	void *library = dlopen(NAME_OF(CS_API_MAJOR), RTLD_NOW);
	struct capstone *cs = functions();

	own->there = library != NULL && find(library, &cs->open, "cs_open") &&
		     find(library, &cs->close, "cs_close") &&
		     find(library, &cs->option, "cs_option") &&
		     find(library, &cs->disasm, "cs_disasm") &&
		     find(library, &cs->free, "cs_free");
}

bool mdi_disassemble(const uint8_t *bytes, size_t length, uintptr_t pc,
		     char *text, size_t size)
{
	const struct capstone *cs = functions();
	cs_insn *instruction = NULL;
	csh handle;
	size_t count;

	text[0] = '\0';
	pthread_once(&own->once, load);
	if (!own->there || length == 0 ||
	    cs->open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return false;
	cs->option(handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	count = cs->disasm(handle, bytes, length, pc, 1, &instruction);
	if (count != 0) {
		snprintf(text, size, "%s%s%s", instruction->mnemonic,
			 instruction->op_str[0] != '\0' ? " " : "",
			 instruction->op_str);
		cs->free(instruction, count);
	}
	cs->close(&handle);
	return count != 0;
}
