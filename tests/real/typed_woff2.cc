/* SPDX-License-Identifier: MIT */
/* The objects that it writes to, and its parameters, are in the module. */
#include "typed.h"

#include <algorithm>
#include <cstring>

namespace
{

struct answer {
	unsigned char *out;
	std::size_t used, room;
};

void unpack(const typed_sandbox &box, answer &answer,
	    const unsigned char *packed, std::size_t length)
{
	const auto size = box.call<&woff2_ComputeWOFF2FinalSize>(packed, length)
				  .value();
	const std::size_t most =
		std::min(answer.room - answer.used, size.unverified());
	const auto memory = box.make<unsigned char>(most + 1).value();
	const auto font = box.call<&woff2_WOFF2MemoryOut_new>(memory.pointer(),
							      most)
				  .value();
	const auto to =
		box.call<&woff2_WOFF2MemoryOut_WOFF2Out>(font).value();

	if (box.call<&woff2_ConvertWOFF2ToTTF>(packed, length, to)
		    .value()
		    .unverified()) {
		const std::size_t used =
			box.call<&woff2_WOFF2MemoryOut_Size>(font)
				.value()
				.between(0, most)
				.value();

		box.read(memory.pointer(), answer.out + answer.used, used)
			.value();
		answer.used += used;
	} else if (answer.room - answer.used > 0) {
		answer.out[answer.used++] = '-';
	}
	box.call<&woff2_WOFF2MemoryOut_delete>(font).value();
}

/* As small as it can is slow. */
bool pack(const typed_sandbox &box, const unsigned char *in, std::size_t length,
	  unsigned char *out, std::size_t &size)
{
	modiso::tainted<std::size_t> used(size);
	const auto parameters = box.call<&woff2_WOFF2Params_new>().value();

	box.store(box.call<&woff2_WOFF2Params_brotli_quality>(parameters)
			  .value(),
		  5)
		.value();
	const auto done = box.call<&woff2_ConvertTTFToWOFF2>(
		in, length, out, &used, parameters).value();
	box.call<&woff2_WOFF2Params_delete>(parameters).value();
	size = used.between(0, size).value();
	return done.unverified();
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto most =
		box.call<&woff2_MaxWOFF2CompressedSize>(in, length).value();
	std::size_t size = most.unverified();

	if (size > room / 2)
		return -1;
	std::memset(out, 0, size);
	if (!pack(box, in, length, out, size))
		return -1;
	answer answer = {out, size, room};
	unpack(box, answer, out, size);
	for (std::size_t i = 0; i < (length < 100000 ? 8 : 0); i++) {
		const std::size_t place = i * 7919 % size;

		out[place] ^= static_cast<unsigned char>(1 << i);
		unpack(box, answer, out, size);
		out[place] ^= static_cast<unsigned char>(1 << i);
	}
	return long(answer.used);
}
