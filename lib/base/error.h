/* SPDX-License-Identifier: MIT */
/*
 * base/error.h - codes, and the sentence that goes with the last one.
 */
#ifndef MDI_BASE_ERROR_H
#define MDI_BASE_ERROR_H

#include <modiso/error.h>

#include "base/common.h"

/* Remember the sentence for this thread and return @code. Keeps errno. */
int mdi_fail(int code, const char *format, ...) MDI_PRINTF(2, 3);

/*
 * A system call failed: MODISO_ERR_OS, and a sentence with the limits that
 * errno hints at. @call is its name, the rest what it was for.
 */
int mdi_fail_os(const char *call, const char *format, ...) MDI_PRINTF(2, 3);

/*
 * What stands behind an errno is asked of this function from now on: it writes
 * the end of a sentence, or nothing. Keeps errno.
 */
typedef void mdi_why_fn(const char *call, int error, char *text, size_t size);
void mdi_error_why(mdi_why_fn *why);

/*
 * Why this thread gets no memory, for mdi_fail_memory(): the system call that
 * was refused, with errno; NULL: nothing is refused yet.
 */
void mdi_memory_refused(const char *call);

/* No memory for what the library notes: MODISO_ERR_NOMEM, and the limits. */
int mdi_fail_memory(const char *format, ...) MDI_PRINTF(1, 2);

/*
 * The same where time counts: the sentence is written when it is asked for, by
 * the one function that _error_later() has named.
 */
void mdi_error_later(const char *(*make)(char *text, size_t size));
int mdi_fail_later(int code);

/*
 * What a signal handler of the host must not change for the code that it
 * interrupted: save and restore, as with errno. AS-Safe.
 */
struct mdi_error {
	bool later; /* the text is still to be written */
	char text[384];
};
void mdi_error_save(struct mdi_error *error);
void mdi_error_restore(const struct mdi_error *error);

#endif /* MDI_BASE_ERROR_H */
