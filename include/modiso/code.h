/* SPDX-License-Identifier: MIT */
/*
 * modiso/code.h - the host's own code.
 *
 * Modules can jump to it, and one that gets the host to make a system call of
 * its choice could write to it. The kernel can be told to refuse that for as
 * long as the process lives.
 */
#ifndef MODISO_CODE_H
#define MODISO_CODE_H

#include <modiso/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_code_seal - the host's code stays as it is for as long as the process.
 *
 * The mappings of the program and of its shared objects that can be executed
 * and not written, those of the C library and of this one among them, are
 * sealed by mseal(2): nobody can unmap, move, replace or protect them any more,
 * nor give them another key, the host neither. Code that is loaded later is
 * not; call the function again then. Left alone are modules' code, and code
 * that the program makes by itself. Where guarded modules are wanted, make the
 * first one before: it changes code. A process that a fork makes has it sealed
 * too, one that execve(2) makes has not.
 *
 * It cannot be undone. dlclose(3) of an object leaves all of its pages mapped.
 * While instructions of the host's are taken away for a guarded module,
 * modiso_fini() is refused, as it could not put them back. A debugger's
 * breakpoints go on working, because ptrace(2) and /proc/PID/mem write to
 * sealed memory as well: with a module that is not guarded this is no boundary.
 *
 * Returns 0, or:
 *   MODISO_ERR_NOTSUP  the kernel has no mseal(2) (Linux 6.10), or a filter
 *                      forbids it; nothing is sealed.
 *   MODISO_ERR_OS      the kernel refused a mapping, or the list of them; what
 *                      came before it is sealed.
 *   MODISO_ERR_STATE   not initialised, or called from inside a module.
 *
 * Cost:   reads /proc/self/maps; a system call for each mapping that is code.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_code_seal(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_CODE_H */
