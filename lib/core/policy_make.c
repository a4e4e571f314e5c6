/* SPDX-License-Identifier: MIT */
/*
 * A system call that the host makes for a module. The kernel sees copies, in
 * memory of the host's, of what the module's pointers lead to: so what was
 * looked at is what is used, whatever other threads of the module write
 * meanwhile, and regions may go away.
 */
#include "core/policy.h"

#include "core/range.h"
#include "os/calls.h"

#include <errno.h>
#include <modiso/region.h>

#define BYTES_MAX 4096
#define ROOM      (BYTES_MAX + 1024)

struct piece {
	uintptr_t theirs;
	char *ours;
	size_t length;
	uint8_t kind;
};

struct making {
	const struct modiso_module *module;
	uintptr_t args[MDI_CALL_ARGS];
	struct piece piece[MDI_CALL_ARGS];
	unsigned count;
	size_t used;
	_Alignas(16) char room[ROOM];
};

static bool may(const struct making *making, uintptr_t address, size_t length,
		uint32_t access)
{
	return mdi_range_reach(making->module, address, length, access) ==
	       length;
}

/* Bytes of it; below 0: it cannot be so many. */
static intptr_t length_of(struct making *making, const struct mdi_call_arg *arg)
{
	uintptr_t *times;

	if (arg->by == 0)
		return arg->size;
	times = &making->args[arg->by - 1];
	if (*times <= BYTES_MAX / arg->size)
		return (intptr_t)(*times * arg->size);
	if (arg->kind == MDI_CALL_BOTH)
		return -EINVAL;
	*times = BYTES_MAX;
	return BYTES_MAX;
}

static int bring(struct making *making, const struct mdi_call_arg *arg,
		 uintptr_t *word)
{
	intptr_t length = length_of(making, arg);
	struct piece *piece = &making->piece[making->count];
	uint32_t access = MODISO_READ;

	if (length < 0)
		return (int)length;
	if (arg->kind == MDI_CALL_BOTH || arg->kind == MDI_CALL_OUT)
		access |= MODISO_WRITE;
	if (!may(making, *word, (size_t)length, access))
		return -EFAULT;
	if (arg->kind == MDI_CALL_WORD)
		return 0;
	*piece = (struct piece){
		.theirs = *word,
		.ours = making->room + making->used,
		.length = (size_t)length,
		.kind = arg->kind,
	};
	making->used += ((size_t)length + 15) & ~(size_t)15;
	making->count++;
	*word = (uintptr_t)piece->ours;
	if (arg->kind == MDI_CALL_OUT)
		return 0;
	return mdi_range_copy(piece->ours, (const void *)piece->theirs,
			      piece->length,
			      (const void *)piece->theirs) == 0 ?
		       0 :
		       -EFAULT;
}

static int take_back(const struct making *making, const struct piece *piece,
		     intptr_t result)
{
	size_t length = piece->length;

	if (piece->kind == MDI_CALL_IN)
		return 0;
	if (piece->kind == MDI_CALL_OUT && (size_t)result < length)
		length = result > 0 ? (size_t)result : 0;
	if (!may(making, piece->theirs, length, MODISO_READ | MODISO_WRITE) ||
	    mdi_range_copy((void *)piece->theirs, piece->ours, length,
			   (const void *)piece->theirs) != 0)
		return -EFAULT;
	return 0;
}

intptr_t mdi_policy_make(const struct modiso_module *module, uint32_t number,
			 const uintptr_t asked[MDI_CALL_ARGS])
{
	const struct mdi_call_shape *shape = mdi_call_shape(number);
	struct making making;
	intptr_t result;
	int error;

	if (shape == NULL)
		return -ENOSYS;
	making.module = module;
	making.count = 0;
	making.used = 0;
	for (unsigned i = 0; i < MDI_CALL_ARGS; i++)
		making.args[i] = asked[i];
	error = mdi_call_check(number, making.args);
	for (unsigned i = 0; i < MDI_CALL_ARGS && error == 0; i++)
		if (shape->args[i].kind != MDI_CALL_VALUE &&
		    making.args[i] != 0)
			error = bring(&making, &shape->args[i],
				      &making.args[i]);
	if (error != 0)
		return error;
	result = mdi_call_make(number, making.args);
	/* Who is interrupted hears how much is left. */
	if (result < 0 && result != -EINTR)
		return result;
	for (unsigned i = 0; i < making.count && error == 0; i++)
		error = take_back(&making, &making.piece[i], result);
	return error != 0 ? error : result;
}
