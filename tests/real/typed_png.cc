/* SPDX-License-Identifier: MIT */
/* The structure stays in the module, which has pointers of its own there. */
#include "typed.h"

using modiso::member;

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room)
{
	const auto file = box.copy(in, length).value();
	const auto image = box.make<png_image>().value();
	const auto at = image.pointer();
	long size = -1;

	box.store(member(at, &png_image::version),
		  png_uint_32{PNG_IMAGE_VERSION}).value();
	if (!box.call<&png_image_begin_read_from_memory>(at, file.pointer(),
							 length)
		     .value()
		     .between(1, 1))
		return -1;
	box.store(member(at, &png_image::format),
		  png_uint_32{PNG_FORMAT_RGBA}).value();
	/* A check of both sides is what keeps their product from wrapping. */
	const auto head = box.load(at).value().verify([](const auto &it) {
		return it.width <= 65535 && it.height <= 65535 / 2;
	});
	if (head && PNG_IMAGE_SIZE(*head) <= room) {
		const std::size_t bytes = PNG_IMAGE_SIZE(*head);
		const auto pixels = box.make<png_byte>(bytes).value();

		if (box.call<&png_image_finish_read>(at, nullptr,
						     pixels.pointer(), 0,
						     nullptr)
			    .value()
			    .between(1, 1)) {
			box.read(pixels.pointer(), out, bytes).value();
			size = long(bytes);
		}
	}
	box.call<&png_image_free>(at).value();
	return size;
}
