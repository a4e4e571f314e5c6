/* SPDX-License-Identifier: MIT */
#include "os/linux/event.h"

#include <linux/audit.h>
#include <string.h>

/* si_code of SIGSYS; headers may be older. */
#define SECCOMP    1
#define DISPATCHED 2

static enum mdi_event_kind kind_of_segv(int code)
{
	switch (code) {
	case SEGV_MAPERR:
		return MDI_EVENT_UNMAPPED;
	case SEGV_ACCERR:
		return MDI_EVENT_PROTECTED;
	case SEGV_PKUERR:
		return MDI_EVENT_KEY;
	case SI_KERNEL:
		return MDI_EVENT_PRIVILEGED;
	default:
		return MDI_EVENT_MEMORY;
	}
}

static enum mdi_event_kind kind_of(int signo, int code)
{
	switch (signo) {
	case SIGSEGV:
		return kind_of_segv(code);
	case SIGBUS:
		if (code == SI_KERNEL)
			return MDI_EVENT_BUS_NOWHERE;
		return code == BUS_ADRERR ? MDI_EVENT_VOID : MDI_EVENT_BUS;
	case SIGILL:
		return MDI_EVENT_ILLEGAL;
	case SIGFPE:
		return MDI_EVENT_ARITHMETIC;
	case SIGTRAP:
		return code == TRAP_TRACE ? MDI_EVENT_STEP
					  : MDI_EVENT_BREAKPOINT;
	default:
		return code == DISPATCHED ? MDI_EVENT_CALL : MDI_EVENT_SYSCALL;
	}
}

void mdi_event_read(struct mdi_event *event, int signo, const siginfo_t *info)
{
	event->kind = kind_of(signo, info->si_code);
	event->signo = signo;
	event->code = info->si_code;
	event->address = 0;
	event->key = MDI_EVENT_NO_KEY;
	if (mdi_event_is_memory(event))
		event->address = (uintptr_t)info->si_addr;
	if (event->kind == MDI_EVENT_KEY)
		event->key = (int)info->si_pkey;
	event->call = 0;
	event->call_arch = 0;
	if (signo == SIGSYS) {
		event->call = (uint32_t)info->si_syscall;
		event->call_arch = info->si_arch;
	}
}

bool mdi_event_call_is_narrow(const struct mdi_event *event)
{
	return event->call_arch == AUDIT_ARCH_I386;
}

const char *mdi_event_call_arch(uint32_t arch)
{
	return arch == AUDIT_ARCH_X86_64 ? "x86-64" :
	       arch == AUDIT_ARCH_I386	 ? "i386" :
					   "an unknown architecture";
}

const char *mdi_event_name(int signo)
{
	const char *name = sigabbrev_np(signo);

	return name ? name : "";
}

const char *mdi_event_code_name(int signo, int code)
{
	static const struct {
		int signo, code;
		const char *name;
	} names[] = {
		{SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR"},
		{SIGSEGV, SEGV_ACCERR, "SEGV_ACCERR"},
		{SIGSEGV, SEGV_PKUERR, "SEGV_PKUERR"},
		{SIGSEGV, SI_KERNEL, "SI_KERNEL"},
		{SIGBUS, BUS_ADRALN, "BUS_ADRALN"},
		{SIGBUS, BUS_ADRERR, "BUS_ADRERR"},
		{SIGBUS, BUS_OBJERR, "BUS_OBJERR"},
		{SIGBUS, BUS_MCEERR_AR, "BUS_MCEERR_AR"},
		{SIGBUS, BUS_MCEERR_AO, "BUS_MCEERR_AO"},
		{SIGBUS, SI_KERNEL, "SI_KERNEL"},
		{SIGILL, ILL_ILLOPC, "ILL_ILLOPC"},
		{SIGILL, ILL_ILLOPN, "ILL_ILLOPN"},
		{SIGILL, ILL_PRVOPC, "ILL_PRVOPC"},
		{SIGFPE, FPE_INTDIV, "FPE_INTDIV"},
		{SIGFPE, FPE_INTOVF, "FPE_INTOVF"},
		{SIGFPE, FPE_FLTDIV, "FPE_FLTDIV"},
		{SIGFPE, FPE_FLTOVF, "FPE_FLTOVF"},
		{SIGFPE, FPE_FLTUND, "FPE_FLTUND"},
		{SIGFPE, FPE_FLTRES, "FPE_FLTRES"},
		{SIGFPE, FPE_FLTINV, "FPE_FLTINV"},
		{SIGTRAP, TRAP_BRKPT, "TRAP_BRKPT"},
		{SIGTRAP, TRAP_TRACE, "TRAP_TRACE"},
		{SIGTRAP, SI_KERNEL, "SI_KERNEL"},
		{SIGSYS, SECCOMP, "SYS_SECCOMP"},
		{SIGSYS, DISPATCHED, "SYS_USER_DISPATCH"},
	};

	for (size_t i = 0; i < MDI_COUNT(names); i++)
		if (names[i].signo == signo && names[i].code == code)
			return names[i].name;
	return "";
}
