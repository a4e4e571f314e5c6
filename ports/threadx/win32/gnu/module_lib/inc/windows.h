/* SPDX-License-Identifier: MIT */
/*
 * windows.h - of Windows' header what the kernel port's tx_port.h needs in a
 * module, which is compiled for no system: types of the same size. A long of
 * its compiler has 64 bits, one of Windows 32.
 */
#ifndef TXM_WINDOWS_H
#define TXM_WINDOWS_H

typedef void *HANDLE;
typedef unsigned int DWORD;
typedef int BOOL;

typedef union {
	struct {
		DWORD LowPart;
		int HighPart;
	};
	long long QuadPart;
} LARGE_INTEGER;

typedef struct {
	void *words[5];
} CRITICAL_SECTION;

#endif /* TXM_WINDOWS_H */
