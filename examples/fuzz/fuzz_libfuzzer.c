/* SPDX-License-Identifier: MIT */
/*
 * fuzz_libfuzzer.c - libFuzzer looks for inputs that make the module fault.
 *
 * This file and target.c are not instrumented: only the module's places count.
 * A crash is reported by AddressSanitizer's handler, with the module's PC.
 */
#include "target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* libFuzzer's own, for code that comes with dlopen(). */
void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	target_start();
	__sanitizer_cov_8bit_counters_init(
		target_counters, target_counters + target_counter_count);
	__sanitizer_cov_pcs_init(target_pcs, target_pcs + target_pc_words);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	target_run(bytes, length);
	return 0;
}
