/* SPDX-License-Identifier: MIT */
/* A library that needs another one. */
#define EXPORT __attribute__((visibility("default")))

long note(long event);
long answer(void);

EXPORT long mid(void);
long mid(void)
{
	return answer() + 40;
}

__attribute__((constructor)) static void begin(void)
{
	note(2);
}

__attribute__((destructor)) static void end(void)
{
	note(-2);
}
