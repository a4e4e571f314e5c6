/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>

void machine_add(struct fact *facts, unsigned *count, const char *name,
		 const char *format, ...)
{
	va_list arguments;

	if (*count == FACTS_MAX)
		return;
	snprintf(facts[*count].name, sizeof(facts[*count].name), "%s", name);
	va_start(arguments, format);
	vsnprintf(facts[*count].value, FACT_SIZE, format, arguments);
	va_end(arguments);
	(*count)++;
}
