/* SPDX-License-Identifier: MIT */
/*
 * fuzz_libfuzzer.c - libFuzzer looks for inputs that make the module fault. Its
 * loop runs on a thread of the kernel, so an input is a call.
 */
#include "fuzz_target.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* libFuzzer's own: its loop, and what code that is loaded later tells it. */
int LLVMFuzzerRunDriver(int *argc, char ***argv,
			int (*one)(const uint8_t *bytes, size_t length));
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

static int main_argc;
static char **main_argv;

/* How an input that takes too long is seen: on the thread that runs it. */
static void set_alarm(int how)
{
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(how, &alarm, NULL);
}

static int one(const uint8_t *bytes, size_t length)
{
	static int is_ready;

	/* By now libFuzzer has started a thread of its own, which has it blocked. */
	if (!is_ready)
		set_alarm(SIG_UNBLOCK);
	is_ready = 1;
	fuzz_one(bytes, length);
	return 0;
}

static void loop(void)
{
	__sanitizer_cov_8bit_counters_init(fuzz_counters,
					   fuzz_counters + fuzz_counter_count);
	__sanitizer_cov_pcs_init(fuzz_pcs, fuzz_pcs + 2 * fuzz_counter_count);
	exit(LLVMFuzzerRunDriver(&main_argc, &main_argv, one));
}

int main(int argc, char **argv)
{
	main_argc = argc;
	main_argv = argv;
	set_alarm(SIG_BLOCK);
	fuzz_start(loop);
	return 1;
}
