/* SPDX-License-Identifier: MIT */
/*
 * The first line names a dictionary, by its files up to the dot, which is kept
 * for calls to come. Of each other line: is it a word, and of some that are
 * none, which ones are meant.
 */
extern "C" {
#include "work.h"
}

#include <algorithm>
#include <cstring>
#include <hunspell.h>
#include <memory>
#include <string>

namespace
{

std::unique_ptr<Hunhandle, decltype(&Hunspell_destroy)>
	dictionary(nullptr, Hunspell_destroy);
std::string name;

void suggest(std::string &answer, const char *word)
{
	char **words;
	const int count = Hunspell_suggest(dictionary.get(), &words, word);

	for (int i = 0; i < count; i++)
		answer += std::string(" ") + words[i];
	Hunspell_free_list(dictionary.get(), &words, count);
}

std::string answer_to(const std::string &text)
{
	size_t at = text.find('\n'), end;
	int left = 12;
	std::string answer, word;

	if (!dictionary || name != text.substr(0, at)) {
		name = text.substr(0, at);
		dictionary.reset(Hunspell_create((name + ".aff").c_str(),
						 (name + ".dic").c_str()));
	}
	answer = Hunspell_get_dic_encoding(dictionary.get());
	for (; at < text.size(); at = end) {
		end = std::min(text.find('\n', at + 1), text.size());
		word = text.substr(at + 1, end - at - 1);
		answer += Hunspell_spell(dictionary.get(), word.c_str()) != 0
				  ? '+'
				  : '-';
		if (answer.back() == '-' && left-- > 0)
			suggest(answer, word.c_str());
	}
	return answer;
}

} // namespace

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	const std::string answer =
		answer_to(std::string((const char *)in, length));

	length = std::min<unsigned long>(answer.size(), room);
	std::memcpy(out, answer.data(), length);
	return (long)length;
}
