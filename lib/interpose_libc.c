/* SPDX-License-Identifier: MIT */
/*
 * What os/libc.h says, twice: for the shared library, whose objects libtool
 * compiles with PIC defined, and for the static one.
 */
#include "os/libc.h"

#include <modiso/export.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

#ifdef PIC

#include "base/misuse.h"
#	include "state.h"

MODISO_API void exit(int status) __attribute__((noreturn));
MODISO_API void quick_exit(int status) __attribute__((noreturn));
MODISO_API void _exit(int status) __attribute__((noreturn));
MODISO_API void _Exit(int status) __attribute__((noreturn));
MODISO_API void abort(void) __attribute__((noreturn));
MODISO_API void __assert_fail(const char *assertion, const char *file,
			      unsigned line, const char *function)
	__attribute__((noreturn));
MODISO_API void __stack_chk_fail(void) __attribute__((noreturn));
MODISO_API int pthread_cancel(pthread_t thread);
MODISO_API int pthread_create(pthread_t *thread, const pthread_attr_t *options,
			      void *(*function)(void *), void *arg);
MODISO_API int thrd_create(thrd_t *thread, thrd_start_t function, void *arg);

/* Names of our own: the headers have other ideas of them. */
MODISO_API void mdi_longjmp(void *env, int value)
	__asm__("longjmp") __attribute__((noreturn));
MODISO_API void mdi__longjmp(void *env, int value)
	__asm__("_longjmp") __attribute__((noreturn));
MODISO_API void mdi_siglongjmp(void *env, int value)
	__asm__("siglongjmp") __attribute__((noreturn));
MODISO_API void mdi_longjmp_chk(void *env, int value)
	__asm__("__longjmp_chk") __attribute__((noreturn));

static struct mdi_libc_state *const next = &mdi_libc_state;

static void *find(const char *name)
{
	void *address = dlsym(RTLD_NEXT, name);

	if (address == NULL)
		mdi_misuse("a function that ends threads or processes is not "
			   "in the program's C library");
	return address;
}

/* Before main(), so that no lock of the loader's is wanted later. */
__attribute__((constructor)) static void find_next(void)
{
	next->end[MDI_EXIT_ORDERLY] = (mdi_end_fn *)find("exit");
	next->end[MDI_EXIT_QUICK] = (mdi_end_fn *)find("quick_exit");
	next->end[MDI_EXIT_AT_ONCE] = (mdi_end_fn *)find("_exit");
	next->abort = (void (*)(void))find("abort");
	next->assert_fail = (mdi_assert_fn *)find("__assert_fail");
	next->stack_chk_fail = (void (*)(void))find("__stack_chk_fail");
	next->longjmp = (mdi_jump_fn *)find("longjmp");
	next->_longjmp = (mdi_jump_fn *)find("_longjmp");
	next->siglongjmp = (mdi_jump_fn *)find("siglongjmp");
	next->longjmp_chk = (mdi_jump_fn *)dlsym(RTLD_NEXT, "__longjmp_chk");
	next->cancel = (mdi_cancel_fn *)find("pthread_cancel");
	next->create = (mdi_create_fn *)find("pthread_create");
	next->thrd_create = (mdi_thrd_create_fn *)find("thrd_create");
	next->found = true;
}

/* A constructor may run before ours. */
static void find_now(void)
{
	if (!next->found)
		find_next();
}

void mdi_libc_exit(int status, unsigned how)
{
	find_now();
	next->end[how < MDI_COUNT(next->end) ? how : MDI_EXIT_ORDERLY](status);
	__builtin_unreachable();
}

int mdi_libc_cancel(pthread_t thread)
{
	find_now();
	return next->cancel(thread);
}

void mdi_abort(void)
{
	find_now();
	next->abort();
	__builtin_unreachable();
}

void exit(int status)
{
	mdi_libc_before_exit(status, MDI_EXIT_ORDERLY);
	mdi_libc_exit(status, MDI_EXIT_ORDERLY);
}

void quick_exit(int status)
{
	mdi_libc_before_exit(status, MDI_EXIT_QUICK);
	mdi_libc_exit(status, MDI_EXIT_QUICK);
}

void _exit(int status)
{
	mdi_libc_before_exit(status, MDI_EXIT_AT_ONCE);
	mdi_libc_exit(status, MDI_EXIT_AT_ONCE);
}

void _Exit(int status)
{
	_exit(status);
}

void abort(void)
{
	mdi_libc_before_abort();
	mdi_abort();
}

/* The sentence is printed by whoever ends: the C library prints and aborts. */
void __assert_fail(const char *assertion, const char *file, unsigned line,
		   const char *function)
{
	if (mdi_libc_is_module()) {
		fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file,
			line, function ? function : "?", assertion);
		abort();
	}
	find_now();
	next->assert_fail(assertion, file, line, function);
	__builtin_unreachable();
}

void __stack_chk_fail(void)
{
	mdi_libc_before_abort();
	find_now();
	next->stack_chk_fail();
	__builtin_unreachable();
}

#	define JUMP(name, how)                                                \
		void name(void *env, int value)                                \
		{                                                              \
			mdi_libc_before_jump(env);                             \
			find_now();                                            \
			next->how(env, value);                                 \
			__builtin_unreachable();                               \
		}
JUMP(mdi_longjmp, longjmp)
JUMP(mdi__longjmp, _longjmp)
JUMP(mdi_siglongjmp, siglongjmp)

/* Up a stack alone, but for signal stacks: ours are disarmed while in use. */
void mdi_longjmp_chk(void *env, int value)
{
	bool ours = mdi_libc_before_jump(env);

	find_now();
	(ours || !next->longjmp_chk ? next->longjmp : next->longjmp_chk)(env,
									 value);
	__builtin_unreachable();
}

int pthread_cancel(pthread_t thread)
{
	mdi_libc_before_cancel();
	return mdi_libc_cancel(thread);
}

/* clang puts its sanitizers into the program, where theirs must be the one. */
#ifdef __clang__
#	if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#		define SANITIZER_CREATES 1
#	endif
#endif

#ifndef SANITIZER_CREATES
int pthread_create(pthread_t *thread, const pthread_attr_t *options,
		   void *(*function)(void *), void *arg)
{
	mdi_libc_before_thread();
	find_now();
	return next->create(thread, options, function, arg);
}
#endif

int thrd_create(thrd_t *thread, thrd_start_t function, void *arg)
{
	mdi_libc_before_thread();
	find_now();
	return next->thrd_create(thread, function, arg);
}

#else

void mdi_libc_exit(int status, unsigned how)
{
	switch (how) {
	case MDI_EXIT_AT_ONCE:
		_exit(status);
	case MDI_EXIT_QUICK:
		quick_exit(status);
	default:
		exit(status);
	}
}

void mdi_abort(void)
{
	abort();
}

int mdi_libc_cancel(pthread_t thread)
{
	return pthread_cancel(thread);
}

#endif
