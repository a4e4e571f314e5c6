/* SPDX-License-Identifier: MIT */
/*
 * modiso/service.h - a module calls into the host.
 *
 * A service is a host function that modules may call: the dispatcher of a
 * kernel, a logger, an allocator. It runs on the host's stack with the host's
 * rights, on the calling thread, and returns to the module with the module's.
 * What it is handed comes from the module and is not to be trusted: see
 * modiso/range.h.
 *
 * A service may throw a C++ exception, and its thread may end in it, by
 * pthread_exit() or a cancellation. The module's call is then over: its code is
 * left out, destructors and clean-up handlers too, and the host unwinds on from
 * where it called the gate.
 */
#ifndef MODISO_SERVICE_H
#define MODISO_SERVICE_H

#include <modiso/export.h>
#include <modiso/gate.h>
#include <modiso/module.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct modiso_service;

/* modiso_service_options.flags */
#define MODISO_SERVICE_LISTED (1u << 0) /* only for modules on its list */
#define MODISO_SERVICE_FLOAT  (1u << 1) /* its result is a float or double */
/* The function is a modiso_variadic_fn: modiso/arguments.h. */
#define MODISO_SERVICE_VARIADIC (1u << 2)

/*
 * How a service is to be made. A zeroed structure with struct_size set asks
 * for the defaults. Fields are only ever added at the end.
 */
struct modiso_service_options {
	uint32_t struct_size; /* bytes */
	uint32_t flags;       /* MODISO_SERVICE_* */
	/*
	 * Integer and pointer arguments, 0 to 16; up to 6 it does not matter
	 * how many. Behind the eighth float or double one is a word, too.
	 */
	uint32_t word_args;
	/*
	 * Bit n, 0 to 5: word n is a pointer of the module's that the function
	 * touches itself, and there it may be left, at any instruction.
	 */
	uint32_t pointers;
};
#define MODISO_SERVICE_OPTIONS_INIT MODISO_SIZED(modiso_service_options)

/*
 * modiso_service_create - let modules call a host function.
 * @name:     for reports: 1 to MODISO_NAME_SIZE - 1 bytes; copied.
 * @function: the host function, cast to modiso_fn. Up to six integer or
 *            pointer and eight float or double arguments, one result; with
 *            word_args up to 16 words in all.
 * @options:  NULL for the defaults: every module may call it.
 * @out:      receives the service; left untouched on failure.
 *
 * A module that is SEALED, or has a gate with MODISO_GATE_SCRUB, finds nothing
 * of the host's in any register when the service returns but its result. For
 * such modules a float or double result needs MODISO_SERVICE_FLOAT; without it
 * they get 0.
 *
 * Words behind the sixth lie on the module's stack, and are copied for the
 * function. A module whose stack pointer leads to where it may not read faults
 * (MODISO_FAULT_ACCESS) where it calls the service.
 *
 * A function of the host's that knows nothing of modules touches what it is
 * handed. Where that is unmapped, closed to the host as well, or no address at
 * all, it faults as any host code: the program's handler is asked, or the
 * process ends. With pointers the module's call ends in its place, by a fault
 * of the module's (MODISO_FAULT_UNMAPPED, _ACCESS or _BUS) at the call of the
 * service; pc and registers of the record are the function's. That is for
 * addresses up to 64 KiB away from such a word, or from all that the word leads
 * into: the module's address range, or a region elsewhere that it may use. The
 * function is left as by longjmp(): no destructor runs, and what it holds then,
 * a mutex, the lock of malloc(3) or of a FILE, is held for ever. So ask for it
 * only where nothing is held at such an access. What stays the host's fault:
 * another address, one that the function has found in memory among them; any
 * in a signal handler that interrupts it, on a stack or a thread that it has
 * changed to, in a function of this library, and in a service or gate without
 * pointers that it has called. A fault of its own so near to such a word, of a
 * null pointer where the module has handed one, is taken for the module's.
 * Nothing is checked: what the host may touch it does touch, whose ever it is.
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  an argument is NULL, @name is empty or too long, an
 *                     option is unknown, more than 16 words; a bit of pointers
 *                     is none of those that there are; or
 *                     MODISO_SERVICE_VARIADIC with MODISO_SERVICE_FLOAT, or
 *                     with more than 6 words.
 *   MODISO_ERR_LIMIT  4096 services exist.
 *   MODISO_ERR_NOMEM  no memory for bookkeeping.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   six system calls, to see whether other code has taken a fault
 *         signal.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_service_create(const char *name, modiso_fn function,
		      const struct modiso_service_options *options,
		      struct modiso_service **out);

/*
 * modiso_service_allow, modiso_service_deny - put a module on the list of a
 * MODISO_SERVICE_LISTED service, take it off.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL  an argument is NULL, or the service has no list.
 *   MODISO_ERR_NOMEM  no memory for the list.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   no system call.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_service_allow(struct modiso_service *service,
		     struct modiso_module *module);
MODISO_API MODISO_MUST_CHECK int
modiso_service_deny(struct modiso_service *service,
		    struct modiso_module *module);

/*
 * modiso_service_thunk - the pointer that module code calls.
 * @service: not NULL.
 *
 * The pointer is an ordinary function of the service's own type. It is good
 * inside any module; a module that may not call the service faults
 * (MODISO_FAULT_SERVICE). Host code that calls it calls the function directly.
 *
 * Returns the pointer.
 *
 * Cost:   none. The call itself costs about what a gate call does; with keys
 *         some 80 instructions more if the service has a list or pointers.
 * Safety: MT-Safe. AS-Safe. Fork: safe. Not to be called by module code.
 * Since:  0.1
 */
MODISO_API modiso_fn
modiso_service_thunk(const struct modiso_service *service);

/*
 * modiso_service_fail - end the module's call that this service serves.
 * @kind:   MODISO_FAULT_ACCESS, _EXIT or _ABORT: what the record says.
 * @detail: ACCESS: the address that the module has handed over; EXIT: the
 *          status; else 0.
 *
 * For a service that cannot go on with what it was handed, or that stands for
 * exit() or abort(). The module's call ends with MODISO_ERR_FAULT, as by a
 * fault of the module at the call of the service, which calls[0].service_name
 * of the record is. Of ACCESS the record says read where the module may not
 * read the address, else write. The host's code goes on where it has called the
 * gate; the service is left as by longjmp(): no destructor runs, what is locked
 * stays locked, an open window open. So check what a module hands over first,
 * by modiso_copy_in(), and fail while no lock is held and no window is open.
 * That a host function touches a module's pointer itself ends the call only
 * where the service says so (modiso_service_options.pointers).
 *
 * Returns only if there is no call to be ended:
 *   MODISO_ERR_INVAL  another @kind.
 *   MODISO_ERR_STATE  not initialised; called from inside a module, or by code
 *                     that no module has called.
 *
 * Cost:   as a fault without its signal.
 * Safety: MT-Safe. AS-Unsafe: not to be called by a signal handler that has
 *         interrupted a service. Fork: safe.
 * Since:  0.1
 */
MODISO_API int modiso_service_fail(uint32_t kind, uintptr_t detail);

/*
 * modiso_service_destroy - end a service.
 * @service: NULL is allowed and does nothing.
 *
 * Module code that calls its thunk afterwards faults (MODISO_FAULT_SERVICE).
 *
 * Returns 0, or:
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   no system call.
 * Safety: MT-Safe, MT-Unsafe with another destroy of @service. AS-Unsafe.
 *         Fork: safe.
 * Since:  0.1
 */
MODISO_API int
modiso_service_destroy(struct modiso_service *service);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_SERVICE_H */
