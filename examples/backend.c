/* SPDX-License-Identifier: MIT */
/*
 * backend.c - ask for protection keys; accept the fallback, or refuse it.
 *
 *   cc -o backend backend.c $(pkg-config --cflags --libs libmodiso)
 *
 * With the argument "require" a machine without protection keys is an error,
 * and the reason is printed; without it the mprotect backend is good enough.
 */
#include <modiso.h>

#include <stdio.h>
#include <string.h>

static void print_backend(enum modiso_backend backend)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	if (modiso_backend_query(backend, &info) != 0)
		return;
	printf("%s: %s\n", info.name, info.usable ? "usable" : "not usable");
	if (info.reason[0] != '\0')
		printf("  %s\n", info.reason);
	if (info.usable)
		printf("  rights %s, modules %s, keys free %u of %u\n",
		       info.caps & MODISO_CAP_PER_THREAD ? "per thread"
							 : "per process",
		       info.caps & MODISO_CAP_PARALLEL ? "run in parallel"
						       : "take turns",
		       info.keys_free, info.keys_total);
}

int main(int argc, char **argv)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	int rc;

	print_backend(MODISO_BACKEND_PKEY);
	print_backend(MODISO_BACKEND_MPROTECT);

	/*
	 * What matters is better asked for than a name: rights that belong to
	 * one thread. A backend that cannot have that is then never chosen.
	 */
	if (argc > 1 && strcmp(argv[1], "require") == 0)
		options.require = MODISO_CAP_PER_THREAD;
	rc = modiso_init(&options);
	if (rc != 0) {
		printf("refused: %s: %s\n", modiso_error_name(rc),
		       modiso_last_error_text());
		return rc == MODISO_ERR_NOTSUP ? 0 : 1;
	}
	printf("running with %s\n",
	       modiso_backend_current() == MODISO_BACKEND_PKEY ? "pkey"
							       : "mprotect");
	return modiso_fini() != 0;
}
