/* SPDX-License-Identifier: MIT */
#include "typed.h"

#include <algorithm>
#include <cstring>
#include <vector>

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	char *const packed = reinterpret_cast<char *>(out);
	modiso::tainted<std::size_t> used(room / 2);
	bool good[9];

	length = std::min(length, room / 4);
	box.call<&snappy_compress>(text_of(in), length, packed, &used).value();
	const auto size = used.between(0, room / 2).value();
	std::vector<char> text(room / 4);
	for (unsigned i = 0; i < 9; i++) {
		const auto place = size > 5 ? 5 + i * 7919 % (size - 5) : 0;
		const char bit = i > 0 && place != 0 ? char(1 << (i - 1)) : 0;

		packed[place] ^= bit;
		used = modiso::tainted(text.size());
		good[i] = bool(box.call<&snappy_uncompress>(packed, size,
							    text.data(), &used)
				       .value()
				       .between(SNAPPY_OK, SNAPPY_OK));
		if (i == 0 && (!good[0] ||
			       std::memcmp(text.data(), in, length) != 0))
			return -1;
		packed[place] ^= bit;
		if (good[i] && length > 0)
			good[i] = text[length / 3] & 1;
	}
	std::memcpy(packed + size, good, sizeof(good));
	return long(size + sizeof(good));
}
