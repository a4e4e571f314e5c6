/* SPDX-License-Identifier: MIT */
/*
 * fuzz_afl.c - the same for AFL++, in its persistent mode: one kernel and one
 * module for many inputs. AFL++ forks before the kernel makes its threads.
 */
#include "fuzz_afl.h"
#include "fuzz_target.h"

#include <unistd.h>

__AFL_FUZZ_INIT();

static void loop(void)
{
	const uint8_t *bytes = __AFL_FUZZ_TESTCASE_BUF;

	while (__AFL_LOOP(10000)) {
		fuzz_one(bytes, (size_t)__AFL_FUZZ_TESTCASE_LEN);
		fuzz_afl_add();
	}
	_exit(0);
}

int main(void)
{
	fuzz_afl_start();
	__AFL_INIT();
	fuzz_start(loop);
	return 1;
}
