/* SPDX-License-Identifier: MIT */
/* A freestanding static-PIE program; its entry point is called like a gate. */
static int value = 40;
static int *pointer = &value;

int start(int more);

int start(int more)
{
	*pointer += more;
	return value;
}
