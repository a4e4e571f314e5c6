/* SPDX-License-Identifier: MIT */
/* Set text in a font with rules: which glyphs, and where they come. */
extern "C" {
#include "work.h"
}

#include <cstdio>
#include <cstring>
#include <graphite2/Segment.h>

namespace {

struct file {
	const unsigned char *bytes;
	size_t length;
};

unsigned long word(const unsigned char *at)
{
	return (unsigned long)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* Of an sfnt file; what is not in it is not there. */
const void *table(const void *arg, unsigned name, size_t *length)
{
	auto *font = static_cast<const file *>(arg);
	size_t count, at, size;

	*length = 0;
	if (font->length < 12)
		return nullptr;
	count = font->bytes[4] << 8 | font->bytes[5];
	for (size_t i = 12; count-- > 0 && i + 16 <= font->length; i += 16) {
		if (word(font->bytes + i) != name)
			continue;
		at = word(font->bytes + i + 8);
		size = word(font->bytes + i + 12);
		if (at > font->length || size > font->length - at)
			return nullptr;
		*length = size;
		return font->bytes + at;
	}
	return nullptr;
}

unsigned long print(const gr_segment *segment, const gr_face *face,
		    const gr_font *font, char *out, unsigned long room)
{
	const gr_slot *slot = gr_seg_first_slot(
		const_cast<gr_segment *>(segment));
	unsigned long used = 0;

	for (; slot != nullptr && room - used > 100;
	     slot = gr_slot_next_in_segment(slot))
		used += (unsigned long)std::snprintf(
			out + used, 100, "%u %.3f %.3f %.3f %d %d\n",
			gr_slot_gid(slot), (double)gr_slot_origin_X(slot),
			(double)gr_slot_origin_Y(slot),
			(double)gr_slot_advance_X(slot, face, font),
			gr_slot_before(slot), gr_slot_after(slot));
	return used;
}

} // namespace

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	static const char *const texts[] = {
		"A shaped text, 1234567890: office waffle ABC (b) [c]",
		"\331\205\330\261\330\255\330\250\330\247 "
		"\330\263\331\204\330\247\331\205",
		"\341\200\231\341\200\274\341\200\224\341\200\272\341\200\231"
		"\341\200\254\341\200\205\341\200\254",
	};
	const file file = {in, length};
	gr_face_ops ops = {sizeof(ops), table, nullptr};
	gr_face *face =
		gr_make_face_with_ops(&file, &ops, gr_face_preloadAll);
	gr_font *font;
	unsigned long used = 0;

	if (face == nullptr)
		return -1;
	font = gr_make_font(24, face);
	for (const char *text : texts) {
		size_t count = gr_count_unicode_characters(gr_utf8, text,
							   nullptr, nullptr);
		gr_segment *segment = gr_make_seg(font, face, 0, nullptr,
						  gr_utf8, text, count, 0);

		out[used++] = segment != nullptr ? '+' : '-';
		if (segment == nullptr)
			continue;
		used += print(segment, face, font, (char *)out + used,
			      room - used);
		gr_seg_destroy(segment);
	}
	gr_font_destroy(font);
	gr_face_destroy(face);
	return (long)used;
}
