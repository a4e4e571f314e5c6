/* SPDX-License-Identifier: MIT */
/* The scalars of a YAML document, one after the other. */
#include "work.h"

#include <string.h>
#include <yaml.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	unsigned long used = 0;
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_parser_t parser;
	yaml_event_t event;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, in, length);
	while (type != YAML_STREAM_END_EVENT &&
	       yaml_parser_parse(&parser, &event)) {
		type = event.type;
		if (used < room)
			out[used++] = (unsigned char)('A' + type);
		if (type == YAML_SCALAR_EVENT &&
		    event.data.scalar.length < room - used) {
			memcpy(out + used, event.data.scalar.value,
			       event.data.scalar.length);
			used += event.data.scalar.length;
		}
		yaml_event_delete(&event);
	}
	if (parser.error != YAML_NO_ERROR)
		used = 0;
	yaml_parser_delete(&parser);
	return type == YAML_STREAM_END_EVENT ? (long)used : -1;
}
