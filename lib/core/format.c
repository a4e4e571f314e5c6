/* SPDX-License-Identifier: MIT */
/*
 * printf() for modules. The format and all that it names are the module's: each
 * byte is read once, by a copy that is checked, and the C library gets one
 * conversion at a time, written anew, with a value of the type that it says. No
 * time limit ends a service, so what it makes has one: a format of 64 KiB could
 * name 32,768 strings of 1 MiB.
 */
#include "core/arguments.h"

#include "base/error.h"
#include "core/caller.h"
#include "core/region.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX  2000
#define FORMAT_MAX ((size_t)64 << 10)
#define STRING_MAX ((size_t)1 << 20)
#define OUT_MAX    ((size_t)16 << 20)
/* The longest number: a long double has 4933 digits before its point. */
#define TEXT_SIZE (4933 + WIDTH_MAX + 64)
#define PIECE     256

/* A text of the module's, of which each byte is read once. */
struct text {
	struct modiso_arguments *of;
	uintptr_t at; /* behind what is in the piece */
	size_t used, have, read, most;
	char piece[PIECE];
};

struct conversion {
	char flags[8];
	int width, precision; /* -1: none */
	char length[3];
	char type;
};

/* --- out --- */

static int flush(struct modiso_arguments *arguments, struct mdi_sink *sink)
{
	size_t count = sink->waiting;
	int result;

	if (count == 0)
		return 0;
	result = mdi_caller_try_write(arguments->module, sink->to, sink->piece,
				      count, &arguments->bad);
	sink->to += count;
	sink->waiting = 0;
	return result;
}

/* What there is room for. */
static int store(struct modiso_arguments *arguments, struct mdi_sink *sink,
		 const char *bytes, size_t count)
{
	int result = 0;

	if (sink->host != NULL) {
		memcpy(sink->host + sink->length, bytes, count);
		return 0;
	}
	for (size_t i = 0; i < count && result == 0; i++) {
		sink->piece[sink->waiting++] = bytes[i];
		if (sink->waiting == sizeof(sink->piece))
			result = flush(arguments, sink);
	}
	return result;
}

static int emit(struct modiso_arguments *arguments, struct mdi_sink *sink,
		const char *bytes, size_t count)
{
	size_t room = sink->size > sink->length + 1 ?
			      sink->size - 1 - sink->length :
			      0;
	int result = store(arguments, sink, bytes, count < room ? count : room);

	sink->length += count;
	return result;
}

static int emit_end(struct modiso_arguments *arguments, struct mdi_sink *sink)
{
	int result;

	if (sink->size == 0)
		return 0;
	if (sink->host != NULL) {
		sink->host[sink->length < sink->size ? sink->length :
						       sink->size - 1] = '\0';
		return 0;
	}
	result = store(arguments, sink, "", 1);
	return result != 0 ? result : flush(arguments, sink);
}

static int emit_spaces(struct modiso_arguments *arguments,
		       struct mdi_sink *sink, int count)
{
	int result = 0;

	while (count-- > 0 && result == 0)
		result = emit(arguments, sink, " ", 1);
	return result;
}

/* --- in --- */

/* At least one byte more, none behind the end of a page. */
static int refill(struct text *text)
{
	size_t want = MDI_PAGE_SIZE - text->at % MDI_PAGE_SIZE;
	int result;

	if (want > PIECE)
		want = PIECE;
	/* It may end anywhere, and the next byte may be another's. */
	if (text->of->module == NULL)
		want = 1;
	else if (mdi_region_at(text->at) != NULL)
		want = mdi_caller_reach(text->of->module, text->at, want,
					MODISO_READ);
	if (want == 0)
		want = 1;
	result = mdi_caller_try_read(text->of->module, text->piece, text->at,
				     want, &text->of->bad);
	text->at += want;
	text->used = 0;
	text->have = result == 0 ? want : 0;
	return result;
}

/* The next byte. */
static int next(struct text *text, char *byte)
{
	int result = 0;

	if (text->read == text->most)
		return mdi_fail(MODISO_ERR_LIMIT,
				"no zero in the first %zu bytes", text->most);
	if (text->used == text->have)
		result = refill(text);
	if (result != 0)
		return result;
	text->read++;
	*byte = text->piece[text->used++];
	return 0;
}

/* --- what a conversion is --- */

static int refuse(char type)
{
	if (type == 'n')
		return mdi_fail(MODISO_ERR_INVAL,
				"the format of a module has %%n, which would "
				"write");
	return mdi_fail(MODISO_ERR_INVAL,
			"the format of a module has a conversion that is not "
			"known: byte %#x",
			(unsigned)(unsigned char)type);
}

static int take_number(struct text *format, char *byte, int *number,
		       struct modiso_arguments *arguments)
{
	uint64_t word;
	int result = 0;

