/* SPDX-License-Identifier: MIT */
#include "code/image_missing.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

void mdi_missing_add(struct mdi_missing *missing, const char *image,
		     const char *name, const char *why, bool special)
{
	const struct modiso_image_options *options = missing->options;
	size_t room = sizeof(missing->names) - missing->used;
	char text[192];
	int length;

	if (options != NULL && options->missing != NULL)
		options->missing(image, name, why, options->missing_arg);
	length = snprintf(text, sizeof(text), "%s%.128s%s%s%s",
			  missing->used != 0 ? ", " : "", name,
			  special ? " (" : "", special ? why : "",
			  special ? ")" : "");
	if (missing->more != 0 || length < 0 || (size_t)length >= room ||
	    (size_t)length >= sizeof(text)) {
		missing->more++;
		return;
	}
	memcpy(missing->names + missing->used, text, (size_t)length + 1);
	missing->used += (size_t)length;
}

int mdi_missing_fail(const struct mdi_missing *missing, const char *image,
		     const char *what)
{
	char more[32] = "";

	if (missing->more != 0)
		snprintf(more, sizeof(more), "%s%zu more",
			 missing->used != 0 ? " and " : "", missing->more);
	return mdi_fail(MODISO_ERR_NOENT, "image %s needs %s%s, %s", image,
			missing->names, more, what);
}
