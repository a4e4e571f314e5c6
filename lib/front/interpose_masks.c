/* SPDX-License-Identifier: MIT */
/*
 * sigprocmask() and its kin, for every object of the process that calls them:
 * see modiso/signal.h. On a thread that is not attached they do what the C
 * library's do.
 */
#include "front/mask.h"

#include <modiso/export.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

MODISO_API int sigprocmask(int how, const sigset_t *set, sigset_t *old);
MODISO_API int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
MODISO_API int sighold(int signo);

/* Names of our own: the headers warn of those who call them. */
MODISO_API int mdi_sigblock(int mask) __asm__("sigblock");
MODISO_API int mdi_sigsetmask(int mask) __asm__("sigsetmask");

/* Returns an errno. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	uint64_t wish = 0, was = 0;
	int error;

	if (set != NULL)
		memcpy(&wish, set, sizeof(wish));
	error = mdi_mask_change(how, set != NULL ? &wish : NULL, &was);
	if (error == 0 && old != NULL)
		memcpy(old, &was, sizeof(was));
	return error;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	int error = pthread_sigmask(how, set, old);

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int sighold(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	return sigaddset(&set, signo) == 0 ? sigprocmask(SIG_BLOCK, &set, NULL)
					   : -1;
}

/* The first 32 signals. */
static int change_32(int how, int mask)
{
	uint64_t wish = (uint32_t)mask, was = 0;
	int error = mdi_mask_change(how, &wish, &was);

	if (error == 0)
		return (int)(uint32_t)was;
	errno = error;
	return -1;
}

int mdi_sigblock(int mask)
{
	return change_32(SIG_BLOCK, mask);
}

int mdi_sigsetmask(int mask)
{
	return change_32(SIG_SETMASK, mask);
}
