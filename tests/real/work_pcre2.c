/* SPDX-License-Identifier: MIT */
/*
 * Patterns and subjects as the library's own tests have them: a line that
 * begins with a slash is a pattern up to its last slash, with options behind,
 * and is matched against all that each line below it holds.
 */
#include "work.h"

#include <pcre2.h>
#include <string.h>

struct answer {
	unsigned char *out;
	unsigned long used, room;
};

static void put(struct answer *answer, const void *bytes, unsigned long length)
{
	if (length > answer->room - answer->used)
		length = answer->room - answer->used;
	memcpy(answer->out + answer->used, bytes, length);
	answer->used += length;
}

static uint32_t options_of(const unsigned char *at, const unsigned char *end)
{
	uint32_t options = 0;

	for (; at < end; at++)
		options |= *at == 'i'   ? PCRE2_CASELESS
			   : *at == 'm' ? PCRE2_MULTILINE
			   : *at == 's' ? PCRE2_DOTALL
			   : *at == 'x' ? PCRE2_EXTENDED
			   : *at == 'u' ? PCRE2_UTF | PCRE2_UCP
					: 0;
	return options;
}

static pcre2_code *compile(struct answer *answer, const unsigned char *line,
			   const unsigned char *end)
{
	const unsigned char *last = end;
	int error;
	PCRE2_SIZE where;
	pcre2_code *code;

	while (*--last != '/')
		;
	if (last == line)
		last = end;
	code = pcre2_compile(line + 1, (PCRE2_SIZE)(last - line - 1),
			     options_of(last, end), &error, &where, NULL);
	if (code == NULL) {
		put(answer, &error, sizeof(error));
		put(answer, &where, sizeof(where));
	}
	return code;
}

/* All that match in the line, one behind the other. */
static void match(struct answer *answer, const pcre2_code *code,
		  const unsigned char *line, PCRE2_SIZE length,
		  pcre2_match_data *data, pcre2_match_context *limits)
{
	const PCRE2_SIZE *places = pcre2_get_ovector_pointer(data);
	PCRE2_SIZE at = 0;
	int count;

	do {
		count = pcre2_match(code, line, length, at, 0, data, limits);
		put(answer, &count, sizeof(count));
		if (count <= 0)
			return;
		put(answer, places, (unsigned long)count * 2 * sizeof(*places));
		at = places[1];
	} while (at > places[0]);
}

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	struct answer answer = {out, 0, room};
	pcre2_match_data *data = pcre2_match_data_create(30, NULL);
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	const unsigned char *line = in, *end;
	pcre2_code *code = NULL;

	pcre2_set_match_limit(limits, 10000);
	for (; line < in + length; line = end + 1) {
		end = memchr(line, '\n', (size_t)(in + length - line));
		if (end == NULL)
			end = in + length;
		if (*line == '/') {
			pcre2_code_free(code);
			code = compile(&answer, line, end);
		} else if (code != NULL) {
			match(&answer, code, line, (PCRE2_SIZE)(end - line),
			      data, limits);
		}
	}
	pcre2_code_free(code);
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	return (long)answer.used;
}
