/* SPDX-License-Identifier: MIT */
/*
 * scenario_parse.h - what the three files of the parser share.
 *
 * All take what follows on the line, and return 0, or -1 after a complaint.
 */
#ifndef SIMULATOR_SCENARIO_PARSE_H
#define SIMULATOR_SCENARIO_PARSE_H

#include "scenario.h"
#include "token.h"

/* Statements: what follows the word that names them. */
int parse_device(struct token_line *line, struct scenario *scenario);
int parse_at(struct token_line *line, struct scenario *scenario);
int parse_every(struct token_line *line, struct scenario *scenario);

int parse_device_name(struct token_line *line, const struct scenario *scenario,
		      uint32_t *device);

/*
 * The place of @name in @list, or -1 after a complaint that names the whole
 * list and @more.
 */
int parse_parameter_name(struct token_line *line,
			 const struct device_parameter *list, const char *name,
			 const char *more);

/* Takes "=" and the number behind it. */
int parse_parameter_value(struct token_line *line,
			  const struct device_parameter *parameter,
			  uint32_t *value);

/* The place of a command in a type's list; -1 without any complaint. */
int parse_find_command(const struct device_type *type, const char *name);

#endif /* SIMULATOR_SCENARIO_PARSE_H */
