/* SPDX-License-Identifier: MIT */
/* leaves IMAGE - an exception that leaves the module is its fault. */
#include "leaves_sandbox.hpp"

int main(int count, char **words)
{
	const auto library = modiso::library::start().value();
	const auto box = leaves_sandbox::open(library, words[count - 1]).value();
	const auto it = box.call<&thrower_new>(3).value();

	if (!box.call<&thrower_over>(it, 3, false).value().between(3, 3))
		return 1;
	if (!box.call<&thrower_over>(it, 4, true).value().between(-1, -1))
		return 2;
	if (box.call<&thrower_over>(it, 4, false).error().code() !=
	    MODISO_ERR_FAULT)
		return 3;
	if (box.call<&thrower_new>(-1).error().code() != MODISO_ERR_FAULT)
		return 4;
	if (!box.call<&thrower_over>(it, 2, false).value().between(2, 2))
		return 5;
	return box.call<&thrower_delete>(it) ? 0 : 6;
}
