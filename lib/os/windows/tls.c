/* SPDX-License-Identifier: MIT */
/*
 * Thread-local variables of the library (MDI_TLS). GCC has none for Windows:
 * where one is used it calls __emutls_get_address(), which posix.h makes the
 * function below.
 *
 * libgcc's has them in the heap, and gives them back too early: of a thread
 * that CreateThread() has made, destructors of pthread keys come after that.
 * The library's own is one, others may call gates, and they were given what is
 * somebody else's by then. It would also call malloc() at a variable's first
 * use, which may be in the middle of serving a fault.
 *
 * So they lie in what the system has for each thread from its beginning to its
 * end: a part of the section .tls, all zero at first.
 */
#include "os/critical.h"
#include "os/lock.h"

/* As GCC writes it for each variable (struct __emutls_object). */
struct variable {
	size_t size, align;
	size_t place; /* 0: it has none yet; else one more than where it is */
	const void *initial; /* NULL: all zero */
};

void *mdi_thread_local(struct variable *variable);

#define ROOM  ((size_t)1024)
#define ALIGN ((size_t)16)

/* What each thread's is made from. The C runtime's files have the rest. */
static char room[ROOM] __attribute__((section(".tls$M"), aligned(ALIGN)));
extern char *_tls_start;
extern uint32_t _tls_index;

/* How much of it has been given out, and who gives. It nests in any lock. */
static size_t given;
static struct mdi_lock giving;

static MDI_RARE size_t find_place(struct variable *variable)
{
	mdi_critical_begin();
	mdi_lock(&giving);
	if (variable->place == 0) {
		/* More than there was when ROOM was written. */
		if (variable->initial != NULL || variable->align > ALIGN ||
		    variable->size > ROOM - given)
			__builtin_trap();
		__atomic_store_n(&variable->place, given + 1, __ATOMIC_RELEASE);
		given += (variable->size + ALIGN - 1) & -ALIGN;
	}
	mdi_unlock(&giving);
	mdi_critical_end();
	return variable->place;
}

/* ThreadLocalStoragePointer of the TEB: one for each DLL and the program. */
static char *own_room(void)
{
	char **rooms;

	__asm__("movq %%gs:0x58, %0" : "=r"(rooms));
	return rooms[_tls_index] + (room - (char *)&_tls_start);
}

void *mdi_thread_local(struct variable *variable)
{
	size_t place = __atomic_load_n(&variable->place, __ATOMIC_ACQUIRE);

	if (place == 0)
		place = find_place(variable);
	return own_room() + place - 1;
}
