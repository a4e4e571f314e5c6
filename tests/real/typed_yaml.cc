/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>
#include <cstring>

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto input = box.copy(in, length).value();
	const auto parser = box.make<yaml_parser_t>().value();
	const auto event = box.make<yaml_event_t>().value();
	std::size_t used = 0;
	int type = YAML_NO_EVENT;

	box.call<&yaml_parser_initialize>(parser.pointer()).value();
	box.call<&yaml_parser_set_input_string>(parser.pointer(),
						input.pointer(), length)
		.value();
	while (type != YAML_STREAM_END_EVENT &&
	       box.call<&yaml_parser_parse>(parser.pointer(), event.pointer())
		       .value()
		       .between(1, 1)) {
		const auto one = box.load(event.pointer()).value().unverified();

		type = one.type;
		if (used < room)
			out[used++] = static_cast<unsigned char>('A' + type);
		if (type == YAML_SCALAR_EVENT &&
		    one.data.scalar.length < room - used) {
			box.read(modiso::tainted(one.data.scalar.value),
				 out + used, one.data.scalar.length)
				.value();
			used += one.data.scalar.length;
		}
		box.call<&yaml_event_delete>(event.pointer()).value();
	}
	if (!box.load(member(parser.pointer(), &yaml_parser_t::error))
		     .value()
		     .between(YAML_NO_ERROR, YAML_NO_ERROR))
		used = 0;
	box.call<&yaml_parser_delete>(parser.pointer()).value();
	return type == YAML_STREAM_END_EVENT ? long(used) : -1;
}
