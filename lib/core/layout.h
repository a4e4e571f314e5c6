/* SPDX-License-Identifier: MIT */
/*
 * core/layout.h - where pages lie in a module's range.
 *
 *	  room                         range                   room
 *	+- - --+-------+ +--------------+-- - - --+------+ +-- - --+------+
 *	|      | image | | stack   data |         | read | |       | code |
 *	+- - --+-------+ +--------------+-- - - --+------+ +-- - --+------+
 *	   down          ^          up              down   ^  down
 *	               floor                            ceiling
 *
 * Pages of one protection lie side by side, so that the module is opened in as
 * few calls as it has protections: none of the three is in the way of the
 * others before its room or the range is full.
 *
 * The parts of an image keep the distances that its linker chose: code, what is
 * read alone, data. So it ends at the floor, where the data goes on. A second
 * image goes where code goes.
 */
#ifndef MDI_CORE_LAYOUT_H
#define MDI_CORE_LAYOUT_H

#include "core/module.h"

/* Bytes for an image, and as many for code, beside a range of @range bytes. */
size_t mdi_layout_room(size_t range);

/*
 * Beside pages of which access: @place. NULL: no room, or no memory. The
 * library's lock is held in both.
 */
char *mdi_layout_take(struct modiso_module *owner, size_t length,
		      uint32_t place);
/* @low: out; does it end at the floor? */
char *mdi_layout_take_image(struct modiso_module *owner, size_t length,
			    bool *low);

#endif /* MDI_CORE_LAYOUT_H */
