/* SPDX-License-Identifier: MIT */
/*
 * indirect.c - a program that has libmodiso through another library alone:
 * linked with that one, or, with its path as argument, opened later.
 */
#include <dlfcn.h>
#include <stdio.h>

int __attribute__((weak)) plugin_work(void);

int main(int argc, char **argv)
{
	int (*work)(void) = plugin_work;

	if (argc > 1) {
		void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);

		if (library == NULL) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		*(void **)&work = dlsym(library, "plugin_work");
	}
	return work == NULL ? 1 : work();
}
