/* SPDX-License-Identifier: MIT */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <windows.h>

#include <tlhelp32.h>

#define WRITABLE   (PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE)
#define EXECUTABLE                                                             \
	(PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE |           \
	 PAGE_EXECUTE_WRITECOPY)

static bool query(uintptr_t at, MEMORY_BASIC_INFORMATION *piece)
{
	return VirtualQuery((void *)at, piece, sizeof(*piece)) != 0;
}

static DWORD protection(const MEMORY_BASIC_INFORMATION *piece)
{
	return piece->State == MEM_COMMIT ? piece->Protect : PAGE_NOACCESS;
}

/* The system's answer begins at the page that it is asked for. */
static bool query_whole(uintptr_t at, MEMORY_BASIC_INFORMATION *piece)
{
	if (!query(at, piece) || piece->State == MEM_FREE)
		return false;
	for (uintptr_t from = (uintptr_t)piece->AllocationBase;
	     query(from, piece); from += piece->RegionSize)
		if (at - (uintptr_t)piece->BaseAddress < piece->RegionSize)
			return true;
	return false;
}

bool proc_mapping(const void *address, struct proc_mapping *mapping)
{
	MEMORY_BASIC_INFORMATION piece;
	DWORD how;

	memset(mapping, 0, sizeof(*mapping));
	mapping->pkey = -1;
	if (!query_whole((uintptr_t)address, &piece))
		return false;
	how = protection(&piece);
	mapping->start = (uintptr_t)piece.BaseAddress;
	mapping->end = mapping->start + piece.RegionSize;
	strcpy(mapping->perms, "---p");
	if (!(how & (PAGE_NOACCESS | PAGE_EXECUTE)))
		mapping->perms[0] = 'r';
	if (how & WRITABLE)
		mapping->perms[1] = 'w';
	if (how & EXECUTABLE)
		mapping->perms[2] = 'x';
	return true;
}

int proc_key(const void *address)
{
	(void)address;
	return -1;
}

bool proc_writable_code(void)
{
	MEMORY_BASIC_INFORMATION piece;

	for (uintptr_t at = 0; query(at, &piece); at += piece.RegionSize)
		if (protection(&piece) & PAGE_EXECUTE_READWRITE)
			return true;
	return false;
}

static size_t count_threads(void)
{
	HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
	THREADENTRY32 entry = {.dwSize = sizeof(entry)};
	size_t count = 0;

	for (BOOL more = Thread32First(list, &entry); more;
	     more = Thread32Next(list, &entry))
		count += entry.th32OwnerProcessID == GetCurrentProcessId();
	CloseHandle(list);
	return count;
}

/*
 * Memory counts when it is committed, which the process alone decides. What of
 * it is resident is another matter: Wine touches a megabyte of each thread's
 * stack when that thread begins to run, whenever that is.
 */
struct proc_usage proc_usage(void)
{
	struct proc_usage usage = {.threads = count_threads()};
	MEMORY_BASIC_INFORMATION piece;
	DWORD handles = 0;

	for (uintptr_t at = 0; query(at, &piece); at += piece.RegionSize) {
		usage.mappings += piece.State != MEM_FREE;
		if (piece.State == MEM_COMMIT && piece.Type == MEM_PRIVATE)
			usage.rss_kib += piece.RegionSize / 1024;
	}
	GetProcessHandleCount(GetCurrentProcess(), &handles);
	usage.fds = handles;
	return usage;
}

unsigned long proc_status(const char *key)
{
	(void)key;
	test_skip("proc", "there is no /proc");
}

pid_t proc_gettid(void)
{
	return (pid_t)GetCurrentThreadId();
}

/* Nobody says: it may as well be. */
bool proc_is_asleep(pid_t tid)
{
	(void)tid;
	return true;
}

void proc_share_cpu(pid_t tid)
{
	(void)tid;
}

bool thread_owns_stack(const void *address)
{
	const NT_TIB *thread = (const NT_TIB *)NtCurrentTeb();

	return address >= thread->StackLimit && address < thread->StackBase;
}

static DWORD page_protection(int prot)
{
	switch (prot) {
	case PROT_NONE:
		return PAGE_NOACCESS;
	case PROT_READ:
		return PAGE_READONLY;
	case PROT_READ | PROT_EXEC:
		return PAGE_EXECUTE_READ;
	case PROT_READ | PROT_WRITE | PROT_EXEC:
		return PAGE_EXECUTE_READWRITE;
	default:
		return PAGE_READWRITE;
	}
}

unsigned char *pages_map(size_t pages, int prot)
{
	void *base = VirtualAlloc(NULL, pages * PAGE, MEM_RESERVE | MEM_COMMIT,
				  page_protection(prot));

	if (base == NULL)
		ck_abort_msg("VirtualAlloc: error %lu", GetLastError());
	return base;
}

/* Of what pages_map() has made as a whole. */
void pages_unmap(void *base, size_t pages)
{
	if (!VirtualFree(base, pages * PAGE, MEM_DECOMMIT))
		ck_abort_msg("VirtualFree: error %lu", GetLastError());
}

int mprotect(void *base, size_t length, int prot)
{
	DWORD was;

	return VirtualProtect(base, length, page_protection(prot), &was) ? 0
									 : -1;
}

void *mmap(void *base, size_t length, int prot, int flags, int file,
	   long long offset)
{
	DWORD how = page_protection(prot);
	void *pages = VirtualAlloc(base, length, MEM_RESERVE | MEM_COMMIT, how);

	/* In what somebody has reserved. */
	if (pages == NULL && flags & MAP_FIXED)
		pages = VirtualAlloc(base, length, MEM_COMMIT, how);
	(void)file;
	(void)offset;
	return pages != NULL ? pages : MAP_FAILED;
}

int munmap(void *base, size_t length)
{
	MEMORY_BASIC_INFORMATION piece;
	bool whole = query((uintptr_t)base, &piece) &&
		     piece.AllocationBase == base &&
		     piece.RegionSize == length &&
		     (!query((uintptr_t)base + length, &piece) ||
		      piece.AllocationBase != base);

	return VirtualFree(base, whole ? 0 : length,
			   whole ? MEM_RELEASE : MEM_DECOMMIT) ?
		       0 :
		       -1;
}

int test_mkstemp(char *path)
{
	return _open(_mktemp(path), O_CREAT | O_EXCL | O_RDWR | O_BINARY,
		     S_IREAD | S_IWRITE);
}

char *mkdtemp(char *path)
{
	return _mkdir(_mktemp(path)) == 0 ? path : NULL;
}

/* By a hard link: @to is a name beside @path. */
int symlink(const char *to, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char whole[MAX_PATH];

	snprintf(whole, sizeof(whole), "%.*s%s", (int)(name - path), path, to);
	return CreateHardLinkA(path, whole, NULL) ? 0 : -1;
}

int memfd_create(const char *name, unsigned flags)
{
	(void)name;
	(void)flags;
	test_skip("memfd", "a file cannot become shorter that is mapped");
}

unsigned char *pages_of_file(size_t pages, int *file)
{
	(void)pages;
	*file = -1;
	return NULL;
}

void file_cut(int file, size_t pages)
{
	(void)file;
	(void)pages;
}

bool faults_need_stack(void)
{
	return true;
}

unsigned char *pages_nowhere(void)
{
	return (unsigned char *)0x500000000000ull;
}

int setenv(const char *name, const char *value, int replace)
{
	(void)replace;
	return _putenv_s(name, value);
}

int unsetenv(const char *name)
{
	return _putenv_s(name, "");
}
