/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end of a module's C library, as the first initialiser
 * of the image and its last finaliser. modiso-cc asks the linker for it by name
 * (__modiso_libc).
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "libc.h"
#include "pthread_impl.h"
#include "syscall.h"

hidden void __modiso_tell(void);
hidden int __modiso_libc;

/*
 * The one thread, whichever of the host's it is. So no lock is taken, and none
 * stays locked when a call ends by a fault.
 */
hidden struct pthread __modiso_thread_block;
extern hidden char __modiso_thread[sizeof(struct pthread)]
	__attribute__((alias("__modiso_thread_block")));
struct pthread __modiso_thread_block;

static unsigned char seed[16];
static size_t auxiliary[] = {
	AT_PAGESZ, 4096, AT_RANDOM, (size_t)seed, 0, 0,
};
static char *no_environment[1];
int __modiso_libc;
/* By which C++ names its file when it asks for a destructor at the end. */
hidden void *__dso_handle;

static void nothing(void)
{
}

/* Those of atexit.c and __stdio_exit.c, where somebody else uses these. */
weak_alias(nothing, __funcs_on_exit);
weak_alias(nothing, __stdio_exit);

/* Before those of the C++ library, the first that a library may have (101). */
#pragma GCC diagnostic ignored "-Wprio-ctor-dtor"
__attribute__((constructor(100))) static void start(void)
{
	struct pthread *self = &__modiso_thread_block;

	libc.page_size = 4096;
	libc.auxv = auxiliary;
	__syscall(SYS_getrandom, seed, sizeof(seed), 0);
	__environ = no_environment;
	__progname = __progname_full = "module";
	self->self = self->prev = self->next = self;
	self->detach_state = DT_JOINABLE;
	self->tid = 1;
	self->locale = &libc.global_locale;
	self->robust_list.head = &self->robust_list.head;
}

__attribute__((destructor(100))) static void end(void)
{
	__funcs_on_exit();
	__stdio_exit();
	__modiso_tell();
}
