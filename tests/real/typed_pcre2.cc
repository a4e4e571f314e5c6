/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>
#include <cstring>

namespace
{

unsigned char *at;
std::size_t used, most;

void put(const void *bytes, std::size_t length)
{
	length = std::min(length, most - used);
	std::memcpy(at + used, bytes, length);
	used += length;
}

std::uint32_t options_of(const unsigned char *letter, const unsigned char *end)
{
	std::uint32_t options = 0;

	for (; letter < end; letter++)
		options |= *letter == 'i'   ? PCRE2_CASELESS
			   : *letter == 'm' ? PCRE2_MULTILINE
			   : *letter == 's' ? PCRE2_DOTALL
			   : *letter == 'x' ? PCRE2_EXTENDED
			   : *letter == 'u' ? PCRE2_UTF | PCRE2_UCP
					    : 0;
	return options;
}

using code = modiso::tainted<pcre2_code *>;

code compile(const typed_sandbox &box, const unsigned char *line,
	     const unsigned char *end)
{
	const unsigned char *last = end;
	modiso::tainted<int> error;
	modiso::tainted<PCRE2_SIZE> where;

	while (*--last != '/')
		;
	if (last == line)
		last = end;
	const auto made =
		box.call<&pcre2_compile>(line + 1, PCRE2_SIZE(last - line - 1),
					 options_of(last, end), &error, &where,
					 nullptr)
			.value();
	if (made.is_null()) {
		const int number = error.unverified();
		const PCRE2_SIZE place = where.unverified();

		put(&number, sizeof(number));
		put(&place, sizeof(place));
	}
	return made;
}

struct matching {
	modiso::tainted<pcre2_match_data *> data;
	modiso::tainted<pcre2_match_context *> limits;
	modiso::tainted<PCRE2_SIZE *> places;
};

void match(const typed_sandbox &box, const matching &with, code code,
	   const unsigned char *line, PCRE2_SIZE length)
{
	PCRE2_SIZE from = 0, places[60];

	do {
		const int count =
			box.call<&pcre2_match>(code, line, length, from, 0u,
					       with.data, with.limits)
				.value()
				.verify([](int n) { return n <= 30; })
				.value();
		put(&count, sizeof(count));
		if (count <= 0)
			return;
		const auto words = std::size_t(count) * 2;
		box.read(with.places, places, words).value();
		put(places, words * sizeof(*places));
		from = places[1];
	} while (from > places[0]);
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto data =
		box.call<&pcre2_match_data_create>(30u, nullptr).value();
	const auto limits =
		box.call<&pcre2_match_context_create>(nullptr).value();
	const matching with = {
		data, limits,
		box.call<&pcre2_get_ovector_pointer>(data).value()};
	const unsigned char *end;
	code code{};

	at = out;
	used = 0;
	most = room;
	box.call<&pcre2_set_match_limit>(limits, 10000u).value();
	for (const auto *line = in; line < in + length; line = end + 1) {
		end = std::find(line, in + length, '\n');
		if (line < end && *line == '/') {
			box.call<&pcre2_code_free>(code).value();
			code = compile(box, line, end);
		} else if (!code.is_null()) {
			match(box, with, code, line, PCRE2_SIZE(end - line));
		}
	}
	box.call<&pcre2_code_free>(code).value();
	box.call<&pcre2_match_context_free>(limits).value();
	box.call<&pcre2_match_data_free>(data).value();
	return long(used);
}
