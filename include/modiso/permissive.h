/* SPDX-License-Identifier: MIT */
/*
 * modiso/permissive.h - watch a module without stopping it.
 *
 * A module that was made with MODISO_MODULE_PERMISSIVE does what isolation
 * forbids: each such access is counted at its place in the program, let pass
 * once, and the module goes on. So one run of an existing program finds all
 * places where its modules touch what is not theirs. A permissive module is not
 * isolated from anything. MODISO_OPTIONS=permissive=1 in the environment makes
 * all modules of a program permissive, prints the table below when the program
 * ends (modiso_fini(), or exit(3) without it), and with report=1 a report for
 * each place; see modiso_init().
 *
 * What passes is what would have gone well without the library: an access to a
 * region that the host may do that to (closed ones too), or to memory in no
 * region; and the call of a service that is not for this module. All else is a
 * fault as ever: an address where nothing is, the guard page of a stack,
 * read-only data, an instruction that does not exist. Neither a filter nor a
 * landing is told of what passes. A system call that is given a forbidden
 * address says EFAULT as ever, and is not seen.
 *
 * A place is what a fault's summary has as its key: what was done, in which
 * functions, and at which line. An access in a function of the C library is its
 * caller's. The key stays when the program is changed elsewhere.
 *
 * It costs a fault and a trap for each access, by two signals, and with page
 * permissions two mprotect(2) in addition. During the one instruction no signal
 * handler runs on the thread, and with page permissions other threads of the
 * same module may touch the same page uncounted. An instruction that stores the
 * flags stores the trap flag with them. A debugger must hand the trap on: in
 * gdb "handle SIGTRAP nostop noprint pass".
 *
 * A thread that a module has made by itself is counted in the same way. At most
 * 256 threads are let pass at the same moment; for one more it is a fault.
 */
#ifndef MODISO_PERMISSIVE_H
#define MODISO_PERMISSIVE_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_permitted_print - where accesses were let pass: a line for each place.
 * modiso_permitted_print_json - the same as one JSON object on one line, which
 * doc/permitted.schema.json describes.
 * @stream: where to.
 *
 * A line has the key, how often, the kind of fault that it would have been, and
 * what was done, where. Lines that begin with '#' are for people. The text is
 * what MODISO_OPTIONS=known_sites=FILE takes: places whose keys are in that
 * file are counted and neither printed nor reported; as JSON they have "known".
 * The first 1024 different places are told apart.
 *
 * Return 0, or:
 *   MODISO_ERR_INVAL  @stream is NULL.
 *   MODISO_ERR_OS     the stream reports an error; errno says which.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   looks up symbols for each place that is new.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API int modiso_permitted_print(FILE *stream);
MODISO_API int modiso_permitted_print_json(FILE *stream);

/*
 * modiso_permitted_count - accesses that were let pass since modiso_init().
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: the child goes on with the parent's. Not to
 *         be called by module code.
 * Since:  0.1
 */
MODISO_API uint64_t modiso_permitted_count(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_PERMISSIVE_H */
