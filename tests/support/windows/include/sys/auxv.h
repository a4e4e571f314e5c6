/* SPDX-License-Identifier: MIT */
/* sys/auxv.h - the system tells nothing: what asks for more is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_AUXV_H
#define TESTS_SUPPORT_WINDOWS_AUXV_H

#define AT_HWCAP2 26

static inline unsigned long getauxval(unsigned long type)
{
	(void)type;
	return 0;
}

#endif /* TESTS_SUPPORT_WINDOWS_AUXV_H */
