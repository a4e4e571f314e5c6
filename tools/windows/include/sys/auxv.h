/* SPDX-License-Identifier: MIT */
/* sys/auxv.h - the system tells nothing. */
#ifndef MODISO_TOOLS_AUXV_H
#define MODISO_TOOLS_AUXV_H

static inline unsigned long getauxval(unsigned long type)
{
	(void)type;
	return 0;
}

#endif /* MODISO_TOOLS_AUXV_H */
