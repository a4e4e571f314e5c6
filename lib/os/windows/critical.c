/* SPDX-License-Identifier: MIT */
/*
 * A stopped thread, seen from another one. On the way from an instruction that
 * faults to the library's handler, and from there back, it runs the system's
 * code in ntdll.dll, which locks the list of handlers: exclusively, so that no
 * other thread's fault is served until this one has gone on. A system call is
 * no such place, and a thread may stand there for long.
 */
#include "os/critical.h"

#include "os/windows/windows.h"

#include <string.h>

static uintptr_t system_start, system_size;

/* Early: who asks the loader later may wait for one that is stopped in it. */
__attribute__((constructor)) static void find_system_code(void)
{
	const uint8_t *start = (const uint8_t *)GetModuleHandleA("ntdll.dll");
	const IMAGE_DOS_HEADER *file = (const IMAGE_DOS_HEADER *)start;
	const IMAGE_NT_HEADERS *headers;

	if (start == NULL)
		return;
	headers = (const IMAGE_NT_HEADERS *)(start + file->e_lfanew);
	system_start = (uintptr_t)start;
	system_size = headers->OptionalHeader.SizeOfImage;
}

/* What @pc comes back from: Windows has the first two, Wine the third. */
static bool is_system_call(uintptr_t pc)
{
	static const uint8_t syscall[] = { 0x0f, 0x05 };
	static const uint8_t interrupt[] = { 0xcd, 0x2e };
	static const uint8_t call[] = { 0xff, 0x14, 0x25, 0x00,
					0x10, 0xfe, 0x7f };
	const uint8_t *end = (const uint8_t *)pc;

	return memcmp(end - sizeof(syscall), syscall, sizeof(syscall)) == 0 ||
	       memcmp(end - sizeof(interrupt), interrupt,
		      sizeof(interrupt)) == 0 ||
	       memcmp(end - sizeof(call), call, sizeof(call)) == 0;
}

/* Nobody knows where it stands: then it is taken to be in the way. */
static bool is_in_system_code(int tid)
{
	HANDLE stopped = OpenThread(THREAD_GET_CONTEXT, FALSE, (DWORD)tid);
	CONTEXT machine = { .ContextFlags = CONTEXT_CONTROL };
	bool known;

	if (stopped == NULL)
		return true;
	known = GetThreadContext(stopped, &machine);
	CloseHandle(stopped);
	return !known || (machine.Rip - system_start < system_size &&
			  !is_system_call(machine.Rip));
}

bool mdi_critical_of(uint64_t self, int tid)
{
	return *(const volatile uint64_t *)(self + mdi_critical_offset) != 0 ||
	       is_in_system_code(tid);
}
