/* SPDX-License-Identifier: MIT */
/*
 * modiso/error.h - what a call that failed returns, in numbers and in words.
 *
 * Every function that can fail returns int: 0, or one of the negative codes
 * below. The list is closed: a function returns only the codes that its own
 * comment names. errno is meaningful after MODISO_ERR_OS alone; every other
 * outcome, success included, leaves errno as it was.
 */
#ifndef MODISO_ERROR_H
#define MODISO_ERROR_H

#include <modiso/export.h>

#ifdef __cplusplus
extern "C" {
#endif

enum modiso_error {
	MODISO_OK = 0,
	MODISO_ERR_INVAL = -1,   /* an argument is wrong */
	MODISO_ERR_NOMEM = -2,   /* no memory for bookkeeping */
	MODISO_ERR_OS = -3,      /* a system call failed; errno says how */
	MODISO_ERR_NOTSUP = -4,  /* this machine, kernel or backend cannot */
	MODISO_ERR_NOKEY = -5,   /* no protection key is free */
	MODISO_ERR_STATE = -6,   /* not now: before init, inside a module... */
	MODISO_ERR_BUSY = -7,    /* in use */
	MODISO_ERR_NOENT = -8,   /* no such thing */
	MODISO_ERR_ACCESS = -9,  /* not allowed: rights, protection */
	MODISO_ERR_FORMAT = -10, /* malformed image */
	MODISO_ERR_GADGET = -11, /* forbidden instruction found */
	MODISO_ERR_LIMIT = -12,  /* a limit of this library is reached */
	MODISO_ERR_FAULT = -13,  /* the module faulted: modiso_fault_last() */
	MODISO_ERR_ABANDONED = -14 /* modiso_thread_abandon() ended the call */
};

/*
 * modiso_strerror - one code in words, as in the list above.
 * modiso_error_name - one code as it is spelled, "MODISO_ERR_INVAL".
 * @code: what a function of this library returned.
 *
 * Return a constant string; for a number that is no code of this library a
 * constant string that says so.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe.
 * Since:  0.1
 */
MODISO_API const char *modiso_strerror(int code);
MODISO_API const char *modiso_error_name(int code);

/*
 * modiso_last_error_text - the sentence behind this thread's last failure.
 *
 * What was asked for, what stands in the way, and what to do about it: names,
 * addresses, sizes, the sysctl, the package. Set by every call of this library
 * that returns a negative code, and left alone by those that succeed.
 *
 * Returns a string that belongs to the calling thread and stays as it is until
 * this thread's next failure; "" when there was none.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Unsafe (a signal handler may see half a sentence). Fork:
 *         the child keeps the forking thread's text.
 * Since:  0.1
 */
MODISO_API const char *modiso_last_error_text(void);

/*
 * modiso_misuse_fn - told of a mistake in the program that calls the library.
 * @text: one line without its newline.
 * @arg:  as given to modiso_set_misuse_handler().
 *
 * Called on the thread that made the mistake. When it returns the library
 * calls abort().
 */
typedef void (*modiso_misuse_fn)(const char *text, void *arg);

/*
 * modiso_set_misuse_handler - say who is told of a programmer's mistake.
 * @handler: called before abort(); NULL for the default, which writes the line
 *           to standard error.
 * @arg:     handed to @handler.
 *
 * Mistakes are what no error code can mend: a handle that was destroyed, a
 * window closed that was never opened, a lock of the library lost. The line of
 * a handle has its name, the function that was handed it, and where that was
 * called: file and line where the program's file tells them, else the offset in
 * the file.
 *
 * Cost:   none.
 * Safety: MT-Unsafe with itself. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API void modiso_set_misuse_handler(modiso_misuse_fn handler, void *arg);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_ERROR_H */