	*number = 0;
	if (*byte == '*') {
		result = mdi_argument_word(arguments, &word);
		if (result == 0)
			result = next(format, byte);
		if (result != 0)
			return result;
		*number = (int)(uint32_t)word;
	} else {
		while (result == 0 && *byte >= '0' && *byte <= '9' &&
		       *number <= WIDTH_MAX) {
			*number = *number * 10 + (*byte - '0');
			result = next(format, byte);
		}
	}
	if (result == 0 && (*number > WIDTH_MAX || *number < -WIDTH_MAX))
		return mdi_fail(MODISO_ERR_LIMIT,
				"the format of a module has a width or a "
				"precision of more than %d", WIDTH_MAX);
	return result;
}

static int take_flags(struct text *format, char *byte,
		      struct conversion *conversion)
{
	size_t count = 0;
	int result = 0;

	while (result == 0 && *byte != '\0' && strchr("-+ #0", *byte) != NULL) {
		if (memchr(conversion->flags, *byte, count) == NULL)
			conversion->flags[count++] = *byte;
		result = next(format, byte);
	}
	return result;
}

/* Behind the percent sign. */
static int take(struct text *format, struct conversion *conversion,
		struct modiso_arguments *arguments)
{
	size_t count = 0;
	char byte = '\0';
	int result = next(format, &byte);

	memset(conversion, 0, sizeof(*conversion));
	conversion->precision = -1;
	if (result == 0)
		result = take_flags(format, &byte, conversion);
	if (result == 0)
		result = take_number(format, &byte, &conversion->width,
				     arguments);
	if (result == 0 && conversion->width < 0) {
		conversion->width = -conversion->width;
		if (strchr(conversion->flags, '-') == NULL)
			conversion->flags[strlen(conversion->flags)] = '-';
	}
	if (result == 0 && byte == '.') {
		result = next(format, &byte);
		if (result == 0)
			result = take_number(format, &byte,
					     &conversion->precision, arguments);
	}
	while (result == 0 && byte != '\0' && strchr("hljztL", byte) != NULL) {
		if (count == sizeof(conversion->length) - 1)
			return refuse(byte);
		conversion->length[count++] = byte;
		result = next(format, &byte);
	}
	conversion->type = byte;
	return result;
}

static bool length_is(const struct conversion *conversion, const char *length)
{
	return strcmp(conversion->length, length) == 0;
}

/* --- what it makes --- */

/* With one of the C library's, whose value is the one argument behind it. */
static void spell(const struct conversion *conversion, const char *length,
		  char *spelled, size_t size)
{
	char precision[16] = "", width[16] = "";

	if (conversion->width > 0)
		snprintf(width, sizeof(width), "%d", conversion->width);
	if (conversion->precision >= 0)
		snprintf(precision, sizeof(precision), ".%d",
			 conversion->precision);
	snprintf(spelled, size, "%%%s%s%s%s%c", conversion->flags, width,
		 precision, length, conversion->type);
}

