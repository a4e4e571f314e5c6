/* SPDX-License-Identifier: MIT */
/*
 * support/fake.h - a backend that protects nothing, for unit tests of what
 * stands above one. Needs internal headers; for tests/unit only.
 */
#ifndef TESTS_SUPPORT_FAKE_H
#define TESTS_SUPPORT_FAKE_H

#include "backend/backend.h"

#include <errno.h>

/* protect_own() fails when this many of its calls have succeeded. */
static unsigned fake_patience = ~0u;

static int fake_protect_own(void *base, size_t length, enum mdi_own how)
{
	(void)base;
	(void)length;
	(void)how;
	if (fake_patience == 0) {
		errno = ENOMEM;
		return -1;
	}
	fake_patience--;
	return 0;
}

/* The library's sigaction() leaves the test's signals to the C library. */
static bool fake_inside(void)
{
	return true;
}

static inline void fake_start(void)
{
	static const struct mdi_thread_rights threads = {
		.protect_own = fake_protect_own,
	};
	static const struct mdi_backend backend = {
		.name = "fake",
		.threads = &threads,
		.inside = fake_inside,
	};

	mdi_open.state.backend = &backend;
	fake_patience = ~0u;
}

#endif /* TESTS_SUPPORT_FAKE_H */
