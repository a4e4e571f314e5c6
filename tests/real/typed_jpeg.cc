/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>
#include <cstring>

namespace
{

constexpr std::size_t bmp_header = 54;

int word(const unsigned char *at)
{
	return at[0] | at[1] << 8;
}

long encode(const typed_sandbox &box, const unsigned char *in,
	    std::size_t length, unsigned char *out, std::size_t room)
{
	const int width = word(in + 18), height = word(in + 22);
	const int line = (width * 3 + 3) & ~3;
	const auto handle = box.call<&tjInitCompress>().value();
	const auto most = box.call<&tjBufSize>(width, height, int(TJSAMP_420))
				  .value()
				  .unverified();
	long used = -1;

	if (std::size_t(line) * std::size_t(height) <= length - bmp_header &&
	    most <= room / 2) {
		const auto pixels =
			box.copy(in + bmp_header, length - bmp_header).value();
		const auto packed = box.make<unsigned char>(most).value();
		const auto at = packed.pointer().unverified();
		const auto where = box.copy(&at).value();
		modiso::tainted<unsigned long> size(most);

		if (box.call<&tjCompress2>(handle, pixels.pointer(), width,
					   line, height, int(TJPF_BGR),
					   where.pointer(), &size,
					   int(TJSAMP_420), 90,
					   TJFLAG_BOTTOMUP | TJFLAG_NOREALLOC)
			    .value()
			    .between(0, 0)) {
			const auto bytes = size.between(0, most).value();

			box.read(packed.pointer(), out, bytes).value();
			used = long(bytes);
		}
	}
	box.call<&tjDestroy>(handle).value();
	return used;
}

long decode(const typed_sandbox &box, const unsigned char *in,
	    std::size_t length, unsigned char *out, std::size_t room)
{
	const auto handle = box.call<&tjInitDecompress>().value();
	modiso::tainted<int> width, height, sampling, colors;
	std::size_t used = 0;
	bool whole = false;

	if (box.call<&tjDecompressHeader3>(handle, in, length, &width, &height,
					   &sampling, &colors)
		    .value()
		    .between(0, 0)) {
		const int w = width.between(1, 65535).value();
		const int h = height.between(1, 65535).value();

		if (std::size_t(w) * 3 <= room / 2 / std::size_t(h)) {
			used = std::size_t(w) * 3 * std::size_t(h);
			std::memset(out, 0, used);
			whole = bool(box.call<&tjDecompress2>(
						handle, in, length, out, w,
						w * 3, h, int(TJPF_RGB), 0)
					     .value()
					     .between(0, 0));
		}
	}
	if (!whole) {
		const auto said =
			box.string(box.call<&tjGetErrorStr2>(handle).value(),
				   1000)
				.value();

		std::copy(said.begin(), said.end(), out + used);
		used += said.size();
	}
	box.call<&tjDestroy>(handle).value();
	return long(used);
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	long packed = 0;

	if (length >= bmp_header && in[0] == 'B' && in[1] == 'M') {
		packed = encode(box, in, length, out, room);
		if (packed < 0)
			return -1;
		in = out;
		length = std::size_t(packed);
	}
	return packed + decode(box, in, length, out + packed,
			       room - std::size_t(packed));
}
