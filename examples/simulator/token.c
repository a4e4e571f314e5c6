/* SPDX-License-Identifier: MIT */
#include "token.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static bool in_word(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_' || byte == '-';
}

static void skip_blanks(struct token_line *line)
{
	while (line->text[line->next] == ' ' || line->text[line->next] == '\t')
		line->next++;
	line->start = line->next;
}

bool token_at_end(struct token_line *line)
{
	skip_blanks(line);
	return line->text[line->next] == '\0' || line->text[line->next] == '#';
}

static void print_found(const struct token_line *line)
{
	const char *found = line->text + line->start;
	size_t length = 0;

	if (*found == '\0' || *found == '#') {
		fputs("found the end of the line\n", line->complaints);
		return;
	}
	while (in_word(found[length]))
		length++;
	fprintf(line->complaints, "found '%.*s'\n",
		(int)(length == 0 ? 1 : length), found);
}

int token_expected(const struct token_line *line, const char *format, ...)
{
	va_list arguments;
	size_t i;

	fprintf(line->complaints, "%s:%u:%zu: expected ", line->path,
		line->number, line->start + 1);
	va_start(arguments, format);
	vfprintf(line->complaints, format, arguments);
	va_end(arguments);
	fputs(", ", line->complaints);
	print_found(line);
	fprintf(line->complaints, "  %s\n  ", line->text);
	/* A tab above stays a tab below, or the caret points elsewhere. */
	for (i = 0; i < line->start; i++)
		fputc(line->text[i] == '\t' ? '\t' : ' ', line->complaints);
	fputs("^\n", line->complaints);
	return -1;
}

int token_word(struct token_line *line, const char *expected,
	       char word[TOKEN_WORD_SIZE])
{
	size_t length = 0;

	skip_blanks(line);
	while (in_word(line->text[line->next + length]))
		length++;
	if (length == 0)
		return token_expected(line, "%s", expected);
	if (length >= TOKEN_WORD_SIZE)
		return token_expected(line, "%s of at most %d characters",
				      expected, TOKEN_WORD_SIZE - 1);
	memcpy(word, line->text + line->next, length);
	word[length] = '\0';
	line->next += length;
	return 0;
}

static int digit_value(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return 16;
}

/* "64", "0x40", "64k": false when it is none, or exceeds 32 bits. */
static bool read_number(const char *word, uint64_t *number)
{
	int base = 10;

	*number = 0;
	if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
		base = 16;
		word += 2;
	}
	if (digit_value(*word) >= base)
		return false;
	while (digit_value(*word) < base) {
		*number = *number * (unsigned)base +
			  (unsigned)digit_value(*word++);
		if (*number > UINT32_MAX)
			return false;
	}
	if (*word == 'k') {
		*number *= 1024;
		word++;
	}
	return *word == '\0' && *number <= UINT32_MAX;
}

int token_number(struct token_line *line, const char *expected, uint32_t low,
		 uint32_t high, uint32_t *number)
{
	char word[TOKEN_WORD_SIZE];
	uint64_t value;

	if (token_word(line, expected, word) != 0)
		return -1;
	if (!read_number(word, &value) || value < low || value > high)
		return token_expected(line, "%s, %u to %u", expected, low,
				      high);
	*number = (uint32_t)value;
	return 0;
}

int token_mark(struct token_line *line, char mark)
{
	skip_blanks(line);
	if (line->text[line->next] != mark)
		return token_expected(line, "'%c'", mark);
	line->next++;
	return 0;
}

/* What follows a backslash; -1 for what is no escape. */
static int read_escape(struct token_line *line)
{
	const char *text = line->text + line->next;

	line->next++;
	switch (*text) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '"':
	case '\\':
		return *text;
	case 'x':
		if (digit_value(text[1]) == 16 || digit_value(text[2]) == 16)
			return -1;
		line->next += 2;
		return digit_value(text[1]) * 16 + digit_value(text[2]);
	default:
		return -1;
	}
}

int token_string(struct token_line *line, uint8_t *bytes, uint32_t size,
		 uint32_t *length)
{
	int byte;

	skip_blanks(line);
	if (line->text[line->next] != '"')
		return token_expected(line, "a text in double quotes");
	line->next++;
	*length = 0;
	while (line->text[line->next] != '"') {
		line->start = line->next;
		byte = (unsigned char)line->text[line->next++];
		if (byte == '\0')
			return token_expected(line, "a closing double quote");
		if (byte == '\\') {
			byte = read_escape(line);
			if (byte < 0)
				return token_expected(
					line, "\\n, \\t, \\\\, \\\" or \\xHH");
		}
		if (*length == size)
			return token_expected(
				line, "a text of at most %u bytes", size);
		bytes[(*length)++] = (uint8_t)byte;
	}
	line->next++;
	return 0;
}

int token_finish(struct token_line *line)
{
	if (token_at_end(line))
		return 0;
	return token_expected(line, "the end of the line");
}
