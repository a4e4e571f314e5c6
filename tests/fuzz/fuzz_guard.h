/* SPDX-License-Identifier: MIT */
/*
 * fuzz/fuzz_guard.h - random bytes as code for a module.
 */
#ifndef TESTS_FUZZ_FUZZ_GUARD_H
#define TESTS_FUZZ_FUZZ_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What programs name: data that they want, and code to jump to. */
struct fuzz_targets {
	uintptr_t data[8], code[256];
	size_t data_count, code_count;
	/* For the register that says which rights there are to be. */
	uint32_t rights[8];
	size_t rights_count;
	/*
	 * In emulation far returns read their words with the kernel's rights,
	 * which the kernel does not survive: no byte of one, then.
	 */
	bool near_only;
};

/*
 * The program of number @seed: at most @room bytes. Some are noise from the
 * first byte on, some load registers with targets first, and some go there.
 */
size_t fuzz_guard_program(uint64_t seed, const struct fuzz_targets *targets,
			  uint8_t *to, size_t room);

#endif /* TESTS_FUZZ_FUZZ_GUARD_H */
