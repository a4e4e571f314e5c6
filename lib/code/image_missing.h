/* SPDX-License-Identifier: MIT */
/*
 * code/image_missing.h - what an image needs and nobody has: told to the host
 * name by name, and all together in one sentence.
 */
#ifndef MDI_CODE_IMAGE_MISSING_H
#define MDI_CODE_IMAGE_MISSING_H

#include <modiso/image.h>

#include "base/common.h"

struct mdi_missing {
	const struct modiso_image_options *options; /* or NULL */
	char names[256]; /* as many as there is room for, */
	size_t used;
	size_t more; /* and these */
};

/* @why is for the host; @special: in the sentence as well. */
void mdi_missing_add(struct mdi_missing *missing, const char *image,
		     const char *name, const char *why, bool special);
static inline bool mdi_missing_any(const struct mdi_missing *missing)
{
	return missing->used != 0 || missing->more != 0;
}
/* "image @image needs ..., @what." MODISO_ERR_NOENT. */
int mdi_missing_fail(const struct mdi_missing *missing, const char *image,
		     const char *what);

#endif /* MDI_CODE_IMAGE_MISSING_H */
