/* SPDX-License-Identifier: MIT */
/*
 * scenario_device.c - the statement "device", and names and parameters of
 * devices wherever they stand.
 */
#include "scenario_parse.h"

#include <string.h>

static const struct device_type *const types[] = {
	&device_uart, &device_timer, &device_dma, &device_filter, &device_disk,
};

static const struct device_type *find_type(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i]->name, name) == 0)
			return types[i];
	return NULL;
}

static uint32_t find_device(const struct scenario *scenario, const char *name)
{
	uint32_t i;

	for (i = 0; i < scenario->device_count; i++)
		if (strcmp(scenario->devices[i].name, name) == 0)
			return i;
	return SCENARIO_NOWHERE;
}

int parse_device_name(struct token_line *line, const struct scenario *scenario,
		      uint32_t *device)
{
	char word[TOKEN_WORD_SIZE];

	if (token_word(line, "the name of a device", word) != 0)
		return -1;
	*device = find_device(scenario, word);
	if (*device == SCENARIO_NOWHERE)
		return token_expected(line, "the name of a device that an "
					    "earlier line declares");
	return 0;
}

int parse_parameter_name(struct token_line *line,
			 const struct device_parameter *list, const char *name,
			 const char *more)
{
	char names[128] = "";
	size_t length = 0;
	int i;

	for (i = 0; list != NULL && list[i].name != NULL; i++) {
		if (strcmp(list[i].name, name) == 0)
			return i;
		length += (size_t)snprintf(names + length,
					   sizeof(names) - length, "%s%s",
					   i == 0 ? "" : ", ", list[i].name);
	}
	return token_expected(line, "one of: %s%s%s", names,
			      *more != '\0' && i > 0 ? ", " : "", more);
}

int parse_parameter_value(struct token_line *line,
			  const struct device_parameter *parameter,
			  uint32_t *value)
{
	if (token_mark(line, '=') != 0)
		return -1;
	return token_number(line, parameter->name, parameter->low,
			    parameter->high, value);
}

static int read_irq(struct token_line *line, const struct scenario *scenario,
		    struct scenario_device *device)
{
	uint32_t i;

	if (token_mark(line, '=') != 0 ||
	    token_number(line, "an interrupt line", 0, SCENARIO_IRQS - 1,
			 &device->irq) != 0)
		return -1;
	for (i = 0; i < scenario->device_count; i++)
		if (scenario->devices[i].irq == device->irq)
			return token_expected(line,
					      "an interrupt line that %s does "
					      "not have",
					      scenario->devices[i].name);
	return 0;
}

static int read_on_fault(struct token_line *line,
			 struct scenario_device *device)
{
	char word[TOKEN_WORD_SIZE];

	if (token_mark(line, '=') != 0 ||
	    token_word(line, "remove or reset", word) != 0)
		return -1;
	device->reset_on_fault = strcmp(word, "reset") == 0;
	if (!device->reset_on_fault && strcmp(word, "remove") != 0)
		return token_expected(line, "remove or reset");
	return 0;
}

static int read_device_options(struct token_line *line,
			       const struct scenario *scenario,
			       struct scenario_device *device)
{
	char word[TOKEN_WORD_SIZE];
	int i;

	while (!token_at_end(line)) {
		if (token_word(line, "a parameter", word) != 0)
			return -1;
		if (strcmp(word, "irq") == 0) {
			if (read_irq(line, scenario, device) != 0)
				return -1;
			continue;
		}
		if (strcmp(word, "on-fault") == 0) {
			if (read_on_fault(line, device) != 0)
				return -1;
			continue;
		}
		i = parse_parameter_name(line, device->type->parameters, word,
					 "irq, on-fault");
		if (i < 0 ||
		    parse_parameter_value(line, &device->type->parameters[i],
					  &device->parameter[i]) != 0)
			return -1;
	}
	if (device->irq == SCENARIO_NOWHERE)
		return token_expected(line, "irq=, an interrupt line");
	return 0;
}

int parse_device(struct token_line *line, struct scenario *scenario)
{
	struct scenario_device device = {.irq = SCENARIO_NOWHERE,
					 .wired_to = SCENARIO_NOWHERE};
	char word[TOKEN_WORD_SIZE];
	uint32_t i;

	if (token_word(line, "a name for the device", word) != 0)
		return -1;
	if (strlen(word) >= DEVICE_NAME_SIZE)
		return token_expected(line, "a name of at most %d characters",
				      DEVICE_NAME_SIZE - 1);
	if (find_device(scenario, word) != SCENARIO_NOWHERE)
		return token_expected(line, "a name that is still free");
	if (scenario->device_count == SCENARIO_DEVICES)
		return token_expected(line, "no more than %d devices",
				      SCENARIO_DEVICES);
	strcpy(device.name, word);
	if (token_word(line, "uart, timer, dma, filter or disk", word) != 0)
		return -1;
	device.type = find_type(word);
	if (device.type == NULL)
		return token_expected(line, "uart, timer, dma, filter or disk");
	for (i = 0; device.type->parameters[i].name != NULL; i++)
		device.parameter[i] = device.type->parameters[i].initial;
	if (read_device_options(line, scenario, &device) != 0)
		return -1;
	scenario->devices[scenario->device_count++] = device;
	return 0;
}
