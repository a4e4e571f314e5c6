/* SPDX-License-Identifier: MIT */
/* The module's own C library has a stream of what was copied to it. */
#include "typed.h"

#include <algorithm>
#include <cstring>

namespace
{

using modiso::member;

std::size_t put_comments(const typed_sandbox &box,
			 modiso::tainted<OggVorbis_File *> file,
			 unsigned char *out, std::size_t room)
{
	const auto all = box.load(box.call<&ov_comment>(file, -1).value())
				 .value()
				 .unverified();
	std::size_t used = 0;

	for (int i = 0; i < all.comments; i++) {
		const auto length =
			box.load(modiso::tainted(all.comment_lengths) + i);
		const auto text =
			box.load(modiso::tainted(all.user_comments) + i);

		if (std::size_t(length.value().unverified()) >= room - used)
			continue;
		const auto copy = box.string(*text, room - used).value();
		std::memcpy(out + used, copy.data(), copy.size());
		used += copy.size();
	}
	return used;
}

std::size_t put_samples(const typed_sandbox &box,
			modiso::tainted<OggVorbis_File *> file,
			unsigned char *out, std::size_t room)
{
	modiso::tainted<int> section;
	std::size_t used = 0;
	int breaks = 0;

	while (room - used > 4096 && breaks < 1000) {
		const long result =
			box.call<&ov_read>(file,
					   reinterpret_cast<char *>(out) + used,
					   4096, 0, 2, 1, &section)
				.value()
				.verify([](long n) { return n <= 4096; })
				.value();

		if (result == 0)
			break;
		if (result > 0)
			used += std::size_t(result);
		else
			out[used++] = static_cast<unsigned char>(breaks++ -
								 result);
	}
	return used;
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	if (length == 0)
		return -1;
	const auto copy = box.copy(in, length).value();
	const auto block = box.make<OggVorbis_File>().value();
	const auto file = block.pointer();
	const auto stream =
		box.call<&fmemopen>(copy.pointer(), length, "r").value();

	const int result = box.call<&ov_open>(stream, file, nullptr, 0)
				   .value()
				   .unverified();
	if (result < 0) {
		box.call<&fclose>(stream).value();
		return result;
	}
	std::size_t used = put_comments(box, file, out, room);
	const auto info = box.call<&ov_info>(file, -1).value();
	const long rate =
		box.load(member(info, &vorbis_info::rate)).value().unverified();
	std::memcpy(out + used, &rate, sizeof(rate));
	used += sizeof(rate);
	used += put_samples(box, file, out + used, room - used);
	box.call<&ov_clear>(file).value();
	return long(used);
}
