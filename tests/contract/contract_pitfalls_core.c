/* SPDX-License-Identifier: MIT */
/*
 * contract_pitfalls_core - a way out of those in contract_pitfalls: the kernel
 * writes the memory of the process to a file, with the rights of who ends it.
 */
#include "contract/raw_call.h"
#include "support/proc.h"
#include "support/world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel writes all memory that the thread it ends has rights to. */
MODULE_CODE static uintptr_t by_core_dump(uintptr_t tid)
{
	const struct rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};

	CALL(SYS_prlimit64, 0, RLIMIT_CORE, &limit, 0);
	CALL(SYS_prctl, PR_SET_DUMPABLE, 1);
	CALL(SYS_tgkill, CALL(SYS_getpid, 0), tid, SIGQUIT);
	for (;;)
		;
	return 0;
}

/* Else it goes to a program, or nowhere. */
static bool goes_to_file(void)
{
	char pattern[128] = "";
	int file = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	bool is = file >= 0 && read(file, pattern, sizeof(pattern) - 1) > 0 &&
		  !strcmp(pattern, "core\n");

	close(file);
	return is;
}

/* In the file that it has left behind here. */
static bool core_has(pid_t pid, uint64_t wanted)
{
	static uint64_t words[8192];
	char path[32] = "core";
	bool has = false;
	ssize_t length;
	int file = open(path, O_RDONLY);

	if (file < 0) {
		snprintf(path, sizeof(path), "core.%d", (int)pid);
		file = open(path, O_RDONLY);
	}
	must(file >= 0);
	while (!has && (length = read(file, words, sizeof(words))) > 0)
		for (size_t i = 0; i < (size_t)length / 8; i++)
			has |= words[i] == wanted;
	close(file);
	unlink(path);
	return has;
}

static atomic_int other_tid;

static void *wait_for_ever(void *unused)
{
	other_tid = gettid();
	for (;;)
		pause();
	return unused;
}

/* What comes by the pipe is in the host's region, and nowhere else. */
static void leave_core(int from, bool by_other)
{
	struct modiso_module *module = world_module();
	struct modiso_region *hosts = make_region(NULL, PAGE, "hosts");

	other_tid = gettid();
	if (by_other) {
		other_tid = 0;
		thread_start(wait_for_ever, NULL);
	}
	while (other_tid == 0)
		;
	must(read(from, region_bytes(hosts), 8) == 8);
	(void)enter(make_gate(module, by_core_dump), (uintptr_t)other_tid);
}

/* Its own thread's has not the host's memory; that of a host's thread has. */
START_TEST(test_core_dump)
{
	char directory[] = "core-XXXXXX";
	uint64_t word;
	int ends[2], status;
	bool written;
	pid_t pid;

	must(mkdtemp(directory) && !chdir(directory) && !pipe(ends));
	pid = fork();
	if (pid == 0) {
		leave_core(ends[0], _i);
		_exit(1);
	}
	must(getrandom(&word, sizeof(word), 0) == sizeof(word));
	must(write(ends[1], &word, 8) == 8);
	must(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	must_eq(WTERMSIG(status), SIGQUIT);
	written = goes_to_file() && WCOREDUMP(status);
	if (written)
		must_eq(core_has(pid, word), _i);
	must(!chdir("..") && !rmdir(directory));
	if (!written)
		test_skip("core", "the kernel writes no core dump to a file");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("pitfalls_core");
	TCase *tcase = tcase_create("contract");

	if (on_pkey())
		tcase_add_loop_test(tcase, test_core_dump, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
