/* SPDX-License-Identifier: MIT */
#include "os/rseq.h"

#include "base/error.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of the first version, and what the C library registers on most kernels. */
#define FIRST_SIZE 32u

/* Headers may be older. */
#ifndef AT_RSEQ_FEATURE_SIZE
#	define AT_RSEQ_FEATURE_SIZE 27
#	define AT_RSEQ_ALIGN 28
#endif

static struct rseq *area(void)
{
	return (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Later C libraries register as many bytes as the kernel has a use for. */
static uint32_t later_size(void)
{
	unsigned long size = getauxval(AT_RSEQ_FEATURE_SIZE);
	unsigned long unit = getauxval(AT_RSEQ_ALIGN);

	return unit != 0 ? (uint32_t)((size + unit - 1) / unit * unit) : 0;
}

static int call(void *at, uint32_t size, int flags)
{
	return (int)syscall(SYS_rseq, at, size, flags, RSEQ_SIG);
}

/* By the C library; the kernel's answer for its area, or what it said last. */
static int unregister(void)
{
	uint32_t later = later_size();
	int result = call(area(), FIRST_SIZE, RSEQ_FLAG_UNREGISTER);

	if (result != 0 && errno == EINVAL && later > FIRST_SIZE)
		result = call(area(), later, RSEQ_FLAG_UNREGISTER);
	return result;
}

static bool is_registered(void)
{
	return (int)((volatile struct rseq *)area())->cpu_id >= 0;
}

/*
 * A thread has one area at most, and nobody tells where it is: so another one
 * is registered, to see whether it can be, and taken back at once. Where a
 * policy, or the kernel, knows no areas at all there is none.
 */
static bool has_any(void)
{
	struct rseq other __attribute__((aligned(32))) = { 0 };

	if (call(&other, FIRST_SIZE, 0) != 0)
		return errno == EINVAL || errno == EBUSY;
	(void)!call(&other, FIRST_SIZE, RSEQ_FLAG_UNREGISTER);
	return false;
}

int mdi_rseq_check(void)
{
	int saved = errno;
	bool any = has_any();

	errno = saved;
	return any ? mdi_fail(MODISO_ERR_STATE,
			      "the program has registered an area for "
			      "restartable sequences on this thread, which "
			      "modules could write to; unregister it before "
			      "the thread enters modules, see rseq(2)") :
		     0;
}

int mdi_rseq_take(bool *had)
{
	int saved = errno;

	*had = false;
	if (__rseq_size != 0) {
		*had = unregister() == 0;
		if (!*had && is_registered())
			return mdi_fail_os("rseq", "what the C library has "
						   "registered on this thread");
		errno = saved;
	}
	/* There cannot be two. */
	return *had ? 0 : mdi_rseq_check();
}

void mdi_rseq_give(void)
{
	int saved = errno;
	uint32_t later = later_size();

	/* A module may have left a sequence there, with its own address. */
	((volatile struct rseq *)area())->rseq_cs = 0;
	if (call(area(), FIRST_SIZE, 0) != 0 && errno == EINVAL &&
	    later > FIRST_SIZE)
		(void)!call(area(), later, 0);
	errno = saved;
}
