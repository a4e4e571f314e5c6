/* SPDX-License-Identifier: MIT */
/*
 * native.c - entries of modules for the tests, as a library of the host's.
 */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

int64_t mix(int8_t a, uint16_t b, double c, int64_t d, float e, uint32_t f)
{
	return a + 10 * (int64_t)b + 100 * (int64_t)c + 1000 * d +
	       10000 * (int64_t)e + 100000 * (int64_t)f;
}

double half(double value)
{
	return value / 2;
}

float half_float(float value)
{
	return value / 2;
}

size_t length(const char *string)
{
	size_t n = 0;

	while (string[n] != '\0')
		n++;
	return n;
}

void *same(void *pointer)
{
	return pointer;
}

int increment(int *counter)
{
	return ++*counter;
}

int call(int (*service)(int), int value)
{
	return service(value) + 1;
}

double call_double(double (*service)(double, int), double value)
{
	return service(value, 2) + 1;
}

int call_then_touch(int (*service)(int), int value, int *pointer)
{
	return service(value) + *pointer;
}

/* A signal of the process's, and then a fault, or not. */
double signal_then(double touch)
{
	raise(SIGUSR1);
	if (touch != 0)
		*(volatile int *)8 = 0;
	return touch;
}

void spin(volatile int *go_on)
{
	while (*go_on)
		;
}
