/* SPDX-License-Identifier: MIT */
/*
 * base/settings.h - what the environment says: MODISO_OPTIONS, see
 * modiso_init().
 */
#ifndef MDI_BASE_SETTINGS_H
#define MDI_BASE_SETTINGS_H

#include "base/state.h"

/*
 * Read them. 0, or MODISO_ERR_INVAL with the sentence: then they are as they
 * were.
 */
int mdi_settings_read(void);

static inline const struct mdi_settings_state *mdi_settings(void)
{
	return &mdi_base_state.settings;
}

#endif /* MDI_BASE_SETTINGS_H */
