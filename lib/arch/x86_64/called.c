/* SPDX-License-Identifier: MIT */
/* A signal's entry that is called as a function: see signal.S. */
#include "arch/arch.h"
#include "arch/x86_64/rights.h"
#include "arch/x86_64/signal.h"
#include "os/linux/sys.h"
#include "os/maps.h"
#include "os/process.h"

#include <stdio.h>
#include <string.h>

const struct mdi_signal_entries mdi_entries_pkey = {
	.fault = mdi_signal_pkey,
	.other = mdi_async_pkey,
};

const struct mdi_signal_entries mdi_entries_plain = {
	.fault = mdi_signal_plain,
	.other = mdi_async_plain,
};

/*
 * The kernel has called somebody else first, with rights by which nothing of
 * the library's can be touched, and he hands on what is not his. He cannot be
 * given more: only the kernel vouches for who comes. Raw calls, as the library
 * cannot be asked for anything here.
 */
MDI_NORETURN static void end_for(int signo)
{
	struct mdi_sigaction first = { .handler = NULL };
	char path[192], line[640];
	int length;

	mdi_sys_sigaction(signo, NULL, &first);
	if (!mdi_maps_object((uintptr_t)first.handler, path, sizeof(path)) ||
	    path[0] == '\0')
		strcpy(path, "no file's");
	length = snprintf(line, sizeof(line),
			  "libmodiso: the handler at %#zx (%s) has taken "
			  "signal %d by a way that the library does not see, "
			  "and passed it on before the library has looked; call "
			  "modiso_signal_adopt() after the handler has been "
			  "installed\n",
			  (uintptr_t)first.handler, path, signo);
	mdi_os_say(line, (size_t)length);
	mdi_os_abort();
}

void mdi_signal_called(int signo, siginfo_t *info, ucontext_t *context,
		       bool keys)
{
	/* Without a library it is ordinary memory. */
	if (keys && mdi_rights_are_handlers() &&
	    !mdi_sys_may_read(&mdi_arch_state.flags))
		end_for(signo);
	mdi_arch_state.entries.intruder_calls(signo, info, context);
}

void mdi_signal_over(int signo, siginfo_t *info)
{
	mdi_arch_state.entries.intruder_over(signo, info);
}
