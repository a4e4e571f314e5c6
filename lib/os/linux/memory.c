/* SPDX-License-Identifier: MIT */
#include "os/memory.h"

#include "os/guard.h"
#include "os/linux/state.h"
#include "os/linux/sys.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * One page of an empty file, shared. Beyond the end of a file every access is
 * a SIGBUS, and mremap(2) with an old size of 0 makes another mapping of a
 * shared one: guard pages without a descriptor that would have to stay open.
 */
static struct mdi_memory_state *const own = &mdi_os_state.memory;

_Static_assert(MDI_PROT_READ == PROT_READ && MDI_PROT_WRITE == PROT_WRITE &&
		       MDI_PROT_EXEC == PROT_EXEC,
	       "the bits are the kernel's");

const char *mdi_mem_start(void)
{
	void *page;
	int fd;

	if (own->void_page != NULL)
		return NULL;
	fd = mdi_sys_memfd_create("modiso-void");
	if (fd < 0)
		return "memfd_create";
	page = mmap(NULL, MDI_PAGE_SIZE, PROT_NONE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return "mmap";
	own->void_page = page;
	return NULL;
}

void mdi_mem_stop(void)
{
	if (own->void_page != NULL)
		munmap(own->void_page, MDI_PAGE_SIZE);
	own->void_page = NULL;
}

void *mdi_mem_reserve_at(void *at, size_t length, const char **call)
{
	void *base = mmap(at, length, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*call = "mmap";
	return base == MAP_FAILED ? NULL : base;
}

void *mdi_mem_reserve(size_t length, size_t align, const char **call)
{
	size_t room, head;
	char *base;

	if (align < MDI_PAGE_SIZE)
		align = MDI_PAGE_SIZE;
	if (__builtin_add_overflow(length, align - MDI_PAGE_SIZE, &room)) {
		*call = "mmap";
		errno = ENOMEM;
		return NULL;
	}
	base = mdi_mem_reserve_at(NULL, room, call);
	if (base == NULL)
		return NULL;
	head = -(uintptr_t)base & (align - 1);
	if (head != 0 && munmap(base, head) != 0)
		goto release;
	if (room > head + length &&
	    munmap(base + head + length, room - head - length) != 0)
		goto release;
	return base + head;

release:
	*call = "munmap";
	mdi_mem_release(base, room);
	return NULL;
}

/*
 * Without MAP_NORESERVE, unlike the reservation: so the kernel never merges
 * the two, and closing committed memory never has to split a mapping.
 */
static int commit(void *base, size_t length, int prot)
{
	void *got = mmap(base, length, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return got == MAP_FAILED ? -1 : 0;
}

int mdi_mem_commit(void *base, size_t length)
{
	return commit(base, length, PROT_NONE);
}

int mdi_mem_stage(void *base, size_t length)
{
	return commit(base, length, PROT_READ | PROT_WRITE);
}

/* A reservation is a mapping that nothing but its protection keeps closed. */
int mdi_mem_use(void *base, size_t length)
{
	return mprotect(base, length, PROT_READ | PROT_WRITE);
}

/* Older kernels and headers do not know it. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void mdi_mem_populate(void *base, size_t length)
{
	int saved = errno;

	(void)madvise(base, length, MADV_POPULATE_WRITE);
	errno = saved;
}

int mdi_mem_populate_all(void *base, size_t length)
{
	int saved = errno;

	if (madvise(base, length, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno == EINVAL) { /* Linux before 5.14 */
		errno = saved;
		return 0;
	}
	if (errno == EFAULT)
		errno = ENOSPC;
	return -1;
}

int mdi_mem_decommit(void *base, size_t length)
{
	void *got = mmap(base, length, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
				 MAP_NORESERVE,
			 -1, 0);

	return got == MAP_FAILED ? -1 : 0;
}

int mdi_mem_void(void *base, size_t length)
{
	void *got = mremap(own->void_page, 0, length,
			   MREMAP_MAYMOVE | MREMAP_FIXED, base);

	return got == MAP_FAILED ? -1 : 0;
}

int mdi_guard_make(char *base)
{
	return mdi_mem_void(base, MDI_GUARD_SIZE);
}

/* As above. It does what the other one does, to locked pages as well. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

int mdi_mem_discard(void *base, size_t length)
{
	int saved = errno;

	if (madvise(base, length, MADV_DONTNEED) != 0 &&
	    (errno != EINVAL ||
	     madvise(base, length, MADV_DONTNEED_LOCKED) != 0))
		return -1;
	errno = saved;
	return 0;
}

bool mdi_mem_discard_opens(void)
{
	return false;
}

int mdi_mem_move(void *from, size_t length, void *to)
{
	void *got = mremap(from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to);

	return got == MAP_FAILED ? -1 : 0;
}

/* Since Linux 6.3; before, EINVAL. */
#ifndef PR_GET_MDWE
#define PR_GET_MDWE 66
#endif
#ifndef PR_MDWE_REFUSE_EXEC_GAIN
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

bool mdi_mem_denies_code(void)
{
	int saved = errno, mdwe = prctl(PR_GET_MDWE, 0, 0, 0, 0);

	errno = saved;
	return mdwe > 0 && (mdwe & PR_MDWE_REFUSE_EXEC_GAIN) != 0;
}

int mdi_mem_protect(void *base, size_t length, uint32_t prot)
{
	return mprotect(base, length, (int)prot);
}

int mdi_key_alloc(bool closed)
{
	return (int)syscall(SYS_pkey_alloc, 0ul,
			    closed ? (unsigned long)PKEY_DISABLE_ACCESS : 0ul);
}

int mdi_key_free(int key)
{
	return (int)syscall(SYS_pkey_free, key);
}

int mdi_mem_protect_key(void *base, size_t length, uint32_t prot, int key)
{
	return (int)syscall(SYS_pkey_mprotect, base, length, prot, key);
}

/* Without the C library on the way. 0, or an errno as a negative number. */
MDI_INLINE long key_call(const struct mdi_run *run, int key)
{
	register long key_word __asm__("r10") = key;
	long result;

	__asm__ volatile("movl %[number], %%eax\n\tsyscall"
			 : "=&a"(result)
			 : [number] "i"(SYS_pkey_mprotect), "D"(run->base),
			   "S"(run->length), "d"((long)run->prot), "r"(key_word)
			 : "rcx", "r11", "memory");
	return result;
}

/* Not in the loop: what it would have to keep costs more than the loop. */
static MDI_RARE const struct mdi_run *
refused(const struct mdi_run *run, long result)
{
	errno = (int)-result;
	return run;
}

const struct mdi_run *mdi_mem_key_runs(const struct mdi_run *run, size_t count,
				       int key)
{
	const struct mdi_run *end = run + count;
	long result;

	for (; run != end; run++) {
		result = key_call(run, key);
		if (result != 0)
			return refused(run, result);
	}
	return NULL;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Since Linux 5.14. */
bool mdi_mem_allows(uintptr_t address, bool write)
{
	uintptr_t page = address & ~((uintptr_t)MDI_PAGE_SIZE - 1);
	int saved = errno;
	bool may = madvise((void *)page, MDI_PAGE_SIZE,
			   write ? MADV_POPULATE_WRITE :
				   MADV_POPULATE_READ) == 0;

	errno = saved;
	return may;
}

bool mdi_mem_is_there(uintptr_t address)
{
	(void)address;
	return true;
}

int mdi_mem_nodump(void *base, size_t length)
{
	return madvise(base, length, MADV_DONTDUMP);
}

int mdi_mem_unmap(void *base, size_t length)
{
	return munmap(base, length);
}

void mdi_mem_release(void *base, size_t length)
{
	int saved = errno;

	munmap(base, length);
	errno = saved;
}
