/* SPDX-License-Identifier: MIT */
#include "typed.h"

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto input = box.copy(in, length).value();
	const auto output = box.make<Bytef>(room).value();
	z_stream state{};

	state.next_in = input.pointer().unverified();
	state.avail_in = uInt(length);
	state.next_out = output.pointer().unverified();
	state.avail_out = uInt(room);
	const auto stream = box.copy(&state).value();
	if (!box.call<&inflateInit2_>(stream.pointer(), 15 + 32, ZLIB_VERSION,
				      int{sizeof(state)})
		     .value()
		     .between(Z_OK, Z_OK))
		return -1;
	const int result = box.call<&inflate>(stream.pointer(), Z_FINISH)
				   .value()
				   .unverified();
	state = box.load(stream.pointer()).value().unverified();
	box.call<&inflateEnd>(stream.pointer()).value();
	if (result != Z_STREAM_END)
		return result - 100;
	const auto used = modiso::tainted<uLong>(state.total_out);
	box.read(output.pointer(), out, used.between(0, room).value()).value();
	return long(used.unverified());
}
