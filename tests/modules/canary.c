/* SPDX-License-Identifier: MIT */
/* No thread-local storage, and a stack protector that is at %fs:0x28. */
void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	__builtin_trap();
}

__attribute__((visibility("default"))) long start(long length);
__attribute__((visibility("default"))) long start(long length)
{
	volatile char buffer[16];

	for (long i = 0; i < length; i++)
		((volatile char *)buffer)[i] = 'x';
	return buffer[0];
}
