/* SPDX-License-Identifier: MIT */
/* A module as people write them: plain C that knows nothing of libmodiso. */
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Services of the host. */
long uart_write(const char *text, long length);
void note(long event);

static const char *const names[] = {"zero", "one", "two", "three"};
static volatile int counter = 5;
static volatile char large[3 * 4096 + 100];

int (*operation)(int, int);

static int add(int a, int b)
{
	return a + b;
}

static int multiply(int a, int b)
{
	return a * b;
}

static int (*const operations[])(int, int) = {add, multiply};

__attribute__((constructor)) static void start(void)
{
	counter += 100;
	large[sizeof(large) - 1] = 42;
	operation = multiply;
	note(1);
}

__attribute__((destructor)) static void stop(void)
{
	note(2);
}

EXPORT int count(void)
{
	return counter++;
}

EXPORT int last_of_bss(void)
{
	return large[sizeof(large) - 1];
}

EXPORT int calculate(unsigned which, int a, int b)
{
	return operations[which & 1](a, b) + operation(a, b);
}

EXPORT long speak(unsigned which)
{
	char line[64];

	strcpy(line, "number ");
	strcat(line, names[which & 3]);
	return uart_write(line, (long)strlen(line));
}

EXPORT double half(double x)
{
	return x / 2;
}

EXPORT long smash(long length)
{
	char line[16];

	memset(line, 'x', (size_t)length);
	return uart_write(line, 1);
}

EXPORT void poke(volatile int *where)
{
	*where = 1;
}

EXPORT int memory(void)
{
	char a[100], b[100];

	memset(a, 7, sizeof(a));
	memcpy(b, a, sizeof(b));
	memmove(a + 1, a, 50);
	return memcmp(a, b, sizeof(a)) == 0 && memchr(b, 8, 100) == NULL &&
	       strcmp("abc", "abd") < 0 && strncmp("abc", "abd", 2) == 0 &&
	       strchr(names[2], 'w') == names[2] + 1;
}

static int fast(void)
{
	return 1234;
}

/* clang does not see that it is named below. */
__attribute__((used)) static int (*choose(void))(void)
{
	return counter >= 0 ? fast : NULL;
}

EXPORT int chosen(void) __attribute__((ifunc("choose")));

/* Chosen by what the CPU is, as the compiler's own code finds it out. */
#if defined(__clang__)
#define CLONES
#else
#define CLONES __attribute__((target_clones("avx2", "default")))
#endif
CLONES EXPORT int cloned(int x);
CLONES EXPORT int cloned(int x)
{
	return 3 * x;
}

EXPORT int call_chosen(void)
{
	return chosen();
}
