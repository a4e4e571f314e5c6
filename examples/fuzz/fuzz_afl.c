/* SPDX-License-Identifier: MIT */
/*
 * fuzz_afl.c - the same for AFL++, in its persistent mode: one process, one
 * module, rewound between inputs.
 */
#include "afl_map.h"
#include "target.h"

#include <unistd.h>

__AFL_FUZZ_INIT();

int main(void)
{
	const uint8_t *bytes;

	target_start();
	afl_map_start();
	__AFL_INIT();
	bytes = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000)) {
		target_run(bytes, (size_t)__AFL_FUZZ_TESTCASE_LEN);
		afl_map_add();
	}
	return 0;
}
