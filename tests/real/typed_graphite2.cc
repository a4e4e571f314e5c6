/* SPDX-License-Identifier: MIT */
/* The library asks the host's function for the tables of a font. */
#include "typed.h"

#include <cstdio>

namespace
{

using segment_of = modiso::tainted<gr_segment *>;
using face_of = modiso::tainted<gr_face *>;
using font_of = modiso::tainted<gr_font *>;

struct {
	const unsigned char *bytes;
	std::size_t length;
	modiso::tainted<const unsigned char *> inside;
} file;

std::size_t word(const unsigned char *at)
{
	return std::size_t(at[0]) << 24 | std::size_t(at[1]) << 16 |
	       std::size_t(at[2]) << 8 | at[3];
}

/* Of an sfnt file; what is not in it is not there. */
modiso::tainted<const void *> table(modiso::tainted<const void *>,
				    modiso::tainted<unsigned> name,
				    modiso::tainted<std::size_t *> length)
{
	const modiso::module_memory memory;
	std::size_t count, at, size;

	memory.store(length, std::size_t{0}).value();
	if (file.length < 12)
		return nullptr;
	count = std::size_t(file.bytes[4] << 8 | file.bytes[5]);
	for (std::size_t i = 12; count-- > 0 && i + 16 <= file.length;
	     i += 16) {
		if (word(file.bytes + i) != name.unverified())
			continue;
		at = word(file.bytes + i + 8);
		size = word(file.bytes + i + 12);
		if (at > file.length || size > file.length - at)
			return nullptr;
		memory.store(length, size).value();
		return modiso::tainted<const void *>(file.inside.unverified() +
						     at);
	}
	return nullptr;
}

std::size_t print(const typed_sandbox &box, segment_of segment, face_of face,
		  font_of font, char *out, std::size_t room)
{
	modiso::tainted<const gr_slot *> slot =
		box.call<&gr_seg_first_slot>(segment).value();
	std::size_t used = 0;

	while (!slot.is_null() && room - used > 100) {
		const auto number = box.call<&gr_slot_gid>(slot).value();
		const auto x = box.call<&gr_slot_origin_X>(slot).value();
		const auto y = box.call<&gr_slot_origin_Y>(slot).value();
		const auto width =
			box.call<&gr_slot_advance_X>(slot, face, font).value();
		const auto before = box.call<&gr_slot_before>(slot).value();
		const auto after = box.call<&gr_slot_after>(slot).value();

		used += std::size_t(std::snprintf(
			out + used, 100, "%u %.3f %.3f %.3f %d %d\n",
			number.unverified(), double(x.unverified()),
			double(y.unverified()), double(width.unverified()),
			before.unverified(), after.unverified()));
		slot = box.call<&gr_slot_next_in_segment>(slot).value();
	}
	return used;
}

std::size_t set(const typed_sandbox &box, face_of face, font_of font,
		const char *text, unsigned char *out, std::size_t room)
{
	const auto copy = box.copy(text, std::strlen(text) + 1).value();
	const auto count = box.call<&gr_count_unicode_characters>(
		gr_utf8, copy.pointer(), nullptr, nullptr).value();
	const auto segment = box.call<&gr_make_seg>(
		font, face, 0u, nullptr, gr_utf8, copy.pointer(),
		count.unverified(), 0).value();
	std::size_t used = 1;

	*out = segment.is_null() ? '-' : '+';
	if (segment.is_null())
		return used;
	used += print(box, segment, face, font,
		      reinterpret_cast<char *>(out) + used, room - used);
	box.call<&gr_seg_destroy>(segment).value();
	return used;
}

} // namespace

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	static const char *const texts[] = {
		"A shaped text, 1234567890: office waffle ABC (b) [c]",
		"\331\205\330\261\330\255\330\250\330\247 "
		"\330\263\331\204\330\247\331\205",
		"\341\200\231\341\200\274\341\200\224\341\200\272\341\200\231"
		"\341\200\254\341\200\205\341\200\254",
	};
	const auto on_table = box.make_callback<&table>("table").value();
	const auto inside = box.copy(in, length).value();
	const gr_face_ops asks = {sizeof(asks), on_table.pointer(), nullptr};
	const auto ops = box.copy(&asks).value();
	std::size_t used = 0;

	file = {in, length, inside.pointer()};
	const auto face = box.call<&gr_make_face_with_ops>(
		inside.pointer(), ops.pointer(), unsigned{gr_face_preloadAll})
				  .value();
	if (face.is_null())
		return -1;
	const auto font = box.call<&gr_make_font>(24.0f, face).value();
	for (const char *text : texts)
		used += set(box, face, font, text, out + used, room - used);
	box.call<&gr_font_destroy>(font).value();
	box.call<&gr_face_destroy>(face).value();
	return long(used);
}
