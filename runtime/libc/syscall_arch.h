/* SPDX-License-Identifier: MIT */
/*
 * In the place of musl's file of this name: no system call of the C library is
 * an instruction; each one is asked of syscall.c.
 */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

hidden long __modiso_syscall(long number, long a, long b, long c, long d,
			     long e);

static __inline long __syscall0(long n)
{
	return __modiso_syscall(n, 0, 0, 0, 0, 0);
}

static __inline long __syscall1(long n, long a)
{
	return __modiso_syscall(n, a, 0, 0, 0, 0);
}

static __inline long __syscall2(long n, long a, long b)
{
	return __modiso_syscall(n, a, b, 0, 0, 0);
}

static __inline long __syscall3(long n, long a, long b, long c)
{
	return __modiso_syscall(n, a, b, c, 0, 0);
}

static __inline long __syscall4(long n, long a, long b, long c, long d)
{
	return __modiso_syscall(n, a, b, c, d, 0);
}

static __inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
	return __modiso_syscall(n, a, b, c, d, e);
}

/* What is answered has five at most: of mmap(2) the offset is that of a file */
static __inline long __syscall6(long n, long a, long b, long c, long d, long e,
				long f)
{
	(void)f;
	return __modiso_syscall(n, a, b, c, d, e);
}

/* MAP_UNINITIALIZED of Linux: pages of a heap with what was in them. */
#define MODISO_AS_IT_IS 0x4000000

#define IPC_64 0
