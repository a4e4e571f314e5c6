/* SPDX-License-Identifier: MIT */
#include "core/cstring.h"

#include "core/arguments.h"
#include "core/caller.h"
#include "core/frames.h"
#include "core/heap.h"
#include "os/process.h"

#include <modiso/service.h>

#include <limits.h>
#include <string.h>

/* Bytes that are on their way from one place of the module's to another. */
#define PIECE ((size_t)1024)

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- memory --- */

/* Both whole ranges first: nothing is written where one of them is not good. */
static void check_both(uintptr_t to, uintptr_t from, size_t length)
{
	const struct modiso_module *module = mdi_frames_module();
	size_t reach;

	if (module == NULL)
		return;
	reach = mdi_caller_reach(module, from, length, MODISO_READ);
	if (reach < length)
		mdi_caller_end(MODISO_FAULT_ACCESS, from + reach);
	reach = mdi_caller_reach(module, to, length,
				 MODISO_READ | MODISO_WRITE);
	if (reach < length)
		mdi_caller_end(MODISO_FAULT_ACCESS, to + reach);
}

MODISO_CALL static uintptr_t c_memmove(uintptr_t to, uintptr_t from,
				       size_t length)
{
	bool upwards = to - from < length; /* what comes last goes first */
	size_t done = 0, now, at;
	char piece[PIECE];

	check_both(to, from, length);
	while (done < length) {
		now = least(length - done, PIECE);
		at = upwards ? length - done - now : done;
		mdi_caller_read(piece, from + at, now);
		mdi_caller_write(to + at, piece, now);
		done += now;
	}
	return to;
}

MODISO_CALL static uintptr_t c_memset(uintptr_t to, int value, size_t length)
{
	size_t done = 0, now;
	char piece[PIECE];

	check_both(to, to, length);
	memset(piece, value, PIECE);
	for (; done < length; done += now) {
		now = least(length - done, PIECE);
		mdi_caller_write(to + done, piece, now);
	}
	return to;
}

/* Up to @length bytes of both, which need not be there behind a difference. */
static int compare(uintptr_t a, uintptr_t b, size_t length, bool text)
{
	unsigned char left[PIECE], right[PIECE];
	size_t done = 0, now, i;

	while (done < length) {
		now = mdi_caller_read_some(left, a + done,
					   least(length - done, PIECE));
		now = mdi_caller_read_some(right, b + done, now);
		for (i = 0; i < now; i++) {
			if (left[i] != right[i])
				return left[i] < right[i] ? -1 : 1;
			if (text && left[i] == '\0')
				return 0;
		}
		done += now;
	}
	return 0;
}

MODISO_CALL static int c_memcmp(uintptr_t a, uintptr_t b, size_t length)
{
	return compare(a, b, length, false);
}

/* The first such byte of @length, or a text's end before it; or SIZE_MAX. */
static size_t find(uintptr_t from, int value, size_t length, bool text)
{
	unsigned char piece[PIECE], wanted = (unsigned char)value;
	size_t done = 0, now, i;

	while (done < length) {
		now = mdi_caller_read_some(piece, from + done,
					   least(length - done, PIECE));
		for (i = 0; i < now; i++) {
			if (piece[i] == wanted)
				return done + i;
			if (text && piece[i] == '\0')
				return SIZE_MAX;
		}
		done += now;
	}
	return SIZE_MAX;
}

MODISO_CALL static uintptr_t c_memchr(uintptr_t from, int value, size_t length)
{
	size_t at = find(from, value, length, false);

	return at == SIZE_MAX ? 0 : from + at;
}

/* --- strings --- */

MODISO_CALL static size_t c_strlen(uintptr_t text)
{
	return find(text, '\0', SIZE_MAX, false);
}

MODISO_CALL static size_t c_strnlen(uintptr_t text, size_t most)
{
	return least(find(text, '\0', most, false), most);
}

MODISO_CALL static int c_strcmp(uintptr_t a, uintptr_t b)
{
	return compare(a, b, SIZE_MAX, true);
}

MODISO_CALL static int c_strncmp(uintptr_t a, uintptr_t b, size_t most)
{
	return compare(a, b, most, true);
}

