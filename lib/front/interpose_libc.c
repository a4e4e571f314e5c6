/* SPDX-License-Identifier: MIT */
/*
 * What is defined for the program as os/libc.h says: in the shared library
 * alone, whose objects libtool compiles with PIC defined.
 */
#include "os/libc.h"

#include <modiso/export.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

#ifdef PIC

#include "core/door.h"
#include "core/jump.h"
#include "front/mask.h"
#include "front/handler.h"
#include "os/linux/state.h"
#include "os/misuse.h"

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

/*
 * The C library's, which stands behind this one or, where the program has this
 * one through another library, before it. It may be neither, in a loader's
 * corner: then it is missed when it is called.
 */
static void *find(const char *name, const void *own)
{
	void *address = dlsym(RTLD_NEXT, name);

	if (address == NULL)
		address = dlsym(RTLD_DEFAULT, name);
	return address != own ? address : NULL;
}

#define FIND(name, own, type) ((type *)find(name, (void *)(uintptr_t)(own)))
typedef void mdi_plain_fn(void);

/* Before main(), so that no lock of the loader's is wanted later. */
__attribute__((constructor)) static void find_next(void)
{
	next->end[MDI_EXIT_ORDERLY] = FIND("exit", exit, mdi_end_fn);
	next->end[MDI_EXIT_QUICK] = FIND("quick_exit", quick_exit, mdi_end_fn);
	next->end[MDI_EXIT_AT_ONCE] = FIND("_exit", _exit, mdi_end_fn);
	next->abort = FIND("abort", abort, mdi_plain_fn);
	next->assert_fail = FIND("__assert_fail", __assert_fail, mdi_assert_fn);
	next->stack_chk_fail =
		FIND("__stack_chk_fail", __stack_chk_fail, mdi_plain_fn);
	next->longjmp = FIND("longjmp", mdi_longjmp, mdi_jump_fn);
	next->_longjmp = FIND("_longjmp", mdi__longjmp, mdi_jump_fn);
	next->siglongjmp = FIND("siglongjmp", mdi_siglongjmp, mdi_jump_fn);
	next->longjmp_chk = FIND("__longjmp_chk", mdi_longjmp_chk, mdi_jump_fn);
	next->cancel = FIND("pthread_cancel", pthread_cancel, mdi_cancel_fn);
	next->create = FIND("pthread_create", pthread_create, mdi_create_fn);
	next->thrd_create =
		FIND("thrd_create", thrd_create, mdi_thrd_create_fn);
	next->called = dlsym(RTLD_DEFAULT, "exit") == (void *)(uintptr_t)exit;
	next->found = true;
}

/* A constructor may run before ours. */
static void find_now(void)
{
	if (!next->found)
		find_next();
}

#define NEXT(member)                                                         \
	(find_now(), mdi_libc_must_have((void *)(uintptr_t)next->member),      \
	 next->member)

void exit(int status)
{
	mdi_door_before_exit(status, MDI_EXIT_ORDERLY);
	find_now();
	mdi_libc_exit(status, MDI_EXIT_ORDERLY);
}

void quick_exit(int status)
{
	mdi_door_before_exit(status, MDI_EXIT_QUICK);
	find_now();
	mdi_libc_exit(status, MDI_EXIT_QUICK);
}

void _exit(int status)
{
	mdi_door_before_exit(status, MDI_EXIT_AT_ONCE);
	find_now();
	mdi_libc_exit(status, MDI_EXIT_AT_ONCE);
}

void _Exit(int status)
{
	_exit(status);
}

void abort(void)
{
	mdi_door_before_abort();
	find_now();
	mdi_abort();
}

/* The sentence is printed by whoever ends: the C library prints and aborts. */
void __assert_fail(const char *assertion, const char *file, unsigned line,
		   const char *function)
{
	if (mdi_door_is_module()) {
		fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file,
			line, function ? function : "?", assertion);
		abort();
	}
	NEXT(assert_fail)(assertion, file, line, function);
	__builtin_unreachable();
}

void __stack_chk_fail(void)
{
	mdi_door_before_abort();
	NEXT(stack_chk_fail)();
	__builtin_unreachable();
}

#	define JUMP(name, how)                                                \
		void name(void *env, int value)                                \
		{                                                              \
			mdi_jump_begins(env);                             \
			mdi_mask_jumps(env);                              \
			NEXT(how)(env, value);                                 \
			__builtin_unreachable();                               \
		}
JUMP(mdi_longjmp, longjmp)
JUMP(mdi__longjmp, _longjmp)
JUMP(mdi_siglongjmp, siglongjmp)

/* Up a stack alone, but for signal stacks: ours are disarmed while in use. */
void mdi_longjmp_chk(void *env, int value)
{
	bool ours = mdi_jump_begins(env);

	mdi_mask_jumps(env);
	find_now();
	if (ours || next->longjmp_chk == NULL)
		NEXT(longjmp)(env, value);
	next->longjmp_chk(env, value);
	__builtin_unreachable();
}

int pthread_cancel(pthread_t thread)
{
	mdi_cancel_begins();
	find_now();
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
	mdi_door_before_thread();
	return NEXT(create)(thread, options, function, arg);
}
#endif

int thrd_create(thrd_t *thread, thrd_start_t function, void *arg)
{
	mdi_door_before_thread();
	return NEXT(thrd_create)(thread, function, arg);
}

#endif
