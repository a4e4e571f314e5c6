/* SPDX-License-Identifier: MIT */
/*
 * A thread-local variable, or none (WITHOUT_TLS), and an initialiser that asks
 * the host whether to go on.
 */
#ifdef WITHOUT_TLS
#define MODEL
#else
#define MODEL _Thread_local
#endif

static MODEL volatile long variable = 5;

long note(long event);

#ifndef WITHOUT_TLS
/* Where the host's own variables would be. */
static MODEL volatile char room[16384];

typedef long host_function(long a, long b, long c);

__attribute__((visibility("default"))) long
call_host(host_function *function, long at, long word, long a, long b, long c);
__attribute__((visibility("default"))) long
call_host(host_function *function, long at, long word, long a, long b, long c)
{
	char *pointer;

	room[0] = 1;
	__asm__("movq %%fs:0, %0" : "=r"(pointer));
	for (int i = 0; i < 2; i++)
		((volatile long *)(void *)(pointer + at))[i] = word;
	return function(a, b, c);
}
#endif

static __attribute__((constructor)) void begin(void)
{
	variable++;
	if (note(0) != 0)
		__builtin_trap();
}

__attribute__((visibility("default"))) long start(long value);
__attribute__((visibility("default"))) long start(long value)
{
	variable += note(value);
	return variable;
}

__attribute__((visibility("default"))) long
many(long a, long b, long c, long d, long e, long f, long g, long h, long i);
__attribute__((visibility("default"))) long
many(long a, long b, long c, long d, long e, long f, long g, long h, long i)
{
	return variable + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g +
	       8 * h + note(9 * i);
}

/* Nothing of it is at the thread pointer. */
__attribute__((visibility("default"))) long same(long value);
__attribute__((visibility("default"))) long same(long value)
{
	return value;
}
