// SPDX-License-Identifier: MIT
//
// typed.cc - a module from C++: <modiso.hpp>.
//
//   c++ -std=c++17 -o typed typed.cc $(pkg-config --cflags --libs libmodiso)
//
// A parser that counts words runs as a module. It may read its input, report
// what it finds to the host by a service, and touch nothing else. The second
// text makes it run past the end of its input. Prints
//
//   7 words, the longest has 9 letters
//   module parser faulted (...) at 0x...; see modiso_fault_last()
//
// On an error that nobody handles, value() throws modiso::failure, which is a
// std::system_error.
#include <modiso.hpp>

#include <cstddef>
#include <cstring>
#include <exception>
#include <iostream>

namespace {

struct found {
	std::size_t words;
	std::size_t longest;
};

found last; // of the host: the parser cannot be asked what is in it

// Host code. The pointer may be anything: what it points to is copied.
int report(const found *where)
{
	const auto copy = modiso::copy_in(where);

	if (!copy)
		return -1;
	last = *copy;
	return 0;
}

int (*report_pointer)(const found *);

// Module code, with a mistake: '$' makes it forget where the end is.
int parse(const char *text, std::size_t length, found *result)
{
	std::size_t letters = 0;

	*result = {0, 0};
	for (std::size_t i = 0; i < length; i++) {
		if (text[i] == '$')
			length = static_cast<std::size_t>(-1);
		letters = text[i] == ' ' ? 0 : letters + 1;
		if (letters == 1)
			result->words++;
		if (letters > result->longest)
			result->longest = letters;
	}
	return report_pointer(result);
}

void run()
{
	const auto library = modiso::library::start().value();
	const auto parser = library.make_module("parser").value();
	const auto input = parser.make_region(4096).value();
	const auto output = parser.make_region(sizeof(found)).value();
	const auto reports = library.make_service("report", report).value();
	const auto gate = parser.make_gate(parse).value();

	report_pointer = reports.pointer();
	for (const char *text : {"the quick brown fox jumped over something",
				 "it costs $5"}) {
		const std::size_t length = std::strlen(text);

		std::memcpy(input.base(), text, length);
		const auto done = gate(input.as<const char>().data(), length,
				       output.as<found>().data());
		if (!done)
			std::cout << done.error().text() << '\n';
		else if (*done == 0)
			std::cout << last.words << " words, the longest has "
				  << last.longest << " letters\n";
	}
}

}

int main()
{
	try {
		run();
	} catch (const std::exception &error) {
		std::cerr << error.what() << '\n';
		return 1;
	}
	return 0;
}
