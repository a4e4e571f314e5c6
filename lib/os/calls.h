/* SPDX-License-Identifier: MIT */
/*
 * os/calls.h - system calls that can be made for a module: what their arguments
 * are, and why the others cannot. Numbers are those of 64-bit programs. All of
 * it is AS-Safe.
 */
#ifndef MDI_OS_CALLS_H
#define MDI_OS_CALLS_H

#include "base/common.h"

#define MDI_CALL_ARGS 6

enum mdi_call_kind {
	MDI_CALL_VALUE, /* no pointer */
	MDI_CALL_IN,    /* bytes that are read */
	MDI_CALL_BOTH,  /* and changed, all of them */
	MDI_CALL_OUT,   /* bytes that are written, as many as the result says */
	MDI_CALL_WORD   /* a word whose place counts: it is not copied */
};

/* Of a pointer: so many bytes, or as many as another argument says. */
struct mdi_call_arg {
	uint8_t kind;
	uint8_t by; /* times this argument, the first being 1; 0: none */
	uint16_t size;
};

struct mdi_call_shape {
	uint16_t number;
	bool computes; /* of the preset for modules that compute */
	struct mdi_call_arg args[MDI_CALL_ARGS];
};

/* NULL: it cannot be made for a module. */
const struct mdi_call_shape *mdi_call_shape(uint32_t number);
/* In words, why not: "it ...". */
const char *mdi_call_why_not(uint32_t number);

/*
 * Is it a form of the call that can be made? 0, or an error below 0. Arguments
 * that this form has none of become 0.
 */
int mdi_call_check(uint32_t number, uintptr_t args[MDI_CALL_ARGS]);
/* Make it: the kernel's own answer. 0 or more, or an error below 0. */
intptr_t mdi_call_make(uint32_t number, const uintptr_t args[MDI_CALL_ARGS]);

/* What a C library asks for that the host answers without the kernel. */
enum mdi_call_wish {
	MDI_CALL_WISH_NONE,
	MDI_CALL_WISH_PAGES, /* args[1] bytes of zeros, of its own */
	MDI_CALL_WISH_PAGES_AS_THEY_ARE, /* with what was in them */
	MDI_CALL_WISH_FEWER, /* those at args[0] are not needed any more */
	MDI_CALL_WISH_TEXT   /* args[2] bytes at args[1], for stream 1 or 2 */
};
/* Else ENOSYS, by the number that it has for the module, on each system. */
#define MDI_CALL_NONE 38
enum mdi_call_wish mdi_call_wish(uint32_t number, const uintptr_t args[]);

/* Architectures whose tables are known. */
#define MDI_CALL_TABLE 1024u /* numbers in one, at most */
#define MDI_CALL_X32   0x40000000u
bool mdi_call_arch_known(uint32_t arch);
uint32_t mdi_call_arch_own(void); /* of 64-bit programs */

#endif /* MDI_OS_CALLS_H */
