/* SPDX-License-Identifier: MIT */
/* It reads the dictionary itself, and its suggestions are a list of strings. */
#include "typed.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace {

const std::size_t longest = 4096;

modiso::tainted<Hunhandle *> dictionary;
std::string name;

void suggest(const typed_sandbox &box, std::string &answer, const char *word)
{
	modiso::tainted<char **> list;
	const auto said =
		box.call<&Hunspell_suggest>(dictionary, &list, word).value();
	const int count = said.between(0, 100).value();
	const auto words =
		box.strings(list, std::size_t(count), longest).value();

	for (const auto &each : words)
		answer += " " + each;
	box.call<&Hunspell_free_list>(dictionary, &list, count).value();
}

void open(const typed_sandbox &box)
{
	if (!dictionary.is_null())
		box.call<&Hunspell_destroy>(dictionary).value();
	dictionary = box.call<&Hunspell_create>((name + ".aff").c_str(),
						(name + ".dic").c_str())
			     .value();
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const std::string text(text_of(in), length);
	std::size_t at = text.find('\n'), end;
	std::string answer, word;
	int left = 12;

	if (dictionary.is_null() || name != text.substr(0, at)) {
		name = text.substr(0, at);
		open(box);
	}
	answer = box.string(box.call<&Hunspell_get_dic_encoding>(dictionary)
				    .value(),
			    longest)
			 .value();
	for (; at < text.size(); at = end) {
		end = std::min(text.find('\n', at + 1), text.size());
		word = text.substr(at + 1, end - at - 1);
		const auto known =
			box.call<&Hunspell_spell>(dictionary, word.c_str())
				.value();
		answer += known.unverified() != 0 ? '+' : '-';
		if (answer.back() == '-' && left-- > 0)
			suggest(box, answer, word.c_str());
	}
	length = std::min(answer.size(), room);
	std::memcpy(out, answer.data(), length);
	return long(length);
}
