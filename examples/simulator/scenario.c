/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include "scenario_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE   1024
#define MEMORY_MOST (16u << 20)

static int parse_ticks(struct token_line *line, struct scenario *scenario)
{
	if (scenario->ticks != 0)
		return token_expected(line, "\"ticks\" only once");
	return token_number(line, "a number of ticks", 1, 1000000,
			    &scenario->ticks);
}

static int parse_memory(struct token_line *line, struct scenario *scenario)
{
	if (scenario->memory != 0)
		return token_expected(line, "\"memory\" only once");
	return token_number(line, "bytes of memory", 4096, MEMORY_MOST,
			    &scenario->memory);
}

static int parse_window(struct token_line *line, struct scenario *scenario)
{
	struct scenario_window window;
	char word[TOKEN_WORD_SIZE];

	if (scenario->memory == 0)
		return token_expected(line,
				      "\"memory\" on a line before this one");
	if (scenario->window_count == SCENARIO_WINDOWS)
		return token_expected(line, "no more than %d windows",
				      SCENARIO_WINDOWS);
	if (parse_device_name(line, scenario, &window.device) != 0 ||
	    token_number(line, "a base address", 0, scenario->memory - 1,
			 &window.base) != 0 ||
	    token_number(line, "a length inside the memory", 1,
			 scenario->memory - window.base, &window.length) != 0 ||
	    token_word(line, "r or rw", word) != 0)
		return -1;
	window.writable = strcmp(word, "rw") == 0;
	if (!window.writable && strcmp(word, "r") != 0)
		return token_expected(line, "r or rw");
	scenario->windows[scenario->window_count++] = window;
	return 0;
}

static int parse_wire(struct token_line *line, struct scenario *scenario)
{
	struct scenario_device *device;
	uint32_t from, to;
	int kick;

	if (parse_device_name(line, scenario, &from) != 0)
		return -1;
	device = &scenario->devices[from];
	if (device->wired_to != SCENARIO_NOWHERE)
		return token_expected(line, "a device that is not wired yet");
	if (parse_device_name(line, scenario, &to) != 0)
		return -1;
	kick = parse_find_command(scenario->devices[to].type, "kick");
	if (kick < 0)
		return token_expected(line, "a device with the command kick");
	device->wired_to = to;
	device->kick = (uint32_t)kick;
	return 0;
}

static const struct statement {
	const char *name;
	int (*parse)(struct token_line *line, struct scenario *scenario);
} statements[] = {
	{"ticks", parse_ticks},   {"memory", parse_memory},
	{"device", parse_device}, {"window", parse_window},
	{"wire", parse_wire},     {"at", parse_at},
	{"every", parse_every},
};

static int parse_line(struct token_line *line, struct scenario *scenario)
{
	static const char expected[] =
		"ticks, memory, device, window, wire, at or every";
	char word[TOKEN_WORD_SIZE];
	size_t i;

	if (token_at_end(line))
		return 0;
	if (token_word(line, expected, word) != 0)
		return -1;
	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(word, statements[i].name) == 0) {
			if (statements[i].parse(line, scenario) != 0)
				return -1;
			return token_finish(line);
		}
	return token_expected(line, "%s", expected);
}

/*
 * One line without its newline. Returns 1, 0 at the end of the file, -1 after
 * a complaint.
 */
static int next_line(FILE *file, struct token_line *line,
		     char buffer[LINE_SIZE])
{
	size_t length = 0;
	int byte;

	line->number++;
	line->next = line->start = 0;
	while ((byte = getc(file)) != EOF && byte != '\n') {
		if (byte == '\r')
			continue;
		if (length == LINE_SIZE - 1 || byte == '\0') {
			fprintf(line->complaints, "%s:%u:%zu: expected %s\n",
				line->path, line->number, length + 1,
				byte == '\0' ? "text, found a zero byte"
					     : "a line of at most 1023 bytes");
			return -1;
		}
		buffer[length++] = (char)byte;
	}
	buffer[length] = '\0';
	if (ferror(file)) {
		fprintf(line->complaints, "%s: %s\n", line->path,
			strerror(errno));
		return -1;
	}
	return byte != EOF || length > 0;
}

static int check_whole(const struct token_line *line,
		       const struct scenario *scenario)
{
	const char *missing = scenario->ticks == 0          ? "ticks"
			      : scenario->memory == 0       ? "memory"
			      : scenario->device_count == 0 ? "device"
							    : NULL;

	if (missing == NULL)
		return 0;
	fprintf(line->complaints,
		"%s:%u:1: expected \"%s\" before the end of the file\n",
		line->path, line->number, missing);
	return -1;
}

int scenario_read(const char *path, struct scenario *scenario, FILE *complaints)
{
	char buffer[LINE_SIZE];
	struct token_line line = {
		.path = path, .complaints = complaints, .text = buffer};
	FILE *file = fopen(path, "r");
	int rc;

	memset(scenario, 0, sizeof(*scenario));
	scenario->path = path;
	if (file == NULL) {
		fprintf(complaints, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while ((rc = next_line(file, &line, buffer)) > 0)
		if (parse_line(&line, scenario) != 0) {
			rc = -1;
			break;
		}
	if (rc == 0)
		rc = check_whole(&line, scenario);
	fclose(file);
	if (rc != 0)
		scenario_free(scenario);
	return rc;
}

void scenario_free(struct scenario *scenario)
{
	free(scenario->events);
	scenario->events = NULL;
	scenario->event_count = 0;
}