MODISO_CALL static uintptr_t c_strchr(uintptr_t text, int value)
{
	size_t at = find(text, value, SIZE_MAX, true);

	return at == SIZE_MAX ? 0 : text + at;
}

/* A text that is read byte by byte, as far as it can be. */
struct text {
	uintptr_t next;
	size_t count, at;
	unsigned char piece[PIECE];
};

static unsigned char next_byte(struct text *text)
{
	if (text->at == text->count) {
		text->count = mdi_caller_read_some(text->piece, text->next,
						   PIECE);
		text->next += text->count;
		text->at = 0;
	}
	return text->piece[text->at++];
}

MODISO_CALL static uintptr_t c_strrchr(uintptr_t from, int value)
{
	struct text text = {.next = from};
	unsigned char byte, wanted = (unsigned char)value;
	uintptr_t at = from, found = 0;

	do {
		byte = next_byte(&text);
		if (byte == wanted)
			found = at;
		at++;
	} while (byte != '\0');
	return found;
}

/*
 * A module has no more time for a search than the bytes take, whatever they
 * are, as no time limit ends a service: the hash of as many bytes as are wanted
 * goes along the text (Karp and Rabin, 1987), by a random number that nobody
 * knows. What else has that hash costs a comparison, and does not come up: but
 * where another thread changes what is wanted meanwhile, so that each place may
 * have the hash and not the bytes. Who finds that a few times finds nothing.
 */
#define ALIKE_MAX 8
#define PRIME ((1ull << 61) - 1)

