/* SPDX-License-Identifier: MIT */
/* A module that no loader takes: it writes PKRU. */
__attribute__((visibility("default"), noinline)) void escape(void)
{
	__asm__ volatile("wrpkru" : : "a"(0), "c"(0), "d"(0));
}
