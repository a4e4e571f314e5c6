/* SPDX-License-Identifier: MIT */
#include "os/here.h"

#include "os/windows/windows.h"

/* Of the TEB: a word that nobody uses, and the first index of TlsAlloc(). */
#define TEB_ARBITRARY 0x28
#define TEB_TLS_SLOTS 0x1480
#define TLS_SLOTS     64u /* that lie in the TEB itself */

uintptr_t mdi_here_offset = TEB_ARBITRARY;

/* Before anybody can ask: so the offset is as good as constant. */
__attribute__((constructor)) static void take_index(void)
{
	DWORD index = TlsAlloc();

	if (index < TLS_SLOTS)
		mdi_here_offset = TEB_TLS_SLOTS + 8u * index;
}

bool mdi_here_works(void)
{
	return mdi_here_offset != TEB_ARBITRARY;
}
