/* SPDX-License-Identifier: MIT */
#include "os/process.h"

#include "os/windows/state.h"
#include "os/windows/windows.h"

#include <errno.h>
#include <tlhelp32.h>

int32_t mdi_os_thread_id(void)
{
	return (int32_t)GetCurrentThreadId();
}

int32_t mdi_os_process_id(void)
{
	return (int32_t)GetCurrentProcessId();
}

uint64_t mdi_os_now_ns(void)
{
	LARGE_INTEGER now;
	uint64_t rate = mdi_os_state.per_second;

	if (rate == 0) {
		QueryPerformanceFrequency(&now);
		rate = (uint64_t)now.QuadPart;
		mdi_os_state.per_second = rate;
	}
	QueryPerformanceCounter(&now);
	return (uint64_t)now.QuadPart / rate * 1000000000u +
	       (uint64_t)now.QuadPart % rate * 1000000000u / rate;
}

uint32_t mdi_os_threads(void)
{
	HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
	THREADENTRY32 entry = { .dwSize = sizeof(entry) };
	DWORD process = GetCurrentProcessId();
	uint32_t count = 0;

	if (list == INVALID_HANDLE_VALUE)
		return 0;
	for (BOOL more = Thread32First(list, &entry); more;
	     more = Thread32Next(list, &entry))
		count += entry.th32OwnerProcessID == process;
	CloseHandle(list);
	return count;
}

bool mdi_os_thread_lives(int32_t tid)
{
	HANDLE thread = OpenThread(SYNCHRONIZE, FALSE, (DWORD)tid);
	bool lives;

	if (thread == NULL)
		return false;
	lives = WaitForSingleObject(thread, 0) == WAIT_TIMEOUT;
	CloseHandle(thread);
	return lives;
}

/* SystemFunction036, as the system's headers and manuals call it. */
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG length);

int mdi_os_random(void *bytes, size_t length)
{
	return SystemFunction036(bytes, (ULONG)length) ? 0 : -1;
}

int mdi_os_barrier_register(void)
{
	return 0;
}

int mdi_os_barrier(void)
{
	FlushProcessWriteBuffers();
	return 0;
}

/* Nothing asynchronous comes to a thread here. */
void mdi_os_poke(int32_t tid)
{
	(void)tid;
}

int mdi_os_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	DWORD limit = timeout_ns == 0 ? INFINITE :
		      timeout_ns / 1000000u >= INFINITE - 1 ?
				 INFINITE - 1 :
				 (DWORD)((timeout_ns + 999999u) / 1000000u);

	return WaitOnAddress(word, &value, sizeof(value), limit) ? 0 : -1;
}

int mdi_os_wake(uint32_t *word, int count)
{
	if (count > 1)
		WakeByAddressAll(word);
	else if (count == 1)
		WakeByAddressSingle(word);
	return 0;
}

void mdi_os_say(const char *text, size_t length)
{
	DWORD ignored;

	WriteFile(GetStdHandle(STD_ERROR_HANDLE), text, (DWORD)length, &ignored,
		  NULL);
}

/* As abort() of the C library ends a process. */
#define ABORTED 3

void mdi_os_abort(void)
{
	mdi_os_kill();
}

void mdi_os_kill(void)
{
	for (;;)
		TerminateProcess(GetCurrentProcess(), ABORTED);
}
