/* SPDX-License-Identifier: MIT */
/*
 * image.c - a module as an image, for the tests of each language.
 */
#define EXPORT __attribute__((visibility("default")))

extern int twice(int value);
extern void *malloc(unsigned long size);
extern void free(void *block);

EXPORT int counter = 5;

EXPORT int run(int value)
{
	return twice(value) + counter++;
}

EXPORT int use_heap(int value)
{
	int *block = malloc(sizeof(*block));
	int result;

	if (block == 0)
		return -1;
	*block = value;
	result = *block;
	free(block);
	return result;
}

EXPORT int peek(const int *pointer)
{
	return *pointer;
}
