/* SPDX-License-Identifier: MIT */
/* The library calls the host's functions: each is a callback of its type. */
#include "typed.h"

#include <algorithm>
#include <cstring>

namespace {

using name = modiso::tainted<const XML_Char *>;
using nothing = modiso::tainted<void *>;

unsigned char *at;
std::size_t used, most;

void put(const char *text, std::size_t length)
{
	length = std::min(length, most - used);
	std::memcpy(at + used, text, length);
	used += length;
}

void put(const char *mark, name text)
{
	const auto copy = modiso::module_memory().string(text, 1 << 20).value();

	put(mark, std::strlen(mark));
	put(copy.data(), copy.size());
}

void start(nothing, name element, modiso::tainted<const XML_Char **> attributes)
{
	const modiso::module_memory memory;

	put("<", element);
	for (const XML_Char **each = attributes.unverified();; each++) {
		const auto one = memory.load(modiso::tainted(each)).value();

		if (one.is_null())
			return;
		put(" ", one);
	}
}

void end(nothing, name element)
{
	put(">", element);
}

void characters(nothing, name text, modiso::tainted<int> length)
{
	const auto size = std::size_t(length.between(0, 1 << 24).value());
	std::string copy(size, '\0');

	modiso::module_memory().read(text, copy.data(), size).value();
	put(copy.data(), size);
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto on_start = box.make_callback<&start>("start").value();
	const auto on_end = box.make_callback<&end>("end").value();
	const auto on_text = box.make_callback<&characters>("text").value();
	const auto parser = box.call<&XML_ParserCreate>(nullptr).value();

	at = out;
	used = 0;
	most = room;
	if (parser.is_null())
		return -1;
	box.call<&XML_SetHashSalt>(parser, 1ul).value();
	box.call<&XML_SetElementHandler>(parser, on_start, on_end).value();
	box.call<&XML_SetCharacterDataHandler>(parser, on_text).value();
	const auto status = box.call<&XML_Parse>(parser, text_of(in),
						 int(length), 1)
				    .value();
	int result = 0;
	if (status.unverified() != XML_STATUS_OK)
		result = int(box.call<&XML_GetErrorCode>(parser)
				     .value()
				     .unverified());
	put(reinterpret_cast<const char *>(&result), sizeof(result));
	box.call<&XML_ParserFree>(parser).value();
	return long(used);
}
