/* SPDX-License-Identifier: MIT */
/*
 * typed [-d DIR] LEVEL MODULE FILE... - a library that lives in a module is called
 * through what modiso-bind has written from its header, on files, whole and
 * damaged, and each result is compared with that of the host's own library.
 * The module may read files below DIR, by names from there.
 */
#include "typed.h"

extern "C" {
#include "work.h"
}

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace {

const std::size_t files = 4; /* that it has open at a time */
const std::size_t room = std::size_t{4} << 20;
std::vector<unsigned char> out(room), own(room);
unsigned long inputs, refused;

bool same(const typed_sandbox &box, const std::vector<unsigned char> &file,
	  std::size_t length)
{
	const long want = work(file.data(), length, own.data(), room);
	const long got = typed(box, file.data(), length, out.data(), room);

	inputs++;
	refused += want < 0 ? 1 : 0;
	if (got == want && (want <= 0 || std::memcmp(out.data(), own.data(),
						     std::size_t(want)) == 0))
		return true;
	std::printf("differs: %ld, the host has %ld\n", got, want);
	return false;
}

/* As it is, cut off, and with a byte changed, here and there. */
bool all_same(const typed_sandbox &box, const char *path)
{
	std::ifstream stream(path, std::ios::binary);
	std::vector<unsigned char> file{std::istreambuf_iterator<char>(stream),
					{}};
	bool good = true;

	if (file.empty())
		return true;
	good = same(box, file, file.size()) && same(box, file, file.size() / 2);
	for (std::size_t i = 1; i <= (file.size() < 100000 ? 8 : 1); i++) {
		auto &byte = file[i * 7919 % file.size()];

		byte ^= static_cast<unsigned char>(1 << i % 8);
		good = same(box, file, file.size()) && good;
		byte ^= static_cast<unsigned char>(1 << i % 8);
	}
	if (!good)
		std::printf("%s: a typed call differs\n", path);
	return good;
}

/* The host's own library has the same names for them. */
void read_below(const typed_sandbox &box, const char *directory)
{
	const int code = modiso_syscall_files(box.inside().handle(), directory,
					      files);

	if (code != MODISO_OK)
		throw std::runtime_error(modiso_last_error_text());
	if (chdir(directory) != 0)
		throw std::runtime_error(directory);
}

bool run(int count, char **words, const char *directory)
{
	modiso::sandbox_options options;
	bool good = true;

	if (std::strcmp(words[1], "sealed") == 0) {
		options.module.confinement = MODISO_CONFINE_SEALED;
		options.module.syscalls = MODISO_SYSCALLS_NONE;
	}
	options.module.stack_size = 256 << 10;
	options.heap = std::size_t{256} << 20;
	const auto library = modiso::library::start().value();
	const auto box =
		typed_sandbox::open(library, words[2], options).value();

	if (directory != nullptr)
		read_below(box, directory);
	for (int i = 3; i < count; i++)
		good = all_same(box, words[i]) && good;
	std::printf("%lu inputs by typed calls, %lu of them refused\n", inputs,
		    refused);
	return good;
}

} // namespace

int main(int count, char **words)
{
	const char *directory = nullptr;

	if (count > 2 && std::strcmp(words[1], "-d") == 0) {
		directory = words[2];
		count -= 2;
		words += 2;
	}
	if (count < 4)
		return 2;
	try {
		return run(count, words, directory) ? 0 : 1;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "typed: %s\n", error.what());
		return 1;
	}
}
