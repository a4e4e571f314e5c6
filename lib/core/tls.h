/* SPDX-License-Identifier: MIT */
/*
 * core/tls.h - thread-local storage of modules.
 *
 * A module whose image has some (PT_TLS) has a TLS block for each thread that
 * enters it, and FS leads there while the module runs:
 *
 *	region of the module's, readable and writable
 *	+--------+----------------------------+-----------------+
 *	| unused | variables, as in the image | TCB, zeros      |
 *	+--------+----------------------------+-----------------+
 *	                                      ^ thread pointer
 *
 * The first bytes at the thread pointer are what code of x86-64 expects there:
 * the pointer itself, the stack protector's word, the word that jump buffers
 * are hidden behind. One is for the services' thunks: the address of the
 * thread's block in the library (frame.h: TCB_*). The rest of TCB_ROOM bytes is
 * for a C library in the module. All of it is the module's, so nothing that
 * lies there is believed with keys; the thread pointer itself is kept in the
 * thread's block, as a stack is: in a link without a domain, the module's
 * second one (struct mdi_tls, word).
 *
 * A TLS block is made as a stack is, by the thread's first call, and is the
 * thread's until it is detached or the last image goes that needs one. The next
 * thread does not get what was left there: an old one makes room and a new one
 * is made.
 */
#ifndef MDI_CORE_TLS_H
#define MDI_CORE_TLS_H

#include "core/module.h"
#include "core/thread.h"

/* Bytes above the thread pointer. */
#define MDI_TCB_ROOM 1024u

/* The most that an image may have, for each thread. */
#define MDI_TLS_MAX ((size_t)1 << 20)

/* As the program header says it, and checked: what each thread begins with. */
struct mdi_tls_image {
	const void *bytes; /* the first @filled ones of @size; copied */
	size_t filled, size;
	size_t align; /* a power of two, a page at most */
};

/* A module's. */
struct mdi_tls {
	/*
	 * In a thread's block: mdi_thread_link()->stack of it is the pointer
	 * less @word, so that a gate that found 0 there would load no 0, which
	 * a module can make of FS by a selector.
	 */
	uint32_t word;
	uint32_t users; /* images; 0: they have gone before the gates */
	size_t filled;
	size_t below, above; /* bytes on either side of the thread pointer */
	void *bytes; /* @filled of them, in the vault; NULL: none */
	struct mdi_stack *old; /* of threads that have gone */
};

/*
 * The library's lock is held in all of these.
 *
 * The module has TLS from now on. 0; MODISO_ERR_NOTSUP, an image has some;
 * MODISO_ERR_BUSY, a gate exists or a thread is inside; MODISO_ERR_LIMIT, no
 * link is left; MODISO_ERR_NOMEM.
 */
int mdi_tls_begin(struct modiso_module *module,
		  const struct mdi_tls_image *image);
/* One more image needs what the module has. */
void mdi_tls_share(struct modiso_module *module);
/*
 * One needs it no more. With the last one it ends, unless gates load it or a
 * thread is inside: an image that fails while it is loaded cannot wait for
 * them. Then it stays until another one begins, or the module ends.
 */
void mdi_tls_unshare(struct modiso_module *module);
/* A module ends, with all its pages. */
void mdi_tls_free(struct modiso_module *module);

/* The thread's block, made unless it is there; 0 or a code. */
int mdi_tls_attach(struct mdi_thread *thread, struct modiso_module *module);

/* The thread's pointer inside the module; 0: it has not been there. */
static inline uint64_t mdi_tls_pointer(const struct mdi_thread *thread,
				       const struct modiso_module *module)
{
	uint64_t word = module->tls->word;
	uint64_t distance = mdi_thread_link(thread, (uint32_t)word)->stack;

	return distance == 0 ? 0 : word + distance;
}

/* A block that is the thread's no more; @stack is the record of it. */
void mdi_tls_retire(struct mdi_thread *thread, struct mdi_stack *stack);

#endif /* MDI_CORE_TLS_H */
