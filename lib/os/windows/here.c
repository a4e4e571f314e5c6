/* SPDX-License-Identifier: MIT */
#include "os/here.h"

#include "os/windows/windows.h"

/*
 * Of the TEB: a word that nobody uses; the last one of a buffer for names of
 * files (StaticUnicodeBuffer); and the first index of TlsAlloc().
 */
#define TEB_ARBITRARY   0x28
#define TEB_BUFFERS_END 0x1468
#define TEB_TLS_SLOTS   0x1480
#define TLS_SLOTS       64u /* that lie in the TEB itself */

uintptr_t mdi_here_offset = TEB_ARBITRARY;
uintptr_t mdi_critical_offset = TEB_BUFFERS_END;

static void take_index(uintptr_t *offset)
{
	DWORD index = TlsAlloc();

	if (index < TLS_SLOTS)
		*offset = TEB_TLS_SLOTS + 8u * index;
}

/* Before anybody can ask: so the offsets are as good as constant. */
__attribute__((constructor)) static void take_indexes(void)
{
	take_index(&mdi_here_offset);
	take_index(&mdi_critical_offset);
}

bool mdi_here_works(void)
{
	return mdi_here_offset != TEB_ARBITRARY &&
	       mdi_critical_offset != TEB_BUFFERS_END;
}
