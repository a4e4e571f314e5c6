/* SPDX-License-Identifier: MIT */
#include "core/disassemble.h"

#include "os/tool.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "    1000:\tmovb   $0x1,(%rdi)": what is behind the tab; NULL: no such. */
static const char *words(const char *answer, uintptr_t pc)
{
	char begin[24];
	const char *at;

	snprintf(begin, sizeof(begin), "%" PRIxPTR ":\t", pc);
	at = strstr(answer, begin);
	return at != NULL ? at + strlen(begin) : NULL;
}

/* Up to the end of the line, one blank where there are many. */
static void copy(const char *from, char *text, size_t size)
{
	size_t used = 0;

	for (; *from != '\0' && *from != '\n' && used < size - 1; from++)
		if (!isspace((unsigned char)*from))
			text[used++] = *from;
		else if (used != 0 && text[used - 1] != ' ')
			text[used++] = ' ';
	while (used != 0 && text[used - 1] == ' ')
		used--;
	text[used] = '\0';
}

/* By its bytes: a file may have changed, and some code is in none. */
bool mdi_disassemble_objdump(const uint8_t *bytes, size_t length, uintptr_t pc,
			     char *text, size_t size)
{
	char where[48], answer[4096];
	char *const argv[] = {
		(char[]){"objdump"},
		(char[]){"-D"},
		(char[]){"--target=binary"},
		(char[]){"--architecture=i386:x86-64"},
		(char[]){"--no-show-raw-insn"},
		where,
		(char[]){"/proc/self/fd/0"},
		NULL,
	};
	const char *found;

	text[0] = '\0';
	snprintf(where, sizeof(where), "--adjust-vma=%#" PRIxPTR, pc);
	if (length == 0 ||
	    !mdi_tool_ask(argv, bytes, length, answer, sizeof(answer)))
		return false;
	found = words(answer, pc);
	if (found == NULL || found[0] == '.' || found[0] == '(')
		return false;
	copy(found, text, size);
	return text[0] != '\0';
}
