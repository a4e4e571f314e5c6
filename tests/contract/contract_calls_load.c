/* SPDX-License-Identifier: MIT */
/*
 * contract_calls_load - what the kernel does for an image that is loaded from a
 * file: how many system calls, and how many pages it hands out, which are those
 * that the file fills. A tracer counts the calls.
 */
#include "contract/image_maker.h"
#include "contract/trace.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Code, constants, and data with RELRO in front; no initialiser. */
enum { CODE = 16, CONSTANTS = 5, DATA = 2 };

static char path[32];

static void make_file(void)
{
	const struct elf_shape shape = {CODE * PAGE, CONSTANTS * PAGE,
					DATA * PAGE, 0};
	int fd = memfd_create("image", 0);

	begin_shape(&shape);
	elf.rela[2].r_info = 0;
	elf_tag(&elf, DT_INIT_ARRAYSZ)->d_un.d_val = 0;
	must(write(fd, elf.bytes, elf.length) == (ssize_t)elf.length);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static struct modiso_image *load_file(void)
{
	struct modiso_image *image;

	expect(MODISO_OK, modiso_image_load(module, path, &options, &image));
	return image;
}

static void one_load(void)
{
	make_file();
	(void)load_file();
	mark();
	(void)load_file();
	mark();
}

/*
 * open, fstat, close; a read of the headers, and one of each segment; six
 * questions about signals; a mapping, and its pages. Then its pages are closed,
 * with keys before there are any, and become code, constants and data.
 */
START_TEST(test_calls)
{
	struct counts counts = trace(one_load);

	printf("# %u system calls, %u mprotect, %u pkey_mprotect\n", counts.all,
	       counts.mprotect, counts.keys);
	must_eq(on_pkey() ? counts.keys : counts.mprotect, 4);
	if (!TEST_SANITIZED) /* which makes some of its own */
		must_eq(counts.all - counts.keys - counts.mprotect,
			on_pkey() ? 17 : 16);
}
END_TEST

static long faults(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_minflt;
}

/* Each page once; what the library needs besides it has from the first load. */
START_TEST(test_pages)
{
	struct modiso_image *image;
	long before;

	make_file();
	image = load_file();
	expect(MODISO_OK, modiso_image_unload(image));
	before = faults();
	(void)load_file();
	before = faults() - before;
	printf("# %ld pages\n", before);
	must(before >= CODE + CONSTANTS + DATA || TEST_SANITIZED);
	must(before <= CODE + CONSTANTS + DATA + 1 || TEST_SANITIZED);
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("calls_load");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_calls);
	tcase_add_test(tcase, test_pages);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
