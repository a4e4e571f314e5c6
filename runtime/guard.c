/* SPDX-License-Identifier: MIT */
/*
 * The stack protector in a module. Its canary is a variable of the module (the
 * usual one lies in the thread's own block, which a sealed module cannot
 * read); the loader finds the variable by name and fills in random bytes.
 */
#include <stdint.h>

__attribute__((visibility("default"))) uintptr_t __stack_chk_guard =
	0x6d6f6469736f00;

void __stack_chk_fail(void);

__attribute__((noreturn)) void __stack_chk_fail(void)
{
	__builtin_trap();
}
