/* SPDX-License-Identifier: MIT */
/*
 * modiso/signal.h - the host's own signal handlers, while threads are in
 * modules.
 *
 * A handler of the host runs with the host's rights wherever it interrupted the
 * thread: in a module, in a gate, in host code. For that the library stands in
 * front of it: it is called first by the kernel, puts rights and stack in
 * order, calls the handler as it was asked for (mask, SA_SIGINFO, SA_NODEFER,
 * SA_RESETHAND), and puts everything back. The six signals below that faults
 * come as are not blocked by another handler's mask: what it does may fault.
 *
 * A handler that asks for an alternate stack (SA_ONSTACK) runs on the thread's
 * own, and the kernel says so meanwhile (SS_ONSTACK). Any other one runs on one
 * of the library's signal stacks once the thread has entered modules, and so
 * does one that asks where the program has set none. They hold 60 KiB, or 44
 * KiB with protection keys on Linux before 6.12 once there is a READONLY or
 * SEALED module. The library defines sigaltstack(): it sets and tells what the
 * program has, at any time. A system call that bypasses it is noticed at the
 * next signal; if that is a module's fault for want of stack, the process ends.
 *
 * What the thread was in the middle of is not changed by a handler that calls
 * gates: modiso_last_error_text() and modiso_fault_last() say afterwards what
 * they said before it, like errno. Only modiso_fault_count() goes on.
 *
 * Handlers may be interrupted by others and may call gates. The third one upon
 * another runs with all signals blocked: those that come wait for its end.
 *
 * The library therefore defines sigaction() and all functions that do the same
 * in other words, signal(), bsd_signal(), ssignal(), sysv_signal(), sigset(),
 * sigignore() and siginterrupt(), for the program that links it: what they
 * answer is what the program asked for. It defines pthread_cancel() as well,
 * whose signal is one of these. A thread that is cancelled asynchronously while
 * it is in the middle of a gate ends at its next cancellation point. Handlers
 * that were installed by other ways (before modiso_init(), by other libraries,
 * by system calls) are found by modiso_signal_adopt(), which modiso_init(),
 * modiso_module_create() and every thread's first gate call run by themselves.
 *
 * SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP and SIGSYS stay the library's own:
 * sigaction() for one of them changes to whom the library passes a signal that
 * is no module's. A handler that other code installs for one of these by a
 * system call of its own has the signal until the library looks for the next
 * time: when a module, gate, service, region, heap or image is made, at a
 * thread's first gate call, and in modiso_signal_adopt(). Then the signal is
 * the library's again, and that handler is passed what is no module's. It may
 * hand a signal on, by calling the handler that the kernel named when it was
 * installed or by putting that one back, after modiso_fini() as well: the
 * signal goes to the handler that was asked for before it, with the siginfo
 * that it came with. Where several are installed in this way one after the
 * other, the last three are remembered.
 *
 * Until the library has looked, a module's fault goes to that handler. If it
 * hands the fault on, that is served as ever; but with protection keys the
 * handler has no rights to the library's memory, and the process ends with a
 * message that says whose handler it is. With keys it has no rights to a
 * module's stack either, where the kernel calls a handler without SA_ONSTACK,
 * nor to the library's signal stacks on Linux before 6.12 once a READONLY or
 * SEALED module has been made: there the process ends by SIGSEGV at the
 * handler's first instruction, without a message.
 *
 * The kernel ends a process whose fault comes as a signal that is blocked. So
 * the library defines sigprocmask(), pthread_sigmask(), sighold(), sigblock()
 * and sigsetmask() as well. A thread that blocks one of the six gets it
 * blocked, and MODISO_ERR_STATE from gates until it unblocks it. During a gate
 * call, in a service, in a handler that has interrupted the module or in the
 * module itself, the six are left out of what is blocked. Masks that come with
 * siglongjmp(), and those of sigsuspend(), ppoll() and their kind while they
 * wait, are no danger: the first is seen, and handlers that come in the others
 * have the thread's own mask. One that is set by the bare system call, or by
 * setcontext(3), is found at the thread's first call into another module; until
 * then a fault of a module ends the process by that signal.
 */
#ifndef MODISO_SIGNAL_H
#define MODISO_SIGNAL_H

#include <modiso/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * modiso_signal_adopt - stand in front of every handler that is installed now.
 *
 * For hosts whose libraries install handlers late. A handler that the library
 * does not stand in front of runs with rights to unregistered memory alone
 * (pkey: the kernel gives handlers key 0); on kernels before 6.12 it ends the
 * process when it interrupts a READONLY or SEALED module.
 *
 * Returns 0, or:
 *   MODISO_ERR_OS     the kernel refused rt_sigaction; errno says why.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   64 system calls.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int modiso_signal_adopt(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_SIGNAL_H */
