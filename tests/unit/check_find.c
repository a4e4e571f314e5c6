/* SPDX-License-Identifier: MIT */
/*
 * check_find - memchr(), memcmp() and strlen() of a module's C library answer
 * as they should at every alignment, and touch no other page.
 */
#include "support/test.h"
#include "support/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *module_memchr(const void *bytes, int byte, size_t n);
int module_memcmp(const void *one, const void *other, size_t n);
size_t module_strlen(const char *text);

#define memchr module_memchr
#define memcmp module_memcmp
#define strlen module_strlen
#include "../../runtime/libc/find.c"
#undef memchr
#undef memcmp
#undef strlen

#define LONGEST 70

/* A page with nothing in front of it and behind it. */
static char *lonely_page(void)
{
	char *pages = mmap(NULL, 3 * PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED);
	must(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	return memset(pages + PAGE, 'x', PAGE);
}

/* From the beginning of the page on, and up to its end. */
static char *place(char *page, size_t i, size_t n)
{
	return i < LONGEST ? page + i : page + PAGE - n - (i - LONGEST);
}

START_TEST(test_find)
{
	char *page = lonely_page();

	for (size_t n = 0; n <= LONGEST; n++)
		for (size_t i = 0; i < (size_t)LONGEST + 20; i++) {
			char *at = place(page, i, n);

			must(module_memchr(at, 'y', n) == NULL);
			for (size_t k = 0; k < n; k++) {
				at[k] = (char)0x80;
				must(module_memchr(at, 0x180, n) == at + k);
				must(module_memchr(at, 0x80, k) == NULL);
				at[k] = '\0';
				must(module_strlen(at) == k);
				at[k] = 'x';
			}
		}
	/* More than there is memory, as long as it is found. */
	page[PAGE - 1] = 'y';
	must(module_memchr(page + 5, 'y', SIZE_MAX) == page + PAGE - 1);
	must(module_memchr(page + 16, 'y', SIZE_MAX - 1) == page + PAGE - 1);
}
END_TEST

START_TEST(test_compare)
{
	char *page = lonely_page(), *other = lonely_page();

	for (size_t n = 0; n <= LONGEST; n++)
		for (size_t i = 0; i < (size_t)LONGEST + 20; i++) {
			char *at = place(page, i, n);
			char *with = place(other, (i + 7) % LONGEST, n);

			must(module_memcmp(at, with, n) == 0);
			for (size_t k = 0; k < n; k++) {
				at[k] = (char)0x80;
				must(module_memcmp(at, with, n) > 0);
				must(module_memcmp(with, at, n) < 0);
				must(module_memcmp(at, with, k) == 0);
				/* The first one counts. */
				at[n - 1] = at[n - 1] == 'x' ? 'a' : (char)0x80;
				must(module_memcmp(at, with, n) > 0);
				at[k] = at[n - 1] = 'x';
			}
		}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("find");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_find);
	tcase_add_test(tcase, test_compare);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
