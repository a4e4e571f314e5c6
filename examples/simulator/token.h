/* SPDX-License-Identifier: MIT */
/*
 * token.h - one line of a scenario, word by word.
 *
 * Each function takes the next token or complains: where (file:line:column),
 * what was expected there, and what was found. The complaint shows the line.
 */
#ifndef SIMULATOR_TOKEN_H
#define SIMULATOR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOKEN_WORD_SIZE 32

struct token_line {
	const char *path;
	FILE *complaints;
	const char *text; /* without the newline */
	size_t next;      /* first byte that is not taken yet */
	size_t start;     /* first byte of the token taken last */
	unsigned number;  /* of the line, from 1 */
};

/* Is nothing left but blanks and a comment? */
bool token_at_end(struct token_line *line);

/* All return 0, or -1 after a complaint. */
int token_word(struct token_line *line, const char *expected,
	       char word[TOKEN_WORD_SIZE]);
int token_number(struct token_line *line, const char *expected, uint32_t low,
		 uint32_t high, uint32_t *number);
int token_mark(struct token_line *line, char mark);
int token_string(struct token_line *line, uint8_t *bytes, uint32_t size,
		 uint32_t *length);
int token_finish(struct token_line *line);

/* Complains about the token taken last; returns -1. */
int token_expected(const struct token_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* SIMULATOR_TOKEN_H */
