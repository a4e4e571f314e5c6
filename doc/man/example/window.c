/* SPDX-License-Identifier: MIT */
/* read(2) into a module's memory: the kernel does not wait for its turn. */
#include <modiso.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	struct modiso_module *module;
	struct modiso_region *region;
	ssize_t got = -1;
	int file = open("/proc/self/comm", O_RDONLY);

	if (file < 0 || modiso_init(NULL) != 0 ||
	    modiso_module_create("reader", NULL, &module) != 0 ||
	    modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE,
				 NULL, &region) != 0)
		return 1;
	if (modiso_window_open(region, MODISO_READ | MODISO_WRITE) != 0)
		return 1;
	got = read(file, modiso_region_base(region),
		   modiso_region_length(region));
	if (modiso_window_close(region) != 0)
		return 1;
	printf("%zd bytes\n", got);
	return got <= 0 || modiso_module_destroy(module) != 0 ||
	       modiso_fini() != 0;
}
