/* SPDX-License-Identifier: MIT */
/*
 * support/stayer.h - threads that are inside of a module until they are told to
 * leave. The module's code is the test program's, so it must be GUARD.
 */
#ifndef TESTS_SUPPORT_STAYER_H
#define TESTS_SUPPORT_STAYER_H

#include "support/world.h"

#include <pthread.h>

/*
 * stayer_start - a thread that is inside of @module when this returns. Any
 * number of them can be; to be joined after stayers_leave().
 */
pthread_t stayer_start(struct modiso_module *module);

/* stayers_leave - all of them come out. AS-Safe. */
void stayers_leave(void);

#endif /* TESTS_SUPPORT_STAYER_H */