/* A conversion is spelled with the type of its value right above its use. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static int make_signed(const struct conversion *conversion, uint64_t word,
		       char *text, const char *spelled)
{
	int64_t value = (int64_t)word;

	if (length_is(conversion, "hh"))
		value = (int8_t)word;
	else if (length_is(conversion, "h"))
		value = (int16_t)word;
	else if (length_is(conversion, ""))
		value = (int32_t)word;
	return snprintf(text, TEXT_SIZE, spelled, (long long)value);
}

static int make_unsigned(const struct conversion *conversion, uint64_t word,
			 char *text, const char *spelled)
{
	uint64_t value = word;

	if (length_is(conversion, "hh"))
		value = (uint8_t)word;
	else if (length_is(conversion, "h"))
		value = (uint16_t)word;
	else if (length_is(conversion, ""))
		value = (uint32_t)word;
	return snprintf(text, TEXT_SIZE, spelled, (unsigned long long)value);
}

static int make_integer(struct modiso_arguments *arguments,
			const struct conversion *conversion, char *text,
			int *count)
{
	static const char *const lengths[] = {"",  "hh", "h", "l",
					      "ll", "j",  "z", "t"};
	bool narrow = strchr("cp", conversion->type) != NULL, known = false;
	char spelled[64];
	uint64_t word;
	int result;

	for (size_t i = 0; i < MDI_COUNT(lengths); i++)
		known = known || length_is(conversion, lengths[i]);
	if (!known || (narrow && conversion->length[0] != '\0'))
		return refuse(conversion->length[0]);
	result = mdi_argument_word(arguments, &word);
	if (result != 0)
		return result;
	spell(conversion, narrow ? "" : "ll", spelled, sizeof(spelled));
	if (conversion->type == 'c')
		*count = snprintf(text, TEXT_SIZE, spelled, (int)word);
	else if (conversion->type == 'p')
		*count = snprintf(text, TEXT_SIZE, spelled,
				  (void *)(uintptr_t)word);
	else if (strchr("di", conversion->type) != NULL)
		*count = make_signed(conversion, word, text, spelled);
	else
		*count = make_unsigned(conversion, word, text, spelled);
	return 0;
}

static int make_number(struct modiso_arguments *arguments,
		       const struct conversion *conversion, char *text,
		       int *count)
{
	bool longer = length_is(conversion, "L");
	long double long_number = 0;
	double number = 0;
	char spelled[64];
	int result;

	if (!longer && !length_is(conversion, "") &&
	    !length_is(conversion, "l"))
		return refuse(conversion->length[0]);
	result = longer ? mdi_argument_long_number(arguments, &long_number)
			: mdi_argument_number(arguments, &number);
	if (result != 0)
		return result;
	spell(conversion, longer ? "L" : "", spelled, sizeof(spelled));
	if (longer)
		*count = snprintf(text, TEXT_SIZE, spelled, long_number);
	else
		*count = snprintf(text, TEXT_SIZE, spelled, number);
	return 0;
}

#pragma GCC diagnostic pop

/* Its bytes, at most @most of them; how many, and nothing else, without @to. */
static int copy_string(struct modiso_arguments *arguments, uintptr_t from,
		       size_t most, struct mdi_sink *to, size_t *length)
{
	struct text string = {.of = arguments, .at = from, .most = STRING_MAX};
	int result = 0;
	char byte = '\0';

	*length = 0;
	while (result == 0 && *length < most) {
		result = next(&string, &byte);
		if (result != 0 || byte == '\0')
			break;
		++*length;
		if (to != NULL)
			result = emit(arguments, to, &byte, 1);
	}
	return result;
}

static int make_string(struct modiso_arguments *arguments,
		       const struct conversion *conversion,
		       struct mdi_sink *sink)
{
	size_t most = conversion->precision >= 0 ?
			      (size_t)conversion->precision : SIZE_MAX;
	bool left = strchr(conversion->flags, '-') != NULL;
	size_t length = 0, width = (size_t)conversion->width;
	uint64_t word;
	int result = mdi_argument_word(arguments, &word);

	if (conversion->length[0] != '\0')
		return refuse(conversion->length[0]);
	if (result != 0)
		return result;
	if (word == 0)
		return emit(arguments, sink, "(null)", 6);
	if (!left && width > 0) {
		result = copy_string(arguments, word, most, NULL, &length);
		if (result == 0 && length < width)
			result = emit_spaces(arguments, sink,
					     (int)(width - length));
		most = length; /* not more, whatever it is by now */
	}
	if (result == 0)
		result = copy_string(arguments, word, most, sink, &length);
	if (result == 0 && left && length < width)
		result = emit_spaces(arguments, sink, (int)(width - length));
	return result;
}

static int convert(struct modiso_arguments *arguments, struct text *format,
		   struct mdi_sink *sink)
{
	struct conversion conversion;
	char text[TEXT_SIZE];
	int count = 0, result = take(format, &conversion, arguments);

	if (result != 0)
		return result;
	if (conversion.type == '%')
		return emit(arguments, sink, "%", 1);
	if (conversion.type == 's')
		return make_string(arguments, &conversion, sink);
	if (conversion.type == '\0' ||
	    strchr("diouxXcpaAeEfFgG", conversion.type) == NULL)
		return refuse(conversion.type);
	if (strchr("diouxXcp", conversion.type) != NULL)
		result = make_integer(arguments, &conversion, text, &count);
	else
		result = make_number(arguments, &conversion, text, &count);
	if (result != 0)
		return result;
	return emit(arguments, sink, text, count > 0 ? (size_t)count : 0);
}

int mdi_arguments_format(struct modiso_arguments *arguments, uintptr_t at,
			 struct mdi_sink *sink)
{
	struct text format = {.of = arguments, .at = at, .most = FORMAT_MAX};
	int saved = errno, result, end;
	char byte = '\0';

	arguments->bad = at;
	do {
		result = next(&format, &byte);
		if (result != 0 || byte == '\0')
			break;
		result = byte == '%' ? convert(arguments, &format, sink)
				     : emit(arguments, sink, &byte, 1);
		if (result == 0 && sink->length > OUT_MAX)
			result = mdi_fail(MODISO_ERR_LIMIT,
					  "what a module has printed is longer "
					  "than %zu bytes", OUT_MAX);
	} while (result == 0);
	end = emit_end(arguments, sink);
	errno = saved;
	return result != 0 ? result : end;
}
