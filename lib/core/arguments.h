/* SPDX-License-Identifier: MIT */
/*
 * core/arguments.h - what a module has passed to a variadic service, or lies in
 * a va_list of its: x86-64's calling convention for both.
 */
#ifndef MDI_CORE_ARGUMENTS_H
#define MDI_CORE_ARGUMENTS_H

#include <modiso/arguments.h>

#include "core/module.h"

/* Places in the area that registers are saved in. */
#define MDI_WORDS_END   48u  /* six of 8 bytes */
#define MDI_NUMBERS_END 176u /* and eight of 16 */

struct modiso_arguments {
	const struct modiso_module *module; /* whose they are; NULL: the host */
	uint64_t words[MODISO_ARGS_MAX];
	double numbers[8];
	bool listed;     /* those in registers are not in the two above, but */
	uintptr_t saved; /* in an area of the module's */
	uint32_t word, number; /* the next one's place; the end: on the stack */
	uintptr_t stack; /* the next one that is passed there */
	uintptr_t bad; /* the byte that could not be read */
};

/* A va_list at this address of @module's; 0 or a code, and @bad. */
int mdi_arguments_list(struct modiso_arguments *arguments,
		       const struct modiso_module *module, uintptr_t list);

/* The next one; 0, or a code, and @bad. */
int mdi_argument_word(struct modiso_arguments *arguments, uint64_t *word);
int mdi_argument_number(struct modiso_arguments *arguments, double *number);
int mdi_argument_long_number(struct modiso_arguments *arguments,
			     long double *number);

/* Where the text goes, piece by piece. */
struct mdi_sink {
	char *host; /* a buffer of the host's; NULL: the module's at @to */
	uintptr_t to;
	size_t size; /* bytes; of larger texts the first ones, and a zero */
	size_t length; /* of the text until now */
	size_t waiting; /* bytes for the module that are not written yet */
	char piece[256];
};

/*
 * printf() of the module's @format into the sink; 0 or a code of
 * modiso_arguments_format(), and @bad for those of memory.
 */
int mdi_arguments_format(struct modiso_arguments *arguments, uintptr_t format,
			 struct mdi_sink *sink);

MODISO_CALL uintptr_t mdi_service_variadic(uint64_t a, uint64_t b, uint64_t c,
					   uint64_t d, uint64_t e, uint64_t f,
					   double s, double t, double u,
					   double v, double w, double x,
					   double y, double z);

#endif /* MDI_CORE_ARGUMENTS_H */
