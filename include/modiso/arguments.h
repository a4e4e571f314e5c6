/* SPDX-License-Identifier: MIT */
/*
 * modiso/arguments.h - services with variable arguments: loggers and the like.
 *
 * A module calls such a service as any function "void log(int, const char *,
 * ...)". The host's function is of another type: it is handed what the module
 * has passed, and takes one argument after the other, as stdarg.h does. What
 * it takes wrongly is a wrong number; nothing of the host's is read for it.
 *
 *     static uintptr_t log(struct modiso_arguments *arguments)
 *     {
 *         int level = (int)modiso_argument_word(arguments);
 *         const char *format =
 *             (const char *)modiso_argument_word(arguments);
 *         char text[512];
 *
 *         if (modiso_arguments_format(arguments, format, text,
 *                         sizeof(text), NULL) == 0)
 *             ...
 *
 * modiso_service_create() with MODISO_SERVICE_VARIADIC makes it a service.
 */
#ifndef MODISO_ARGUMENTS_H
#define MODISO_ARGUMENTS_H

#include <modiso/export.h>
#include <modiso/gate.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_arguments;

/*
 * The host's function of a service that was made with MODISO_SERVICE_VARIADIC:
 * cast to modiso_fn there. @arguments are good until it returns. Its result is
 * what the module gets.
 */
typedef uintptr_t (MODISO_CALL *modiso_variadic_fn)(
	struct modiso_arguments *arguments);

/*
 * modiso_argument_word - the next integer or pointer.
 * modiso_argument_number - the next double; a float is passed as one.
 * @arguments: of the service that runs.
 *
 * Fixed and variable arguments alike, in the order in which they were passed.
 * Those that the module passes on its stack are read when they are asked for,
 * once. A module whose stack pointer leads to where it may not read faults
 * (MODISO_FAULT_ACCESS) there: its call ends as by modiso_service_fail(), so
 * take arguments while no lock is held.
 *
 * Return the argument.
 *
 * Cost:   some instructions; of one on the stack that of modiso_copy_in().
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API uintptr_t
modiso_argument_word(struct modiso_arguments *arguments);
MODISO_API double modiso_argument_number(struct modiso_arguments *arguments);

/*
 * modiso_arguments_format - what printf(3) would make of the next arguments.
 * modiso_arguments_vformat - the same of a va_list of the calling module.
 * @arguments: of the service that runs.
 * @list:      in any service: the va_list that the module handed over, a
 *             pointer.
 * @format:    the module's.
 * @to:        the host's buffer. It is filled as by snprintf(3), with a zero
 *             at its end unless @size is 0; NULL if @size is 0.
 * @size:      of it, bytes.
 * @length:    receives the bytes that there would be in a larger buffer,
 *             without the zero; NULL: not asked for.
 *
 * Everything that the module names is read once, and only where the module may
 * read by its regions and its confinement: the format, the strings, the list
 * and what it leads to. The conversions are d i u o x X c s p % and a A e E f F
 * g G, with the flags "-+ #0", a width, a precision (2000 at most) and the
 * lengths hh h l ll j z t L. A null pointer as a string is "(null)". %n and
 * whatever else there is are refused: what was made until then is in @to. The
 * decimal point is that of the host's locale.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL   a pointer is NULL, or the format has %n or another
 *                      conversion, flag or length.
 *   MODISO_ERR_ACCESS  a byte that the module may not read; the sentence names
 *                      it.
 *   MODISO_ERR_FAULT   bytes went away meanwhile.
 *   MODISO_ERR_LIMIT   a width or a precision of more than 2000, a format of
 *                      more than 64 KiB, a string of more than 1 MiB, more
 *                      than 16 MiB in all.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module; or by
 *                      code that no module has called.
 *
 * Cost:   that of snprintf(3) for each conversion, and one pass over the bytes.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_arguments_format(struct modiso_arguments *arguments, const char *format,
			char *to, size_t size, size_t *length);
MODISO_API MODISO_MUST_CHECK int
modiso_arguments_vformat(const void *list, const char *format, char *to,
			 size_t size, size_t *length);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_ARGUMENTS_H */
