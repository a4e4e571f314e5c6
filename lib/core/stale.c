/* SPDX-License-Identifier: MIT */
#include "core/stale.h"

#include "core/host_frames.h"
#include "core/lines.h"
#include "core/report.h"
#include "os/misuse.h"

#include <stdio.h>
#include <string.h>

/* Frames of the library's between here and the function that was called. */
#define OWN_FRAMES_MAX 12

/* The program's call: of which function, and where. */
struct call {
	char function[sizeof(((struct mdi_report_place *)0)->function)];
	uintptr_t pc;
	struct mdi_report_place place;
};

/*
 * What is called modiso_ is the function, and what is behind it the program.
 * Where the library is linked into the program and nobody knows its names, all
 * of that is the program.
 */
static void find_call(struct call *call)
{
	uintptr_t pcs[OWN_FRAMES_MAX];
	unsigned count = mdi_frames_here(pcs, OWN_FRAMES_MAX);
	struct mdi_lines lines = { .session = NULL };
	bool found = false;

	for (unsigned i = 0; i < count && !found; i++) {
		/* Behind a call that may be the last of its function. */
		call->pc = pcs[i] - 1;
		mdi_report_find(&lines, call->pc, &call->place);
		found = call->function[0] != '\0';
		if (strncmp(call->place.function, "modiso_", 7) == 0)
			snprintf(call->function, sizeof(call->function), "%s",
				 call->place.function);
	}
	mdi_lines_end(&lines);
	if (!found)
		call->function[0] = '\0';
}

/* ": modiso_gate_call() at main.c:31 in run()" */
static void say_call(const struct call *call, char *text, size_t size)
{
	const struct mdi_report_place *place = &call->place;
	char where[sizeof(place->source) + 32] = "";
	char in[sizeof(place->function) + 8] = "";

	if (place->line != 0)
		snprintf(where, sizeof(where), " at %s:%u", place->source,
			 place->line);
	else if (place->file[0] != '\0')
		snprintf(where, sizeof(where), " at %s + %#zx", place->file,
			 (size_t)place->file_offset);
	if (place->function[0] != '\0')
		snprintf(in, sizeof(in), " in %s()", place->function);
	snprintf(text, size, ": %s()%s%s", call->function, where, in);
}

/* A name may hold anything, and the message is one line. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = '?';
}

MDI_NORETURN static void say(const char *noun, const char *name, uint32_t mark,
			     const char *ended, const struct call *call)
{
	char where[640] = "", quoted[MODISO_NAME_SIZE + 4] = "", line[800];

	if (name != NULL && mark == 0)
		snprintf(quoted, sizeof(quoted), " \"%.*s\"",
			 MODISO_NAME_SIZE - 1, name);
	if (call->function[0] != '\0')
		say_call(call, where, sizeof(where));
	snprintf(line, sizeof(line), "%s%s was used after %s%s", noun, quoted,
		 ended, where);
	make_plain(line);
	mdi_misuse(line);
}

void mdi_stale(const char *noun, const char *name, uint32_t mark,
	       const char *ended)
{
	struct call call = { .function = "" };

	find_call(&call);
	say(noun, name, mark, ended, &call);
}

void mdi_stale_call(const char *noun, const char *name, uint32_t mark,
		    const char *ended, const char *function, uintptr_t pc)
{
	struct mdi_lines lines = { .session = NULL };
	struct call call = { .pc = pc - 1 };

	snprintf(call.function, sizeof(call.function), "%s", function);
	mdi_report_find(&lines, call.pc, &call.place);
	mdi_lines_end(&lines);
	say(noun, name, mark, ended, &call);
}
