/* SPDX-License-Identifier: MIT */
#include "os/windows/event.h"

bool mdi_event_call_is_narrow(const struct mdi_event *event)
{
	(void)event;
	return false;
}

const char *mdi_event_call_arch(uint32_t arch)
{
	(void)arch;
	return "an unknown architecture";
}

const char *mdi_event_name(int signo)
{
	switch (signo) {
	case MDI_SIGSEGV:
		return "SEGV";
	case MDI_SIGBUS:
		return "BUS";
	case MDI_SIGILL:
		return "ILL";
	case MDI_SIGFPE:
		return "FPE";
	case MDI_SIGTRAP:
		return "TRAP";
	default:
		return "";
	}
}

const char *mdi_event_code_name(int signo, int code)
{
	if (signo == MDI_SIGSEGV)
		return code == MDI_SEGV_MAPERR ? "SEGV_MAPERR" :
		       code == MDI_SEGV_ACCERR ? "SEGV_ACCERR" :
						 "";
	return "";
}
