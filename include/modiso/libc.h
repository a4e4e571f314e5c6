/* SPDX-License-Identifier: MIT */
/*
 * modiso/libc.h - functions of the C library for module code, as services.
 *
 * An image that was not built for modules asks for strcmp() or vsnprintf() by
 * name. The host's own would read and write wherever it is told to, with the
 * host's rights. These touch what the calling module could have touched itself,
 * and end its call where it could not, as if it had done that.
 *
 * One set of them is enough for all modules of a process. What modiso-cc(1)
 * links has string functions of its own, which cost no service call.
 */
#ifndef MODISO_LIBC_H
#define MODISO_LIBC_H

#include <modiso/export.h>
#include <modiso/gate.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_libc_function - what is to be made a service for module code.
 * @name:  as an image imports it.
 * @flags: receives what modiso_service_options.flags must have for it.
 *
 *     memcpy memmove memset memcmp memchr
 *     strlen strnlen strcmp strncmp strchr strrchr strstr
 *     strcpy strncpy strcat strncat strdup
 *     snprintf vsnprintf sprintf vsprintf
 *     abort exit __assert_fail
 *
 * They are of the C library's types. A pointer to what the calling module may
 * not touch, by its regions and its confinement, ends its call with
 * MODISO_FAULT_ACCESS, at that address; abort() and __assert_fail() end it with
 * MODISO_FAULT_ABORT, exit() with MODISO_FAULT_EXIT. strdup() takes a block of
 * the module's heap: NULL without one. Formats are read as by
 * modiso_arguments_format(): for one that is refused the result is -1.
 *
 * Functions of math.h without pointers need no check: the host's own can be
 * made services, those of float and double, with MODISO_SERVICE_FLOAT. An error
 * of theirs is in the host's errno. A module that computes much has a libm of
 * its own (modiso-cc --libc): a service call takes longer than such a function,
 * and many times as long with mprotect.
 *
 * Returns the function, or NULL: there is none of that name, or an argument is
 * NULL.
 *
 * Cost:   none; a call costs a service call, a check of each range and one pass
 *         over the bytes, two where both ends are the module's.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API modiso_fn modiso_libc_function(const char *name, uint32_t *flags);

/*
 * modiso_libc_name - the names that modiso_libc_function() knows.
 * @number: from 0.
 *
 * Returns the name, or NULL: there are no more.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API const char *modiso_libc_name(size_t number);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_LIBC_H */
