/* SPDX-License-Identifier: MIT */
#include "core/arguments.h"

#include "core/caller.h"

#include <stddef.h>
#include <string.h>

#define MDI_LONG_SIZE 16u /* of a long double that is passed */

/* As the calling convention has it. */
struct list {
	uint32_t word, number;
	uint64_t stack, saved;
};

static int read_bytes(struct modiso_arguments *arguments, void *to,
		      uintptr_t from, size_t length)
{
	return mdi_caller_try_read(arguments->module, to, from, length,
				   &arguments->bad);
}

int mdi_arguments_list(struct modiso_arguments *arguments,
		       const struct modiso_module *module, uintptr_t at)
{
	struct list list;
	int result;

	memset(arguments, 0, sizeof(*arguments));
	arguments->module = module;
	result = read_bytes(arguments, &list, at, sizeof(list));
	if (result != 0)
		return result;
	arguments->listed = true;
	arguments->word = list.word;
	arguments->number = list.number;
	arguments->stack = list.stack;
	arguments->saved = list.saved;
	return 0;
}

/* Those on the stack in order, whatever they are. */
static int next_on_stack(struct modiso_arguments *arguments, void *to,
			 size_t size)
{
	uintptr_t at = (arguments->stack + size - 1) & ~(uintptr_t)(size - 1);

	arguments->stack = at + size;
	return read_bytes(arguments, to, at, size);
}

int mdi_argument_word(struct modiso_arguments *arguments, uint64_t *word)
{
	uint32_t place = arguments->word;

	if (place > MDI_WORDS_END - sizeof(*word))
		return next_on_stack(arguments, word, sizeof(*word));
	arguments->word = place + (uint32_t)sizeof(*word);
	if (arguments->listed)
		return read_bytes(arguments, word, arguments->saved + place,
				  sizeof(*word));
	*word = arguments->words[place / sizeof(*word)];
	return 0;
}

int mdi_argument_number(struct modiso_arguments *arguments, double *number)
{
	uint32_t place = arguments->number;

	if (place > MDI_NUMBERS_END - 2 * sizeof(*number))
		return next_on_stack(arguments, number, sizeof(*number));
	arguments->number = place + 2 * (uint32_t)sizeof(*number);
	if (arguments->listed)
		return read_bytes(arguments, number, arguments->saved + place,
				  sizeof(*number));
	*number = arguments->numbers[(place - MDI_WORDS_END) /
				     (2 * sizeof(*number))];
	return 0;
}

int mdi_argument_long_number(struct modiso_arguments *arguments,
			     long double *number)
{
	/* The bytes behind the tenth are nobody's. */
	unsigned char bytes[MDI_LONG_SIZE];
	int result = next_on_stack(arguments, bytes, sizeof(bytes));

	*number = 0;
	if (result == 0)
		memcpy(number, bytes, 10);
	return result;
}
