/* SPDX-License-Identifier: MIT */
/*
 * core/seal.h - the host's code cannot be changed any more.
 */
#ifndef MDI_CORE_SEAL_H
#define MDI_CORE_SEAL_H

#include "base/common.h"

/*
 * The code of the program and of its objects that are loaded now. 0;
 * MODISO_ERR_NOTSUP or another code, the sentence says why. The library's lock
 * is held.
 */
int mdi_seal_code(void);

/* Is some of the host's code sealed? It is for ever. */
bool mdi_seal_is_on(void);

#endif /* MDI_CORE_SEAL_H */
