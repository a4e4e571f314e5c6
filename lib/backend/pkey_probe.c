/* SPDX-License-Identifier: MIT */
/*
 * Can protection keys be used here, how many are to be had, and for what are
 * they enough? Asked by programs that may never start the library.
 */
#include "backend/pkey.h"

#include "arch/cpu.h"
#include "backend/state.h"
#include "os/dispatch.h"
#include "os/memory.h"
#include "os/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define state (mdi_open.state)

static struct mdi_pkey_state *const own = &mdi_backend_state.pkey;

/*
 * Can the kernel deliver a signal to a thread that has closed key 0, and so the
 * memory where the signal's frame goes? Linux 6.12 can; before, the process is
 * killed. A forked child finds out, once. Where none can be made the answer is
 * no, which costs a key.
 */
static void *probe_child(void *unused)
{
	mdi_probe_closed(mdi_rights_close(mdi_rights_read(), 1u << 0));
	return unused;
}

bool mdi_pkey_frames_anywhere(void)
{
	int answer;

	if (own->frames_asked)
		return own->frames_anywhere;
	answer = mdi_probe_survives(probe_child);
	own->frames_error = answer < 0 ? -answer : 0;
	own->frames_asked = answer >= 0;
	own->frames_anywhere = answer > 0;
	return own->frames_anywhere;
}

int mdi_pkey_take_keys(uint32_t most, uint32_t *keys)
{
	int count = 0, key;

	*keys = 0;
	while ((most == 0 || (uint32_t)count < most) &&
	       (key = mdi_key_alloc(false)) >= 0) {
		*keys |= 1u << key;
		count++;
	}
	return count;
}

void mdi_pkey_give_keys(uint32_t keys)
{
	for (int key = 0; key < MDI_RIGHTS_KEYS; key++)
		if (keys & (1u << key) && mdi_key_free(key) != 0)
			own->free_denied = errno;
}

/*
 * A module that is without key 0 reads the open page by a key of its own. A
 * kernel that writes signal frames with the rights of the interrupted code
 * needs one more for signal stacks.
 */
uint32_t mdi_pkey_capabilities(uint32_t keys)
{
	uint32_t bits =
		MODISO_CAP_GUARD | MODISO_CAP_PER_THREAD | MODISO_CAP_PARALLEL;
	uint32_t signal_key = !mdi_pkey_frames_anywhere();

	if (keys >= 2 + 2 * signal_key)
		bits |= MODISO_CAP_READONLY;
	if (keys >= 3 + signal_key && mdi_cpu()->others == 0)
		bits |= MODISO_CAP_SEALED;
	if (keys >= 3 && mdi_dispatch_works())
		bits |= MODISO_CAP_SYSCALLS;
	return bits;
}

/* Why not all levels of confinement, or nothing. */
static void explain(struct modiso_backend_info *info)
{
	if (!(info->caps & MODISO_CAP_READONLY) && own->frames_error != 0)
		snprintf(info->reason, sizeof(info->reason),
			 "READONLY and SEALED need 4 free keys where no child "
			 "can be made that finds out whether fewer will do: "
			 "clone(2) or wait4(2): %s; see RLIMIT_NPROC, pids.max "
			 "of the cgroup, seccomp",
			 strerror(own->frames_error));
	else if (!(info->caps & MODISO_CAP_READONLY))
		snprintf(info->reason, sizeof(info->reason),
			 "READONLY and SEALED need 4 free keys on this kernel, "
			 "which writes signal frames with the rights of the "
			 "code that is interrupted (Linux 6.12 does not)");
	else if (!(info->caps & MODISO_CAP_SEALED) &&
		 mdi_cpu_clears(mdi_cpu(), info->reason, sizeof(info->reason)))
		snprintf(info->reason, sizeof(info->reason),
			 "SEALED needs 3 free keys, the third for what gates "
			 "read with a module's rights");
	else if (!(info->caps & MODISO_CAP_SYSCALLS))
		(void)mdi_pkey_stops_calls(info->reason,
					   sizeof(info->reason));
}

int mdi_pkey_probe(struct modiso_backend_info *info)
{
	const char *why = mdi_cpu_lacks_keys(mdi_cpu());
	uint32_t keys;
	int saved = errno, denied;

	info->usable = 0;
	info->caps = 0;
	info->keys_total = 0;
	info->keys_free = 0;
	info->reason[0] = '\0';
	if (why != NULL) {
		snprintf(info->reason, sizeof(info->reason), "%s", why);
		return MODISO_ERR_NOTSUP;
	}
	info->keys_total = MDI_RIGHTS_KEYS - 1;
	errno = 0;
	info->keys_free = (uint32_t)mdi_pkey_take_keys(0, &keys);
	denied = errno;
	if (info->keys_free == 0)
		snprintf(info->reason, sizeof(info->reason),
			 "pkey_alloc(2): %s; %s", strerror(denied),
			 denied == ENOSPC
				 ? "other code in this process has taken all "
				   "keys"
				 : "a seccomp filter or container denies it");
	mdi_pkey_give_keys(keys);
	if (own->free_denied != 0 && state.backend != &mdi_backend_pkey) {
		snprintf(info->reason, sizeof(info->reason),
			 "pkey_free(2): %s; a seccomp filter or container "
			 "denies it, and keys that were asked for are lost",
			 strerror(own->free_denied));
		errno = saved;
		return MODISO_ERR_NOTSUP;
	}
	if (state.backend == &mdi_backend_pkey) {
		info->reason[0] = '\0'; /* the library itself has them */
		info->usable = 1;
	} else if (info->keys_free >= MDI_PKEY_KEYS_MIN) {
		info->usable = 1;
	} else if (info->keys_free > 0) {
		snprintf(info->reason, sizeof(info->reason),
			 "%u protection keys are free, %d are needed; other "
			 "code in this process has the rest",
			 info->keys_free, MDI_PKEY_KEYS_MIN);
	}
	if (info->usable) {
		info->caps = state.backend == &mdi_backend_pkey
				     ? own->caps
				     : mdi_pkey_capabilities(info->keys_free);
		explain(info);
	}
	errno = saved;
	if (info->usable)
		return 0;
	return denied == ENOSPC ? MODISO_ERR_NOKEY : MODISO_ERR_NOTSUP;
}
