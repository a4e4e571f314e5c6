/* SPDX-License-Identifier: MIT */
/*
 * The end of a handler that has interrupted a guarded module: mdi_resume() of
 * gate_pkey.S.
 */
#include "arch/context.h"

#include "arch/x86_64/frame.h"
#include "arch/x86_64/signal.h"
#include "arch/x86_64/rights.h"

#include <string.h>
#include <ucontext.h>

#define EFLAGS_RF 0x10000

/* What a frame says of the size of its vector state: struct _fpx_sw_bytes. */
#define MAGIC1_OFFSET 464
#define SIZE_OFFSET   468
#define LEGACY_SIZE   512u

/* The code segment of 64-bit programs. */
#define CS_64 0x33

static ucontext_t *saved(const struct mdi_context *context)
{
	return (ucontext_t *)(uintptr_t)context;
}

void mdi_context_settle(struct mdi_context *context, struct mdi_thread *thread,
			const struct mdi_resume_words *words, uint32_t offset)
{
	greg_t *reg = saved(context)->uc_mcontext.gregs;
	const struct mdi_open_page *page = mdi_thread_open_page(thread);

	if ((uintptr_t)reg[REG_RIP] - (uintptr_t)mdi_resume >=
	    (uintptr_t)(mdi_resume_end - mdi_resume))
		return;
	reg[REG_RAX] = (greg_t)words->rax;
	reg[REG_RCX] = (greg_t)words->rcx;
	reg[REG_RDX] = (greg_t)words->rdx;
	reg[REG_EFL] = (greg_t)words->flags;
	reg[REG_RSP] = (greg_t)words->sp;
	reg[REG_RIP] = (greg_t)page->resume;
	mdi_context_set_rights(context, offset, page->rights);
}

static uint32_t state_size(const char *area)
{
	uint32_t magic, size;

	memcpy(&magic, area + MAGIC1_OFFSET, sizeof(magic));
	memcpy(&size, area + SIZE_OFFSET, sizeof(size));
	return magic == FP_XSTATE_MAGIC1 ? size : LEGACY_SIZE;
}

/* The frame as it is by now; NULL: it does not fit. */
static ucontext_t *copy_frame(const ucontext_t *from, char *room, size_t size)
{
	ucontext_t *to = (void *)room;
	const char *area = (const char *)from->uc_mcontext.fpregs;
	char *to_area = room + ((sizeof(*to) + 63) & ~(size_t)63);
	uint32_t length;

	/* The kernel's ucontext ends with its set of signals, of 64 bits. */
	memcpy(to, from, offsetof(ucontext_t, uc_sigmask) + sizeof(uint64_t));
	if (area == NULL)
		return to;
	length = state_size(area);
	if (length > size - (size_t)(to_area - room))
		return NULL;
	memcpy(to_area, area, length);
	to->uc_mcontext.fpregs = (void *)to_area;
	return to;
}

uintptr_t mdi_context_resume(const struct mdi_context *context,
			     struct mdi_thread *thread,
			     struct mdi_resume_words *words, uint32_t offset,
			     uint32_t rights)
{
	const greg_t *reg = saved(context)->uc_mcontext.gregs;
	struct mdi_open_page *page = mdi_thread_open_page(thread);
	ucontext_t *copy;
	greg_t *to;

	if ((uint16_t)reg[REG_CSGSFS] != CS_64)
		return 0;
	copy = copy_frame(saved(context),
			  mdi_thread_block(thread->host) + T_RESUME,
			  T_RESUME_SIZE);
	if (copy == NULL)
		return 0;
	to = copy->uc_mcontext.gregs;
	words->rax = (uint64_t)to[REG_RAX];
	words->rcx = (uint64_t)to[REG_RCX];
	words->rdx = (uint64_t)to[REG_RDX];
	words->flags = (uint64_t)to[REG_EFL] & ~(uint64_t)EFLAGS_RF;
	words->sp = (uint64_t)to[REG_RSP];
	page->resume = (uint64_t)to[REG_RIP];
	to[REG_RAX] = (greg_t)(rights | (uint64_t)MDI_SELECTOR_BLOCK << 32);
	to[REG_RCX] = 0;
	to[REG_RDX] = 0;
	to[REG_EFL] = CLEAN_FLAGS_VALUE;
	to[REG_RSP] = (greg_t)(uintptr_t)words;
	mdi_context_set_pc((void *)copy, mdi_resume);
	mdi_context_set_rights((void *)copy, offset, thread->host_rights);
	return (uintptr_t)copy;
}

void mdi_context_store_again(struct mdi_context *context)
{
	greg_t *reg = saved(context)->uc_mcontext.gregs;

	reg[REG_RIP] -= (greg_t)mdi_rights_stored((uintptr_t)reg[REG_RIP]);
}

/* All instructions that enter the kernel have two bytes. */
void mdi_context_call_again(struct mdi_context *context)
{
	saved(context)->uc_mcontext.gregs[REG_RIP] -= 2;
}

/* RCX and R11 are as SYSCALL has left them. */
void mdi_context_call_result(struct mdi_context *context, intptr_t result)
{
	saved(context)->uc_mcontext.gregs[REG_RAX] = result;
}

void mdi_context_call_arguments(const struct mdi_context *context, bool narrow,
				uintptr_t out[6])
{
	static const int wide_order[6] = { REG_RDI, REG_RSI, REG_RDX,
					   REG_R10, REG_R8,  REG_R9 };
	static const int narrow_order[6] = { REG_RBX, REG_RCX, REG_RDX,
					     REG_RSI, REG_RDI, REG_RBP };
	const greg_t *reg = saved(context)->uc_mcontext.gregs;
	const int *order = narrow ? narrow_order : wide_order;

	for (int i = 0; i < 6; i++)
		out[i] = narrow ? (uint32_t)reg[order[i]]
				: (uintptr_t)reg[order[i]];
}
