/* SPDX-License-Identifier: MIT */
/* A program that exports nothing: its table of hashes has no symbol. */
long answer(void);
long answer_before(void);
__asm__(".symver answer_before, answer@LOW_1");

long start(long more);

long start(long more)
{
	return 10 * answer() + answer_before() + more;
}
