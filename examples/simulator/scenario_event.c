/* SPDX-License-Identifier: MIT */
/*
 * scenario_event.c - the statements "at" and "every".
 */
#include "scenario_parse.h"

#include <stdlib.h>
#include <string.h>

int parse_find_command(const struct device_type *type, const char *name)
{
	int i;

	for (i = 0; type->commands[i].name != NULL; i++)
		if (strcmp(type->commands[i].name, name) == 0)
			return i;
	return -1;
}

static int expected_command(const struct token_line *line,
			    const struct device_type *type)
{
	char names[128] = "";
	size_t length = 0;
	int i;

	for (i = 0; type->commands[i].name != NULL; i++)
		length += (size_t)snprintf(
			names + length, sizeof(names) - length, "%s%s",
			i == 0 ? "" : ", ", type->commands[i].name);
	return token_expected(line, "a command of a %s: %s", type->name, names);
}

static int read_words(struct token_line *line,
		      const struct device_command *kind,
		      struct command *command)
{
	char word[TOKEN_WORD_SIZE];
	int i;

	for (i = 0; kind->words != NULL && kind->words[i].name != NULL; i++)
		command->word[i] = kind->words[i].initial;
	while (!token_at_end(line)) {
		if (kind->words == NULL)
			return token_expected(line, "the end of the line");
		if (token_word(line, "a parameter", word) != 0)
			return -1;
		i = parse_parameter_name(line, kind->words, word, "");
		if (i < 0 || parse_parameter_value(line, &kind->words[i],
						   &command->word[i]) != 0)
			return -1;
	}
	return 0;
}

/* The device, its command and what belongs to it. */
static int read_command(struct token_line *line,
			const struct scenario *scenario,
			struct scenario_event *event)
{
	const struct device_command *kind;
	const struct device_type *type;
	struct command *command = &event->command;
	char word[TOKEN_WORD_SIZE];
	int i;

	if (parse_device_name(line, scenario, &event->device) != 0)
		return -1;
	type = scenario->devices[event->device].type;
	if (token_word(line, "a command", word) != 0)
		return -1;
	i = parse_find_command(type, word);
	if (i < 0)
		return expected_command(line, type);
	command->kind = (uint32_t)i;
	kind = &type->commands[i];
	if (kind->takes_text && token_string(line, command->data, COMMAND_DATA,
					     &command->length) != 0)
		return -1;
	if (read_words(line, kind, command) != 0)
		return -1;
	if (kind->encode != NULL)
		command->length = kind->encode(command->word, command->data);
	return 0;
}

static int add_event(struct token_line *line, struct scenario *scenario,
		     const struct scenario_event *event)
{
	size_t size = (scenario->event_count + 1) * sizeof(*event);
	struct scenario_event *more = realloc(scenario->events, size);

	if (more == NULL)
		return token_expected(line, "fewer events: out of memory");
	more[scenario->event_count++] = *event;
	scenario->events = more;
	return 0;
}

static int read_tick(struct token_line *line, const struct scenario *scenario,
		     uint32_t *tick)
{
	if (scenario->ticks == 0)
		return token_expected(line,
				      "\"ticks\" on a line before this one");
	return token_number(line, "a tick", 1, scenario->ticks, tick);
}

int parse_at(struct token_line *line, struct scenario *scenario)
{
	struct scenario_event event = {0};

	if (read_tick(line, scenario, &event.tick) != 0 ||
	    read_command(line, scenario, &event) != 0)
		return -1;
	return add_event(line, scenario, &event);
}

int parse_every(struct token_line *line, struct scenario *scenario)
{
	struct scenario_event event = {0};

	if (token_number(line, "a number of ticks", 1, 1000000,
			 &event.period) != 0)
		return -1;
	event.tick = event.period;
	if (read_command(line, scenario, &event) != 0)
		return -1;
	return add_event(line, scenario, &event);
}

bool scenario_event_due(const struct scenario_event *event, uint32_t tick)
{
	if (event->period == 0)
		return tick == event->tick;
	return tick % event->period == 0;
}
