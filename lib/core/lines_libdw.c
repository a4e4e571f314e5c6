/* SPDX-License-Identifier: MIT */
#include "core/lines.h"

#include "core/state.h"

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Those of libdw's functions that are called. */
struct libdw {
	__typeof__(dwfl_begin) *begin;
	__typeof__(dwfl_end) *end;
	__typeof__(dwfl_report_begin_add) *report_begin;
	__typeof__(dwfl_report_elf) *report_elf;
	__typeof__(dwfl_report_end) *report_end;
	__typeof__(dwfl_addrmodule) *module_at;
	__typeof__(dwfl_module_addrinfo) *symbol_at;
	__typeof__(dwfl_module_getsrc) *line_at;
	__typeof__(dwfl_lineinfo) *line_info;
	__typeof__(dwfl_module_nextcu) *next_unit;
	__typeof__(dwarf_haspc) *has_pc;
	__typeof__(dwarf_getsrc_die) *unit_line_at;
	__typeof__(dwarf_linesrc) *line_source;
	__typeof__(dwarf_lineno) *line_number;
	__typeof__(dwfl_build_id_find_debuginfo) *find_debuginfo;
};

static struct mdi_lines_state *const own = &mdi_core_state.lines;

static bool find(void *library, void *to, const char *name)
{
	void *address = dlsym(library, name);

	memcpy(to, &address, sizeof(address));
	return address != NULL;
}

static bool find_all(void *library, struct libdw *dw)
{
	return find(library, &dw->begin, "dwfl_begin") &&
	       find(library, &dw->end, "dwfl_end") &&
	       find(library, &dw->report_begin, "dwfl_report_begin_add") &&
	       find(library, &dw->report_elf, "dwfl_report_elf") &&
	       find(library, &dw->report_end, "dwfl_report_end") &&
	       find(library, &dw->module_at, "dwfl_addrmodule") &&
	       find(library, &dw->symbol_at, "dwfl_module_addrinfo") &&
	       find(library, &dw->line_at, "dwfl_module_getsrc") &&
	       find(library, &dw->line_info, "dwfl_lineinfo") &&
	       find(library, &dw->next_unit, "dwfl_module_nextcu") &&
	       find(library, &dw->has_pc, "dwarf_haspc") &&
	       find(library, &dw->unit_line_at, "dwarf_getsrc_die") &&
	       find(library, &dw->line_source, "dwarf_linesrc") &&
	       find(library, &dw->line_number, "dwarf_lineno") &&
	       find(library, &dw->find_debuginfo,
		    "dwfl_build_id_find_debuginfo");
}

static struct libdw *functions(void)
{
	_Static_assert(sizeof(struct libdw) <= sizeof(own->functions),
		       "room for libdw's functions");
	return (struct libdw *)(void *)own->functions;
}

static void load(void)
{
	void *library = dlopen("libdw.so.1", RTLD_NOW);

	own->there = library != NULL && find_all(library, functions());
}

bool mdi_lines_there(void)
{
	pthread_once(&own->once, load);
	return own->there;
}

/*
 * Debug files are looked for by build id, on this machine alone: elfutils'
 * usual search asks servers (DEBUGINFOD_URLS), and a report must not wait for
 * a network.
 */
static int find_debuginfo(Dwfl_Module *module, void **data, const char *name,
			  Dwarf_Addr base, const char *file,
			  const char *link_file, GElf_Word crc, char **found)
{
	return functions()->find_debuginfo(module, data, name, base, file,
					   link_file, crc, found);
}

static int find_no_elf(Dwfl_Module *module, void **data, const char *name,
		       Dwarf_Addr base, char **file, Elf **elf)
{
	(void)module;
	(void)data;
	(void)name;
	(void)base;
	(void)file;
	(void)elf;
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_no_elf,
	.find_debuginfo = find_debuginfo,
};

static Dwfl_Module *module_of(Dwfl *dwfl, uintptr_t pc,
			      const struct mdi_report_place *place)
{
	const struct libdw *dw = functions();
	Dwfl_Module *module = dw->module_at(dwfl, pc);

	if (module != NULL || place->path[0] == '\0')
		return module;
	dw->report_begin(dwfl);
	module = dw->report_elf(dwfl, place->path, place->path, -1, place->bias,
				true);
	dw->report_end(dwfl, NULL, NULL);
	return module;
}

static void find_function(Dwfl_Module *module, uintptr_t pc,
			  struct mdi_report_place *place)
{
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *name = functions()->symbol_at(module, pc, &offset, &symbol,
						  NULL, NULL, NULL);

	if (name == NULL)
		return;
	snprintf(place->function, sizeof(place->function), "%s", name);
	place->function_offset = offset;
	place->function_length = symbol.st_size;
}

static void note_line(struct mdi_report_place *place, const char *source,
		      int number)
{
	if (source == NULL || number <= 0)
		return;
	snprintf(place->source, sizeof(place->source), "%s", source);
	place->line = (unsigned)number;
}

/*
 * clang writes no .debug_aranges, by which libdwfl finds an address's unit:
 * each unit is asked whether it has the address.
 */
static void find_line_in_units(Dwfl_Module *module, uintptr_t pc,
			       struct mdi_report_place *place)
{
	const struct libdw *dw = functions();
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = NULL;
	Dwarf_Line *line;
	int number = 0;

	while ((unit = dw->next_unit(module, unit, &bias)) != NULL)
		if (dw->has_pc(unit, pc - bias) > 0)
			break;
	line = unit != NULL ? dw->unit_line_at(unit, pc - bias) : NULL;
	if (line != NULL && dw->line_number(line, &number) == 0)
		note_line(place, dw->line_source(line, NULL, NULL), number);
}

static void find_line(Dwfl_Module *module, uintptr_t pc,
		      struct mdi_report_place *place)
{
	const struct libdw *dw = functions();
	Dwfl_Line *line = dw->line_at(module, pc);
	const char *source;
	int number = 0;

	if (line == NULL) {
		find_line_in_units(module, pc, place);
		return;
	}
	source = dw->line_info(line, NULL, &number, NULL, NULL, NULL);
	note_line(place, source, number);
}

void mdi_lines_find(struct mdi_lines *lines, uintptr_t pc,
		    struct mdi_report_place *place)
{
	Dwfl_Module *module;

	if (!mdi_lines_there())
		return;
	if (lines->session == NULL)
		lines->session = functions()->begin(&callbacks);
	if (lines->session == NULL)
		return;
	module = module_of(lines->session, pc, place);
	if (module == NULL)
		return;
	if (place->function[0] == '\0')
		find_function(module, pc, place);
	find_line(module, pc, place);
}

void mdi_lines_end(struct mdi_lines *lines)
{
	if (lines->session != NULL)
		functions()->end(lines->session);
	lines->session = NULL;
}