static uint64_t times(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

static uint64_t plus(uint64_t hash, uint64_t byte)
{
	return (hash + byte) % PRIME;
}

static uint64_t random_base(void)
{
	uint64_t base;

	if (mdi_os_random(&base, sizeof(base)) != 0)
		base = (uintptr_t)__builtin_frame_address(0);
	return base % (PRIME - 256) + 256;
}

MODISO_CALL static uintptr_t c_strstr(uintptr_t from, uintptr_t wanted)
{
	struct text first = {.next = from}, last = {.next = from};
	struct text pattern = {.next = wanted};
	uint64_t base = random_base(), power = 1, hash = 0, has = 0;
	size_t length = c_strlen(wanted), i;
	unsigned alike = 0;
	unsigned char byte;

	for (i = 0; i < length; i++) {
		byte = next_byte(&last);
		if (byte == '\0')
			return 0;
		has = plus(times(has, base), byte);
		hash = plus(times(hash, base), next_byte(&pattern));
		power = times(power, base);
	}
	for (; has != hash || compare(from, wanted, length, true) != 0;
	     from++) {
		alike += has == hash;
		byte = next_byte(&last);
		if (byte == '\0' || alike == ALIKE_MAX)
			return 0;
		has = plus(times(has, base), byte);
		has = plus(has, PRIME - times(power, next_byte(&first)));
	}
	return from;
}

MODISO_CALL static uintptr_t c_strcpy(uintptr_t to, uintptr_t from)
{
	return c_memmove(to, from, c_strlen(from) + 1);
}

MODISO_CALL static uintptr_t c_strncpy(uintptr_t to, uintptr_t from,
				       size_t size)
{
	size_t length = c_strnlen(from, size);

	c_memmove(to, from, length);
	c_memset(to + length, 0, size - length);
	return to;
}

MODISO_CALL static uintptr_t c_strncat(uintptr_t to, uintptr_t from,
				       size_t most)
{
	size_t length = c_strnlen(from, most);
	uintptr_t end = to + c_strlen(to);

	c_memmove(end, from, length);
	mdi_caller_write(end + length, "", 1);
	return to;
}

MODISO_CALL static uintptr_t c_strcat(uintptr_t to, uintptr_t from)
{
	return c_strncat(to, from, SIZE_MAX);
}

MODISO_CALL static uintptr_t c_strdup(uintptr_t text)
{
	struct modiso_module *module = mdi_frames_module();
	size_t size = c_strlen(text) + 1;
	void *block;

	if (module == NULL || module->heap == NULL ||
	    mdi_heap_alloc(module, size, 1, false, &block) != 0)
		return 0;
	return c_memmove((uintptr_t)block, text, size);
}

/* --- formats --- */

static uintptr_t take(struct modiso_arguments *arguments)
{
	uint64_t word;

	if (mdi_argument_word(arguments, &word) != 0)
		mdi_caller_end(MODISO_FAULT_ACCESS, arguments->bad);
	return word;
}

/* What printf() returns, or -1; what it could not touch is a fault. */
static int print(struct modiso_arguments *arguments, uintptr_t to, size_t size,
		 uintptr_t format)
{
	struct mdi_sink sink = {.to = to, .size = size};
	int result = mdi_arguments_format(arguments, format, &sink);

	if (result == MODISO_ERR_ACCESS || result == MODISO_ERR_FAULT)
		mdi_caller_end(MODISO_FAULT_ACCESS, arguments->bad);
	return result != 0 || sink.length > INT_MAX ? -1 : (int)sink.length;
}

MODISO_CALL static uintptr_t
c_snprintf(struct modiso_arguments *arguments)
{
	uintptr_t to = take(arguments);
	size_t size = take(arguments);

	return (uintptr_t)print(arguments, to, size, take(arguments));
}

MODISO_CALL static uintptr_t
c_sprintf(struct modiso_arguments *arguments)
{
	uintptr_t to = take(arguments);

	return (uintptr_t)print(arguments, to, SIZE_MAX, take(arguments));
}

MODISO_CALL static int c_vsnprintf(uintptr_t to, size_t size, uintptr_t format,
				   uintptr_t list)
{
	struct modiso_arguments arguments;

	if (mdi_arguments_list(&arguments, mdi_frames_module(), list) != 0)
		mdi_caller_end(MODISO_FAULT_ACCESS, arguments.bad);
	return print(&arguments, to, size, format);
}

MODISO_CALL static int c_vsprintf(uintptr_t to, uintptr_t format,
				  uintptr_t list)
{
	return c_vsnprintf(to, SIZE_MAX, format, list);
}

/* --- the end --- */

MODISO_CALL static void c_abort(void)
{
	mdi_caller_end(MODISO_FAULT_ABORT, 0);
}

MODISO_CALL static void c_exit(int status)
{
	mdi_caller_end(MODISO_FAULT_EXIT, (uintptr_t)status);
}

#define ENTRY(name, function, flags) \
	{ name, (modiso_fn)(uintptr_t)(function), flags }

static const struct mdi_libc_function functions[] = {
	ENTRY("memcpy", c_memmove, 0),
	ENTRY("memmove", c_memmove, 0),
	ENTRY("memset", c_memset, 0),
	ENTRY("memcmp", c_memcmp, 0),
	ENTRY("memchr", c_memchr, 0),
	ENTRY("strlen", c_strlen, 0),
	ENTRY("strnlen", c_strnlen, 0),
	ENTRY("strcmp", c_strcmp, 0),
	ENTRY("strncmp", c_strncmp, 0),
	ENTRY("strchr", c_strchr, 0),
	ENTRY("strrchr", c_strrchr, 0),
	ENTRY("strstr", c_strstr, 0),
	ENTRY("strcpy", c_strcpy, 0),
	ENTRY("strncpy", c_strncpy, 0),
	ENTRY("strcat", c_strcat, 0),
	ENTRY("strncat", c_strncat, 0),
	ENTRY("strdup", c_strdup, 0),
	ENTRY("snprintf", c_snprintf, MODISO_SERVICE_VARIADIC),
	ENTRY("vsnprintf", c_vsnprintf, 0),
	ENTRY("sprintf", c_sprintf, MODISO_SERVICE_VARIADIC),
	ENTRY("vsprintf", c_vsprintf, 0),
	ENTRY("abort", c_abort, 0),
	ENTRY("exit", c_exit, 0),
	ENTRY("__assert_fail", c_abort, 0),
};

const struct mdi_libc_function *mdi_libc_at(size_t number)
{
	return number < MDI_COUNT(functions) ? &functions[number] : NULL;
}
