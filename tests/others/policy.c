/* SPDX-License-Identifier: MIT */
/*
 * policy.c - systems that refuse other things than system calls.
 *
 *   policy mdwe       no memory becomes executable: prctl(PR_SET_MDWE)
 *   policy noproc     /proc is empty
 *   policy closed     close_range(3, ~0U) at every step
 *   policy nothing
 *
 * Status 0: all of it works. 2: refused, with the reason. 77: this kernel has
 * no such policy.
 */
#include "policy.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN (1UL << 0)
#endif

static void not_here(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(77);
}

static void empty_proc(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0 &&
	    unshare(CLONE_NEWNS) != 0)
		not_here("unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/proc", "tmpfs", 0, NULL) != 0)
		not_here("an empty /proc");
}

static void close_all(void)
{
	if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0)
		not_here("close_range");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "nothing";
	int closed = strcmp(what, "closed") == 0;

	if (strcmp(what, "mdwe") == 0 &&
	    prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
		not_here("PR_SET_MDWE");
	if (strcmp(what, "noproc") == 0)
		empty_proc();
	if (closed)
		close_all();
	need("init", modiso_init(NULL));
	if (closed) {
		close_all();
		make_module();
		close_all();
		use("with all descriptors closed");
		need("snapshot", modiso_snapshot_take(the_module));
		close_all();
		need("snapshot", modiso_snapshot_restore(the_module));
		use("with all descriptors closed");
		return 0;
	}
	policy_work(1);
	return 0;
}
